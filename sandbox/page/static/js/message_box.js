// The elements of the message box; composer.js makes them work.

import { el, fill, iconButton } from "./dom.js";

/** The elements of the message box, in their form. */
export function composerParts() {
  const attach = el("input", { type: "file", multiple: true });
  const box = el("textarea", {
    rows: 1,
    "aria-label": "Message",
    placeholder: "Write, or type / for commands",
    spellcheck: "true",
  });
  const parts = {
    popup: el("div", { class: "popup commands" }),
    options: el("div", { class: "options" }),
    staged: el("div", { class: "staged" }),
    note: el("p", { class: "composer-note", role: "alert" }),
    answers: el("p", { class: "composer-note answers", hidden: true, role: "status" }),
    attach,
    box,
  };
  const clip = el(
    "label",
    { class: "icon-button attach", title: "Attach files" },
    el("span", { class: "sr-only" }, "Attach files"),
    attach,
  );
  const send = iconButton("send", "Send", { type: "submit", class: "icon-button send" });
  parts.form = el("form", { class: "composer", novalidate: true });
  return fillForm(parts, clip, send);
}

function fillForm(parts, clip, send) {
  fill(
    parts.form,
    parts.popup,
    parts.options,
    parts.staged,
    parts.answers,
    el("div", { class: "box" }, clip, parts.box, send),
    parts.note,
  );
  return parts;
}
