// Who and where this tab is, kept in the address (#Ada/pictures): a reload keeps it, and every tab has its own.

const DEFAULT = { user: "Ada", place: "pictures" };

export function readAddress() {
  const [user, place] = location.hash.slice(1).split("/").map(decodeURIComponent);
  return { user: user || DEFAULT.user, place: place || DEFAULT.place };
}

export function addressOf(user, place) {
  return `#${encodeURIComponent(user)}/${encodeURIComponent(place)}`;
}

/** Call `listener` with the new identity whenever the address changes. */
export function onAddress(listener) {
  addEventListener("hashchange", () => listener(readAddress()));
}
