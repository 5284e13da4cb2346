// A file input that also takes dropped files and says what was chosen, with sizes.
const UNITS = ["bytes", "KB", "MB", "GB"];

/** In the units the pages write limits in, where a KB has 1,024 bytes. */
export function size(bytes) {
  let unit = 0;
  let amount = bytes;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${unit ? amount.toFixed(1) : amount} ${UNITS[unit]}`;
}

function list(drop, input) {
  const chosen = drop.querySelector(".file-drop-list");
  chosen.replaceChildren(
    ...[...input.files].map((file) => {
      const row = document.createElement("li");
      const name = document.createElement("span");
      const amount = document.createElement("span");
      name.textContent = file.name;
      amount.textContent = size(file.size);
      amount.className = "number nowrap muted";
      row.append(name, amount);
      return row;
    }),
  );
}

export function startFileDrops(root) {
  for (const drop of root.querySelectorAll("[data-file-drop]")) {
    const input = drop.querySelector("input[type=file]");
    if (!input) continue;
    drop.querySelector(".file-drop-hint").hidden = false;
    input.addEventListener("change", () => list(drop, input));
    drop.addEventListener("dragover", (event) => {
      event.preventDefault();
      drop.classList.add("is-over");
    });
    drop.addEventListener("dragleave", () => drop.classList.remove("is-over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("is-over");
      const files = new DataTransfer();
      const taken = input.multiple ? event.dataTransfer.files : [...event.dataTransfer.files].slice(0, 1);
      for (const file of taken) files.items.add(file);
      input.files = files.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }
}
