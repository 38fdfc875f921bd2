// A list of suggestions over a text field, driven by arrows, Tab, Enter and Esc while the focus stays in the field.

import { el, fill, newId } from "./dom.js";

const STEPS = { ArrowDown: 1, ArrowUp: -1 };

export class Popup {
  #items = [];
  #at = 0;
  #moved = false;

  /** `root` is the empty element that becomes the list, `field` the text field it belongs to. */
  constructor(root, field, label) {
    this.root = root;
    this.field = field;
    root.id ||= newId("suggestions");
    root.setAttribute("role", "listbox");
    root.setAttribute("aria-label", label);
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", root.id);
    // keep the focus in the field when an option is clicked
    root.addEventListener("mousedown", (event) => event.preventDefault());
    this.hide();
  }

  get isOpen() {
    return !this.root.hidden;
  }

  /** Show [{label, detail, choose}]; `empty` is said when there are none. */
  show(items, empty = "") {
    this.#items = items;
    this.#at = 0;
    this.#moved = false;
    if (items.length === 0 && !empty) {
      this.hide();
      return;
    }
    fill(
      this.root,
      items.map((one, index) => this.#option(one, index)),
      items.length === 0 && el("p", { class: "empty" }, empty),
    );
    this.root.hidden = false;
    this.#mark();
  }

  hide() {
    this.root.hidden = true;
    this.root.replaceChildren();
    this.#items = [];
    this.#moved = false;
    this.field.removeAttribute("aria-activedescendant");
  }

  /** Take a key of the field; true when it was meant for the list. `enterTakes`: Enter chooses, moved or not. */
  takeKey(event, enterTakes) {
    if (!this.isOpen) return false;
    if (event.key === "Escape") this.hide();
    else if (this.#items.length === 0) return false;
    else if (event.key in STEPS) this.#step(STEPS[event.key]);
    else if (this.#isChoice(event, enterTakes)) this.#items[this.#at].choose();
    else return false;
    event.preventDefault();
    return true;
  }

  #isChoice(event, enterTakes) {
    if (event.key === "Tab") return enterTakes && !event.shiftKey;
    return event.key === "Enter" && (enterTakes || this.#moved);
  }

  #step(by) {
    this.#at = (this.#at + by + this.#items.length) % this.#items.length;
    this.#moved = true;
    this.#mark();
  }

  #option(item, index) {
    return el(
      "div",
      { role: "option", id: `${this.root.id}-${index}`, "aria-selected": "false", on: { click: () => item.choose() } },
      el("span", { class: "option-label" }, item.label),
      item.detail && el("span", { class: "option-detail" }, item.detail),
    );
  }

  #mark() {
    for (const [index, node] of [...this.root.querySelectorAll("[role=option]")].entries()) {
      node.setAttribute("aria-selected", String(index === this.#at));
      if (index === this.#at) {
        this.field.setAttribute("aria-activedescendant", node.id);
        node.scrollIntoView({ block: "nearest" });
      }
    }
  }
}
