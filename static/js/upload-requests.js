// What the browser asks of the server about an upload, and what its refusals mean.
import { isSignIn } from "./sign-in.js";

const PATIENCE_MS = 30_000;

/** The server says no, with a sentence for the candidate. */
export class Refused extends Error {}

/** There is no such upload any more: it was finished, cancelled or given up elsewhere. */
export class Ended extends Error {}

/** Nobody is signed in any more. */
export class SignedOut extends Error {}

/** The chosen file was moved, changed or unplugged. */
export class Unreadable extends Error {}

let newerToken = null;

// A sign-in in another tab changes the token; the page itself has the new one.
async function renewToken() {
  const answer = await fetch(location.pathname, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (isSignIn(answer.url)) throw new SignedOut();
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  newerToken = page.querySelector("[name=csrfmiddlewaretoken]")?.value ?? null;
}

async function send(url, { method, body, home }) {
  const token = newerToken ?? home.querySelector("[name=csrfmiddlewaretoken]").value;
  const answer = await fetch(url, {
    method,
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (isSignIn(answer.url)) throw new SignedOut();
  return answer;
}

async function read(answer) {
  if (answer.status === 404) throw new Ended();
  if (answer.status === 409 || answer.status === 422) throw new Refused((await answer.json()).problem);
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
  return answer.status === 204 ? null : answer.json();
}

/** Ask for an operation on an upload; `home` is the slot's, which knows where to ask. */
export async function ask(home, body) {
  const request = { method: "POST", body, home };
  let answer = await send(home.dataset.sign, request);
  if (answer.status === 403) {
    await renewToken();
    answer = await send(home.dataset.sign, request);
  }
  return read(answer);
}

/** What has become of an upload: its state, and the reason when it was refused. */
export const stateOf = async (url, home) => read(await send(url, { method: "GET", home }));

/** Throw the parts of an upload away, on the server. */
export async function abandon(home, { key, uploadId }) {
  const signed = await ask(home, { operation: "abort", key, uploadId });
  const answer = await fetch(signed.url, {
    method: signed.method,
    headers: signed.headers,
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (isSignIn(answer.url)) throw new SignedOut();
  if (answer.ok || answer.status === 404) return;
  throw meaningOf(Object.assign(new Error(), { status: answer.status, body: await answer.text() }));
}

/** The digest of a part, for the header S3 calls x-amz-checksum-sha256. */
export async function digestOf(part) {
  let bytes;
  try {
    bytes = await part.arrayBuffer();
  } catch {
    throw new Unreadable();
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return btoa(String.fromCharCode(...digest));
}

/** The S3 error of a failed request as one of ours; what may pass by itself stays as it is. */
export function meaningOf(error) {
  if (error.status === 404) return new Ended();
  if (error.status !== 409 && error.status !== 422) return error;
  const answer = new DOMParser().parseFromString(error.body ?? "", "application/xml");
  return new Refused(answer.querySelector("Message")?.textContent || "The upload was not accepted.");
}
