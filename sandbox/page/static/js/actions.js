// Clicks inside the conversation: buttons, menus, pictures, spoilers. Taken at the log, because messages are redrawn.

import { isEphemeral, textOf } from "./message.js";
import { openForm } from "./form.js";
import { openLarge } from "./lightbox.js";
import { openMenu } from "./menu.js";
import { reveal } from "./media.js";
import { scene } from "./scene.js";
import { word } from "./words.js";

export class Actions {
  constructor(history, { ask, compose, answer, say }) {
    this.history = history;
    this.ask = ask;
    this.compose = compose;
    this.answer = answer;
    this.say = say;
    const { list } = history;
    list.addEventListener("click", (event) => this.#click(event));
    list.addEventListener("change", (event) => this.#change(event));
    list.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target.dataset.act === "reveal-text") event.target.classList.add("open");
    });
  }

  /** What an act came to: nothing, a form, or no answer (a sentence). */
  outcome(result) {
    if (result?.modal) openForm(result.modal, (values) => this.#submit(result.form, values));
    return result?.failed ?? "";
  }

  #click(event) {
    const node = event.target.closest("[data-act]");
    if (!node) return;
    const id = node.closest("article")?.dataset.id;
    const acts = {
      press: () => this.#act(id, node, "press", { custom_id: node.dataset.customId }),
      "choose-many": () => this.#chooseMany(id, node),
      open: () => openLarge(node),
      reveal: () => this.#reveal(id, node),
      "reveal-text": () => node.classList.add("open"),
      dismiss: () => this.history.dismiss(id),
      compose: () => this.compose(node.dataset.line),
      more: () => this.#more(id, node),
      person: () => this.#person(id, node),
    };
    acts[node.dataset.act]?.();
  }

  #change(event) {
    const menu = event.target.closest("select[data-act=choose]");
    if (!menu) return;
    const id = menu.closest("article").dataset.id;
    this.#act(id, menu, "choose", { custom_id: menu.dataset.customId, values: menu.value ? [menu.value] : [] });
  }

  #chooseMany(id, node) {
    const group = node.parentNode.querySelector("fieldset");
    const values = [...group.querySelectorAll("input:checked")].map((one) => one.value);
    this.#act(id, node, "choose", { custom_id: group.dataset.customId, values });
  }

  async #act(id, node, act, details) {
    node.setAttribute("aria-busy", "true");
    this.history.note(id, "");
    try {
      this.history.note(id, this.outcome(await this.ask(act, { message: id, ...details })));
    } catch (error) {
      this.history.note(id, error.message);
    }
    node.removeAttribute("aria-busy");
  }

  async #submit(form, values) {
    const result = await this.ask("submit", { form, values });
    return this.outcome(result);
  }

  #reveal(id, node) {
    reveal(node.dataset.cover);
    this.history.redraw(id);
  }

  #person(id, node) {
    const { user } = node.dataset;
    const items = scene.user_menus.map((name) => ({
      label: name,
      choose: () => this.#act(id, node, "user_menu", { name, user }),
    }));
    openMenu(node, [{ title: word("Apps for {name}", { name: user }), items }]);
  }

  #more(id, node) {
    const message = this.history.get(id);
    const mine = message.author.id === scene.me.id || scene.me.may_moderate;
    const apps = isEphemeral(message)
      ? []
      : scene.menus.map((name) => ({ label: name, choose: () => this.#act(id, node, "menu", { name }) }));
    const own = [
      {
        label: word("Copy text"),
        choose: () => navigator.clipboard.writeText(textOf(message)).catch((error) => this.say(error.message)),
      },
    ];
    if (!isEphemeral(message)) own.push({ label: word("Reply"), choose: () => this.answer(message) });
    if (mine && !isEphemeral(message))
      own.push({ label: word("Delete"), danger: true, choose: () => this.#act(id, node, "delete", {}) });
    openMenu(node, [
      { title: word("Apps"), items: apps },
      { title: word("This post"), items: own },
    ]);
  }
}
