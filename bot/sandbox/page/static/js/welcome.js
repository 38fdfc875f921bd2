// What stands in an empty place: a hello, and three commands to try with one click.

import { el } from "./dom.js";

const EXAMPLES = [
  ["/imagine prompt:a red fox in fresh snow count:2", "Two pictures of the same words"],
  ["/imagine prompt:a lighthouse in the storm, oil on canvas aspect_ratio:16:9", "A wide one"],
  ["/imagine prompt:a paper boat on a violet sea private:True", "Only you see the reply"],
];

export function welcome(scene) {
  return el(
    "section",
    { class: "welcome", "aria-label": "First steps" },
    el("h2", {}, greeting(scene)),
    el("p", {}, hint(scene)),
    el("div", { class: "examples" }, EXAMPLES.map(example)),
    el(
      "p",
      { class: "subtext" },
      "Or type ",
      el("kbd", {}, "/"),
      " to see every command. Nothing you do here leaves this machine.",
    ),
  );
}

function greeting(scene) {
  return scene.place?.kind === "dm" ? "Just you and Easel" : "Nothing painted here yet";
}

function hint(scene) {
  if (scene.place && !scene.place.bot_inside) {
    return "Easel is no member of this place. Whoever has installed it for themselves can use it here all the same.";
  }
  return "Describe a picture and Easel paints it. Pick one of these to begin with; change it before you send it.";
}

function example([line, about]) {
  return el(
    "button",
    { type: "button", class: "example", "data-act": "compose", "data-line": line },
    el("code", {}, line),
    el("span", {}, about),
  );
}
