// The line that says which faults are on, also while the developer panel is closed, and switches them off.

import { el, fill } from "./dom.js";

export class FaultsOn {
  /** `root` is the line, `toggle` the button that opens the panel, `ask` reaches the server. */
  constructor(root, toggle, ask) {
    this.root = root;
    this.toggle = toggle;
    this.off = el("button", { type: "button", class: "text-button" }, "Switch off");
    this.off.addEventListener("click", () => ask("switch", { name: "all-off" }).catch(() => {}));
  }

  /** Take the event that names them; false when it is another. */
  take(event) {
    if (event.type !== "faults") return false;
    const { names } = event;
    this.root.hidden = names.length === 0;
    this.toggle.classList.toggle("alert", names.length > 0);
    const count = names.length === 1 ? "1 fault is on" : `${names.length} faults are on`;
    if (names.length > 0) fill(this.root, el("span", {}, `${count}: ${names.join(", ")}`), this.off);
    return true;
  }
}
