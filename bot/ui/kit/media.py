"""Finds the pictures in one of Easel's own messages. A message with components lists no attachments of its own.

Addresses of Discord are signed and expire within a day. The ones in a message that was just read are fresh, so
pictures are always looked up in a message and never remembered by address alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import discord
from discord import ui

from bot.model import COVERED_PREFIX, Slot, Source

UNNAMED = "picture"  # a source that came without a file name of its own
_COVERED_LINK = re.compile(r"\|\|(?:(?!\|\|).)*https?://(?:(?!\|\|).)*\|\|", re.DOTALL)
MAX_CHOICES = 25  # of one select menu
#: Endings of files that may be pictures although Discord does not say so.
PICTURE_ENDINGS = (".jpg", ".jpeg", ".jfif", ".pjpeg", ".png", ".webp", ".gif", ".heic", ".heif", ".avif", ".bmp")
_UNTOLD_KINDS = ("", "application/octet-stream", "binary/octet-stream")

MessagePart = discord.Message | discord.MessageSnapshot


def media_urls(message: MessagePart, slot: Slot) -> Sequence[str]:
    """Addresses of the results (in galleries) or of the sources (thumbnails), in order, as signed for this message."""
    urls: list[str] = []
    for part in _walk(message.components):
        if isinstance(part, discord.components.MediaGalleryComponent) and slot is Slot.PICTURE:
            urls += [item.media.url for item in part.items]
        elif isinstance(part, discord.components.ThumbnailComponent) and slot is Slot.SOURCE:
            urls.append(part.media.url)
    return urls


def pictures_of(message: discord.Message) -> Sequence[Source]:
    """All pictures of any message: attached ones, those of cards, and those that links brought along.

    A forwarded message has none of its own; what it shows lies in its snapshots.
    """
    found: list[Source] = []
    for part in (message, *message.message_snapshots):
        found += [source_of(it) for it in part.attachments if _is_picture(it)]
        found += _gallery_sources(part)
        # Discord covers what a link brings along where the link stands between bars.
        name = f"{COVERED_PREFIX * (_COVERED_LINK.search(part.content) is not None)}{UNNAMED}"
        found += [
            Source(it, name) for embed in part.embeds for it in (embed.image.proxy_url, embed.thumbnail.proxy_url) if it
        ]
    return found[:MAX_CHOICES]


def source_of(file: discord.Attachment) -> Source:
    """An attached file as a source, which knows whether it is covered."""
    covered = file.is_spoiler() and not file.filename.startswith(COVERED_PREFIX)
    return Source(file.url, f"{COVERED_PREFIX * covered}{file.filename}", file.size)


def uploaded_source(file: Mapping[str, Any]) -> Source:
    """A file of a form as a source. discord.py hands it on as Discord has sent it."""
    name = str(file.get("filename", UNNAMED))
    covered = int(file.get("flags", 0)) & discord.AttachmentFlags.spoiler.flag and not name.startswith(COVERED_PREFIX)
    return Source(str(file["url"]), f"{COVERED_PREFIX * bool(covered)}{name}", int(file.get("size", 0)))


def telling_name(source: Source) -> str:
    """The file name of a picture, for a person who has to tell it from others; empty for those of cards and links."""
    name = source.filename.removeprefix(COVERED_PREFIX)
    return "" if name == UNNAMED else name


def _gallery_sources(message: MessagePart) -> Iterator[Source]:
    """The pictures of cards, of Easel and of others; a covered one stays covered."""
    for part in _walk(message.components):
        if isinstance(part, discord.components.MediaGalleryComponent):
            for item in part.items:
                yield Source(item.media.url, f"{COVERED_PREFIX * item.spoiler}{UNNAMED}")


def _is_picture(file: discord.Attachment) -> bool:
    """Whether an attached file looks like a picture. Its bytes decide later; Discord may not know or tell its type."""
    kind = (file.content_type or "").partition(";")[0].strip().lower()
    if kind not in _UNTOLD_KINDS:
        return kind.startswith("image/")
    return file.width is not None or file.filename.lower().endswith(PICTURE_ENDINGS)


def belongs_to(message: discord.Message, job_id: str) -> bool:
    """Whether this is a card of that job: its buttons carry the job's id."""
    buttons = (part for part in _walk(message.components) if isinstance(part, discord.components.Button))
    return any((button.custom_id or "").endswith(f":{job_id}") for button in buttons)


def view_of(message: discord.Message) -> ui.LayoutView:
    """A message that was read, as an edit sends it again: its files stay, because they are named as attached."""
    view = ui.LayoutView.from_message(message, timeout=None)
    view.stop()
    for item in view.walk_children():
        if isinstance(item, ui.MediaGallery):
            item.items = [
                discord.MediaGalleryItem(_attached(it.media), description=it.description, spoiler=it.spoiler)
                for it in item.items
            ]
        elif isinstance(item, ui.Thumbnail):
            item.media = _attached(item.media)
    return view


def _attached(media: discord.UnfurledMediaItem) -> discord.UnfurledMediaItem:
    name = media.url.partition("?")[0].rpartition("/")[2]
    return discord.UnfurledMediaItem(f"attachment://{name}") if media.attachment_id else media


def components_of(message: MessagePart) -> Sequence[discord.Component]:
    """All components of a message, the inner ones included, in reading order."""
    return list(_walk(message.components))


def _walk(parts: Sequence[discord.Component]) -> Iterator[discord.Component]:
    """Every component with what it holds, in reading order."""
    for part in parts:
        yield part
        if isinstance(part, discord.components.Container | discord.components.SectionComponent | discord.ActionRow):
            yield from _walk(part.children)
        if isinstance(part, discord.components.SectionComponent):
            yield part.accessory
