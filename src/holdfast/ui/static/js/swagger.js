// Starts Swagger UI on the element that names the description to show.
window.addEventListener("DOMContentLoaded", () => {
  const element = document.getElementById("swagger");
  window.SwaggerUIBundle({
    domNode: element,
    url: element.dataset.description,
    deepLinking: true,
    filter: true,
    displayRequestDuration: true,
    docExpansion: "none",
    defaultModelsExpandDepth: 0,
    persistAuthorization: false,
    validatorUrl: null,
    presets: [window.SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
  });
});
