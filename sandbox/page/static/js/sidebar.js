// Where one can go and who one can be. Everything is a link, so that a second tab is one middle click away.

import { el, fill, icon, newId } from "./dom.js";
import { labelled, select } from "./fields.js";
import { addressOf } from "./address.js";
import { avatar } from "./message.js";
import { scene } from "./scene.js";

const ICONS = { channel: "hash", thread: "thread", dm: "person", group: "group" };
const unread = new Set();

/** Remember that something happened in a place that isn't open. */
export function markUnread(channelId) {
  const place = scene.places.find((one) => one.id === channelId);
  if (place && place.key !== scene.place?.key) unread.add(place.key);
}

/** Draw places, people and languages. `speak(locale, ofServer)` hears of another language. */
export function drawSidebar(places, people, languages, speak) {
  unread.delete(scene.place.key);
  const groups = Map.groupBy(scene.places, (one) => one.server ?? "Private");
  fill(
    places,
    [...groups].map(([name, list]) => placeGroup(name, list)),
  );
  fill(
    people,
    el("p", { class: "side-title" }, "You are"),
    el("div", { class: "people" }, scene.people.filter((one) => !one.bot).map(person)),
  );
  // a choice that is open right now is left alone
  if (languages.contains(document.activeElement)) return;
  fill(
    languages,
    languageOf("Your language", scene.locale, (locale) => speak(locale, false)),
    scene.server_locale && languageOf("The server's language", scene.server_locale, (locale) => speak(locale, true)),
  );
}

function languageOf(label, current, choose) {
  const options = scene.languages.map((one) => ({ ...one, default: one.value === current }));
  const control = select(options, { on: { change: () => choose(control.value) } });
  return labelled(label, control);
}

function placeGroup(name, list) {
  const outside = list.every((one) => one.server && !one.bot_inside);
  return el(
    "section",
    {},
    el(
      "p",
      { class: "side-title" },
      name,
      outside && el("span", { class: "side-note" }, "Easel is not in this server"),
    ),
    el("ul", {}, list.map(place)),
  );
}

function place(one) {
  const here = one.key === scene.place.key;
  return el(
    "li",
    { class: one.kind === "thread" ? "nested" : null },
    el(
      "a",
      {
        href: addressOf(scene.me.name, one.key),
        "aria-current": here ? "page" : null,
        class: unread.has(one.key) ? "unread" : null,
      },
      icon(ICONS[one.kind]),
      el("span", {}, one.name),
    ),
    unread.has(one.key) && el("span", { class: "dot" }, el("span", { class: "sr-only" }, "Something new")),
  );
}

function person(one) {
  const self = one.id === scene.me.id;
  const [nameId, roleId] = [newId("person"), newId("role")];
  return el(
    "a",
    {
      href: addressOf(one.name, scene.place.key),
      "aria-current": self ? "true" : null,
      "aria-labelledby": nameId,
      "aria-describedby": roleId,
    },
    avatar(one.name),
    el("span", {}, el("span", { class: "person-name", id: nameId }, one.name), el("small", { id: roleId }, one.role)),
  );
}
