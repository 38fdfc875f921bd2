// Discord's modals: a dialog with the fields the bot asked for.

import { el, fill, iconButton, newId } from "./dom.js";
import { checks, growingText, labelled, select } from "./fields.js";
import { choicesOf, unknown } from "./components.js";
import { markdown } from "./markdown.js";
import { upload } from "./link.js";
import { word } from "./words.js";

const [ROW, TEXT_INPUT, TEXT, LABEL, FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX] = [
  1, 4, 10, 18, 19, 21, 22, 23,
];
const SELECTS = [3, 5, 6, 7, 8];
const PARAGRAPH = 2;

/** Open a modal. `submit(values)` sends it and resolves to a sentence when something went wrong. */
export function openForm(modal, submit) {
  const fields = modal.components.map(fieldOf);
  const titleId = newId("form-title");
  const note = el("p", { class: "note", role: "alert" });
  const send = el("button", { type: "submit", class: "button primary" }, word("Submit"));
  const cancel = el(
    "button",
    { type: "button", class: "button secondary", on: { click: () => dialog.close() } },
    word("Cancel"),
  );
  const form = el(
    "form",
    {},
    el(
      "header",
      {},
      el("h2", { id: titleId }, modal.title),
      iconButton("close", word("Close"), { on: { click: () => dialog.close() } }),
    ),
    el(
      "div",
      { class: "form-fields" },
      fields.map((one) => one.node),
    ),
    note,
    el("footer", {}, cancel, send),
  );
  const dialog = el("dialog", { class: "form", "aria-labelledby": titleId }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    fill(note, word(await attempt(fields, submit)));
    send.disabled = false;
    if (!note.textContent) dialog.close();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(send);
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  fields.find((one) => one.control)?.control.focus();
}

async function attempt(fields, submit) {
  try {
    const values = {};
    for (const one of fields.filter((field) => field.read)) values[one.customId] = await one.read();
    return (await submit(values)) ?? "";
  } catch (error) {
    return error.message;
  }
}

/** One field of the form: {node, control, customId, read}. A text has only its node. */
function fieldOf(part) {
  if (part.type === TEXT) return { node: el("div", { class: "text" }, markdown(part.content)) };
  const inner = part.type === LABEL ? part.component : part.type === ROW ? part.components[0] : null;
  if (!inner) return { node: unknown(part.type) };
  const label = part.label ?? inner.label ?? "";
  const build = builderOf(inner.type);
  if (!build) return { node: unknown(inner.type) };
  return { customId: inner.custom_id, ...build(inner, label, part.description ?? "") };
}

function builderOf(type) {
  if (SELECTS.includes(type)) return menuField;
  return {
    [TEXT_INPUT]: textField,
    [FILE_UPLOAD]: fileField,
    [RADIO_GROUP]: radioField,
    [CHECKBOX_GROUP]: boxesField,
    [CHECKBOX]: boxField,
  }[type];
}

function isRequired(part) {
  return part.required !== false;
}

function textField(part, label, description) {
  const limits = {
    minlength: part.min_length,
    maxlength: part.max_length,
    placeholder: part.placeholder,
    required: isRequired(part),
  };
  const value = part.value ?? "";
  const control =
    part.style === PARAGRAPH
      ? growingText({ ...limits, rows: 3 }, value)
      : el("input", { type: "text", ...limits, value });
  return {
    node: labelled(label, control, { description, required: isRequired(part) }),
    control,
    read: () => control.value,
  };
}

function menuField(part, label, description) {
  const options = choicesOf(part);
  if ((part.max_values ?? 1) > 1) return groupField("checkbox", options, label, description);
  const free = part.min_values === 0 || !isRequired(part);
  const nothing = free || !options.some((one) => one.default) ? part.placeholder || word("Choose") : null;
  const control = select(options, { required: !free }, nothing);
  const node = labelled(label, control, { description, required: !free });
  node.append(aboutChosen(control, options));
  return {
    node,
    control,
    read: () => (control.value ? [control.value] : []),
  };
}

/** The second line of the choice that is chosen, which Discord shows in the menu itself. */
function aboutChosen(control, options) {
  const about = el("small", { class: "about-chosen", role: "status" });
  const say = () => {
    about.textContent = options.find((one) => one.value === control.value)?.description ?? "";
  };
  control.addEventListener("change", say);
  say();
  return about;
}

function groupField(kind, options, label, description) {
  const node = checks(kind, label, options, description);
  const picked = () => [...node.querySelectorAll("input:checked")].map((one) => one.value);
  return { node, control: node.querySelector("input"), read: picked };
}

function boxesField(part, label, description) {
  return groupField("checkbox", part.options, label, description);
}

function radioField(part, label, description) {
  const field = groupField("radio", part.options, label, description);
  return { ...field, read: () => field.read()[0] ?? "" };
}

function boxField(part, label, description) {
  const control = el("input", { type: "checkbox", checked: part.default });
  return { node: labelled(label, control, { description }), control, read: () => control.checked };
}

function fileField(part, label, description) {
  const required = isRequired(part) && (part.min_values ?? 1) > 0;
  const control = el("input", { type: "file", multiple: (part.max_values ?? 1) > 1, required });
  const read = () => Promise.all([...control.files].map(async (file) => ({ upload: await upload(file) })));
  return { node: labelled(label, control, { description, required }), control, read };
}
