// One message as an article: who, when, what it shows, and what can be done with it.

import { el, icon, iconButton } from "./dom.js";
import { components } from "./components.js";
import { embeds } from "./embeds.js";
import { markdown } from "./markdown.js";
import { attachments } from "./media.js";
import { scene } from "./scene.js";
import { spoken } from "./clock.js";
import { word } from "./words.js";

const EPHEMERAL = 1 << 6;
const LOADING = 1 << 7;
const HUES = 6;
const INTERACTION_COMMAND = 2;
const INTERACTION_COMPONENT = 3;
const INTERACTION_FORM = 5;
const REPLY = 19;

export function isEphemeral(message) {
  return Boolean(message.flags & EPHEMERAL);
}

/** All that a message says, of its text and of its components. */
export function textOf(message) {
  const texts = [message.content];
  const walk = (parts) => {
    for (const part of parts) {
      if (part.content) texts.push(part.content);
      walk(part.components ?? []);
    }
  };
  walk(message.components);
  return texts.filter(Boolean).join("\n");
}

/**
 * The article of a message. `note` is what this tab has to say about it, for instance that a click came to nothing;
 * `find` looks up the message that it answers.
 */
export function article(message, note = "", find = () => null) {
  const name = message.author.global_name || message.author.username;
  const titleId = `by-${message.id}`;
  return el(
    "article",
    {
      class: `message${isEphemeral(message) ? " ephemeral" : ""}`,
      "data-id": message.id,
      "data-key": message.id,
      "aria-labelledby": titleId,
    },
    origin(message, find),
    avatar(name, message.author.bot),
    el("div", { class: "body" }, heading(message, name, titleId), content(message), noteLine(note), onlyYou(message)),
    el("div", { class: "tools" }, iconButton("more", word("More"), { "data-act": "more", "aria-haspopup": "menu" })),
  );
}

/** A round mark with the first letter of a name. */
export function avatar(name, isBot = false) {
  const hue = [...name].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % HUES;
  return el("span", { class: `avatar ${isBot ? "app" : `hue-${hue}`}`, "aria-hidden": "true" }, isBot ? "" : name[0]);
}

function heading(message, name, titleId) {
  const when = new Date(message.timestamp);
  return el(
    "header",
    {},
    person(name, { class: "author", id: titleId }),
    message.author.bot && el("span", { class: "badge" }, "App"),
    el("time", { class: "when", datetime: when.toISOString() }, spoken(when)),
    message.edited_timestamp && el("span", { class: "edited" }, word("edited")),
  );
}

/** A name; where there are user commands, a button that opens their menu. */
function person(name, attributes) {
  if (scene.user_menus.length === 0) return el("span", attributes, name);
  return el(
    "button",
    { ...attributes, type: "button", "data-act": "person", "data-user": name, "aria-haspopup": "menu" },
    name,
  );
}

function content(message) {
  if (message.flags & LOADING) {
    return el(
      "p",
      { class: "thinking" },
      word("{name} is thinking", { name: message.author.username }),
      el("span", { class: "dots", "aria-hidden": "true" }),
    );
  }
  return el(
    "div",
    { class: "content" },
    message.content && el("div", { class: "text" }, markdown(message.content)),
    attachments(message.attachments),
    embeds(message.embeds),
    components(message.components),
  );
}

/** Above a message that answers something: what a person did to get it, or the message it answers. */
function origin(message, find) {
  const about = message.interaction_metadata;
  if (!about) return message.type === REPLY ? answered(message, find(message.message_reference?.message_id)) : null;
  const who = scene.people.find((one) => one.id === about.user.id)?.name ?? about.user.username;
  return el(
    "p",
    { class: "origin" },
    avatar(who),
    person(who, { class: "who" }),
    el("span", {}, didWhat(message, about)),
  );
}

/** The ping line of a reply: whom it answers, and the beginning of what they said. */
function answered(message, original) {
  const hint = el("span", { class: "sr-only" }, "answers a message");
  if (!original) return el("p", { class: "origin" }, hint, el("em", {}, word("Original message was deleted")));
  const { author } = original;
  const name = author.global_name || author.username;
  const pinged = message.mentions?.some((one) => one.id === author.id);
  return el(
    "p",
    { class: "origin" },
    hint,
    avatar(name, author.bot),
    el("span", { class: "who" }, `${pinged ? "@" : ""}${name}`),
    el("span", { class: "said" }, plainly(textOf(original)) || word("Click to see attachment")),
  );
}

/** Without the marks of Markdown, on one line. */
function plainly(text) {
  return text.replace(/^(?:-#|#+|>)\s/gm, "").replace(/<[@#:/t][^>]*>|[*`|~]{1,2}/g, "").replace(/\s+/g, " ").trim();
}

function didWhat(message, about) {
  if (about.type === INTERACTION_COMPONENT) return word("pressed a button");
  if (about.type === INTERACTION_FORM) return word("filled in a form");
  if (about.type !== INTERACTION_COMMAND) return "asked";
  if (!about.name) return word("used a command");
  return word("used {name}", { name: message.type === 23 ? about.name : `/${about.name}` });
}

function noteLine(note) {
  return note ? el("p", { class: "note", role: "alert" }, word(note)) : null;
}

function onlyYou(message) {
  if (!isEphemeral(message)) return null;
  return el(
    "p",
    { class: "only-you" },
    icon("eye"),
    `${word("Only you can see this")} · `,
    el("button", { type: "button", class: "text-button", "data-act": "dismiss" }, word("Dismiss")),
  );
}
