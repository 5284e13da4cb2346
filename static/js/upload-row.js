// The row of one upload: what it says and which of its buttons are offered.
import { announce } from "./announce.js";
import { size } from "./file-drop.js";

const SPEAK_EVERY_PERCENT = 25;

const BADGES = {
  waiting: ["Waiting", "neutral"],
  sending: ["Uploading", "info"],
  offline: ["No connection", "warn"],
  paused: ["Paused", "neutral"],
  cancelling: ["Being cancelled", "neutral"],
  stopped: ["Stopped", "danger"],
  ended: ["Ended", "danger"],
  open: ["To be continued", "warn"],
  kept: ["Not finished", "neutral"],
  completing: ["Being checked", "info"],
  refused: ["Not accepted", "danger"],
};

const BUTTONS = {
  waiting: ["pause", "cancel"],
  sending: ["pause", "cancel"],
  offline: ["pause", "cancel"],
  paused: ["resume", "cancel"],
  cancelling: [],
  stopped: ["resume", "cancel"],
  ended: ["dismiss"],
  open: ["choose", "cancel"],
  kept: ["cancel"],
  completing: [],
  refused: ["dismiss"],
};

const floorPercent = (bytes, total) => Math.floor((100 * bytes) / total);

const arrived = (bytes, total) => `${size(bytes)} of ${size(total)}`;

function timeLeft(seconds) {
  if (seconds < 60) return "less than a minute left";
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 60) return `about ${minutes} ${minutes === 1 ? "minute" : "minutes"} left`;
  return `about ${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
}

function detail({ state, bytes, total, pace, problem }) {
  const amount = arrived(bytes, total);
  switch (state) {
    case "waiting":
      return `${size(total)}. Starts when the file before it has arrived.`;
    case "sending": {
      const parts = [`${floorPercent(bytes, total)} %`, amount];
      if (pace > 0) parts.push(`${size(Math.round(pace))}/s`, timeLeft((total - bytes) / pace));
      return parts.join(" · ");
    }
    case "offline":
      return `${amount} arrived. The upload goes on by itself when the connection is back.`;
    case "paused":
      return `${amount} arrived. Paused; what arrived is kept.`;
    case "open":
      return `${amount} arrived. Choose the same file to go on.`;
    case "kept":
      return `${amount} arrived. This slot takes no file at present.`;
    case "completing":
      return "All of it arrived. The file is being checked; you may leave this page.";
    default:
      return problem;
  }
}

/** What a screen reader is told when the state changes; progress is told in quarters. */
function spoken(row, view, before) {
  const { name, state, problem, bytes, total } = view;
  if (state !== before) {
    const said = {
      sending: before ? `Uploading ${name}.` : "",
      offline: `No connection. The upload of ${name} goes on by itself.`,
      paused: `The upload of ${name} is paused.`,
      stopped: `${name}: ${problem}`,
      ended: `${name}: ${problem}`,
      completing: `All of ${name} arrived. It is being checked.`,
      refused: `${name} was not accepted. ${problem}`,
    }[state];
    if (said) announce(said, { error: ["stopped", "ended", "refused"].includes(state) });
  } else if (state === "sending") {
    const quarter = Math.floor(floorPercent(bytes, total) / SPEAK_EVERY_PERCENT);
    const told = Number(row.dataset.told ?? 0);
    if (quarter > told && quarter < 4) announce(`${quarter * SPEAK_EVERY_PERCENT} % of ${name} arrived.`);
    row.dataset.told = Math.max(quarter, told);
  }
}

/** Show `view` ({state, name, bytes, total, pace, problem}) in `row`. */
export function show(row, view) {
  const before = row.dataset.state;
  const { state, name, bytes, total } = view;
  row.dataset.state = state;
  row.dataset.name = name;
  row.dataset.size = total;
  row.dataset.bytes = bytes;
  for (const place of row.querySelectorAll("[data-upload-name]")) place.textContent = name;

  const [word, tone] = BADGES[state];
  const badge = row.querySelector(".badge");
  badge.textContent = word;
  badge.className = `badge tone-${tone}`;

  const text = detail(view);
  row.querySelector("[data-upload-detail]").textContent = text;
  const meter = row.querySelector("progress");
  meter.hidden = ["completing", "refused", "ended"].includes(state);
  meter.value = floorPercent(bytes, total);
  meter.setAttribute("aria-valuetext", `${floorPercent(bytes, total)} %, ${arrived(bytes, total)}`);

  const held = row.contains(document.activeElement) ? document.activeElement : null;
  for (const button of row.querySelectorAll("[data-do]")) button.hidden = !BUTTONS[state].includes(button.dataset.do);
  if (held?.hidden) (row.querySelector("[data-do]:not([hidden])") ?? row).focus();
  spoken(row, view, before);
}

/** A new row for `name` at the end of `list`, out of the list's template. */
export function addRow(list, name) {
  const template = list.parentElement.querySelector("template[data-upload-row]");
  const row = template.content.firstElementChild.cloneNode(true);
  row.querySelector("progress").setAttribute("aria-label", `Upload of ${name}`);
  list.append(row);
  list.hidden = false;
  return row;
}
