// A command typed as one line, `/name option:value …`: read it, write it. Pure; the form and the box share it.

const SUBCOMMAND = 1;
const GROUP = 2;
export const ATTACHMENT = 11;
export const BOOLEAN = 5;
const STRING = 3;
// A word with a colon right behind it, as an option is written; no address.
const WRITTEN_AS_OPTION = /^([\p{L}_][\p{L}\p{N}_-]*):(?!\/\/)/u;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;

/**
 * Commands with their subcommands spelled out: [{name: "settings show", own_name, description, options}]. In a client
 * of another language `name` is the translation; the own name, which examples use, is understood everywhere.
 */
export function flattened(commands) {
  return commands.flatMap((one) => leaves(one, one.name, ownName(one)));
}

function leaves(part, name, own) {
  const inner = (part.options ?? []).filter((one) => one.type === SUBCOMMAND || one.type === GROUP);
  if (inner.length > 0) return inner.flatMap((one) => leaves(one, `${name} ${one.name}`, `${own} ${ownName(one)}`));
  return [{ name, own_name: own, description: part.description, options: part.options ?? [] }];
}

function ownName(part) {
  return part.own_name ?? part.name;
}

/** The command a line begins with, and where its name ends; null where it is none that is known. */
function commandOf(text, commands) {
  const begun = (name) => text === `/${name}` || (text.startsWith(`/${name}`) && /\s/.test(text[name.length + 1]));
  const fitting = commands.flatMap((command) =>
    [command.name, ownName(command)].filter(begun).map((name) => ({ command, begin: name.length + 1 })),
  );
  return fitting.sort((a, b) => b.begin - a.begin)[0] ?? null;
}

/** What each word before a colon stands for: the shown name of an option. */
function optionNames(command) {
  return new Map(command.options.flatMap((one) => [ownName(one), one.name].map((word) => [word, one.name])));
}

/**
 * Read a line: {command, begin, values: Map, spans: Map, twice, loose, stranger}; the command's name ends at `begin`.
 * A value runs to the next option of this command, or stands in double quotes. Words before the first option (`loose`)
 * are taken for the first text option, as a person means them; unless they begin like an option that there is none of
 * (`stranger`), which nobody means as words.
 */
export function read(text, commands) {
  const found = commandOf(text, commands);
  if (!found) return null;
  const { command, begin } = found;
  const names = optionNames(command);
  const values = new Map();
  const spans = new Map();
  if (names.size === 0) return { command, begin, values, spans, twice: null, loose: text.slice(begin).trim(), stranger: null };
  const start = new RegExp(`(${alternatives(names)}):[^\\S\\n]*`, "y");
  let twice = null;
  let at = nextStart(text, begin, start);
  const loose = text.slice(begin, at).trim();
  while (at < text.length) {
    start.lastIndex = at;
    const name = names.get(start.exec(text)[1]);
    const from = start.lastIndex;
    const { value, end } = valueAt(text, from, start);
    if (values.has(name)) twice ??= name;
    values.set(name, value);
    spans.set(name, { from, end: Math.max(from, trimmedEnd(text, end)) });
    at = end;
  }
  const first = command.options.find((one) => one.type === STRING && !one.choices);
  const stranger = WRITTEN_AS_OPTION.exec(loose)?.[1] ?? null;
  if (loose && !stranger && first && !values.has(first.name)) values.set(first.name, loose);
  return { command, begin, values, spans, twice, loose, stranger };
}

/** For a regular expression, the longest first. */
function alternatives(names) {
  const longestFirst = [...names.keys()].sort((a, b) => b.length - a.length);
  return longestFirst.map(escaped).join("|");
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\-]/g, "\\$&");
}

/** Where the next option begins at or after `from`: always after white space. */
function nextStart(text, from, start) {
  for (let at = from; at < text.length; at += 1) {
    if (at > 0 && !/\s/.test(text[at - 1])) continue;
    start.lastIndex = at;
    if (start.test(text)) return at;
  }
  return text.length;
}

function valueAt(text, from, start) {
  QUOTED.lastIndex = from;
  const quoted = QUOTED.exec(text);
  if (quoted) {
    const end = from + quoted[0].length;
    const next = nextStart(text, end, start);
    if (!text.slice(end, next).trim()) return { value: quoted[1].replace(/\\(.)/gs, "$1"), end: next };
  }
  const end = nextStart(text, from, start);
  return { value: text.slice(from, end).trim(), end };
}

function trimmedEnd(text, end) {
  return text.slice(0, end).trimEnd().length;
}

/** Write a line that reads back as the same values. Empty ones are left out. */
export function write(command, values) {
  const given = command.options.filter((one) => values.get(one.name)?.trim());
  const parts = given.map((one) => `${one.name}:${quotedIfNeeded(values.get(one.name).trim(), command)}`);
  return [`/${command.name}`, ...parts].join(" ");
}

function quotedIfNeeded(value, command) {
  const misread = new RegExp(`(^|\\s)(${alternatives(optionNames(command))}):|^"`);
  return misread.test(value) ? `"${value.replace(/["\\]/g, "\\$&")}"` : value;
}

/** What an option takes, in few words: `1–4`, `up to 4000 characters`. */
export function rangeOf(option) {
  const { min_value: low, max_value: high } = option;
  if (low !== undefined && high !== undefined) return `${low}–${high}`;
  if (low !== undefined) return `at least ${low}`;
  if (high !== undefined) return `at most ${high}`;
  return "";
}

/** The option of which the caret stands in the value, and what is typed there so far. */
export function optionAt(reading, caret, text) {
  for (const [name, { from, end }] of reading.spans) {
    if (caret >= from && caret <= Math.max(end, from)) {
      return {
        option: reading.command.options.find((one) => one.name === name),
        typed: text.slice(from, caret).trim(),
        from,
        end,
      };
    }
  }
  return null;
}
