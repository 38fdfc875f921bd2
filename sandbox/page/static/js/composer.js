// The message box: ordinary messages, whole command lines, and the help that unfolds over them while one is typed.

import { grow } from "./fields.js";
import { ATTACHMENT, BOOLEAN, flattened, optionAt, read, write } from "./line.js";
import { namedIn, OptionForm } from "./options.js";
import { Popup } from "./popup.js";
import { canUseBot, scene } from "./scene.js";
import { Staged } from "./staged.js";

const SUGGEST_PAUSE_MS = 200;

export class Composer {
  #last = "";
  #answered = null;
  #asking = 0;

  /**
   * `parts` are the elements of the form. `send(draft)` takes {text, files} or {command, values, files} and resolves
   * once it is on its way; `suggest` asks the bot for an option's suggestions.
   */
  constructor(parts, { send, suggest, refresh }) {
    this.parts = parts;
    this.send = send;
    this.refresh = refresh;
    this.ask = suggest;
    this.box = parts.box;
    this.staged = new Staged(parts.staged, () => this.#changed());
    this.popup = new Popup(parts.popup, this.box, "Commands");
    this.form = new OptionForm(parts.options, {
      onChange: (name, value) => this.#setOption(name, value),
      onFile: (option, file) => this.#setFile(option, file),
      suggest: (option, typed) => suggest(this.#reading(), option, typed),
    });
    this.#listen();
  }

  /** Put a line into the box and show its form. */
  compose(line) {
    this.#write(line);
    this.box.focus();
  }

  /** Let the next message answer this one. It begins with a mention of its author where that is the bot. */
  answer(message) {
    const { bot, username } = message.author;
    this.compose(bot ? `@${username} ` : "");
    this.#setAnswered(message);
  }

  #setAnswered(message) {
    this.#answered = message?.id ?? null;
    this.parts.answers.hidden = !message;
    this.parts.answers.textContent = message
      ? `Answers ${message.author.global_name || message.author.username}. Escape: a message of its own.`
      : "";
  }

  clear() {
    this.#setAnswered(null);
    this.staged.clear();
    this.#write("");
  }

  /** Say why something was not sent. */
  say(text) {
    this.parts.note.textContent = text;
  }

  /** What was refused comes back, unless something new was begun meanwhile. */
  restore(draft) {
    if (this.box.value || this.staged.files.length > 0) return;
    this.staged.add(draft.files);
    this.#write(draft.line);
  }

  #listen() {
    this.box.addEventListener("input", () => this.#changed());
    this.box.addEventListener("click", () => this.#suggest());
    this.box.addEventListener("blur", () => this.popup.hide());
    this.parts.form.addEventListener("keydown", (event) => this.#key(event));
    this.parts.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.parts.attach.addEventListener("change", () => {
      this.addFiles([...this.parts.attach.files]);
      this.parts.attach.value = "";
    });
    document.addEventListener("paste", (event) => this.#paste(event));
  }

  /** Take files that were chosen, dropped or pasted: into the command's empty options first. */
  addFiles(files) {
    const added = this.staged.add(files);
    const reading = this.#reading();
    const empty = (reading?.command.options ?? []).filter(
      (one) => one.type === ATTACHMENT && !reading.values.get(one.name),
    );
    if (empty.length > 0) {
      added.slice(0, empty.length).forEach((file, index) => reading.values.set(empty[index].name, file.name));
      this.#write(write(reading.command, reading.values));
    }
    this.#changed();
  }

  #paste(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0 || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    this.addFiles(files);
  }

  #key(event) {
    if (event.isComposing) return;
    if (event.target === this.box && this.popup.takeKey(event, this.#isChoosing())) return;
    if (event.key === "Escape") this.#escape(event);
    else if (event.key === "ArrowUp" && event.target === this.box && !this.box.value) this.compose(this.#last);
    else if (
      event.key === "Enter" &&
      !event.shiftKey &&
      event.target.matches("textarea, select, input:not([type=file])")
    ) {
      event.preventDefault();
      this.#submit();
    }
  }

  #escape(event) {
    event.preventDefault();
    this.#setAnswered(null);
    if (event.target === this.box) this.#write("");
    this.box.focus();
  }

  /** While a command's name is being typed, Enter takes the marked one; a whole name is sent instead. */
  #isChoosing() {
    const text = this.box.value;
    return /^\/\S*$/.test(text) && !this.#commands().some((one) => text === `/${one.name}`);
  }

  #commands() {
    return flattened(scene.commands);
  }

  #reading() {
    return read(this.box.value, this.#commands());
  }

  #write(text) {
    this.box.value = text;
    this.box.setSelectionRange(text.length, text.length);
    this.#changed();
  }

  #changed() {
    this.say("");
    grow(this.box);
    if (this.box.value === "/") this.refresh().then(() => this.#suggest());
    this.#suggest();
    const reading = this.#reading();
    const isTyped = reading && this.box.value.length > reading.begin;
    if (isTyped && reading.command.options.length > 0)
      this.form.show(reading.command, reading.values, this.staged.files);
    else this.form.hide();
    this.staged.showUnused(reading ? [...reading.values.values()] : []);
  }

  #suggest() {
    const text = this.box.value;
    if (document.activeElement !== this.box) this.popup.hide();
    else if (/^\/[^\n:]*$/.test(text) && !this.#reading()?.values.size) this.#suggestCommands(text);
    else this.#suggestValues(text);
  }

  #suggestCommands(text) {
    const wanted = text.slice(1).trimEnd().toLowerCase();
    if (/\s$/.test(text) && this.#reading()) {
      this.popup.hide();
      return;
    }
    const all = this.#commands();
    const fitting = [
      ...all.filter((one) => one.name.startsWith(wanted)),
      ...all.filter((one) => !one.name.startsWith(wanted) && `${one.name} ${one.own_name}`.includes(wanted)),
    ];
    this.popup.show(
      fitting.map((one) => ({ label: `/${one.name}`, detail: one.description, choose: () => this.#choose(one) })),
      all.length === 0 ? whyNoCommands() : `There is no command /${wanted} here.`,
    );
  }

  #suggestValues(text) {
    const reading = this.#reading();
    const here = reading && optionAt(reading, this.box.selectionStart, text);
    clearTimeout(this.#asking);
    if (here?.option.autocomplete) {
      this.#asking = setTimeout(() => this.#askSuggestions(reading, here, text), SUGGEST_PAUSE_MS);
      return;
    }
    const names = here ? wordsFor(here.option) : [];
    const typed = here?.typed.toLowerCase() ?? "";
    const fitting = names.filter((one) => one.toLowerCase().startsWith(typed) && one.toLowerCase() !== typed);
    this.popup.show(
      fitting.map((name) => ({
        label: name,
        detail: here.option.name,
        choose: () => this.#setOption(here.option.name, name),
      })),
    );
  }

  /** What the bot suggests for the option that is being typed in the line. */
  async #askSuggestions(reading, here, text) {
    const choices = await this.ask(reading, here.option, here.typed);
    if (document.activeElement !== this.box || this.box.value !== text) return;
    this.popup.show(
      choices.map((one) => ({
        label: one.name,
        detail: here.option.name,
        choose: () => {
          this.#setOption(here.option.name, String(one.value));
          clearTimeout(this.#asking);
          this.popup.hide();
        },
      })),
    );
  }

  #choose(command) {
    this.popup.hide();
    if (command.options.length === 0) {
      this.#write(`/${command.name}`);
      this.#submit();
      return;
    }
    this.#write(`/${command.name} `);
    this.popup.hide();
    this.form.focus();
  }

  #setOption(name, value) {
    const reading = this.#reading();
    if (!reading) return;
    reading.values.set(name, value);
    const line = write(reading.command, reading.values);
    // with its last option emptied the form stays
    this.#write(line === `/${reading.command.name}` ? `${line} ` : line);
  }

  #setFile(option, file) {
    const [added] = file ? this.staged.add([file]) : [null];
    this.#setOption(option.name, added?.name ?? "");
  }

  async #submit() {
    const text = this.box.value;
    this.popup.hide();
    if (!text.trim() && this.staged.files.length === 0) return;
    const draft = text.startsWith("/") ? this.#commandDraft(text) : { line: text, text, files: [...this.staged.files], replyTo: this.#answered };
    if (!draft) return;
    this.#last = text;
    this.clear();
    this.box.focus();
    await this.send(draft);
  }

  #commandDraft(text) {
    const reading = this.#reading();
    if (!reading) {
      this.say(`There is no command ${text.split(/\s/, 1)[0]} here. Type / to see them all.`);
      return null;
    }
    const missing = reading.command.options.find((one) => one.required && !reading.values.get(one.name));
    if (reading.stranger) this.say(`There is no option ${reading.stranger}; there are ${reading.command.options.map((one) => one.name).join(", ")}.`);
    else if (reading.twice) this.say(`The option ${reading.twice} is given twice.`);
    else if (missing) this.#askFor(reading, missing);
    else return { line: text, command: reading.command, values: reading.values, files: [...this.staged.files] };
    return null;
  }

  #askFor(reading, option) {
    this.form.show(reading.command, reading.values, this.staged.files);
    this.form.focus(option.name);
    this.say(`${option.name} is still missing.`);
  }
}

/** What an option can be, where that is a short list. */
function wordsFor(option) {
  if (option.type === BOOLEAN) return ["True", "False"];
  return namedIn(option)?.map((one) => one.label) ?? (option.choices ?? []).map((one) => one.name);
}

function whyNoCommands() {
  if (canUseBot()) return "The bot has not registered any commands yet. Is it running?";
  return `Easel is not a member here, and ${scene.me.name} has not installed it: there are no commands to use.`;
}
