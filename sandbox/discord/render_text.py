"""A message as lines of text, for a terminal."""

from __future__ import annotations

from sandbox.discord.payloads import Json
from sandbox.discord.sight import BUTTON, COMPONENTS_V2, GALLERY, MENUS, TEXT, Message, Picture

_ROW, _SECTION, _SEPARATOR, _CONTAINER = 1, 9, 14, 17


def message_lines(message: Message) -> list[str]:
    """Author and content, in the order a person reads them."""
    marks = [
        mark for mark, is_set in (("only you can see this", message.ephemeral), ("edited", message.edited)) if is_set
    ]
    lines = [message.author + (f" ({', '.join(marks)})" if marks else "")]
    if message.loading:
        return [*lines, "  is thinking…"]
    lines += [f"  {line}" for line in message.content.splitlines()]
    for embed in message.json["embeds"]:
        texts = (embed.get("title", ""), embed.get("description", ""))
        lines += [f"  | {line}" for text in texts for line in text.splitlines()]
    if not message.flags & COMPONENTS_V2:
        lines += [f"  {_picture(one)}" for one in [*message.pictures, *message.files]]
    for part in message.json["components"]:
        lines += [f"  {line}" for line in _part(part, message)]
    return lines


def _part(part: Json, message: Message) -> list[str]:
    kind = part["type"]
    if kind == TEXT:
        return part["content"].splitlines()
    if kind == _SEPARATOR:
        return ["─" * 20] if part["divider"] else []
    if kind == _ROW:
        return [" ".join(_control(one) for one in part["components"])]
    if kind == _CONTAINER:
        return [line for one in part["components"] for line in _part(one, message)]
    if kind == _SECTION:
        lines = [line for one in part["components"] for line in _part(one, message)]
        accessory = part["accessory"]
        return lines + ([_control(accessory)] if accessory["type"] == BUTTON else _part(accessory, message))
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
