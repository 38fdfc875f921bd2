"""From the body of a request to what a message is to hold: checked against Discord's rules, its media resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.discord.cdn import Attachment, Cdn, Upload
from sandbox.discord.components import component_faults
from sandbox.discord.ids import snowflake
from sandbox.discord.payloads import Json, as_list, as_object, as_objects, with_ids_as_text
from sandbox.discord.refusals import (
    BLOCKED_BY_AUTOMOD,
    EMPTY_MESSAGE,
    TOO_LARGE,
    FormFault,
    Refusal,
    check,
    invalid_form,
)
from sandbox.discord.sight import COMPONENTS_V2, walk
from sandbox.discord.stored import Draft

MAX_FILES = 10
MAX_CONTENT = 2000
#: Flags a bot may set: suppress embeds, ephemeral, suppress notifications, Components V2.
SETTABLE_FLAGS = 1 << 2 | 1 << 6 | 1 << 12 | COMPONENTS_V2

_EMBED_LIMITS = (("title", 256), ("description", 4096))
_MEDIA_KEYS = ("media", "file")


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a message is drafted: the CDN folder its files go to, and the upload limit of the place in bytes."""

    cdn: Cdn
    folder: int
    upload_limit: int
    ephemeral: bool = False


def draft(desk: Desk, body: Json, files: Mapping[int, Upload], before: Draft | None = None) -> Draft:
    """Read a create (`before` is None) or edit request. Raises Refusal, and stores no file in that case."""
    if any(len(file.data) > desk.upload_limit for file in files.values()):
        raise Refusal(*TOO_LARGE)
    was = before or Draft()
    flags = was.flags | (int(body.get("flags") or 0) & SETTABLE_FLAGS)
    content = _field(body, "content", was.content) or ""
    embeds: list[Json] = _field(body, "embeds", list(was.embeds)) or []
    given: list[Json] | None = body.get("components")
    check([*_faults(body, content, embeds, flags), *_attachment_faults(body, files, was)])
    _automod(desk, content, given)
    attachments = _attachments(desk, body, files, was)
    components = was.components if "components" not in body else _components(given or [], attachments, desk.cdn)
    embeds = [_embed(embed, attachments) for embed in embeds]
    if not (content or embeds or components or attachments):
        raise Refusal(*EMPTY_MESSAGE)
    return Draft(content, tuple(embeds), components, attachments, flags)


def _field(body: Json, key: str, before: Any) -> Any:
    """What a field holds after the request: the old value where it is not named, nothing where it is null."""
    return body.get(key, before)


def _faults(body: Json, content: str, embeds: list[Json], flags: int) -> list[FormFault]:
    faults: list[FormFault] = []
    v2 = bool(flags & COMPONENTS_V2)
    if len(content) > MAX_CONTENT:
        faults.append(FormFault(("content",), "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_CONTENT} or fewer in length."))
    if v2:
        legacy = {
            "content": content,
            "embeds": embeds,
            "poll": body.get("poll"),
            "sticker_ids": body.get("sticker_ids"),
        }
        faults += [_legacy_fault(key) for key, value in legacy.items() if value]
    faults += _embed_faults(embeds)
    if body.get("components") is not None:
        faults += component_faults(body["components"], v2=v2)
    return faults


def _legacy_fault(key: str) -> FormFault:
    text = f"The '{key}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
    return FormFault((key,), "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", text)


def _embed_faults(embeds: list[Json]) -> list[FormFault]:
    faults: list[FormFault] = []
    if len(embeds) > 10:
        faults.append(FormFault(("embeds",), "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length."))
    for index, embed in enumerate(embeds):
        for key, limit in _EMBED_LIMITS:
            if len(embed.get(key) or "") > limit:
                text = f"Must be {limit} or fewer in length."
                faults.append(FormFault(("embeds", index, key), "BASE_TYPE_MAX_LENGTH", text))
        if len(embed.get("fields") or ()) > 25:
            faults.append(
                FormFault(("embeds", index, "fields"), "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
            )
    return faults


def _attachment_faults(body: Json, files: Mapping[int, Upload], was: Draft) -> list[FormFault]:
    entries = as_objects(body.get("attachments"))
    faults: list[FormFault] = []
    known = {str(one.id) for one in was.attachments} | {str(index) for index in files}
    for index, entry in enumerate(entries):
        if str(entry.get("id")) not in known:
            text = f"Attachment {entry.get('id')} was not found"
            faults.append(FormFault(("attachments", index, "id"), "MESSAGE_ATTACHMENT_NOT_FOUND", text))
        if len(entry.get("description") or "") > 1024:
            path = ("attachments", index, "description")
            faults.append(FormFault(path, "BASE_TYPE_MAX_LENGTH", "Must be 1024 or fewer in length."))
    kept = len(was.attachments) if "attachments" not in body else len(entries) - len(files)
    if kept + len(files) > MAX_FILES:
        faults.append(FormFault(("attachments",), "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_FILES} or fewer in length."))
    return faults


def _automod(desk: Desk, content: str, components: list[Json] | None) -> None:
    text = " ".join([content, *(str(part.get("content", "")) for part in walk(components or []))]).lower()
    if any(word.lower() in text for word in desk.cdn.rules.blocked_words):
        raise Refusal(*BLOCKED_BY_AUTOMOD)


def _attachments(desk: Desk, body: Json, files: Mapping[int, Upload], was: Draft) -> tuple[Attachment, ...]:
    """The files the message will have: kept ones first in the order named, then the new ones."""
    entries = as_objects(body.get("attachments"))
    named = {str(entry["id"]): entry for entry in entries}
    kept = [one for one in was.attachments if "attachments" not in body or str(one.id) in named]
    names = [one.filename for one in kept] + [
        str(named.get(str(index), {}).get("filename") or file.filename) for index, file in sorted(files.items())
    ]
    _check_references(body.get("components"), set(names))
    new = [
        desk.cdn.store(
            Upload(str(named.get(str(index), {}).get("filename") or file.filename), file.data),
            folder=desk.folder,
            ephemeral=desk.ephemeral,
            description=named.get(str(index), {}).get("description"),
        )
        for index, file in sorted(files.items())
    ]
    return (*kept, *new)


def _check_references(components: list[Json] | None, names: set[str]) -> None:
    """Every attachment:// in the components must mean a file of this message."""
    faults = [
        FormFault(
            ("components",),
            "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND",
            f"The referenced attachment was not found: {url}",
        )
        for url in _media_urls(components or [])
        if url.startswith("attachment://") and url.removeprefix("attachment://") not in names
    ]
    if faults:
        raise invalid_form(faults)


def _media_urls(components: list[Json]) -> list[str]:
    urls: list[str] = []
    for part in walk(components):
        holders: list[Json] = [part, *part.get("items", [])]
        urls += [holder[key]["url"] for holder in holders for key in _MEDIA_KEYS if key in holder]
    return urls


def _components(given: list[Json], attachments: tuple[Attachment, ...], cdn: Cdn) -> tuple[Json, ...]:
    """The components as Discord sends them back: numbered, defaults filled in, media resolved."""
    taken = {part["id"] for part in walk(given) if part.get("id")}
    numbers = iter(number for number in range(1, 1000) if number not in taken)

    def complete(part: Json) -> Json:
        shape: Json = with_ids_as_text(_without_nulls(part))
        shape["id"] = part.get("id") or next(numbers)
        shape = _DEFAULTS.get(part["type"], {}) | shape
        if part["type"] == 13:
            shape |= _file_facts(part["file"]["url"], attachments)
        for key in _MEDIA_KEYS:
            if key in shape:
                shape[key] = _media(shape[key]["url"], attachments, cdn)
        if "items" in shape:
            shape["items"] = [_gallery_item(item, attachments, cdn) for item in shape["items"]]
        if "components" in shape:
            shape["components"] = [complete(child) for child in shape["components"]]
        if "accessory" in shape:
            shape["accessory"] = complete(shape["accessory"])
        return shape

    return tuple(complete(part) for part in given)


def _without_nulls(node: Any) -> Any:
    """Discord leaves out what a bot sent as null."""
    if isinstance(node, list):
        return [_without_nulls(one) for one in as_list(node)]
    if not isinstance(node, dict):
        return node
    return {key: _without_nulls(value) for key, value in as_object(node).items() if value is not None}


_DEFAULTS: dict[int, Json] = {
    3: {"min_values": 1, "max_values": 1},
    11: {"description": None, "spoiler": False},
    13: {"spoiler": False},
    14: {"spacing": 1, "divider": True},
    17: {"accent_color": None, "spoiler": False},
}


def _gallery_item(item: Json, attachments: tuple[Attachment, ...], cdn: Cdn) -> Json:
    return {
        "media": _media(item["media"]["url"], attachments, cdn),
        "description": item.get("description"),
        "spoiler": bool(item.get("spoiler")),
    }


def _file_facts(url: str, attachments: tuple[Attachment, ...]) -> Json:
    found = _attached(url, attachments)
    return {"name": found.filename if found else None, "size": found.size if found else None}


def _media(url: str, attachments: tuple[Attachment, ...], cdn: Cdn) -> Json:
    found = _attached(url, attachments) or cdn.find(url)
    if found and found in attachments:
        return {"$attachment": found.id}
    facts: Json = {"width": None, "height": None, "content_type": None}
    if found:
        facts = {"width": found.width, "height": found.height, "content_type": found.content_type}
    return {"id": str(snowflake()), "url": url, "proxy_url": url} | facts


def _embed(embed: Json, attachments: tuple[Attachment, ...]) -> Json:
    shape: Json = {"type": "rich"} | {key: value for key, value in embed.items() if value is not None}
    for key in ("image", "thumbnail"):
        found = _attached(str(shape.get(key, {}).get("url", "")), attachments)
        if found:
            shape[key] = {"$attachment": found.id}
    return shape


def _attached(url: str, attachments: tuple[Attachment, ...]) -> Attachment | None:
    name = url.removeprefix("attachment://")
    return next((one for one in attachments if name != url and one.filename == name), None)
