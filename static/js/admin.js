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

startInstants(document);
for (const table of document.querySelectorAll(".inline-group .tabular table")) {
  nameFields(table);
  document.addEventListener("formset:added", () => nameFields(table));
}
