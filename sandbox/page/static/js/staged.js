// Files that wait beside the message box until they are sent.

import { el, fill, fileSize, iconButton } from "./dom.js";

export class Staged {
  #unused = [];

  constructor(root, onChange) {
    this.root = root;
    this.onChange = onChange;
    this.files = [];
    this.addresses = new Map();
  }

  /** Take files in; names that are taken get a number. Returns them as they are called now. */
  add(files) {
    const added = files.map((file) => this.#named(file));
    this.files.push(...added);
    return added;
  }

  clear() {
    for (const address of this.addresses.values()) URL.revokeObjectURL(address);
    this.addresses.clear();
    this.files = [];
    this.showUnused([]);
  }

  /** Show those files that no option of the command holds. */
  showUnused(usedNames) {
    this.#unused = this.files.filter((file) => !usedNames.includes(file.name));
    fill(
      this.root,
      this.#unused.map((file) => this.#chip(file)),
    );
  }

  #named(file) {
    const taken = this.files.map((one) => one.name);
    let name = file.name || "picture.png";
    for (let number = 2; taken.includes(name); number += 1) name = file.name.replace(/(\.[^.]*)?$/, `-${number}$1`);
    return name === file.name ? file : new File([file], name, { type: file.type });
  }

  #chip(file) {
    const remove = () => {
      this.files = this.files.filter((one) => one !== file);
      this.onChange();
    };
    const preview = file.type.startsWith("image/") && el("img", { src: this.#address(file), alt: "" });
    return el(
      "div",
      { class: "chip" },
      preview,
      el("span", {}, file.name),
      el("small", {}, fileSize(file.size)),
      iconButton("close", `Remove ${file.name}`, { on: { click: remove } }),
    );
  }

  #address(file) {
    if (!this.addresses.has(file)) this.addresses.set(file, URL.createObjectURL(file));
    return this.addresses.get(file);
  }
}
