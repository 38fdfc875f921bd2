// The developer panel: a look behind the scenes, closed at first. It is fed only while it is open.

import { el, fill, iconButton, newId } from "./dom.js";
import { Faults } from "./faults.js";
import { Requests } from "./requests.js";
import { Spending } from "./spending.js";

export class Developer {
  /** `root` is the aside, `toggle` the button that opens it, `ask` reaches the server. */
  constructor(root, toggle, ask) {
    this.root = root;
    this.toggle = toggle;
    this.ask = ask;
    const turn = (name, value) => ask("switch", { name, value }).catch((error) => this.#say(error.message));
    this.requests = new Requests();
    this.spending = new Spending();
    this.faults = new Faults(turn);
    this.note = el("p", { class: "note", role: "alert" });
    this.#build();
    toggle.addEventListener("click", () => this.show(root.hidden));
    root.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.show(false);
    });
  }

  /** Open or close the panel. */
  show(on) {
    this.root.hidden = !on;
    document.body.classList.toggle("with-developer", on);
    this.toggle.setAttribute("aria-expanded", String(on));
    this.watch();
    if (on) this.root.querySelector("[role=tab][aria-selected=true]").focus();
    else this.toggle.focus();
  }

  /** Ask to be fed, or not to be; also after the connection came back. */
  watch() {
    if (!this.root.hidden) this.requests.clear();
    this.ask("watch", { on: !this.root.hidden }).catch(() => {});
  }

  /** Take an event of the panel; false when it is none. */
  take(event) {
    if (event.type === "requests") this.requests.take(event.rows);
    else if (event.type === "developer") {
      this.spending.take(event.image_api);
      this.faults.take(event);
    } else return false;
    return true;
  }

  #say(text) {
    this.note.textContent = text;
  }

  #build() {
    const parts = [
      ["Requests", this.requests.root],
      ["Image API", this.spending.root],
      ["Faults", this.faults.root],
    ];
    const tabs = parts.map(([label, panel]) => this.#tab(label, panel));
    const list = el("div", { role: "tablist", class: "tabs", "aria-label": "Developer" }, tabs);
    list.addEventListener("keydown", (event) => walk(event, tabs));
    const close = iconButton("close", "Close developer panel", { on: { click: () => this.show(false) } });
    fill(
      this.root,
      el("header", {}, el("h2", {}, "Developer"), close),
      list,
      this.note,
      parts.map(([, panel]) => panel),
    );
    select(tabs[0], tabs);
  }

  #tab(label, panel) {
    panel.id = newId("panel");
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-label", label);
    const tab = el("button", { type: "button", role: "tab", id: newId("tab"), "aria-controls": panel.id }, label);
    tab.addEventListener("click", () => select(tab, [...tab.parentNode.children]));
    tab.panel = panel;
    return tab;
  }
}

function select(chosen, tabs) {
  for (const tab of tabs) {
    tab.setAttribute("aria-selected", String(tab === chosen));
    tab.tabIndex = tab === chosen ? 0 : -1;
    tab.panel.hidden = tab !== chosen;
  }
}

function walk(event, tabs) {
  const steps = { ArrowRight: 1, ArrowLeft: -1 };
  if (!(event.key in steps)) return;
  const next = tabs[(tabs.indexOf(event.target) + steps[event.key] + tabs.length) % tabs.length];
  select(next, tabs);
  next.focus();
}
