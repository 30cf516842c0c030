// Enhancements only: every page works without this file.
(() => {
  "use strict";

  const announce = (text) => {
    const region = document.getElementById("announcer");
    if (region) region.textContent = text;
  };

  // The appearance changes at once. The cookie is written here and not by an answer, which may come after the next page
  // was asked for.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-theme-form]") || !event.submitter) return;
    event.preventDefault();
    const theme = event.submitter.value;
    const life = theme === "system" ? 0 : 365 * 24 * 3600;
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `theme=${theme}; max-age=${life}; path=/; samesite=lax${secure}`;
    document.documentElement.dataset.theme = theme;
    for (const button of document.querySelectorAll("[data-theme-form] button")) {
      button.setAttribute("aria-pressed", String(button.value === theme));
    }
    announce(`Appearance: ${event.submitter.textContent.trim()}`);
  });

  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method !== "post") return;
    if (event.target.dataset.sent) {
      event.preventDefault();
      return;
    }
    event.target.dataset.sent = "yes";
    event.submitter?.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      form.querySelector("[aria-busy]")?.removeAttribute("aria-busy");
    }
  });

  // What was typed when the session had ended is in the form again after signing in, if the same person does. It stays
  // in this tab; the version that it was made from is among it, so that nobody's change is lost.
  const DRAFT = "draft";
  const SIGN_IN = "/console/sign-in";
  const person = () => document.querySelector(".person-panel")?.firstElementChild.textContent.replace(/\s+/g, " ");
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !form.matches(".form:not([enctype])") || !person()) return;
    const controls = [...form.elements].filter((each) => each.name && each.type !== "password" && each.name !== "csrf_token");
    const fields = controls.map((each) => [each.name, each.value]);
    sessionStorage.setItem(DRAFT, JSON.stringify({ action: form.action, person: person(), fields }));
  });
  const draft = JSON.parse(sessionStorage.getItem(DRAFT));
  if (draft && location.pathname === SIGN_IN) {
    sessionStorage.setItem(DRAFT, JSON.stringify({ ...draft, kept: true }));
  } else if (draft) {
    sessionStorage.removeItem(DRAFT);
    const form = [...document.querySelectorAll("form.form")].find((each) => each.action === draft.action);
    if (draft.kept && form && draft.person === person()) {
      for (const [name, value] of draft.fields) if (form.elements[name]) form.elements[name].value = value;
      const notice = document.createElement("div");
      notice.className = "notice info";
      notice.setAttribute("role", "status");
      notice.textContent = "What you had typed is in the form again. It is not saved yet.";
      (form.closest(".card") ?? form).before(notice);
    }
  }

  // An open panel closes with Escape, or when something outside it is used.
  const panels = () => document.querySelectorAll("details[data-panel][open]");
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const panel of panels()) {
      panel.open = false;
      panel.querySelector("summary").focus();
    }
  });
  document.addEventListener("click", (event) => {
    for (const panel of panels()) if (!panel.contains(event.target)) panel.open = false;
  });

  // After a page came back with errors, the summary is where reading goes on; after paging, the list is.
  document.querySelector("[data-focus]")?.focus();
  document.addEventListener("htmx:after:swap", (event) => {
    const source = event.detail?.ctx?.sourceElement;
    const results = document.getElementById("results");
    if (results && source && source.closest(".pager")) {
      results.focus({ preventScroll: true });
      results.scrollIntoView({ block: "start" });
    }
    const status = results?.querySelector("[data-announce]");
    if (status) announce(status.textContent.trim().replace(/\s+/g, " "));
  });

  // An answer that is no list (the session ended, the server is busy) is shown as the page that it is.
  document.addEventListener("htmx:before:response", (event) => {
    const ctx = event.detail?.ctx;
    if (!ctx?.response || (ctx.response.status < 400 && !ctx.response.raw.redirected)) return;
    event.preventDefault();
    window.location.assign(ctx.request.action);
  });
})();
