// A menu made of <details> closes with Escape and when the pointer or focus goes elsewhere.
export function startMenus() {
  for (const menu of document.querySelectorAll("details[data-closes-outside]")) {
    const closeUnlessInside = ({ target }) => {
      if (!menu.contains(target)) menu.open = false;
    };
    document.addEventListener("click", closeUnlessInside);
    document.addEventListener("focusin", closeUnlessInside);
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  }
}
