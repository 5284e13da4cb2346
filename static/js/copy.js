// Buttons that put an address on the clipboard; without a script they stay hidden.
import { announce } from "./announce.js";

export function startCopying(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        announce("Copied");
      } catch {
        announce("The browser did not let us copy. Mark the code and copy it by hand.", { error: true });
      }
    });
  }
}
