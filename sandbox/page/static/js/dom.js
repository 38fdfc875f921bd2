// Builds elements. The only way content gets into this page: as text nodes and attributes, never as HTML.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  add: "M12 5v14M5 12h14",
  check: "M5 12.5l4.5 4.5L19 7.5",
  close: "M6 6l12 12M18 6L6 18",
  code: "M9 7l-5 5 5 5M15 7l5 5-5 5",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9a3 3 0 100 6 3 3 0 000-6z",
  expand: "M14 5h5v5M10 19H5v-5M19 5l-6 6M5 19l6-6",
  file: "M7 3.5h7l4 4v13H7zM14 3.5v4h4",
  group:
    "M9 11a3 3 0 100-6 3 3 0 000 6zM3.5 19c0-3 2.5-5 5.5-5s5.5 2 5.5 5M16 5.5a3 3 0 010 5.5M17.5 14.5c2 .6 3.3 2.3 3.3 4.5",
  hash: "M9.5 4L8 20M16 4l-1.5 16M4.5 9h16M3.5 15h16",
  left: "M14.5 5.500L8 12l6.5 6.5",
  menu: "M4 7h16M4 12h16M4 17h16",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  person: "M12 12a4 4 0 100-8 4 4 0 000 8zM4.5 20c0-3.5 3.3-6 7.5-6s7.5 2.5 7.5 6",
  right: "M9.5 5.500L16 12l-6.5 6.5",
  send: "M5 12h14M13 6l6 6-6 6",
  thread: "M5 5h14v10h-8l-4 4v-4H5z",
};

/** Build an element. Attributes that are null, undefined or false are left out; `on` holds listeners. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  const { on = {}, css = {}, ...rest } = attributes;
  for (const [name, value] of Object.entries(rest)) {
    if (value === null || value === undefined || value === false) continue;
    node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const [event, listener] of Object.entries(on)) node.addEventListener(event, listener);
  for (const [name, value] of Object.entries(css)) node.style.setProperty(name, value);
  put(node, children);
  return node;
}

function put(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Replace everything inside a node. */
export function fill(node, ...children) {
  node.replaceChildren();
  put(node, children);
  return node;
}

/** A line icon that takes its colour from the text around it. Decoration: whoever uses it names the control. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A button that shows only an icon; the label is its accessible name and its tooltip. */
export function iconButton(name, label, attributes = {}) {
  return el(
    "button",
    { type: "button", class: "icon-button", "aria-label": label, title: label, ...attributes },
    icon(name),
  );
}

let counter = 0;

/** An id that no other element of this page has. */
export function newId(prefix) {
  counter += 1;
  return `${prefix}-${counter}`;
}

/** Bytes as a person reads them. */
export function fileSize(bytes) {
  if (!bytes) return "";
  if (bytes < 1024 * 1024) return `${Math.max(1, Math.round(bytes / 1024))} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
