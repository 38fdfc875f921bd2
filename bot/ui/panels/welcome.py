"""First words in a server that Easel has just come into, where the server has a place for such words.

A bot that writes where nobody asked it to is a nuisance; so it is silent wherever the server has not chosen a channel
for such messages.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import discord
import structlog
from discord import ui

from bot.ui.kit.language import speaking, tr
from bot.ui.kit.mentions import Mentions
from bot.ui.kit.widgets import GOOD, card

log = structlog.stdlib.get_logger(__name__)

PATIENCE_S = 30.0


async def welcome(guild: discord.Guild, mentions: Mentions) -> None:
    """Say once what Easel does and who decides about it.

    Said in the channel that the server has chosen for such messages, if it wants them on newcomers and Easel may post
    there. Nobody is written to privately, and no channel is made up: then Easel is silent.
    """
    channel = guild.system_channel
    if channel is None or not guild.system_channel_flags.join_notifications:
        return
    may = channel.permissions_for(guild.me)
    if not (may.view_channel and may.send_messages):
        return
    with speaking(guild.preferred_locale.value):
        view = welcome_card(mentions)
    try:
        async with asyncio.timeout(PATIENCE_S):
            # The nonce is Discord's own guard against the same words twice.
            await channel.send(view=view, nonce=guild.id, silent=True)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as exc:
        log.info("the first words in a server could not be said", guild=guild.id, error=type(exc).__name__)


async def leave(guild: discord.Guild) -> None:
    """Leave a server that the operator does not serve. Where Discord does not answer, the next start tries again."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            await guild.leave()
    except (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError) as exc:
        log.warning("the server could not be left; the next start tries again", error=type(exc).__name__)


def welcome_card(mentions: Mentions) -> ui.LayoutView:
    """The card, in the language of the moment."""
    names = {name: mentions.of(name) for name in ("imagine", "edit", "help", "settings")}
    lines = [
        f"### {tr('Easel paints pictures from your words')}",
        tr("{imagine} paints what you describe. {edit} changes pictures that you attach.", **names),
        tr("{help} explains the rest, and shows how many pictures you have left.", **names),
        f"-# {tr('Members with Manage Server decide with {settings} where, for whom and how much.', **names)}",
    ]
    return card(GOOD, ui.TextDisplay[Any]("\n".join(lines)))
