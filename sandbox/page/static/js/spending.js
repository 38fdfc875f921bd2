// The developer panel's view of the image API: what was submitted, how it went, what it cost.

import { el, fill } from "./dom.js";

const MICROS = 1_000_000;

export class Spending {
  constructor() {
    this.root = el("div", { class: "spending" });
    this.take(null);
  }

  take(state) {
    if (!state) {
      fill(
        this.root,
        el("p", { class: "empty" }, "The bot uses a real image API, so there is nothing to look into from here."),
      );
      return;
    }
    const figures = el(
      "dl",
      { class: "figures" },
      figure("Submissions accepted", String(state.accepted)),
      figure("Would have cost", dollars(state.charged_micros)),
    );
    const tasks =
      state.tasks.length > 0
        ? el("ol", { class: "tasks" }, state.tasks.map(task))
        : el("p", { class: "empty" }, "Nothing was submitted yet.");
    fill(this.root, figures, tasks);
  }
}

function figure(name, value) {
  return el("div", {}, el("dt", {}, name), el("dd", {}, value));
}

function task(one) {
  const settings = [
    one.model,
    one.aspect_ratio,
    one.resolution,
    `${one.count}×`,
    one.sources > 0 && `${one.sources} to edit`,
  ];
  return el(
    "li",
    {},
    el(
      "p",
      { class: "task-head" },
      el("span", { class: `state ${one.state}` }, one.state),
      el("span", { class: "cost" }, dollars(one.charged_micros)),
    ),
    el("p", { class: "task-prompt" }, one.prompt),
    el("p", { class: "subtext" }, settings.filter(Boolean).join(" · ")),
    el("p", { class: "subtext" }, `asked ${one.queries}× · takes ${one.planned_s} s · ${one.key}`),
  );
}

function dollars(micros) {
  return `$${(micros / MICROS).toFixed(3).replace(/0$/, "")}`;
}
