// Measures the line: random bytes go the way that videos go, in pieces that take about a second each.
const AIMED_MS = 1000;
const PATIENCE_MS = 30_000;
const MOST_BREAKS = 3;
const PAUSE_MS = 1000;
const MOST_RANDOM = 65_536; // as many as the browser makes at once

let bytes = new Uint8Array(0);

// Random, so that nothing on the way can make them smaller.
function piece(length) {
  if (bytes.length < length) {
    bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += MOST_RANDOM) crypto.getRandomValues(bytes.subarray(at, at + MOST_RANDOM));
  }
  return bytes.subarray(0, length);
}

function put(url, body, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    request.open("PUT", url);
    request.timeout = PATIENCE_MS;
    request.addEventListener("load", () => (request.status < 300 ? resolve() : reject(new Error(request.status))));
    for (const end of ["error", "timeout", "abort"]) request.addEventListener(end, () => reject(new Error(end)));
    request.addEventListener("loadend", () => signal.removeEventListener("abort", stop));
    signal.addEventListener("abort", stop);
    request.send(body);
  });
}

// The longest piece that takes about a second; the first ones grow step by step.
function nextRung(pieces, rung, pace) {
  const wanted = (pace * AIMED_MS) / 1000;
  let next = Math.min(rung + 2, pieces.length - 1);
  while (next > 0 && pieces[next].bytes > wanted) next -= 1;
  return next;
}

/** Send `trial.pieces` again and again; tells `arrived` of each: {bytes, began, took} in milliseconds. */
export async function measure(trial, { arrived, signal }) {
  const { pieces, seconds, mostBytes, ticket } = trial;
  const start = performance.now();
  const samples = [];
  let sent = 0;
  let breaks = 0;
  let rung = 0;
  while (performance.now() - start < 1000 * seconds && sent < mostBytes && breaks < MOST_BREAKS) {
    const { bytes: length, url } = pieces[rung];
    const body = piece(length);
    const began = performance.now();
    try {
      await put(url, body, signal);
    } catch {
      if (signal.aborted) return null;
      breaks += 1;
      rung = 0;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      continue;
    }
    const took = performance.now() - began;
    sent += length;
    samples.push({ bytes: length, began: Math.round(began - start), took: Math.max(1, Math.round(took)) });
    arrived(samples);
    rung = nextRung(pieces, rung, (1000 * length) / took);
  }
  return { ticket, samples, breaks };
}
