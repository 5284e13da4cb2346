// Page images that enlarge, and a player that steps back ten seconds.
function startPages(viewer) {
  const toggle = viewer.querySelector("[data-zoom]");
  const pages = viewer.querySelector(".pages-list");
  if (!toggle) return;
  toggle.hidden = false;
  toggle.addEventListener("click", () => {
    const zoomed = pages.classList.toggle("is-zoomed");
    toggle.setAttribute("aria-pressed", String(zoomed));
  });
}

function startVideo(figure) {
  const video = figure.querySelector("video");
  const tools = figure.querySelector(".video-tools");
  if (!video || !tools) return;
  tools.hidden = false;
  for (const button of tools.querySelectorAll("[data-seek]")) {
    button.addEventListener("click", () => {
      video.currentTime = Math.max(0, video.currentTime + Number(button.dataset.seek));
    });
  }
  tools.querySelector("select")?.addEventListener("change", ({ target }) => {
    video.playbackRate = Number(target.value);
  });
}

export function startEvidence(root) {
  for (const viewer of root.querySelectorAll("[data-pages]")) startPages(viewer);
  for (const figure of root.querySelectorAll("[data-video]")) startVideo(figure);
}
