// The server shows an instant in the account's zone; the browser knows where the reader really sits.
const format = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "long",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

function spoken(date) {
  const part = Object.fromEntries(format.formatToParts(date).map(({ type, value }) => [type, value]));
  return `${part.day} ${part.month} ${part.year}, ${part.hour}:${part.minute}`;
}

export function startInstants(root) {
  for (const element of root.querySelectorAll("[data-viewer-instant]")) {
    const date = new Date(element.dataset.viewerInstant);
    if (Number.isNaN(date.getTime())) continue;
    const sameClock = -date.getTimezoneOffset() === Number(element.dataset.programmeOffset);
    element.hidden = sameClock;
    element.querySelector("time").textContent = spoken(date);
  }
}
