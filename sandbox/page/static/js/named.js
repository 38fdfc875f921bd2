// People, roles and channels that can be named here: [{label, value}], the label as it stands in a typed line.

import { scene } from "./scene.js";

/** Everyone in this server or conversation. */
export function peopleHere() {
  return scene.people.filter((one) => one.here).map((one) => ({ label: `@${one.name}`, value: one.id }));
}

/** The roles of this server. */
export function rolesHere() {
  const here = scene.roles.filter((one) => one.server === scene.place.server);
  return here.map((one) => ({ label: `@${one.name.replace(/^@/, "")}`, value: one.id }));
}

/** The channels of this server; `types` are Discord's types of channels, none for all. */
export function placesHere(types = []) {
  const here = scene.places.filter((one) => one.server && one.server === scene.place.server);
  const fitting = here.filter((one) => types.length === 0 || types.includes(one.type));
  return fitting.map((one) => ({ label: `#${one.name}`, value: one.id }));
}
