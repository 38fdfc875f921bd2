// The options of a command as a form: the same values as in the line, each in its own field.

import { el, fill } from "./dom.js";
import { grow, growingText, labelled, putFiles, select } from "./fields.js";
import { ATTACHMENT, BOOLEAN, rangeOf } from "./line.js";
import { Popup } from "./popup.js";
import { word } from "./words.js";
import { peopleHere, placesHere, rolesHere } from "./named.js";

const INTEGER = 4;
const NUMBER = 10;
const [USER, CHANNEL, ROLE, MENTIONABLE] = [6, 7, 8, 9];
const SUGGEST_PAUSE_MS = 200;

export class OptionForm {
  #command = null;
  #controls = new Map();
  #hint = null;

  /**
   * `onChange(values)` hears every change, `onFile(option, file)` a chosen file, `suggest(option, typed)` asks the bot.
   */
  constructor(root, { onChange, onFile, suggest }) {
    this.root = root;
    this.onChange = onChange;
    this.onFile = onFile;
    this.suggest = suggest;
    // Browsers have no property `onfocusin`: only a listener hears of it.
    this.root.addEventListener("focusin", (event) => this.#explain(event.target));
    this.hide();
  }

  hide() {
    this.root.hidden = true;
    this.#command = null;
  }

  /** Show a command's fields with these values; what the person is typing in right now is left alone. */
  show(command, values, files) {
    if (this.#command?.name !== command.name) this.#build(command);
    for (const [name, control] of this.#controls) {
      if (control.type === "file")
        this.#showFile(
          control,
          files.find((one) => one.name === values.get(name)),
        );
      else if (control !== document.activeElement) setValue(control, values.get(name) ?? "");
    }
    this.root.hidden = false;
  }

  /** Put the focus into a field: the named one, or the first. */
  focus(name) {
    const control = name ? this.#controls.get(name) : this.#controls.values().next().value;
    control?.focus();
  }

  #build(command) {
    this.#command = command;
    this.#controls = new Map(command.options.map((one) => [one.name, this.#control(one)]));
    this.#hint = el("p", { class: "hint", "aria-hidden": "true" }, command.description);
    const fields = command.options.map((one) => this.#field(one));
    fill(
      this.root,
      el("p", { class: "command-title" }, el("strong", {}, `/${command.name}`), " ", this.#hint),
      el("div", { class: "option-grid" }, fields),
    );
  }

  /** Say above the fields what the one in use is for. */
  #explain(control) {
    const option = this.#command?.options.find((one) => this.#controls.get(one.name) === control);
    if (option) this.#hint.textContent = [option.description, rangeOf(option)].filter(Boolean).join(" · ");
  }

  #field(option) {
    const control = this.#controls.get(option.name);
    const description = [option.description, rangeOf(option)].filter(Boolean).join(", ");
    const field = labelled(option.name, control, { description, required: option.required, hidden: true });
    field.classList.toggle("wide", control.tagName === "TEXTAREA");
    if (option.autocomplete) this.#addSuggestions(option, control, field);
    return field;
  }

  #control(option) {
    const control = build(option);
    control.addEventListener(control.tagName === "SELECT" ? "change" : "input", () => this.#changed(option, control));
    return control;
  }

  #changed(option, control) {
    if (option.type === ATTACHMENT) this.onFile(option, control.files[0] ?? null);
    else this.onChange(option.name, control.value);
  }

  #showFile(control, file) {
    if ((control.files[0] ?? null) !== (file ?? null)) putFiles(control, file ? [file] : []);
  }

  #addSuggestions(option, control, field) {
    const list = el("div", { class: "popup" });
    field.append(list);
    const popup = new Popup(list, control, "Suggestions");
    let timer = 0;
    const ask = () => {
      clearTimeout(timer);
      timer = setTimeout(async () => {
        const choices = await this.suggest(option, control.value);
        if (document.activeElement !== control) return;
        popup.show(choices.map((one) => ({ label: one.name, choose: () => take(one.value) })));
      }, SUGGEST_PAUSE_MS);
    };
    const take = (value) => {
      control.value = value;
      this.onChange(option.name, String(value));
      popup.hide();
    };
    control.addEventListener("input", ask);
    control.addEventListener("focus", ask);
    control.addEventListener("blur", () => popup.hide());
    control.addEventListener("keydown", (event) => {
      if (popup.takeKey(event, false)) event.stopPropagation();
    });
  }
}

function setValue(control, value) {
  if (control.tagName === "SELECT") {
    const wanted = value.toLowerCase();
    const found = [...control.options].find(
      (one) => one.value.toLowerCase() === wanted || one.dataset.value?.toLowerCase() === wanted,
    );
    control.value = found ? found.value : "";
    return;
  }
  if (control.value === value) return;
  control.value = value;
  if (control.tagName === "TEXTAREA") grow(control);
}

function build(option) {
  const required = option.required;
  if (option.choices?.length > 0) return choiceSelect(option);
  if (option.type === BOOLEAN)
    return select(
      [
        { label: word("True"), value: "True" },
        { label: word("False"), value: "False" },
      ],
      { required },
      word("not set"),
    );
  if (option.type === INTEGER || option.type === NUMBER) {
    const step = option.type === INTEGER ? 1 : "any";
    return el("input", {
      type: "number",
      min: option.min_value,
      max: option.max_value,
      step,
      placeholder: rangeOf(option),
      required,
    });
  }
  if (option.type === ATTACHMENT) return el("input", { type: "file", required });
  const named = namedIn(option);
  if (named) return choiceSelect({ required, choices: named.map((one) => ({ name: one.label, value: one.value })) });
  if (option.autocomplete) return el("input", { type: "text", autocomplete: "off", required });
  return growingText({ maxlength: option.max_length, placeholder: option.description, required });
}

/** What an option for people, roles or channels can name; null for any other option. */
export function namedIn(option) {
  const sources = {
    [USER]: peopleHere,
    [CHANNEL]: () => placesHere(option.channel_types),
    [ROLE]: rolesHere,
    [MENTIONABLE]: () => [...peopleHere(), ...rolesHere()],
  };
  return sources[option.type]?.() ?? null;
}

/** In the line a choice stands by its name; its value is understood too. */
function choiceSelect(option) {
  const control = select([], { required: option.required }, word("not set"));
  for (const one of option.choices)
    control.append(el("option", { value: one.name, "data-value": one.value }, one.name));
  return control;
}
