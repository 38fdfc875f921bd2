// Discord's timestamps in the person's language: written once, and the relative ones kept ticking.

import { scene } from "./scene.js";

const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];
const STYLES = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
  s: { dateStyle: "short", timeStyle: "short" },
  S: { dateStyle: "short", timeStyle: "medium" },
};
function locale() {
  return scene.locale ?? "en-US";
}

/** A moment (Unix seconds) in one of Discord's styles; "R" is relative to now. */
export function written(unix, style = "f") {
  if (style === "R") return ago(unix);
  return new Intl.DateTimeFormat(locale(), STYLES[style] ?? STYLES.f).format(new Date(unix * 1000));
}

/** The time of day of a message, with the date where it isn't today's. */
export function spoken(date) {
  const today = new Date().toDateString() === date.toDateString();
  return new Intl.DateTimeFormat(locale(), today ? STYLES.t : STYLES.s).format(date);
}

function ago(unix) {
  const seconds = Math.round(unix - Date.now() / 1000);
  const [unit, length] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS.at(-1);
  return new Intl.RelativeTimeFormat(locale(), { numeric: "always" }).format(Math.trunc(seconds / length), unit);
}

/** Rewrite every relative timestamp in the page, once a second. */
export function startClock() {
  setInterval(() => {
    for (const node of document.querySelectorAll("time[data-style='R']")) {
      const text = written(Number(node.dataset.unix), "R");
      if (node.textContent !== text) node.textContent = text;
    }
  }, 1000);
}
