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
