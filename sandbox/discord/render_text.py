"""A message as lines of text, for a terminal: as Discord shows it, without its markup."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime

from sandbox.discord.payloads import Json
from sandbox.discord.sight import BUTTON, COMPONENTS_V2, GALLERY, MENUS, TEXT, Message, Picture

#: A person, role, channel, command or time by its mark, a link, an escaped sign, or a mark of style (shows nothing).
_MARKUP = re.compile(
    r"<(?P<kind>@&|@!?|#)(?P<id>\d+)>|</(?P<command>[^:>]+):\d+>|<t:(?P<time>\d+)(?::(?P<style>\w))?>"
    r"|\[(?P<label>[^\]\n]+)\]\((?P<url>https?://[^\s)]+)\)"
    r"|\\(?P<escaped>[^\w\s])|^(?:-# |#{1,3} )|\*\*|__|~~|`"
)
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
#: The name behind the id of a person ("@"), role ("@&") or channel ("#"), with its sign; None where it is unknown.
NameOf = Callable[[str, int], str | None]

_ROW, _SECTION, _SEPARATOR, _CONTAINER = 1, 9, 14, 17


def _nobody(kind: str, identity: int) -> None:
    return None


def without_markup(line: str, name_of: NameOf = _nobody, now: float | None = None) -> str:
    """A line as Discord shows it. `now` is in seconds since 1970, for what is so long ago or ahead."""
    moment = time.time() if now is None else now

    def shown(found: re.Match[str]) -> str:
        if found["kind"]:
            kind = found["kind"].removesuffix("!")
            return name_of(kind, int(found["id"])) or f"{kind}{found['id']}"
        if found["time"]:
            return _time(int(found["time"]), found["style"], moment)
        if found["url"]:
            return f"{without_markup(found['label'], name_of, now)} ({found['url']})"
        return f"/{found['command']}" if found["command"] else found["escaped"] or ""

    return _MARKUP.sub(shown, line)


def _time(at: int, style: str | None, now: float) -> str:
    if style != "R":
        return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")
    distance = round(abs(at - now))
    size, unit = next((one for one in _UNITS if distance >= one[0]), _UNITS[-1])
    return f"in {distance // size} {unit}" if at >= now else f"{distance // size} {unit} ago"


def message_lines(message: Message, name_of: NameOf = _nobody) -> list[str]:
    """Author and content, in the order a person reads them."""
    marks = [
        mark for mark, is_set in (("only you can see this", message.ephemeral), ("edited", message.edited)) if is_set
    ]
    lines = [message.author + (f" ({', '.join(marks)})" if marks else "")]
    if message.loading:
        return [*lines, "  is thinking…"]
    lines += [f"  {without_markup(line, name_of)}" for line in message.content.splitlines()]
    for embed in message.json["embeds"]:
        texts = (embed.get("title", ""), embed.get("description", ""))
        lines += [f"  | {without_markup(line, name_of)}" for text in texts for line in text.splitlines()]
    if not message.flags & COMPONENTS_V2:
        lines += [f"  {_picture(one)}" for one in [*message.pictures, *message.files]]
    for part in message.json["components"]:
        lines += [f"  {line}" for line in _part(part, message, name_of)]
    return lines


def _part(part: Json, message: Message, name_of: NameOf) -> list[str]:
    kind = part["type"]
    if kind == TEXT:
        return [without_markup(line, name_of) for line in part["content"].splitlines()]
    if kind == _SEPARATOR:
        return ["─" * 20] if part["divider"] else []
    if kind == _ROW:
        return [" ".join(_control(one) for one in part["components"])]
    if kind == _CONTAINER:
        return [line for one in part["components"] for line in _part(one, message, name_of)]
    if kind == _SECTION:
        lines = [line for one in part["components"] for line in _part(one, message, name_of)]
        accessory = part["accessory"]
        return lines + ([_control(accessory)] if accessory["type"] == BUTTON else _part(accessory, message, name_of))
    ids = _attachment_ids(part)
    return [_picture(one) for one in [*message.pictures, *message.files] if _identity(one) in ids]


def _attachment_ids(part: Json) -> set[str]:
    """What identifies the media of a gallery, thumbnail or file component."""
    holders: list[Json] = part["items"] if part["type"] == GALLERY else [part]
    media = [holder.get("media") or holder.get("file") for holder in holders]
    return {one.get("attachment_id") or one["url"] for one in media if one}


def _identity(picture: Picture) -> str:
    return str(picture.attachment_id) if picture.attachment_id else picture.url


def _picture(picture: Picture) -> str:
    size = f" {picture.width}×{picture.height}" if picture.width else ""
    spoiler = " (spoiler)" if picture.spoiler else ""
    alt = f" — {picture.alt}" if picture.alt else ""
    return f"[{picture.filename}{size}{spoiler}{alt}]"


def _control(part: Json) -> str:
    if part["type"] in MENUS:
        return f"[{part.get('placeholder') or part['custom_id']} ▾]"
    label = part.get("label") or part.get("emoji", {}).get("name", "")
    return f"({label})" if part.get("disabled") else f"[{label}]"
