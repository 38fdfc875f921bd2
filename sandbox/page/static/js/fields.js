// Form controls that the command form and Discord's modals have in common.

import { el, newId } from "./dom.js";
import { word } from "./words.js";

/** A control under its label. The label's text is the control's accessible name, exactly. */
export function labelled(label, control, { description = "", required = false, hidden = false } = {}) {
  control.id ||= newId("field");
  const hintId = `${control.id}-hint`;
  if (description) control.setAttribute("aria-describedby", hintId);
  return el(
    "div",
    { class: "field" },
    el(
      "div",
      { class: "field-head" },
      el("label", { for: control.id }, label),
      required && el("span", { class: "required", "aria-hidden": "true" }, word("required")),
    ),
    description && el("small", { id: hintId, class: hidden ? "sr-only" : null }, description),
    control,
  );
}

/** A text area as high as its text. */
export function growingText(attributes, value = "") {
  const area = el("textarea", { rows: 1, ...attributes });
  area.value = value;
  area.addEventListener("input", () => grow(area));
  requestAnimationFrame(() => grow(area));
  return area;
}

/** Fit a text area to what it holds. */
export function grow(area) {
  area.style.height = "auto";
  if (area.scrollHeight > 0) area.style.height = `${area.scrollHeight + area.offsetHeight - area.clientHeight}px`;
}

/** A select of [{label, value, default}]; `nothing` is the text of an entry for no choice, if there is one. */
export function select(options, attributes, nothing = null) {
  return el(
    "select",
    attributes,
    nothing !== null && el("option", { value: "" }, nothing),
    options.map((one) => el("option", { value: one.value, selected: one.default }, one.label)),
  );
}

/** Checkboxes or radio buttons in a group of that name. */
export function checks(kind, legend, options, description) {
  const name = newId("group");
  const boxes = options.map((one) =>
    el(
      "label",
      { class: "check" },
      el("input", { type: kind, name, value: one.value, checked: one.default }),
      one.label,
      one.description && el("small", {}, one.description),
    ),
  );
  return el(
    "fieldset",
    { class: "field checks" },
    el("legend", {}, legend),
    description && el("small", {}, description),
    boxes,
  );
}

/** Put a file into a file input, as if it had been chosen there. */
export function putFiles(input, files) {
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  input.files = transfer.files;
}
