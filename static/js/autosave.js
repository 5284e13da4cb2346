// A form that saves itself part by part while it is filled in. What could not be saved stays on the page, says so,
// and is sent again; nothing typed is lost to a dead line or an ended session.
import { announce } from "./announce.js";
import { isSignIn } from "./sign-in.js";

const TYPING_MS = 800;
const RETRY_MS = 15_000;
const PATIENCE_MS = 30_000;

const WORDS = {
  line: "Not saved: the connection failed. What you wrote stays on this page and is sent again by itself.",
  session: "Not saved: you are signed out. Sign in in another tab; what you wrote stays on this page and is then saved.",
  other: "Not saved. What you wrote stays on this page; press Save to try again.",
};

/** A sign-in elsewhere changes the token: take the one of the page as it would be served now. */
async function renewToken(form) {
  const answer = await fetch(location.pathname, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (isSignIn(answer.url)) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const token = page.querySelector("[name=csrfmiddlewaretoken]")?.value;
  if (token) form.querySelector("[name=csrfmiddlewaretoken]").value = token;
  return Boolean(token);
}

class Autosave {
  #unsaved = new Set();
  #timer = 0;
  #saving = null;
  #told = "";

  constructor(form) {
    this.form = form;
    form.addEventListener("input", ({ target }) => this.#touched(target));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      for (const part of form.querySelectorAll("[data-part]")) this.#unsaved.add(part);
      this.#save().then((isSaved) => isSaved && announce("Saved."));
    });
    window.addEventListener("online", () => this.#save());
    window.addEventListener("beforeunload", (event) => {
      if (this.#unsaved.size && form.isConnected) event.preventDefault();
    });
    document.addEventListener("visibilitychange", () => {
      if (this.#unsaved.size) this.#save();
    });
  }

  #touched(field) {
    this.#unsaved.add(field.closest("[data-part]"));
    this.#wait(field.type === "radio" || field.type === "checkbox" ? 0 : TYPING_MS);
  }

  #wait(milliseconds) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#save(), milliseconds);
  }

  /** Send what is not saved; true when the server has all of it. */
  async #save() {
    while (this.#saving) await this.#saving;
    if (!this.#unsaved.size) return true;
    clearTimeout(this.#timer);
    this.#saving = this.#send([...this.#unsaved]);
    const isSaved = await this.#saving;
    this.#saving = null;
    return isSaved;
  }

  async #send(parts) {
    this.#unsaved.clear();
    try {
      let answer = await this.#post(parts);
      if ((answer.status === 403 || isSignIn(answer.url)) && (await renewToken(this.form))) answer = await this.#post(parts);
      if (answer.ok && !isSignIn(answer.url)) return this.#saved(await answer.text());
      if (answer.status === 422) return this.#failed(parts, (await answer.json()).problem, false);
      return this.#failed(parts, isSignIn(answer.url) || answer.status === 403 ? WORDS.session : WORDS.other);
    } catch {
      return this.#failed(parts, WORDS.line);
    }
  }

  #post(parts) {
    const all = new FormData(this.form);
    const wanted = new Set(parts.flatMap((part) => [...part.querySelectorAll("[name]")].map(({ name }) => name)));
    const body = new FormData();
    for (const [name, value] of all) if (wanted.has(name) || name === "csrfmiddlewaretoken") body.append(name, value);
    return fetch(this.form.action, {
      method: "POST",
      body,
      headers: { "X-Autosave": "yes" },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  }

  #saved(shown) {
    const fresh = new DOMParser().parseFromString(shown, "text/html").querySelector("[data-autosave-shown]");
    const old = document.querySelector("[data-autosave-shown]");
    if (fresh && old && !old.contains(document.activeElement)) old.replaceWith(document.importNode(fresh, true));
    this.#tell(this.#unsaved.size ? "" : "Saved.");
    return true;
  }

  #failed(parts, words, again = true) {
    for (const part of parts) this.#unsaved.add(part);
    this.#tell(words, true);
    if (again) this.#wait(RETRY_MS);
    return false;
  }

  #tell(words, isError = false) {
    const place = this.form.querySelector("[data-autosave-status]");
    place.textContent = words;
    place.classList.toggle("is-unsaved", isError);
    if (isError && words !== this.#told) announce(words, { error: true });
    this.#told = isError ? words : "";
  }
}

export function startAutosave(root) {
  for (const form of root.querySelectorAll("form[data-autosave]")) new Autosave(form);
}
