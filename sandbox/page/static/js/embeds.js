// Embeds of messages without Components V2, drawn simply.

import { el } from "./dom.js";
import { inline, link } from "./inline.js";
import { markdown } from "./markdown.js";
import { gallery, itemOf } from "./media.js";

export function embeds(list) {
  return list.map(embed);
}

function embed(one) {
  const accent = one.color ?? null;
  const css = accent === null ? {} : { "--accent-line": `#${accent.toString(16).padStart(6, "0")}` };
  return el(
    "div",
    { class: `card embed${accent === null ? "" : " accented"}`, css },
    one.author && el("p", { class: "embed-author" }, one.author.name),
    one.title && el("p", { class: "h3" }, one.url ? link(one.url, inline(one.title)) : inline(one.title)),
    one.description && el("div", { class: "text" }, markdown(one.description)),
    one.fields?.length > 0 && el("dl", { class: "embed-fields" }, one.fields.map(field)),
    one.image && gallery([itemOf(one.image, { description: one.title })]),
    one.thumbnail && !one.image && gallery([itemOf(one.thumbnail, { description: one.title })]),
    one.footer && el("p", { class: "subtext" }, one.footer.text),
  );
}

function field(one) {
  return el(
    "div",
    { class: one.inline ? "inline" : null },
    el("dt", {}, inline(one.name)),
    el("dd", {}, markdown(one.value)),
  );
}
