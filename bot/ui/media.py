"""Finds the pictures in one of Easel's own messages. A message with components lists no attachments of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import discord

from bot.model import Slot


def media_urls(message: discord.Message, slot: Slot) -> Sequence[str]:
    """Addresses of the results (in galleries) or of the sources (thumbnails), in order, as signed for this message."""
    urls: list[str] = []
    for part in _walk(message.components):
        if isinstance(part, discord.components.MediaGalleryComponent) and slot is Slot.PICTURE:
            urls += [item.media.url for item in part.items]
        elif isinstance(part, discord.components.ThumbnailComponent) and slot is Slot.SOURCE:
            urls.append(part.media.url)
    return urls


def _walk(parts: Sequence[discord.Component]) -> Iterator[discord.Component]:
    for part in parts:
        yield part
        if isinstance(part, discord.components.Container | discord.components.SectionComponent):
            yield from _walk(part.children)
        if isinstance(part, discord.components.SectionComponent):
            yield part.accessory
