// Short messages in one live region. A view says them with the HX-Trigger header:
// {"announce": "Saved"} or {"announce": {"text": "...", "error": true}}.
const VISIBLE_MS = 6000;

export function announce(text, { error = false } = {}) {
  const region = document.getElementById("announcements");
  const message = document.createElement("p");
  message.textContent = text;
  if (error) message.className = "is-error";
  region.replaceChildren(message);
  if (!error) setTimeout(() => message.remove(), VISIBLE_MS);
}

export function startAnnouncements() {
  document.addEventListener("announce", ({ detail }) => {
    const { text, value, error } = detail ?? {};
    announce(text ?? value ?? "", { error: Boolean(error) });
  });
  // A session that ended answers with the sign-in page, which would pass for "saved".
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    const answeredBy = detail.xhr?.responseURL;
    if (!answeredBy || !new URL(answeredBy).pathname.startsWith("/accounts/login/")) return;
    announce("Not saved: you are signed out. Send the form to sign in again.", { error: true });
  });
  document.addEventListener("htmx:responseError", () =>
    announce("Not saved. Reload the page and try again.", { error: true }),
  );
  document.addEventListener("htmx:sendError", () =>
    announce("Not saved: the connection failed. Try again in a moment.", { error: true }),
  );
}
