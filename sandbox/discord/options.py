"""The options of a slash command as the client checks and sends them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandbox.discord.cdn import Upload
from sandbox.discord.clients import InvalidCommand
from sandbox.discord.named import OPTION_KINDS, Named
from sandbox.discord.payloads import Json, as_object

STRING, INTEGER, BOOLEAN, NUMBER, ATTACHMENT = 3, 4, 5, 10, 11
_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}

Value = str | int | float | bool | Path | Upload


def choose_subcommand(command: Json, words: list[str], locale: str = "en-US") -> tuple[Json, list[Json]]:
    """Follow subcommand names; the part that holds the options, and the path to it from the outside in."""
    part, path = command, list[Json]()
    for word in words:
        inner = next(
            (one for one in part.get("options", []) if one["type"] in (1, 2) and word in names_of(one, locale)), None
        )
        if inner is None:
            raise InvalidCommand(f"/{command['name']} has no subcommand {word}.")
        part = inner
        path.append(inner)
    if any(one["type"] in (1, 2) for one in part.get("options", [])):
        names = ", ".join(one["name"] for one in part["options"])
        raise InvalidCommand(f"/{command['name']} needs one of its subcommands: {names}.")
    return part, path


def wrap(options: list[Json], path: list[Json]) -> list[Json]:
    """Options as they are sent, inside the subcommands they belong to."""
    for part in reversed(path):
        options = [{"type": part["type"], "name": part["name"], "options": options}]
    return options


def fill(
    part: Json, given: Mapping[str, Value], locale: str, attach: Callable[[Upload], Json], named: Named
) -> list[Json]:
    """The options to send; what they mean is gathered in `named`. `attach` uploads a file. Raises InvalidCommand."""
    specs: list[Json] = part.get("options", [])
    known = {name: spec for spec in specs for name in names_of(spec, locale)}
    strangers = [name for name in given if name not in known]
    if strangers:
        raise InvalidCommand(f"There is no option {strangers[0]}; there are {', '.join(s['name'] for s in specs)}.")
    values = {known[name]["name"]: value for name, value in given.items()}
    missing = [spec["name"] for spec in specs if spec.get("required") and spec["name"] not in values]
    if missing:
        raise InvalidCommand(f"The option {missing[0]} is required.")
    checked = {spec["name"]: checked_value(spec, values[spec["name"]]) for spec in specs if spec["name"] in values}
    options: list[Json] = []
    for spec in specs:
        value = checked.get(spec["name"])
        if value is None:
            continue
        if isinstance(value, Upload):
            attachment = attach(value)
            named.resolved.setdefault("attachments", {})[attachment["id"]] = attachment
            value = attachment["id"]
        elif spec["type"] in OPTION_KINDS:
            value = named.find(OPTION_KINDS[spec["type"]], value, spec.get("channel_types") or ())
        options.append({"name": spec["name"], "type": spec["type"], "value": value})
    return options


def names_of(spec: Json, locale: str) -> set[str]:
    """The names an option or command goes by: its own, and the one of the user's language."""
    return {spec["name"], as_object(spec.get("name_localizations")).get(locale, spec["name"])}


def localised(part: Json, locale: str) -> Json:
    """A command as the client of a user with this language shows it; `own_name` is understood, too."""
    shown = dict(part) | {"own_name": part["name"]}
    for key in ("name", "description"):
        if key in part:
            shown[key] = as_object(part.get(f"{key}_localizations")).get(locale, part[key])
    for key in ("options", "choices"):
        if part.get(key):
            shown[key] = [localised(one, locale) for one in part[key]]
    return shown


def checked_value(spec: Json, value: Value) -> Any:
    """The value in the option's type, within its limits. Raises InvalidCommand."""
    name, kind = spec["name"], spec["type"]
    if kind == ATTACHMENT:
        return _file(name, value)
    if spec.get("choices"):
        return _choice(spec, value)
    if kind == BOOLEAN:
        return _boolean(name, value)
    if kind in (INTEGER, NUMBER):
        return _number(spec, value)
    if not isinstance(value, str):
        raise InvalidCommand(f"{name} takes text.")
    _within(spec, len(value), "length", " characters")
    return value


def _file(name: str, value: Value) -> Upload:
    if isinstance(value, str):
        value = Path(value)
    if isinstance(value, Path):
        if not value.is_file():
            raise InvalidCommand(f"{name}: there is no file {value}.")
        return Upload.read(value)
    if not isinstance(value, Upload):
        raise InvalidCommand(f"{name} takes a file.")
    return value


def _choice(spec: Json, value: Value) -> Any:
    for choice in spec["choices"]:
        translated = as_object(choice.get("name_localizations")).values()
        labels = {choice["name"], *translated, str(choice["value"])}
        if str(value) in labels:
            return choice["value"]
    names = ", ".join(choice["name"] for choice in spec["choices"])
    raise InvalidCommand(f"{spec['name']} is one of: {names}.")


def _boolean(name: str, value: Value) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _WORDS:
        return _WORDS[value.lower()]
    raise InvalidCommand(f"{name} is true or false.")


def _number(spec: Json, value: Value) -> int | float:
    whole = spec["type"] == INTEGER
    try:
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else float(str(value))
    except ValueError:
        raise InvalidCommand(f"{spec['name']} takes a number.") from None
    if whole:
        if number != int(number):
            raise InvalidCommand(f"{spec['name']} takes a whole number.")
        number = int(number)
    _within(spec, number, "value", "")
    return number


def _within(spec: Json, amount: float, what: str, unit: str) -> None:
    low, high = spec.get(f"min_{what}"), spec.get(f"max_{what}")
    if low is not None and amount < low:
        raise InvalidCommand(f"{spec['name']} is at least {low}{unit}.")
    if high is not None and amount > high:
        raise InvalidCommand(f"{spec['name']} is at most {high}{unit}.")
