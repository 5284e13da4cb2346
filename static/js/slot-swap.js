// A fresh copy of the page takes the old one's place; what somebody is in the middle of stays.

/** The page as the server has it now, or null when it cannot be had. */
export async function freshPage() {
  try {
    const answer = await fetch(location.pathname);
    if (!answer.ok || new URL(answer.url).pathname !== location.pathname) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return null;
  }
}

// Uploads under way and a file that is chosen but not sent outlive the slot around them.
function carryOver(from, to, sent) {
  const list = to.querySelector("[data-uploads] ul");
  for (const row of from.querySelectorAll("[data-live]")) {
    list.querySelector(`[data-upload-id="${row.dataset.uploadId}"]`)?.remove();
    list.append(row);
    list.hidden = false;
  }
  for (const form of from.querySelectorAll("form[data-upload]")) {
    if (form === sent || !form.querySelector("input[type=file]").files.length) continue;
    const place = [...to.querySelectorAll("form[data-upload]")].find((other) => isSame(form, other));
    const folded = place?.closest("details");
    if (folded) folded.open = true;
    place?.replaceWith(form);
  }
}

// A slot for several has a form for its next file, and one for each file that may be replaced.
const isSame = (form, other) => form.dataset.replaces === other.dataset.replaces;

const wake = (element) =>
  element.dispatchEvent(new CustomEvent("htmx:load", { bubbles: true, detail: { elt: element } }));

function replace(old, fresh) {
  const node = document.importNode(fresh, true);
  old.replaceWith(node);
  window.htmx?.process(node);
  wake(node);
  return node;
}

/** Replace everything between header and footer; `sent` is the form whose answer this is. */
export function swapPage(answer, sent) {
  const page = document.getElementById("content");
  const old = [...page.querySelectorAll("section[data-slot]")];
  page.replaceChildren(...answer.getElementById("content").childNodes);
  document.title = answer.title;
  window.htmx?.process(page);
  wake(page);
  for (const section of old) {
    const place = document.getElementById(section.id);
    if (place) carryOver(section, place, sent);
  }
  return page;
}

/** Replace one slot, and the aside that says where the entry stands. */
export function swapSlot(answer, id) {
  const old = document.getElementById(id);
  const fresh = answer.getElementById(id);
  if (!old || !fresh) return;
  const hadFocus = old.contains(document.activeElement);
  const section = replace(old, fresh);
  carryOver(old, section);
  if (hadFocus) {
    section.setAttribute("tabindex", "-1");
    section.focus();
  }
  const aside = document.querySelector("[data-standing]");
  const standing = answer.querySelector("[data-standing]");
  if (aside && standing) replace(aside, standing);
}
