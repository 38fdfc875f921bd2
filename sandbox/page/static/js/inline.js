// Discord's markdown within a line: emphasis, code, links, mentions, timestamps. Returns nodes, never HTML.

import { el } from "./dom.js";
import { channelName, roleName, userName } from "./scene.js";
import { written } from "./clock.js";
import { word } from "./words.js";

// Tried in this order at each position; each returns a node, or text to take as it stands.
const RULES = [
  [/\\([^a-zA-Z0-9\s])/y, (m) => m[1]],
  [/(`+)([^]*?[^`])\1(?!`)/y, (m) => el("code", {}, m[2].trim() || m[2])],
  [/<@!?(\d+)>/y, (m) => mention(`@${userName(m[1])}`)],
  [/<@&(\d+)>/y, (m) => mention(`@${roleName(m[1])}`)],
  [/<#(\d+)>/y, (m) => mention(`#${channelName(m[1])}`)],
  [/<\/([-\w' ]{1,100}):\d+>/y, (m) => commandMention(m[1])],
  [/<t:(-?\d{1,13})(?::([tTdDfFRsS]))?>/y, (m) => timestamp(Number(m[1]), m[2] ?? "f")],
  [/<a?(:\w+:)\d+>/y, (m) => m[1]],
  [/\[((?:\\.|[^\]\\])+)\]\(<?(https?:\/\/[^\s)>]+)>?\)/y, (m) => link(m[2], inline(m[1]))],
  [/<(https?:\/\/[^\s>]+)>/y, (m) => link(m[1], m[1])],
  [/https?:\/\/[^\s<]*[^\s<.,:;"'\])]/y, (m) => link(m[0], m[0])],
  [/\*\*\*(?=\S)([^]+?)\*\*\*(?!\*)/y, (m) => el("strong", {}, el("em", {}, inline(m[1])))],
  [/\*\*(?=\S)([^]+?)\*\*(?!\*)/y, (m) => el("strong", {}, inline(m[1]))],
  [/__(?=\S)([^]+?)__(?!_)/y, (m) => el("u", {}, inline(m[1]))],
  [/\*(?=[^\s*])([^*]+?)\*(?!\*)/y, (m) => el("em", {}, inline(m[1]))],
  [/(?<!\w)_(?=[^\s_])([^_]+?)_(?!\w)/y, (m) => el("em", {}, inline(m[1]))],
  [/~~(?=\S)([^]+?)~~/y, (m) => el("s", {}, inline(m[1]))],
  [/\|\|([^]+?)\|\|/y, (m) => textSpoiler(m[1])],
  [/\n/y, () => el("br")],
];

/** The nodes of a piece of text. */
export function inline(text) {
  const nodes = [];
  let plain = "";
  let at = 0;
  while (at < text.length) {
    const found = match(text, at);
    if (!found) {
      plain += text[at];
      at += 1;
      continue;
    }
    at += found.length;
    if (typeof found.node === "string") {
      plain += found.node;
      continue;
    }
    if (plain) nodes.push(plain);
    plain = "";
    nodes.push(found.node);
  }
  if (plain) nodes.push(plain);
  return nodes;
}

function match(text, at) {
  for (const [pattern, build] of RULES) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) return { length: found[0].length, node: build(found) };
  }
  return null;
}

function mention(text) {
  return el("span", { class: "mention" }, text);
}

function commandMention(name) {
  return el("button", { type: "button", class: "mention", "data-act": "compose", "data-line": `/${name}` }, `/${name}`);
}

function timestamp(unix, style) {
  const date = new Date(unix * 1000);
  if (Number.isNaN(date.getTime())) return `<t:${unix}>`;
  const attributes = {
    datetime: date.toISOString(),
    "data-unix": unix,
    "data-style": style,
    title: written(unix, "F"),
  };
  return el("time", attributes, written(unix, style));
}

/** A link that leaves the page; anything but http and https stays text. */
export function link(url, content) {
  if (!/^https?:\/\//i.test(url)) return el("span", {}, content);
  return el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, content);
}

function textSpoiler(text) {
  return el(
    "span",
    { class: "text-spoiler", role: "button", tabindex: "0", "aria-label": word("Spoiler"), "data-act": "reveal-text" },
    inline(text),
  );
}
