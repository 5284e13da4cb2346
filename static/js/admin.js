// The administration has Django's own scripts; of ours it needs the reader's time zone,
// and names for the fields of tables, which have only their column's heading.
import { startInstants } from "./instants.js";

const PARTS = ["date", "time"];

function nameFields(table) {
  const headings = [...table.querySelectorAll("thead th")].map((cell) => cell.textContent.trim());
  for (const row of table.querySelectorAll("tbody tr.form-row")) {
    const place = [...row.parentElement.querySelectorAll("tr.form-row")].indexOf(row) + 1;
    for (const cell of row.cells) {
      const fields = cell.querySelectorAll("input:not([type=hidden]), select, textarea");
      fields.forEach((field, index) => {
        if (field.labels?.length) return;
        const part = fields.length > 1 ? `, ${PARTS[index] ?? index + 1}` : "";
        field.setAttribute("aria-label", `${headings[cell.cellIndex] ?? ""}${part}, row ${place}`);
      });
    }
  }
}

/** The two fields of an instant stand under one label, which names neither. */
function namePair(pair) {
  const label = pair.closest(".form-row")?.querySelector("label, legend")?.textContent.trim().replace(/:$/, "");
  pair.querySelectorAll("input").forEach((field, index) => {
    if (label && !field.labels?.length) field.setAttribute("aria-label", `${label}: ${PARTS[index]}`);
  });
}

/** What scrolls sideways must be reachable without a mouse. */
function reach(region) {
  if (region.scrollWidth > region.clientWidth) region.tabIndex = 0;
}

startInstants(document);
for (const heading of document.querySelectorAll(".tabular thead th.original")) {
  heading.innerHTML = '<span class="visually-hidden">Row</span>';
}
for (const pair of document.querySelectorAll(".form-row:not(.has_original) p.datetime")) namePair(pair);
for (const region of document.querySelectorAll(".inline-group, .results")) reach(region);
for (const table of document.querySelectorAll(".inline-group .tabular table")) {
  nameFields(table);
  document.addEventListener("formset:added", () => nameFields(table));
}
