// Parts of a page that change by themselves: a file that is being checked and drawn. The page asks how far it
// is, more and more seldom while nothing happens, and stops when there is nothing left to wait for.
import { announce } from "./announce.js";
import { isSignIn } from "./sign-in.js";

const PAUSES_MS = [1500, 2000, 3000, 5000, 5000, 10_000, 15_000];
const PATIENCE_MS = 30_000;

/** The addresses that are being asked already. */
const followed = new Set();

const waiting = (url) => [...document.querySelectorAll("[data-follow]")].filter((part) => part.dataset.follow === url);

const rest = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

// Nobody looks at a page in the background, so it need not ask.
const seen = () =>
  document.hidden
    ? new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }))
    : Promise.resolve();

const named = (root, name) => [...root.querySelectorAll("[data-fresh]")].find((part) => part.dataset.fresh === name);

/** Put `fresh` where `old` is; the focus stays on the same link or button. */
function put(old, fresh) {
  const reachable = (part) => [...part.querySelectorAll("a[href], button, summary, video, input")];
  const held = reachable(old).indexOf(document.activeElement);
  const part = document.importNode(fresh, true);
  old.replaceWith(part);
  window.htmx?.process(part);
  part.dispatchEvent(new CustomEvent("htmx:load", { bubbles: true, detail: { elt: part } }));
  if (held >= 0) reachable(part)[held]?.focus();
}

/** Put what changed where it belongs; true when something did. */
function update(answer) {
  let changed = false;
  for (const fresh of answer.querySelectorAll("[data-fresh]")) {
    const old = named(document, fresh.dataset.fresh);
    if (!old || old.isEqualNode(fresh)) continue;
    changed = true;
    const before = old.dataset.state;
    put(old, fresh);
    if (before !== fresh.dataset.state && fresh.dataset.said) announce(fresh.dataset.said.trim());
  }
  return changed;
}

async function ask(url) {
  const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (isSignIn(answer.url) || answer.status === 404) return null;
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

async function follow(url) {
  followed.add(url);
  for (let round = 0; waiting(url).length; round += 1) {
    await rest(PAUSES_MS[Math.min(round, PAUSES_MS.length - 1)]);
    await seen();
    if (!waiting(url).length) break;
    try {
      const answer = await ask(url);
      if (!answer) break;
      if (update(answer)) round = 0;
    } catch {
      // The line broke; what is shown is still true, and the next round asks again.
    }
  }
  followed.delete(url);
}

export function startFollowing(root) {
  const parts = [...root.querySelectorAll("[data-follow]")];
  if (root.matches?.("[data-follow]")) parts.push(root);
  for (const { dataset } of parts) if (!followed.has(dataset.follow)) follow(dataset.follow);
}
