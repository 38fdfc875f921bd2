// The conversation of one place: messages come, change and go, and the newest stays in view.

import { el, fill, icon } from "./dom.js";
import { article, avatar, isEphemeral } from "./message.js";
import { morph } from "./morph.js";
import { scene } from "./scene.js";
import { welcome } from "./welcome.js";
import { word } from "./words.js";

const NEAR_PX = 80;
/** When this page was loaded. As in Discord, private replies from before that are gone. */
const LOADED = performance.timeOrigin;

export class History {
  #messages = new Map();
  #notes = new Map();
  #follows = true;

  /** `scroller` scrolls, `list` holds the articles. */
  constructor(scroller, list) {
    this.scroller = scroller;
    this.list = list;
    scroller.addEventListener("scroll", () => {
      this.#follows = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_PX;
    });
    new ResizeObserver(() => this.#settle()).observe(list);
    new ResizeObserver(() => this.#settle()).observe(scroller);
  }

  /** Show another place, or the same one anew after the connection was lost. */
  reset(messages) {
    this.#messages = new Map(messages.filter((one) => !isGone(one)).map((one) => [one.id, one]));
    this.#notes.clear();
    fill(
      this.list,
      this.#shown().map((one) => this.#article(one)),
    );
    this.#tellOfGone(messages.filter((one) => isGone(one) && !dismissed().includes(one.id)).length);
    this.#greet();
    this.#follows = true;
    this.#settle();
  }

  get(id) {
    return this.#messages.get(id);
  }

  /** Take one of Discord's events for this place. */
  take(event) {
    if (event.type === "message_deleted") this.#remove(event.message_id);
    else if (event.type === "message_created" || event.type === "message_changed") this.#put(event.message);
  }

  /** Say something about a message, in this tab only. */
  note(id, text) {
    if (text) this.#notes.set(id, text);
    else this.#notes.delete(id);
    this.redraw(id);
  }

  redraw(id) {
    const message = this.#messages.get(id);
    const node = this.#node(id);
    if (message && node) morph(node, this.#article(message));
  }

  /** Something only this tab knows: a command on its way, or one that got no answer. Returns how to end it. */
  local(who, text) {
    const body = el("div", { class: "body" }, el("p", { class: "author" }, who), el("p", { class: "pending" }, text));
    const node = el("div", { class: "message local", role: "status" }, avatar(who), body);
    this.list.append(node);
    this.#greet();
    this.#follows = true;
    this.#settle();
    const remove = () => {
      node.remove();
      this.#greet();
    };
    return { remove, fail: (reason) => node.replaceWith(failure(who, reason, remove)) };
  }

  /** Hide an ephemeral reply; a reload doesn't bring it back. */
  dismiss(id) {
    const gone = dismissed();
    sessionStorage.setItem("dismissed", JSON.stringify([...gone, id]));
    this.#remove(id);
  }

  #put(message) {
    if (isGone(message)) return;
    const known = this.#messages.has(message.id);
    this.#messages.set(message.id, message);
    if (dismissed().includes(message.id)) return;
    this.#notes.delete(message.id);
    if (known) this.redraw(message.id);
    else this.#append(message);
    this.#greet();
    this.#settle();
  }

  #append(message) {
    this.list.insertBefore(this.#article(message), this.list.querySelector(":scope > .local"));
    // what a person has asked for comes into view, wherever they were reading
    const asked = message.interaction_metadata?.user.id ?? message.author.id;
    if (asked === scene.me.id) this.#follows = true;
  }

  #tellOfGone(count) {
    if (count === 0) return;
    const what = count === 1 ? "1 private reply" : `${count} private replies`;
    const text = `${what} from before this page was loaded went with it, as in Discord. /jobs and /gallery find the pictures.`;
    this.list.prepend(el("p", { class: "gone", role: "status" }, icon("eye"), text));
  }

  #article(message) {
    return article(message, this.#notes.get(message.id), (id) => this.#messages.get(id));
  }

  #remove(id) {
    this.#messages.delete(id);
    this.#node(id)?.remove();
    this.#greet();
  }

  #node(id) {
    return this.list.querySelector(`:scope > article[data-id="${CSS.escape(id)}"]`);
  }

  #shown() {
    const gone = dismissed();
    return [...this.#messages.values()].filter((one) => !gone.includes(one.id));
  }

  /** The first-time card stands in an empty place only. */
  #greet() {
    const card = this.list.querySelector(":scope > .welcome");
    const empty = !this.list.querySelector(":scope > .message");
    if (empty && !card) this.list.append(welcome());
    if (!empty) card?.remove();
  }

  #settle() {
    // the first-time card is read from its top
    const empty = this.list.querySelector(":scope > .welcome");
    if (this.#follows && !empty) this.scroller.scrollTop = this.scroller.scrollHeight;
  }
}

/** Whether a message is a private reply that a reload has taken away. */
function isGone(message) {
  return isEphemeral(message) && Date.parse(message.timestamp) < LOADED;
}

/** What a person sees of a command that got no answer. */
function failure(who, reason, remove) {
  const dismiss = el("button", { type: "button", class: "text-button" }, word("Dismiss"));
  const body = el(
    "div",
    { class: "body" },
    el("p", { class: "note", role: "alert" }, word(reason)),
    el("p", { class: "only-you" }, icon("eye"), `${word("Only you can see this")} · `, dismiss),
  );
  const node = el("article", { class: "message ephemeral", "aria-label": "No answer" }, avatar(who), body);
  dismiss.addEventListener("click", () => {
    node.remove();
    remove();
  });
  return node;
}

function dismissed() {
  return JSON.parse(sessionStorage.getItem("dismissed") ?? "[]");
}
