"use strict";
// One slide at a time; without this script all of them stand below each other.
const slides = [...document.querySelectorAll(".slide")];
const place = document.getElementById("place");
const byId = (name) => document.getElementById(name);
let now = 0;

function show(number, focus = true) {
  now = Math.max(0, Math.min(slides.length - 1, number));
  slides.forEach((slide, i) => slide.classList.toggle("now", i === now));
  place.textContent = `${now + 1} / ${slides.length}`;
  byId("back").disabled = now === 0;
  byId("forward").disabled = now === slides.length - 1;
  // The address keeps the place, so that a page opened again is where it was.
  history.replaceState(null, "", `#${now + 1}`);
  if (focus) slides[now].querySelector("h1, h2").focus({ preventScroll: true });
}

function toggleNotes() {
  const on = document.querySelector("main").classList.toggle("with-notes");
  byId("notes").setAttribute("aria-pressed", on);
}

function toggleTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  byId("theme").setAttribute("aria-pressed", !dark);
}

function toggleFullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.().catch(() => {});
}

const keys = {
  ArrowRight: () => show(now + 1), ArrowDown: () => show(now + 1), PageDown: () => show(now + 1),
  " ": () => show(now + 1), ArrowLeft: () => show(now - 1), ArrowUp: () => show(now - 1),
  PageUp: () => show(now - 1), Home: () => show(0), End: () => show(slides.length - 1),
  n: toggleNotes, d: toggleTheme, f: toggleFullScreen,
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  // A button keeps its own space bar.
  if (event.key === " " && event.target.closest("button")) return;
  const act = event.key === " " && event.shiftKey ? keys.ArrowLeft : keys[event.key];
  if (act) { act(); event.preventDefault(); }
});

let start = null;
document.addEventListener("touchstart", (event) => {
  start = event.touches.length === 1 ? event.touches[0] : null;
}, { passive: true });
document.addEventListener("touchend", (event) => {
  if (!start) return;
  const end = event.changedTouches[0];
  const across = end.clientX - start.clientX, down = end.clientY - start.clientY;
  if (Math.abs(across) > 50 && Math.abs(across) > 2 * Math.abs(down)) show(now + (across < 0 ? 1 : -1));
  start = null;
}, { passive: true });

byId("back").addEventListener("click", () => show(now - 1, false));
byId("forward").addEventListener("click", () => show(now + 1, false));
byId("notes").addEventListener("click", toggleNotes);
byId("theme").addEventListener("click", toggleTheme);
addEventListener("hashchange", () => show(Number(location.hash.slice(1)) - 1 || 0));
document.documentElement.classList.add("js");
show(Number(location.hash.slice(1)) - 1 || 0, false);
window.zeroone = { ready: Promise.resolve() };
