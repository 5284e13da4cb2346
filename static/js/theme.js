// The chosen theme is a cookie, so the server writes it into <html> and no page flashes.
const YEAR_SECONDS = 31_536_000;

const current = () =>
  document.documentElement.dataset.theme ||
  (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

function choose(theme) {
  document.documentElement.dataset.theme = theme;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `theme=${theme}; Path=/; Max-Age=${YEAR_SECONDS}; SameSite=Lax${secure}`;
  try {
    localStorage.setItem("theme", theme); // where Django's admin looks
  } catch {
    // Storage may be switched off; the cookie is enough for these pages.
  }
}

export function startTheme() {
  for (const button of document.querySelectorAll("[data-theme-toggle]")) {
    const name = button.querySelector("[data-theme-label]");
    const describe = () => {
      name.textContent = current() === "dark" ? "Switch to light" : "Switch to dark";
    };
    button.hidden = false;
    describe();
    button.addEventListener("click", () => {
      choose(current() === "dark" ? "light" : "dark");
      describe();
    });
  }
}
