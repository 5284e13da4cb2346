// Everything here improves a page that already works without it.
import { startTheme } from "./theme.js";
import { startInstants } from "./instants.js";
import { startForms } from "./forms.js";
import { startFileDrops } from "./file-drop.js";
import { startCopying } from "./copy.js";
import { startAnnouncements } from "./announce.js";
import { startAutosave } from "./autosave.js";
import { startEvidence } from "./evidence.js";
import { startFollowing } from "./following.js";
import { startMenus } from "./menus.js";

startTheme();
startAnnouncements();
startMenus();

// htmx:load fires for the whole page at first and for each piece swapped in later.
const enhance = (root) => {
  startInstants(root);
  startForms(root);
  startFileDrops(root);
  startCopying(root);
  startEvidence(root);
  startFollowing(root);
  startAutosave(root);
};
if (window.htmx) {
  document.addEventListener("htmx:load", (event) => enhance(event.detail.elt));
} else {
  enhance(document);
}
