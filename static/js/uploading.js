// An entry's page: files sent with the form, large ones in parts, and their order.
import { startMoving } from "./moving.js";
import { startResumable } from "./resumable.js";
import { startUploads } from "./upload.js";

const start = (root) => {
  startUploads(root);
  startResumable(root);
  startMoving(root);
};
if (window.htmx) {
  document.addEventListener("htmx:load", (event) => start(event.detail.elt));
} else {
  start(document);
}
