// The scoring page: nothing a scorer marks is lost to a dead line, an ended session or a second tab.
// The form saves itself through htmx; here is what happens when that fails.
import { isSignIn } from "./sign-in.js";

const RETRY_MS = 15_000;
const form = document.querySelector("[data-scoring]");

const words = {
  line: "Not saved: the connection failed. Your marks stay on this page and are sent again by themselves.",
  session: "Not saved: you are signed out. Sign in in another tab; your marks stay on this page and are then saved.",
  tab: "This packet is open in another tab or window, and was saved there. Reload this page before you go on here.",
  other: "Not saved. Your marks stay on this page; press Save to try again.",
};

let unsaved = false;
let leaving = false;
let stale = false;
let retry = 0;

/** Says beside the progress what went wrong; the next answer of the server takes its place. */
function tell(text) {
  const place = form.querySelector(".scoring-saved");
  place.textContent = text;
  place.classList.add("is-unsaved");
}

function failed(text) {
  unsaved = true;
  tell(text);
  clearTimeout(retry);
  retry = setTimeout(saveQuietly, RETRY_MS);
}

function saved() {
  unsaved = false;
  clearTimeout(retry);
  channel.postMessage("saved");
}

/** A sign-in elsewhere changes the token: take the one of the page as it would be served now. */
async function takeNewToken() {
  const answer = await fetch(location.pathname, { credentials: "same-origin" });
  if (isSignIn(answer.url)) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const token = page.querySelector("[name=csrfmiddlewaretoken]")?.value;
  if (!token) return false;
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
  document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
  return true;
}

const send = () =>
  fetch(form.dataset.scoring, {
    method: "POST",
    body: new FormData(form),
    headers: { "HX-Request": "true" },
    credentials: "same-origin",
  });

/** Sends the marks; true when the server has them, or will say itself what is wrong with them. */
async function save() {
  try {
    let answer = await send();
    if ((answer.status === 403 || isSignIn(answer.url)) && (await takeNewToken())) answer = await send();
    if (isSignIn(answer.url) || answer.status === 403) failed(words.session);
    else if (answer.ok) {
      form.querySelector("#scoring-progress").innerHTML = await answer.text();
      saved();
      return true;
    } else return answer.status === 409 || answer.status === 422;
  } catch {
    failed(words.line);
  }
  return false;
}

async function saveQuietly() {
  if (unsaved && !stale && !(await save())) tell(words.other);
}

function refused(xhr) {
  if (xhr.status === 409) {
    unsaved = false;
    tell(xhr.responseText);
  } else if (xhr.status === 403) void save();
  else failed(words.other);
}

const channel = new BroadcastChannel(`scoring ${location.pathname}`);

if (form) {
  channel.addEventListener("message", () => {
    stale = true;
    tell(words.tab);
  });
  form.addEventListener("input", () => {
    unsaved = true;
  });
  form.addEventListener("htmx:beforeRequest", (event) => {
    if (!stale) return;
    event.preventDefault();
    tell(words.tab);
  });
  form.addEventListener("htmx:beforeSwap", (event) => {
    if (!isSignIn(event.detail.xhr.responseURL)) return;
    event.detail.shouldSwap = false;
    failed(words.session);
  });
  form.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (detail.successful && !isSignIn(detail.xhr.responseURL)) saved();
  });
  form.addEventListener("htmx:sendError", () => failed(words.line));
  form.addEventListener("htmx:responseError", ({ detail }) => refused(detail.xhr));

  // Marks are final: they go only when the server is there to take them.  Heard at the document, so
  // that the question whether to submit, which stops the event at the form, comes first.
  document.addEventListener("submit", async (event) => {
    if (event.target !== form || event.defaultPrevented) return;
    event.preventDefault();
    if (stale) return tell(words.tab);
    if (!(await save())) return form.querySelector(".scoring-saved").scrollIntoView({ block: "center" });
    leaving = true;
    form.submit();
  });

  window.addEventListener("online", saveQuietly);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) void saveQuietly();
  });
  window.addEventListener("beforeunload", (event) => {
    if (unsaved && !leaving && !stale) event.preventDefault();
  });
}
