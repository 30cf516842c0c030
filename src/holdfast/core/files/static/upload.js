// Enhancement only: without this file the form itself brings small files. With it the file goes to the API as it is, of
// any size, and how far it has come is shown.
(() => {
  "use strict";

  const say = (form, text) => {
    form.querySelector("[data-progress]").hidden = false;
    form.querySelector("[data-told]").textContent = text;
  };

  const problem = (request) => {
    try {
      return JSON.parse(request.responseText).detail;
    } catch {
      return "The upload did not work. Try it again.";
    }
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const input = form.querySelector("[data-upload]");
    const file = input?.files[0];
    if (!file) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const bar = form.querySelector("progress");
    const button = form.querySelector("button");
    const request = new XMLHttpRequest();
    request.open("POST", `${input.dataset.upload}?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("X-CSRF-Token", form.elements.csrf_token?.value ?? "");
    request.upload.addEventListener("progress", (step) => {
      if (!step.lengthComputable) return;
      bar.value = Math.floor((100 * step.loaded) / step.total);
      say(form, step.loaded === step.total ? "Being looked at…" : `${bar.value} %`);
    });
    request.addEventListener("load", () => {
      if (request.status === 201) {
        window.location.assign(`/console/files/${JSON.parse(request.responseText).id}`);
        return;
      }
      button.disabled = false;
      say(form, problem(request));
    });
    request.addEventListener("error", () => {
      button.disabled = false;
      say(form, "The connection broke. Try it again.");
    });
    button.disabled = true;
    bar.value = 0;
    say(form, "0 %");
    request.send(file);
  }, true);
})();
