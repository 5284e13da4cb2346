// Large files go in parts: a row for each beside its slot, one after another, and on from where they stopped.
import { announce } from "./announce.js";
import { freshPage, swapSlot } from "./slot-swap.js";
import { Transfer, verdictOn } from "./transfer.js";
import { Refused, abandon } from "./upload-requests.js";
import { addRow, show } from "./upload-row.js";

const REFRESH_MS = 5000;

/** The files on their way from this page, by the row that shows them, in the order they were chosen. */
const transfers = new Map();

function next() {
  const under = [...transfers.values()];
  if (!under.some((transfer) => transfer.isRunning)) under.find((transfer) => transfer.state === "waiting")?.go();
}

window.addEventListener("beforeunload", (event) => {
  if ([...transfers.values()].some(({ isRunning, state }) => isRunning || state === "waiting")) event.preventDefault();
});

const viewOf = ({ file, state, bytes, pace, problem }) => ({
  name: file.name,
  total: file.size,
  state,
  bytes,
  pace,
  problem,
});

const viewAgain = (row, state, problem = "") => ({
  name: row.dataset.name,
  total: Number(row.dataset.size),
  bytes: Number(row.dataset.bytes),
  state,
  problem,
});

function remove(row) {
  const list = row.closest("ul");
  const hadFocus = row.contains(document.activeElement);
  const section = row.closest("section");
  row.remove();
  list.hidden = !list.children.length;
  if (!hadFocus) return;
  const input = nextFile(section);
  if (!input) section.setAttribute("tabindex", "-1");
  (input ?? section).focus();
}

async function refresh(row) {
  const slot = row.closest("section").id;
  let answer = null;
  while (!(answer = await freshPage())) await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
  delete row.dataset.live;
  swapSlot(answer, slot);
}

async function awaitVerdict(row, home) {
  const { state, problem } = await verdictOn(row.dataset.stateUrl, home);
  if (!row.isConnected) return;
  if (state === "refused") show(row, viewAgain(row, "refused", problem));
  if (state === "taken") announce(`${row.dataset.name} was added.`);
  if (state !== "refused") await refresh(row);
}

// The server knows a file by a tidier name than the browser does, so a row of the same upload may be there.
function claim(row, id) {
  if (row.dataset.uploadId === id) return;
  row.parentElement.querySelector(`[data-upload-id="${id}"]`)?.remove();
  row.dataset.uploadId = id;
}

function changed(row, home, transfer, { progress }) {
  if (transfer.id) claim(row, transfer.id);
  if (transfer.stateUrl) row.dataset.stateUrl = transfer.stateUrl;
  if (transfer.isOver) transfers.delete(row);
  if (transfer.state === "cancelled") {
    announce(`The upload of ${transfer.file.name} was cancelled. Nothing of it is kept.`);
    remove(row);
  } else {
    show(row, viewOf(transfer));
  }
  if (transfer.state === "completing") awaitVerdict(row, home);
  if (!progress) next();
}

function begin(file, home, row, replaces) {
  transfers.get(row)?.forget();
  transfers.delete(row);
  row.dataset.live = "yes";
  const transfer = new Transfer(file, home, replaces, (changing, how) => changed(row, home, changing, how));
  transfers.set(row, transfer);
  transfer.queue();
}

// The same file again is the same upload: it goes on in the row that is there.
function take(file, home, replaces) {
  const list = home.querySelector("ul");
  const known = [...list.children].find(
    (row) =>
      row.dataset.name === file.name &&
      Number(row.dataset.size) === file.size &&
      ["open", "paused", "stopped", "ended", "refused"].includes(row.dataset.state),
  );
  const running = [...list.children].some(
    (row) => row !== known && row.dataset.name === file.name && Number(row.dataset.size) === file.size,
  );
  if (running) announce(`${file.name} is on its way already.`);
  else begin(file, home, known ?? wired(addRow(list, file.name), home), replaces);
}

async function discard(row, home) {
  const key = row.dataset.uploadId;
  try {
    await abandon(home, { key, uploadId: key });
    announce(`The upload of ${row.dataset.name} was cancelled. Nothing of it is kept.`);
    remove(row);
  } catch (error) {
    const sentence = error instanceof Refused && error.message;
    announce(sentence || "The upload could not be cancelled just now. Try again in a moment.", { error: true });
  }
}

const cancel = (row, home) => (transfers.has(row) ? transfers.get(row).cancel() : discard(row, home));

/** Where the next file of a slot is chosen, if it takes one. */
const nextFile = (section) => section.querySelector("form[data-upload]:not([data-replaces]) input[type=file]");

/** Where the file of an upload is chosen again: beside the file it replaces, or where the next one is chosen. */
function inputOf(row) {
  const section = row.closest("section");
  const replacing = row.dataset.replaces && section.querySelector(`form[data-replaces="${row.dataset.replaces}"]`);
  return replacing ? replacing.querySelector("input[type=file]") : nextFile(section);
}

// Hours of sending are not thrown away by one slip of the finger.
function askAndCancel(row, home) {
  const dialog = row.closest("section").querySelector("dialog[data-cancel-upload]");
  dialog.returnValue = "";
  dialog.addEventListener("close", () => dialog.returnValue === "confirm" && cancel(row, home), { once: true });
  dialog.showModal();
}

function wired(row, home) {
  row.addEventListener("click", ({ target }) => {
    const transfer = transfers.get(row);
    switch (target.closest("[data-do]")?.dataset.do) {
      case "pause":
        transfer.pause();
        break;
      case "resume":
        transfer.queue();
        break;
      case "choose":
        inputOf(row)?.click();
        break;
      case "cancel":
        if (Number(row.dataset.bytes)) askAndCancel(row, home);
        else cancel(row, home);
        break;
      case "dismiss":
        remove(row);
        break;
    }
  });
  return row;
}

// A file of one part has nothing to go on from: it is sent with the form, and the answer is there at once.
function choose(form) {
  const home = form.closest("section").querySelector("[data-uploads]");
  const input = form.querySelector("input[type=file]");
  const files = [...input.files];
  if (files.length < 2 && files.every((file) => file.size <= Number(home.dataset.onePart))) return;
  input.value = "";
  form.querySelector(".file-drop-list").replaceChildren();
  for (const file of files) take(file, home, form.dataset.replaces);
}

export function startResumable(root) {
  for (const home of root.querySelectorAll("[data-uploads]")) {
    const section = home.closest("section");
    for (const row of home.querySelectorAll("li")) {
      wired(row, home);
      const state = row.dataset.state === "open" && !inputOf(row) ? "kept" : row.dataset.state;
      show(row, viewAgain(row, state, row.dataset.problem));
      if (row.dataset.state === "completing") awaitVerdict(row, home);
    }
    const next = nextFile(section);
    if (next && "several" in home.dataset) {
      next.multiple = true;
      next.form.querySelector(".file-drop-hint").textContent = "Drop files here, or choose them from your computer.";
    }
    for (const form of section.querySelectorAll("form[data-upload]")) {
      form.querySelector("input[type=file]").addEventListener("change", () => choose(form));
    }
    for (const hint of section.querySelectorAll("[data-resumable-hint]")) hint.hidden = false;
  }
}
