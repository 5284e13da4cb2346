// Errors take the focus; a form that asks for confirmation opens its dialog; one press sends once.
function startConfirm(form) {
  const dialog = document.getElementById(form.dataset.confirm);
  if (!dialog?.showModal) return;
  let submitter = null;
  form.addEventListener("submit", (event) => {
    if (form.dataset.confirmed) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    submitter = event.submitter;
    dialog.showModal();
  });
  dialog.addEventListener("close", () => {
    if (dialog.returnValue !== "confirm") return;
    form.dataset.confirmed = "yes";
    form.requestSubmit(submitter);
    delete form.dataset.confirmed;
  });
}

function sendOnce(form) {
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    event.submitter?.setAttribute("aria-disabled", "true");
  });
}

export function startForms(root) {
  root.querySelector("[data-focus-on-load]")?.focus();
  for (const form of root.querySelectorAll("form[data-confirm]")) startConfirm(form);
  for (const form of root.querySelectorAll("form[method=post]:not([hx-post], [data-send-often], [data-upload], [data-move])")) sendOnce(form);
  for (const select of root.querySelectorAll("select[data-submits]")) {
    select.addEventListener("change", () => select.form.requestSubmit());
  }
}

// A page brought back by the browser's Back button may be sent again.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.querySelector("[aria-disabled]")?.removeAttribute("aria-disabled");
  }
});
