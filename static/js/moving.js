// "Move up" and "Move down" without leaving the place: the slot is shown anew, and the same button has the focus.
import { announce } from "./announce.js";
import { isSignIn } from "./sign-in.js";
import { swapPage, swapSlot } from "./slot-swap.js";

async function move(form, button) {
  const section = form.closest("section").id;
  const piece = form.closest("li").id;
  const body = new FormData(form, button);
  let answer;
  let page;
  try {
    answer = await fetch(form.action, { method: "POST", body });
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    announce("Not moved: the connection failed. Try again in a moment.", { error: true });
    return;
  }
  if (isSignIn(answer.url)) location.assign(answer.url);
  else if (answer.ok) {
    swapSlot(page, section);
    announce(page.querySelector(".notice.tone-success")?.textContent.trim() ?? "Moved.");
    const row = document.getElementById(piece);
    (row?.querySelector(`[value="${button.value}"]`) ?? row?.querySelector("[name=direction]"))?.focus();
  } else if (answer.status === 409) swapPage(page);
  else announce("Not moved. Reload the page and try again.", { error: true });
}

export function startMoving(root) {
  for (const form of root.querySelectorAll("form[data-move]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (form.dataset.moving) return;
      form.dataset.moving = "yes";
      await move(form, event.submitter);
      delete form.dataset.moving;
    });
  }
}
