// What this tab knows: who it is, where it is, and the names behind Discord's ids.

/** Filled by the server's answer to "enter"; read by everything that draws. */
export const scene = {
  me: null,
  place: null,
  people: [],
  places: [],
  commands: [],
  menus: [],
  user_menus: [],
  roles: [],
  cdn: "",
  languages: [],
  locale: "en-US",
  server_locale: null,
  local: true,
};

/** Whether this person can use the bot here at all: it is inside, or they have installed it for themselves. */
export function canUseBot() {
  return scene.place.bot_inside || scene.me.installed;
}

/** The display name of a user id. */
export function userName(id) {
  return scene.people.find((one) => one.id === id)?.name ?? "unknown user";
}

/** The name of a channel id, without the #. */
export function channelName(id) {
  return scene.places.find((one) => one.id === id)?.name ?? "unknown";
}

export function roleName(id) {
  return scene.roles.find((one) => one.id === id)?.name ?? "unknown role";
}

/** Discord's files come through this page's own server: one origin, and no address that expires while it is read. */
export function mediaAddress(url) {
  let parts;
  try {
    parts = new URL(url);
  } catch {
    return null;
  }
  return parts.origin === scene.cdn ? `/cdn${parts.pathname}` : null;
}
