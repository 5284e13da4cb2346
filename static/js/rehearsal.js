// The rehearsal's page: the line is measured as one watches, and a clip shows how far it is.
import { announce } from "./announce.js";
import { size } from "./file-drop.js";
import { measure } from "./line-trial.js";
import { swapPage } from "./slot-swap.js";

const TICK_MS = 250;
const PATIENCE_MS = 30_000;
const SPEAK_EVERY_PERCENT = 25;
const SENTENCES = {
  signedOut: "You are signed out. Reload the page to sign in, and measure again.",
  failed: "The measurement could not begin: the site cannot be reached. Check your connection and try again.",
  broke: "The line broke off before anything could be measured. Try another place or network, and measure again.",
  clipFailed: "The connection failed, and the clip did not arrive. It is still chosen: try again in a moment.",
  clipStale: "The clip was not taken. Reload the page and try again.",
};

/** In the unit in which lines are sold. */
function speed(bytesPerSecond) {
  const rate = (8 * bytesPerSecond) / 1e6;
  if (rate >= 10) return `${Math.round(rate)} Mbit/s`;
  return `${rate.toFixed(rate >= 0.1 ? 1 : 2)} Mbit/s`;
}

async function ask(section) {
  const answer = await fetch(section.dataset.trial, {
    method: "POST",
    headers: { "X-CSRFToken": section.querySelector("[name=csrfmiddlewaretoken]").value },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (new URL(answer.url).pathname.startsWith("/accounts/") || answer.status === 403) {
    return { problem: SENTENCES.signedOut };
  }
  return answer.ok || answer.status === 409 ? answer.json() : { problem: SENTENCES.failed };
}

// Width is time and height is speed, so the area of a bar is what arrived.
function draw(group, samples, milliseconds) {
  const box = group.ownerSVGElement.viewBox.baseVal;
  const fastest = Math.max(...samples.map(({ bytes, took }) => bytes / took));
  group.replaceChildren(
    ...samples.map(({ bytes, began, took }) => {
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      const height = (0.92 * box.height * bytes) / took / fastest;
      bar.setAttribute("x", (box.width * began) / milliseconds);
      bar.setAttribute("y", box.height - height);
      bar.setAttribute("width", Math.max(0.5, (0.96 * box.width * took) / milliseconds));
      bar.setAttribute("height", height);
      return bar;
    }),
  );
}

function send(form, { ticket, samples, breaks }) {
  form.elements.ticket.value = ticket;
  form.elements.samples.value = JSON.stringify(samples.map(({ bytes, began, took }) => [bytes, began, took]));
  form.elements.breaks.value = breaks;
  form.requestSubmit();
}

function tell(section, sentence) {
  const place = section.querySelector("[data-measuring-problem]");
  place.textContent = sentence;
  place.hidden = !sentence;
}

async function run(section) {
  const panel = section.querySelector("[data-measuring]");
  const button = section.querySelector("[data-measure]");
  const stop = section.querySelector("[data-stop]");
  const detail = panel.querySelector("[data-measuring-detail]");
  const meter = panel.querySelector("progress");
  const bars = panel.querySelector("[data-bars]");
  const stopped = new AbortController();
  const onStop = () => stopped.abort();
  let timer = 0;

  tell(section, "");
  bars.replaceChildren();
  meter.value = 0;
  detail.textContent = "Asking where the bytes go …";
  panel.hidden = false;
  button.hidden = true;
  stop.addEventListener("click", onStop);
  stop.focus();
  let found = null;
  try {
    const trial = await ask(section);
    if (trial.problem) {
      tell(section, trial.problem);
    } else if (!stopped.signal.aborted) {
      announce("Measuring the line.");
      const milliseconds = 1000 * trial.seconds;
      const start = performance.now();
      let now = "";
      const show = () => {
        const left = Math.max(0, milliseconds - (performance.now() - start));
        meter.value = 100 - (100 * left) / milliseconds;
        detail.textContent = `${now || "The first bytes are on their way"} · ${Math.ceil(left / 1000)} s left`;
      };
      timer = setInterval(show, TICK_MS);
      found = await measure(trial, {
        signal: stopped.signal,
        arrived(samples) {
          const { bytes, took } = samples.at(-1);
          now = speed((1000 * bytes) / took);
          draw(bars, samples, Math.max(milliseconds, performance.now() - start));
          show();
        },
      });
      if (found && !found.samples.length) tell(section, SENTENCES.broke);
    }
  } catch {
    tell(section, SENTENCES.failed);
  }
  clearInterval(timer);
  stop.removeEventListener("click", onStop);
  if (found?.samples.length) {
    meter.value = 100;
    detail.textContent = "Measured. One moment …";
    send(section.querySelector("[data-measured]"), found);
    return;
  }
  panel.hidden = true;
  button.hidden = false;
  button.focus();
  if (stopped.signal.aborted) announce("Stopped. Nothing was measured.");
}

function startLine(section) {
  const button = section.querySelector("[data-measure]");
  section.querySelector("[data-without-script]").hidden = true;
  button.hidden = false;
  button.addEventListener("click", () => run(section));
}

function showAnswer(request) {
  if (new URL(request.responseURL).pathname.startsWith("/accounts/")) {
    location.assign(request.responseURL);
    return "";
  }
  if (request.status >= 400 && request.status !== 409 && request.status !== 422) return SENTENCES.clipStale;
  swapPage(new DOMParser().parseFromString(request.responseText, "text/html"));
  const said = document.querySelector("#clip .notice-title, #clip .field-error li, .form-errors h2");
  if (said) announce(said.textContent.trim());
  document.getElementById("clip")?.focus();
  return "";
}

function sendClip(form, file) {
  const panel = form.querySelector("[data-sending]");
  const detail = panel.querySelector("[data-sending-detail]");
  const meter = panel.querySelector("progress");
  const problem = form.querySelector("[data-sending-problem]");
  const button = form.querySelector("button[type=submit]");
  const request = new XMLHttpRequest();
  let spoken = 0;

  const say = (sentence) => {
    problem.textContent = sentence;
    problem.hidden = !sentence;
  };
  const end = (sentence) => {
    delete form.dataset.sending;
    panel.hidden = true;
    button.removeAttribute("aria-disabled");
    say(sentence);
  };
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    const percent = Math.floor((100 * loaded) / total);
    meter.value = percent;
    detail.textContent =
      percent < 100 ? `${percent} % of ${size(file.size)} sent` : "Sent. The clip is being looked at …";
    if (percent - spoken < SPEAK_EVERY_PERCENT) return;
    spoken = percent;
    announce(detail.textContent);
  });
  request.addEventListener("load", () => end(showAnswer(request)));
  request.addEventListener("error", () => end(SENTENCES.clipFailed));

  say("");
  form.dataset.sending = "yes";
  button.setAttribute("aria-disabled", "true");
  meter.value = 0;
  detail.textContent = `Sending ${size(file.size)} …`;
  panel.hidden = false;
  request.open("POST", form.action);
  request.send(new FormData(form));
}

function startClip(form) {
  form.addEventListener("submit", (event) => {
    const [file] = form.querySelector("input[type=file]").files;
    if (!file) return; // the page that answers says what is missing
    event.preventDefault();
    if (form.dataset.sending) return;
    if (file.size <= Number(form.dataset.maxBytes)) {
      sendClip(form, file);
      return;
    }
    const problem = form.querySelector("[data-sending-problem]");
    problem.textContent = `The clip has ${size(file.size)}, and ${size(Number(form.dataset.maxBytes))} are the most. Ten seconds are enough.`;
    problem.hidden = false;
  });
}

function start(root) {
  for (const section of root.querySelectorAll("[data-line]")) startLine(section);
  for (const form of root.querySelectorAll("form[data-clip]")) startClip(form);
}

if (window.htmx) document.addEventListener("htmx:load", (event) => start(event.detail.elt));
else start(document);
