// A picture, large: with its words below, and its neighbours to the left and right.

import { el, fill, iconButton } from "./dom.js";

let dialog = null;
let pictures = [];
let at = 0;

/** Open the picture of `node` (an image, or the button in its corner) among those of its message. */
export function openLarge(node) {
  const figure = node.closest("figure");
  pictures = [...figure.closest("article").querySelectorAll("figure:not(.covered) img")];
  at = Math.max(0, pictures.indexOf(figure.querySelector("img")));
  dialog ??= build();
  draw();
  dialog.showModal();
}

function build() {
  const built = el("dialog", { class: "lightbox", "aria-label": "Picture" });
  built.addEventListener("click", (event) => {
    if (event.target === built || event.target.classList.contains("stage")) built.close();
  });
  built.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  document.body.append(built);
  return built;
}

function step(by) {
  if (pictures.length < 2) return;
  at = (at + by + pictures.length) % pictures.length;
  draw();
}

function draw() {
  const { src, alt } = pictures[at];
  const several = pictures.length > 1;
  fill(
    dialog,
    el(
      "div",
      { class: "lightbox-bar" },
      el("span", { "aria-live": "polite" }, several ? `${at + 1} of ${pictures.length}` : ""),
      el("a", { href: src, target: "_blank", rel: "noopener noreferrer" }, "Open original"),
      iconButton("close", "Close", { on: { click: () => dialog.close() } }),
    ),
    el("div", { class: "stage" }, el("img", { src, alt })),
    several && iconButton("left", "Previous", { class: "icon-button previous", on: { click: () => step(-1) } }),
    several && iconButton("right", "Next", { class: "icon-button next", on: { click: () => step(1) } }),
    el("p", { class: "caption" }, alt),
  );
}
