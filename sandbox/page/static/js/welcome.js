// What stands in an empty place: a hello, and three commands to try with one click.

import { el } from "./dom.js";
import { canUseBot, scene } from "./scene.js";

const EXAMPLES = [
  ["/imagine prompt:a red fox in fresh snow count:2", "Two pictures of the same words"],
  ["/imagine prompt:a lighthouse in the storm, oil on canvas aspect_ratio:16:9", "A wide one"],
  ["/imagine prompt:a paper boat on a violet sea private:True", "Only you see the reply"],
];

export function welcome() {
  const usable = canUseBot();
  return el(
    "section",
    { class: "welcome", "aria-label": "First steps" },
    el("h2", {}, scene.place.kind === "dm" ? "Just you and Easel" : "Nothing painted here yet"),
    el("p", {}, hint(usable)),
    usable && el("div", { class: "examples" }, EXAMPLES.map(example)),
    usable && el("p", { class: "subtext" }, "Or type ", el("kbd", {}, "/"), ` to see every command. ${whereItGoes()}`),
  );
}

function hint(usable) {
  if (!usable)
    return `Easel is not a member of this place, and ${scene.me.name} has not installed it, so it can't be used.`;
  if (!scene.place.bot_inside) return "Easel is not a member of this place, but you have installed it, so it follows you.";
  return "Describe a picture and Easel paints it. Pick one of these to begin with; change it before you send it.";
}

function whereItGoes() {
  if (scene.local) return "Nothing you do here leaves this machine.";
  return "Your words and pictures go to the real image API, which may charge for them.";
}

function example([line, about]) {
  return el(
    "button",
    { type: "button", class: "example", "data-act": "compose", "data-line": line },
    el("code", {}, line),
    el("span", {}, about),
  );
}
