"""The words of any message: what a person wrote, or the texts of a card or an embed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import discord

from bot.ui.kit.media import MessagePart, components_of

_OWN = "easel"  # how the custom ids of Easel's buttons begin
_EMOJI = re.compile(r"<a?:(\w+):\d+>")
_COMMAND = re.compile(r"</([^:>]+):\d+>")
#: Mentions that nobody can resolve here, times, and the marks that Discord puts into what looks like a mention.
_MARKUP = re.compile(r"<(?:@[!&]?|#)\d+>|<t:-?\d+(?::\w)?>|<id:\w+>|\u200b")


def words_of(message: discord.Message) -> str:
    """What a message says in words; empty where it says nothing.

    A forwarded message says what its snapshots say. A picture's description is read only where there are no words.
    Mentions and emoji become their names.
    """
    parts: tuple[MessagePart, ...] = (message, *message.message_snapshots)
    found = (words for read in (_content, _embedded, _displayed, _described) for part in parts for words in read(part))
    return next((plain for words in found if (plain := plain_words(words))), "")


def plain_words(text: str) -> str:
    """A text without Discord's markup for mentions, emoji, commands and times."""
    named = _COMMAND.sub(r"/\1", _EMOJI.sub(r"\1", text))
    return re.sub(r"[ \t]{2,}", " ", _MARKUP.sub("", named)).strip()


def _content(part: MessagePart) -> Iterator[str]:
    """What a person typed."""
    # The library knows who and which channel is meant in a message, and not in a snapshot.
    yield part.clean_content if isinstance(part, discord.Message) else part.content


def _embedded(part: MessagePart) -> Iterator[str]:
    """The titles and descriptions of embeds, one text for each."""
    for embed in part.embeds:
        yield "\n".join(it for it in (embed.title, embed.description) if it)


def _displayed(part: MessagePart) -> Iterator[str]:
    """The texts of a card made of components, as one text."""
    shown = components_of(part)
    # Easel's own cards say more than the prompt; that is the description of their pictures.
    if not any(isinstance(it, discord.components.Button) and (it.custom_id or "").startswith(_OWN) for it in shown):
        yield "\n".join(it.content for it in shown if isinstance(it, discord.components.TextDisplay))


def _described(part: MessagePart) -> Iterator[str]:
    """The descriptions of pictures, which screen readers read out."""
    for shown in components_of(part):
        if isinstance(shown, discord.components.MediaGalleryComponent):
            yield from (item.description or "" for item in shown.items)
    yield from (it.description or "" for it in part.attachments)
