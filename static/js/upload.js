// An upload that shows how far it is and can be stopped. The form is sent as it would be without this,
// and the page that answers takes this one's place.
import { announce } from "./announce.js";
import { size } from "./file-drop.js";
import { isSignIn } from "./sign-in.js";
import { swapPage } from "./slot-swap.js";

const SPEAK_EVERY_PERCENT = 25;

function panel(form, label) {
  const box = document.createElement("div");
  box.className = "upload";
  const text = document.createElement("p");
  text.className = "small";
  const bar = document.createElement("progress");
  bar.max = 100;
  bar.value = 0;
  bar.setAttribute("aria-label", label);
  const stop = document.createElement("button");
  stop.type = "button";
  stop.className = "button button-secondary button-small";
  stop.textContent = "Cancel the upload";
  box.append(text, bar, stop);
  form.querySelector(".actions").before(box);
  return { box, text, bar, stop };
}

function swap(request, form) {
  const answer = new DOMParser().parseFromString(request.responseText, "text/html");
  const slot = form.closest("section")?.id;
  const page = swapPage(answer, form);
  if (request.status >= 400) return;
  history.replaceState(null, "", request.responseURL);
  announce(page.querySelector(".notice.tone-success")?.textContent.trim() ?? "The file was added.");
  const section = slot && document.getElementById(slot);
  section?.setAttribute("tabindex", "-1");
  section?.focus();
}

function send(form) {
  const file = form.querySelector("input[type=file]").files[0];
  const button = form.querySelector("button[type=submit]");
  const { box, text, bar, stop } = panel(form, `Upload of ${file.name}`);
  const request = new XMLHttpRequest();
  const stay = (event) => event.preventDefault();
  let spoken = 0;

  const end = (sentence) => {
    window.removeEventListener("beforeunload", stay);
    box.remove();
    delete form.dataset.sending;
    button.removeAttribute("aria-disabled");
    if (sentence) announce(sentence, { error: true });
    if (sentence) button.focus();
  };
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    const percent = Math.floor((100 * loaded) / total);
    bar.value = percent;
    text.textContent = percent < 100
      ? `${percent} % of ${size(file.size)} sent`
      : "Sent. The file is being checked; this can take a minute.";
    if (percent - spoken >= SPEAK_EVERY_PERCENT) {
      spoken = percent;
      announce(text.textContent);
    }
  });
  request.addEventListener("load", () => {
    end();
    if (isSignIn(request.responseURL)) location.assign(request.responseURL);
    else if (request.status < 400 || request.status === 422) swap(request, form);
    else announce("The file was not added. Reload the page and try again.", { error: true });
  });
  request.addEventListener("error", () =>
    end("The connection failed, and the file was not added. It is still chosen: try again in a moment."),
  );
  request.addEventListener("abort", () => end("The upload was cancelled. Nothing was added."));
  stop.addEventListener("click", () => request.abort());

  form.dataset.sending = "yes";
  button.setAttribute("aria-disabled", "true");
  text.textContent = `Sending ${size(file.size)} …`;
  window.addEventListener("beforeunload", stay);
  request.open("POST", form.action);
  request.send(new FormData(form));
  stop.focus();
}

/** Sending the form without a file would leave the page, and end what is on its way in parts. */
function sayThatNoneIsChosen(form, input) {
  const row = form.closest("section")?.querySelector("[data-uploads] [data-live]");
  announce(row ? `${row.dataset.name} is on its way already.` : "Choose a file first.", { error: !row });
  input.focus();
}

export function startUploads(root) {
  for (const form of root.querySelectorAll("form[data-upload]")) {
    const input = form.querySelector("input[type=file]");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!input.files.length) sayThatNoneIsChosen(form, input);
      else if (!form.dataset.sending) send(form);
    });
  }
}
