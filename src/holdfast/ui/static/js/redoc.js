// Starts ReDoc on the element that names the description to show.
window.addEventListener("DOMContentLoaded", () => {
  const element = document.getElementById("redoc");
  const font = '"Inter", system-ui, sans-serif';
  window.Redoc.init(
    element.dataset.description,
    {
      disableSearch: false,
      hideDownloadButton: false,
      nativeScrollbars: true,
      theme: { typography: { fontFamily: font, headings: { fontFamily: font } }, colors: { primary: { main: "#0b5f6b" } } },
    },
    element,
  );
});
