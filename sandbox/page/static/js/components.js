// Discord's message components, drawn. They carry their ids as data attributes; the log takes the clicks.

import { el } from "./dom.js";
import { link } from "./inline.js";
import { markdown } from "./markdown.js";
import { fileCard, fileNameOf, gallery, isRevealed, itemOf, thumbnail } from "./media.js";
import { peopleHere, placesHere, rolesHere } from "./named.js";
import { word } from "./words.js";

const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger" };
const LINK_BUTTON = 5;
const KNOWN = {
  1: row,
  2: button,
  3: menu,
  5: menu,
  6: menu,
  7: menu,
  8: menu,
  9: section,
  10: (part) => el("div", { class: "text" }, markdown(part.content)),
  11: thumbnail,
  12: (part) => gallery(part.items.map((item) => itemOf(item.media, item))),
  13: (part) => fileCard(part.name ?? fileNameOf(part.file.url), part.file.url, part.size),
  14: separator,
  17: container,
};

/** The elements of a list of components. */
export function components(parts) {
  return parts.map((part) => KNOWN[part.type]?.(part) ?? unknown(part.type));
}

/** What is said for a component that this page cannot draw. */
export function unknown(type) {
  return el("p", { class: "unknown" }, `The page does not know this component (type ${type}).`);
}

function container(part) {
  const accent = part.accent_color ?? null;
  const key = `container-${part.id ?? ""}`;
  const covered = part.spoiler && !isRevealed(key);
  const css = accent === null ? {} : { "--accent-line": `#${accent.toString(16).padStart(6, "0")}` };
  return el(
    "div",
    { class: `card${accent === null ? "" : " accented"}${covered ? " covered" : ""}`, css },
    components(part.components),
    covered && el("button", { type: "button", class: "cover", "data-act": "reveal", "data-cover": key }, word("Spoiler")),
  );
}

function section(part) {
  return el(
    "div",
    { class: "section" },
    el("div", { class: "section-text" }, components(part.components)),
    el("div", { class: "accessory" }, components([part.accessory])),
  );
}

function separator(part) {
  const spacing = part.spacing === 2 ? "large" : "small";
  return part.divider === false ? el("div", { class: `gap ${spacing}` }) : el("hr", { class: spacing });
}

function row(part) {
  return el("div", { class: "row" }, components(part.components));
}

function button(part) {
  const label = [part.emoji?.name, part.label].filter(Boolean).join(" ");
  if (part.style === LINK_BUTTON) {
    const anchor = link(part.url, label);
    anchor.className = "button secondary";
    return anchor;
  }
  return el(
    "button",
    {
      type: "button",
      class: `button ${STYLES[part.style] ?? "secondary"}`,
      disabled: part.disabled,
      "data-key": part.custom_id,
      "data-act": "press",
      "data-custom-id": part.custom_id,
    },
    label,
  );
}

/** The choices of a select menu: its own, or the people, roles and channels of this place. */
export function choicesOf(part) {
  const sources = {
    5: peopleHere,
    6: rolesHere,
    7: () => [...peopleHere(), ...rolesHere()],
    8: () => placesHere(part.channel_types),
  };
  if (!sources[part.type]) return part.options ?? [];
  const chosen = new Set((part.default_values ?? []).map((one) => one.id));
  return sources[part.type]().map((one) => ({ ...one, default: chosen.has(one.value) }));
}

function menu(part) {
  const label = part.placeholder || word("Choose");
  const options = choicesOf(part);
  const attributes = {
    "data-custom-id": part.custom_id,
    "data-key": part.custom_id,
    "aria-label": label,
    disabled: part.disabled,
  };
  if ((part.max_values ?? 1) > 1) return multiMenu(part, options, attributes, label);
  const chosen = options.some((one) => one.default);
  return el(
    "select",
    { ...attributes, "data-act": "choose" },
    el("option", { value: "", disabled: (part.min_values ?? 1) > 0, selected: !chosen }, label),
    options.map((one) => el("option", { value: one.value, selected: one.default }, optionText(one))),
  );
}

function multiMenu(part, options, attributes, label) {
  const boxes = options.map((one) =>
    el(
      "label",
      { class: "check" },
      el("input", { type: "checkbox", value: one.value, checked: one.default }),
      el("span", {}, one.label, one.description && el("small", { class: "second-line" }, one.description)),
    ),
  );
  const chosen = options.filter((one) => one.default).map((one) => one.label);
  return el(
    "details",
    { class: "multi", "data-key": part.custom_id },
    el("summary", { "aria-label": label, class: chosen.length > 0 ? "chosen" : null }, chosen.join(", ") || label),
    el("fieldset", { ...attributes, "aria-label": label }, boxes),
    el(
      "button",
      { type: "button", class: "button primary", "data-act": "choose-many", disabled: part.disabled },
      word("Choose"),
    ),
  );
}

/** An entry of a browser's menu is one line; of the chosen one only the label stands in the closed menu, as in Discord. */
function optionText(option) {
  return option.description && !option.default ? `${option.label} – ${option.description}` : option.label;
}
