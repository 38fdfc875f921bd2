// Discord's markdown in blocks: headings, lists, quotes, code, subtext. The lines themselves are read by inline.js.

import { el } from "./dom.js";
import { inline } from "./inline.js";

const FENCE = /```(?:([\w+-]+)\n)?([^]*?)```/g;
const HEADING = /^(#{1,3})\s+(.+)$/;
const SUBTEXT = /^-#\s+(.+)$/;
const QUOTE = /^>\s(.*)$/;
const BULLET = /^(\s*)[-*]\s+(.+)$/;
const NUMBER = /^(\s*)(\d+)\.\s+(.+)$/;

/** The block elements of a text. */
export function markdown(text) {
  const blocks = [];
  let at = 0;
  for (const fence of text.matchAll(FENCE)) {
    blocks.push(...lines(text.slice(at, fence.index)));
    blocks.push(el("pre", {}, el("code", {}, fence[2].replace(/^\n|\n$/g, ""))));
    at = fence.index + fence[0].length;
  }
  return [...blocks, ...lines(text.slice(at))];
}

function lines(text) {
  const rest = text.replace(/^\n|\n$/g, "");
  if (!rest.trim()) return [];
  const everything = rest.indexOf("\n>>> ") + 1 || (rest.startsWith(">>> ") ? 0 : -1);
  if (everything >= 0) {
    return [...grouped(rest.slice(0, everything)), el("blockquote", {}, markdown(rest.slice(everything + 4)))];
  }
  return grouped(rest);
}

function grouped(text) {
  const blocks = [];
  let paragraph = [];
  const flush = () => {
    if (paragraph.some((line) => line.trim()))
      blocks.push(el("p", {}, inline(paragraph.join("\n").replace(/^\n+|\n+$/g, ""))));
    paragraph = [];
  };
  const all = text.split("\n");
  for (let index = 0; index < all.length;) {
    const block = blockAt(all, index);
    if (block) {
      flush();
      blocks.push(block.node);
      index += block.taken;
    } else {
      paragraph.push(all[index]);
      index += 1;
    }
  }
  flush();
  return blocks;
}

function blockAt(all, index) {
  const heading = HEADING.exec(all[index]);
  if (heading)
    return {
      node: el(
        "p",
        { class: `h${heading[1].length}`, role: "heading", "aria-level": heading[1].length + 2 },
        inline(heading[2]),
      ),
      taken: 1,
    };
  const subtext = SUBTEXT.exec(all[index]);
  if (subtext) return { node: el("p", { class: "subtext" }, inline(subtext[1])), taken: 1 };
  if (QUOTE.test(all[index])) return quoteAt(all, index);
  if (BULLET.test(all[index]) || NUMBER.test(all[index])) return listAt(all, index);
  return null;
}

function run(all, index, pattern) {
  let end = index;
  while (end < all.length && pattern.test(all[end])) end += 1;
  return all.slice(index, end);
}

function quoteAt(all, index) {
  const quoted = run(all, index, QUOTE);
  const text = quoted.map((line) => QUOTE.exec(line)[1]).join("\n");
  return { node: el("blockquote", {}, grouped(text)), taken: quoted.length };
}

function listAt(all, index) {
  const ordered = NUMBER.test(all[index]);
  const pattern = ordered ? NUMBER : BULLET;
  const items = run(all, index, pattern).map((line) => pattern.exec(line));
  const attributes = ordered ? { start: items[0][2] } : {};
  const rows = items.map((item) => el("li", { class: item[1].length > 1 ? "deeper" : null }, inline(item.at(-1))));
  return { node: el(ordered ? "ol" : "ul", attributes, rows), taken: items.length };
}
