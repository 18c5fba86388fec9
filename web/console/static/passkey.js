// Passkeys: has the browser ask for one and sends what it says. A form with data-passkey says what for: "get" to sign in, "create" to add one.
(() => {
  "use strict";
  if (!window.PublicKeyCredential) return;
  const bytes = (s) => Uint8Array.from(atob(s.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (b) => btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const named = (all) => (all || []).map((c) => ({ ...c, id: bytes(c.id) }));

  const asked = async (form) => {
    if (form.dataset.options) return { ceremony: form.elements.ceremony.value, options: JSON.parse(form.dataset.options) };
    const res = await fetch(form.dataset.ask, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    return res.json();
  };

  const credential = async (how, key) => {
    key.challenge = bytes(key.challenge);
    if (how === "get") return navigator.credentials.get({ publicKey: { ...key, allowCredentials: named(key.allowCredentials) } });
    return navigator.credentials.create({ publicKey: { ...key, user: { ...key.user, id: bytes(key.user.id) }, excludeCredentials: named(key.excludeCredentials) } });
  };

  const said = (c) => {
    const r = c.response, response = { clientDataJSON: text(r.clientDataJSON) };
    if (r.attestationObject) {
      response.attestationObject = text(r.attestationObject);
      response.transports = r.getTransports ? r.getTransports() : [];
    } else {
      response.authenticatorData = text(r.authenticatorData);
      response.signature = text(r.signature);
      if (r.userHandle) response.userHandle = text(r.userHandle);
    }
    return JSON.stringify({ id: c.id, rawId: text(c.rawId), type: c.type, authenticatorAttachment: c.authenticatorAttachment || undefined, clientExtensionResults: {}, response });
  };

  document.querySelectorAll("form[data-passkey]").forEach((form) => {
    const problem = form.querySelector("[data-problem]");
    form.hidden = false;
    form.addEventListener("submit", async (e) => {
      e.preventDefault();
      if (form.dataset.busy) return;
      form.dataset.busy = "1";
      problem.hidden = true;
      try {
        const a = await asked(form);
        if (a.problem) throw new Error(a.problem);
        const c = await credential(form.dataset.passkey, a.options.publicKey);
        form.elements.ceremony.value = a.ceremony;
        form.elements.answer.value = said(c);
        form.submit();
      } catch (err) {
        problem.textContent = err instanceof DOMException || !err.message ? problem.dataset.problem : err.message;
        problem.hidden = false;
        delete form.dataset.busy;
      }
    });
  });
})();
