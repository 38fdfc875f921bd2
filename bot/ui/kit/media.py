"""Finds the pictures in one of Easel's own messages. A message with components lists no attachments of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import discord

from bot.model import Slot, Source

MAX_CHOICES = 25  # of one select menu


def media_urls(message: discord.Message, slot: Slot) -> Sequence[str]:
    """Addresses of the results (in galleries) or of the sources (thumbnails), in order, as signed for this message."""
    urls: list[str] = []
    for part in _walk(message.components):
        if isinstance(part, discord.components.MediaGalleryComponent) and slot is Slot.PICTURE:
            urls += [item.media.url for item in part.items]
        elif isinstance(part, discord.components.ThumbnailComponent) and slot is Slot.SOURCE:
            urls.append(part.media.url)
    return urls


def pictures_of(message: discord.Message) -> Sequence[Source]:
    """All pictures of any message: attached ones, those of Easel's own cards, and those that links brought along."""
    attached = [
        Source(it.url, it.filename, it.size)
        for it in message.attachments
        if (it.content_type or "").startswith("image/")
    ]
    shown = [Source(url) for url in media_urls(message, Slot.PICTURE)]
    embedded = [it for embed in message.embeds for it in (embed.image.proxy_url, embed.thumbnail.proxy_url) if it]
    return [*attached, *shown, *(Source(url) for url in embedded)][:MAX_CHOICES]


def belongs_to(message: discord.Message, job_id: str) -> bool:
    """Whether this is a card of that job: its buttons carry the job's id."""
    buttons = (part for part in _walk(message.components) if isinstance(part, discord.components.Button))
    return any((button.custom_id or "").endswith(f":{job_id}") for button in buttons)


def components_of(message: discord.Message) -> Sequence[discord.Component]:
    """All components of a message, the inner ones included, in reading order."""
    return list(_walk(message.components))


def _walk(parts: Sequence[discord.Component]) -> Iterator[discord.Component]:
    for part in parts:
        yield part
        if isinstance(part, discord.components.Container | discord.components.SectionComponent | discord.ActionRow):
            yield from _walk(part.children)
        if isinstance(part, discord.components.SectionComponent):
            yield part.accessory
