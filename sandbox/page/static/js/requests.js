// The developer panel's list of requests: what the bot said to Discord and to the image API, newest first.

import { el, fill } from "./dom.js";

const MAX_ROWS = 200;

export class Requests {
  #rows = new Map();

  constructor() {
    this.list = el("ol", { class: "requests" });
    this.filter = el(
      "select",
      { "aria-label": "Show", on: { change: () => this.#sift() } },
      ["Everything", "Discord", "image API"].map((one) => el("option", {}, one)),
    );
    const clear = el(
      "button",
      { type: "button", class: "button secondary small", on: { click: () => this.clear() } },
      "Clear",
    );
    this.root = el("div", {}, el("div", { class: "bar" }, this.filter, clear), this.list);
    this.clear();
  }

  clear() {
    this.#rows.clear();
    fill(this.list, el("li", { class: "empty" }, "Nothing yet. Use a command and watch the requests come in."));
  }

  take(rows) {
    if (this.#rows.size === 0) this.list.replaceChildren();
    for (const row of rows) this.#put(row);
    while (this.list.children.length > MAX_ROWS) {
      this.#rows.delete(this.list.lastElementChild.dataset.row);
      this.list.lastElementChild.remove();
    }
    this.#sift();
  }

  #put(row) {
    const fresh = item(row);
    const old = this.#rows.get(row.key);
    if (old) {
      fresh.querySelector("details").open = old.querySelector("details").open;
      old.replaceWith(fresh);
    } else this.list.prepend(fresh);
    this.#rows.set(row.key, fresh);
  }

  #sift() {
    const wanted = this.filter.value;
    for (const node of this.#rows.values()) node.hidden = wanted !== "Everything" && node.dataset.to !== wanted;
  }
}

function item(row) {
  const status = row.status ?? (row.done ? "broken" : "…");
  const summary = el(
    "summary",
    {},
    el("span", { class: `status ${mood(row)}` }, String(status)),
    el("span", { class: "method" }, row.method),
    el("span", { class: "to" }, row.to === "Discord" ? "Discord" : "Image API"),
    el("span", { class: "when" }, row.took_s === null ? "" : `${Math.round(row.took_s * 1000)} ms`),
    el("span", { class: "path" }, row.path),
  );
  return el(
    "li",
    { "data-row": row.key, "data-to": row.to },
    el("details", {}, summary, el("div", { class: "exchange" }, exchange(row))),
  );
}

function mood(row) {
  if (row.status === null) return row.done ? "bad" : "open";
  if (row.status < 300) return "good";
  return row.status < 500 ? "odd" : "bad";
}

function exchange(row) {
  const when = new Date(row.at * 1000);
  const time = `${when.toLocaleTimeString("en", { hour12: false })}.${String(when.getMilliseconds()).padStart(3, "0")}`;
  return [
    el("p", {}, `To ${row.to} at ${time}`, row.code ? ` · Discord's code ${row.code}` : ""),
    Object.keys(row.query).length > 0 && json("Query", row.query),
    isSomething(row.sent) && json("Sent", row.sent),
    row.files.length > 0 && json("Files", row.files),
    isSomething(row.answer) && json("Answered", row.answer),
  ];
}

function isSomething(value) {
  return value !== null && value !== undefined && (typeof value !== "object" || Object.keys(value).length > 0);
}

function json(title, value) {
  return [el("h3", {}, title), el("pre", { tabindex: "0" }, JSON.stringify(value, null, 2))];
}
