// Discord's message components, drawn. They carry their ids as data attributes; the log takes the clicks.

import { el } from "./dom.js";
import { link } from "./inline.js";
import { markdown } from "./markdown.js";
import { fileCard, fileNameOf, gallery, isRevealed, itemOf, thumbnail } from "./media.js";
import { scene } from "./scene.js";

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
    covered && el("button", { type: "button", class: "cover", "data-act": "reveal", "data-cover": key }, "Spoiler"),
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

/** The choices of a select menu: its own, or people, roles and places of this world. */
export function choicesOf(part) {
  const people = () => scene.people.map((one) => ({ label: one.name, value: one.id }));
  const roles = () => scene.roles.map((one) => ({ label: one.name, value: one.id }));
  const places = () => scene.places.map((one) => ({ label: `#${one.name}`, value: one.id }));
  const sources = { 5: people, 6: roles, 7: () => [...people(), ...roles()], 8: places };
  return sources[part.type]?.() ?? part.options ?? [];
}

function menu(part) {
  const label = part.placeholder || "Choose";
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
      optionText(one),
    ),
  );
  return el(
    "details",
    { class: "multi", "data-key": part.custom_id },
    el("summary", {}, label),
    el("fieldset", { ...attributes, "aria-label": label }, boxes),
    el(
      "button",
      { type: "button", class: "button primary", "data-act": "choose-many", disabled: part.disabled },
      "Choose",
    ),
  );
}

function optionText(option) {
  return option.description ? `${option.label} – ${option.description}` : option.label;
}
