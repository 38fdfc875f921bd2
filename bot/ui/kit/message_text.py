"""The words of any message: what a person wrote, or the texts of a card or an embed."""

from __future__ import annotations

import discord


def words_of(message: discord.Message) -> str:
    """What a message says in words; empty where it says nothing. A picture's description is its last resort."""
    if said := message.content.strip():
        return said
    for embed in message.embeds:
        if said := "\n".join(part for part in (embed.title, embed.description) if part).strip():
            return said
    return next((alt for alt in _descriptions(message) if alt), "")


def _descriptions(message: discord.Message) -> list[str]:
    shown = [part for top in message.components for part in _inside(top)]
    galleries = [part for part in shown if isinstance(part, discord.components.MediaGalleryComponent)]
    described = [item.description or "" for gallery in galleries for item in gallery.items]
    return [*described, *(it.description or "" for it in message.attachments)]


def _inside(part: discord.Component) -> list[discord.Component]:
    inner = part.children if isinstance(part, discord.components.Container) else []
    return [part, *inner]
