// The secret of a link stands in the fragment, which is not sent: it is put into the form and out of the address.
const code = new URLSearchParams(location.hash.slice(1)).get("token");
if (code) {
  document.getElementById("field-token").value = code;
  document.getElementById("link-code").hidden = true;
  history.replaceState(null, "", location.pathname);
}
