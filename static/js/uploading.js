// An entry's page: files sent with the form, and large ones in parts.
import { startResumable } from "./resumable.js";
import { startUploads } from "./upload.js";

const start = (root) => {
  startUploads(root);
  startResumable(root);
};
if (window.htmx) {
  document.addEventListener("htmx:load", (event) => start(event.detail.elt));
} else {
  start(document);
}
