// Page images that enlarge, and a player that steps back ten seconds and outlives its links.
import { announce } from "./announce.js";

const TRIES = 3;

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

// The page's address of a video leads to a link that holds for minutes. When that has gone, the address is asked
// for another, and the video goes on where it was.
function outliveLinks(video) {
  const address = video.querySelector("source")?.src;
  let tries = 0;
  const again = () => {
    if (tries === TRIES) {
      announce("The video could not be loaded. Check your connection and reload the page.", { error: true });
      return;
    }
    tries += 1;
    const { currentTime, paused, playbackRate } = video;
    video.addEventListener(
      "loadedmetadata",
      () => {
        video.currentTime = currentTime;
        video.playbackRate = playbackRate;
        if (!paused) void video.play().catch(() => {});
      },
      { once: true },
    );
    video.src = address;
    video.load();
  };
  video.addEventListener("error", again);
  video.addEventListener("playing", () => {
    tries = 0;
  });
  video.querySelector("source")?.addEventListener("error", again);
}

function startVideo(figure) {
  const video = figure.querySelector("video");
  const tools = figure.querySelector(".video-tools");
  if (!video || !tools) return;
  tools.hidden = false;
  outliveLinks(video);
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
