"""What a person sees: one state of a message, with its text, pictures, buttons and menus picked out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.discord.payloads import Json

EPHEMERAL = 1 << 6
LOADING = 1 << 7
COMPONENTS_V2 = 1 << 15
IMAGE_EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".gif")

BUTTON, TEXT, THUMBNAIL, GALLERY, FILE = 2, 10, 11, 12, 13
MENUS = {3, 5, 6, 7, 8}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in a message. `size` is in bytes, 0 for one from elsewhere; `alt` is its description."""

    filename: str
    url: str
    alt: str = ""
    spoiler: bool = False
    size: int = 0
    width: int | None = None
    height: int | None = None
    content_type: str | None = None
    attachment_id: int | None = None


@dataclass(frozen=True, slots=True)
class Button:
    """A button. One that opens an address has `url` and no custom id."""

    label: str
    custom_id: str | None = None
    url: str | None = None
    disabled: bool = False
    style: int = 2


@dataclass(frozen=True, slots=True)
class Menu:
    """A select menu in a message. `options` are pairs of label and value, `chosen` values or ids."""

    custom_id: str
    kind: int
    placeholder: str = ""
    options: tuple[tuple[str, str], ...] = ()
    min_values: int = 1
    max_values: int = 1
    disabled: bool = False
    chosen: tuple[str, ...] = ()
    channel_types: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One state of a message as Discord sends it (`json`), at the time (`at`, Unix seconds) it came about."""

    json: Json
    at: float
    sizes: Mapping[int, int] = field(default_factory=dict[int, int])  # bytes by attachment id

    @property
    def id(self) -> int:
        return int(self.json["id"])

    @property
    def channel_id(self) -> int:
        return int(self.json["channel_id"])

    @property
    def author(self) -> str:
        """The display name of who wrote it."""
        return self.json["author"]["global_name"] or self.json["author"]["username"]

    @property
    def content(self) -> str:
        """The plain content of a message without Components V2."""
        return self.json["content"]

    @property
    def flags(self) -> int:
        return self.json["flags"]

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & EPHEMERAL)

    @property
    def loading(self) -> bool:
        """The bot has acknowledged but not yet written anything ("is thinking…")."""
        return bool(self.flags & LOADING)

    @property
    def edited(self) -> bool:
        return self.json["edited_timestamp"] is not None

    @property
    def text(self) -> str:
        """All text of the message in reading order, one block a line: content, embeds, text displays."""
        blocks = [self.content, *self._embed_texts()]
        blocks += [part["content"] for part in walk(self.json["components"]) if part["type"] == TEXT]
        return "\n".join(block for block in blocks if block)

    @property
    def pictures(self) -> list[Picture]:
        """Every picture in reading order: attachments, then galleries and thumbnails."""
        shown = [self._attached(one) for one in self._listed if _is_image(one)]
        for part in walk(self.json["components"]):
            if part["type"] == GALLERY:
                shown += [self._media(item["media"], item) for item in part["items"]]
            elif part["type"] == THUMBNAIL:
                shown.append(self._media(part["media"], part))
        return shown

    @property
    def files(self) -> list[Picture]:
        """Files that are shown by name: attachments that are no pictures, and file components."""
        shown = [self._attached(one) for one in self._listed if not _is_image(one)]
        parts = walk(self.json["components"])
        return shown + [self._media(part["file"], part) for part in parts if part["type"] == FILE]

    @property
    def buttons(self) -> list[Button]:
        return [_button(part) for part in walk(self.json["components"]) if part["type"] == BUTTON]

    @property
    def labels(self) -> list[str]:
        """The labels of all buttons, in order."""
        return [button.label for button in self.buttons]

    @property
    def menus(self) -> list[Menu]:
        return [_menu(part) for part in walk(self.json["components"]) if part["type"] in MENUS]

    @property
    def _listed(self) -> list[Json]:
        """Attachments that are shown by themselves: with Components V2, none are."""
        return [] if self.flags & COMPONENTS_V2 else self.json["attachments"]

    def _embed_texts(self) -> Iterator[str]:
        for embed in self.json["embeds"]:
            yield embed.get("title", "")
            yield embed.get("description", "")
            for entry in embed.get("fields", ()):
                yield f"{entry['name']}: {entry['value']}"
            yield embed.get("footer", {}).get("text", "")

    def _attached(self, one: Json) -> Picture:
        return Picture(
            filename=one["filename"],
            url=one["url"],
            alt=one.get("description", ""),
            spoiler=one["filename"].startswith("SPOILER_"),
            size=one["size"],
            width=one.get("width"),
            height=one.get("height"),
            content_type=one.get("content_type"),
            attachment_id=int(one["id"]),
        )

    def _media(self, media: Json, holder: Json) -> Picture:
        attachment_id = int(media["attachment_id"]) if "attachment_id" in media else None
        return Picture(
            filename=filename_of(media["url"]),
            url=media["url"],
            alt=holder.get("description") or "",
            spoiler=bool(holder.get("spoiler")),
            size=self.sizes.get(attachment_id or 0, 0),
            width=media.get("width"),
            height=media.get("height"),
            content_type=media.get("content_type"),
            attachment_id=attachment_id,
        )


def walk(components: list[Json]) -> Iterator[Json]:
    """Every component of a message or form, depth first in reading order."""
    for part in components:
        yield part
        yield from walk(part.get("components", []))
        for key in ("component", "accessory"):
            if key in part:
                yield from walk([part[key]])


def chosen_in(part: Json) -> tuple[str, ...]:
    """What is chosen in a menu, radio or checkbox group before a person touches it: values, or ids."""
    options: list[Json] = part.get("options") or []
    named: list[Json] = part.get("default_values") or []
    chosen = [option["value"] for option in options if option.get("default")]
    return (*chosen, *(str(one["id"]) for one in named))


def filename_of(url: str) -> str:
    """The last step of an address, without its query."""
    return url.split("?", 1)[0].rsplit("/", 1)[-1]


def _is_image(attachment: Json) -> bool:
    kind: Any = attachment.get("content_type") or ""
    return kind.startswith("image/") or attachment["filename"].lower().endswith(IMAGE_EXTENSIONS)


def _button(part: Json) -> Button:
    emoji = part.get("emoji", {}).get("name", "")
    return Button(
        label=part.get("label") or emoji,
        custom_id=part.get("custom_id"),
        url=part.get("url"),
        disabled=bool(part.get("disabled")),
        style=part["style"],
    )


def _menu(part: Json) -> Menu:
    return Menu(
        custom_id=part["custom_id"],
        kind=part["type"],
        placeholder=part.get("placeholder", ""),
        options=tuple((option["label"], option["value"]) for option in part.get("options", ())),
        min_values=part.get("min_values", 1),
        max_values=part.get("max_values", 1),
        disabled=bool(part.get("disabled")),
        chosen=chosen_in(part),
        channel_types=tuple(part.get("channel_types") or ()),
    )
