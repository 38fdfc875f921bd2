// The menu of a message: the bot's message commands, and what every client can do with a message.

import { el, newId } from "./dom.js";
import { word } from "./words.js";

let open = null;

/** Open a menu under `anchor`; `groups` are [{title, items: [{label, choose}]}]. */
export function openMenu(anchor, groups) {
  closeMenu();
  const menu = el("div", { class: "menu", role: "menu", "aria-label": word("More") }, groups.map(group));
  anchor.setAttribute("aria-expanded", "true");
  document.body.append(menu);
  place(menu, anchor);
  open = { menu, anchor };
  menu.addEventListener("keydown", keys);
  menu.addEventListener("click", () => closeMenu(true));
  addEventListener("pointerdown", outside, true);
  addEventListener("resize", closeMenu);
  menu.querySelector("[role=menuitem]")?.focus();
}

export function closeMenu(giveFocusBack = false) {
  if (!open) return;
  const { menu, anchor } = open;
  open = null;
  menu.remove();
  anchor.removeAttribute("aria-expanded");
  removeEventListener("pointerdown", outside, true);
  removeEventListener("resize", closeMenu);
  if (giveFocusBack === true) anchor.focus();
}

function group({ title, items }) {
  if (items.length === 0) return null;
  const titleId = newId("menu");
  const entries = items.map((one) =>
    el(
      "button",
      {
        type: "button",
        role: "menuitem",
        tabindex: "-1",
        class: one.danger ? "danger" : null,
        on: { click: one.choose },
      },
      one.label,
    ),
  );
  return el("div", { role: "group", "aria-labelledby": titleId }, el("p", { id: titleId }, title), entries);
}

function place(menu, anchor) {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const below = at.bottom + 4 + height < innerHeight;
  menu.style.top = `${below ? at.bottom + 4 : Math.max(8, at.top - height - 4)}px`;
  menu.style.left = `${Math.max(8, Math.min(at.right - width, innerWidth - width - 8))}px`;
}

function keys(event) {
  const items = [...open.menu.querySelectorAll("[role=menuitem]")];
  const steps = { ArrowDown: 1, ArrowUp: -1 };
  if (event.key in steps)
    items[(items.indexOf(document.activeElement) + steps[event.key] + items.length) % items.length].focus();
  else if (event.key === "Home") items[0].focus();
  else if (event.key === "End") items.at(-1).focus();
  else if (event.key === "Escape" || event.key === "Tab") closeMenu(true);
  else return;
  event.preventDefault();
}

function outside(event) {
  if (!open.menu.contains(event.target)) closeMenu();
}
