// The developer panel's switches: what can go wrong, one line each.

import { el, fill } from "./dom.js";
import { morph } from "./morph.js";

const GROUPS = {
  submission: "When a task is submitted",
  painting: "While it is painted",
  status: "When its status is asked for",
  download: "When pictures are fetched",
  wording: "Other wordings of the same answer",
  connection: "The whole API",
};

export class Faults {
  constructor(turn) {
    this.turn = turn;
    this.root = el("div", { class: "faults" });
    this.content = el("div");
    this.root.append(this.content);
    this.root.addEventListener("click", (event) => this.#click(event));
    this.root.addEventListener("change", (event) => this.#change(event));
  }

  take(state) {
    this.content = morph(this.content, draw(state));
  }

  #click(event) {
    const button = event.target.closest("button[data-switch]");
    if (button) this.turn(button.dataset.switch, true);
  }

  #change(event) {
    const { target } = event;
    if (target.matches("select")) this.turn(target.dataset.switch, Number(target.value));
    else if (target.matches("input[data-switch]")) this.turn(target.dataset.switch, target.checked);
  }
}

function draw(state) {
  const of = (about) => state.switches.filter((one) => one.about === about);
  const featured = state.scenarios.filter((one) => one.featured);
  return el(
    "div",
    {},
    state.bot && block("The bot", botLine(state), of("bot").map(line)),
    featured.length > 0 && block("Image API", null, [featured.map(line), rest(state.scenarios)]),
    block("Discord", null, [of("discord").map(line), limits(state)]),
  );
}

function block(title, intro, lines) {
  return el("section", {}, el("h3", {}, title), intro, lines);
}

function botLine(state) {
  const text = !state.bot.running
    ? "Stopped"
    : state.connected
      ? "Running and connected"
      : "Running, not connected yet";
  return el(
    "p",
    { class: "bot-state" },
    el("span", { class: `lamp ${state.bot.running && state.connected ? "on" : ""}` }),
    text,
  );
}

function line(one) {
  const words = el(
    "span",
    {},
    el("span", { class: "switch-label" }, one.label),
    el("small", {}, one.left ? `${one.summary} · ${one.left} left` : one.summary),
  );
  if (one.on === null || one.once) {
    return el(
      "div",
      { class: "switch", "data-key": one.name },
      words,
      el(
        "button",
        {
          type: "button",
          class: "button secondary small",
          "data-switch": one.name,
          "aria-label": one.label,
          disabled: one.open === false,
        },
        "Do it",
      ),
    );
  }
  const box = el("input", { type: "checkbox", role: "switch", "data-switch": one.name, "aria-label": one.label });
  // the attribute is the default only; the property is what is shown
  box.checked = one.on;
  box.toggleAttribute("checked", one.on);
  return el("label", { class: "switch", "data-key": `${one.name}-${one.on}` }, words, box);
}

function rest(scenarios) {
  return Object.entries(GROUPS).map(([group, title]) => {
    const some = scenarios.filter((one) => one.group === group && !one.featured);
    return (
      some.length > 0 &&
      el("details", { class: "scenarios", "data-key": group }, el("summary", {}, title), some.map(line))
    );
  });
}

function limits(state) {
  const options = state.upload_limits.map((one) =>
    el("option", { value: one.bytes, selected: one.bytes === state.upload_limit }, one.label),
  );
  return el(
    "label",
    { class: "switch" },
    el(
      "span",
      {},
      el("span", { class: "switch-label" }, "Upload limit"),
      el("small", {}, "Per file, where no one has more"),
    ),
    el("select", { "data-switch": "upload_limit" }, options),
  );
}
