// The secret of a one-time link stands in the fragment of the address, which no browser sends. It is put into the form,
// and taken out of the address, so that it stays in no history. Without this file it can be typed.
(() => {
  "use strict";

  const code = document.querySelector("#link-code input");
  const secret = new URLSearchParams(location.hash.slice(1)).get("token");
  if (secret && code && !code.value) code.value = secret;
  if (secret) history.replaceState(null, "", location.pathname);
  if (code?.value && !document.querySelector("#link-code.wrong")) document.getElementById("link-code").hidden = true;
})();
