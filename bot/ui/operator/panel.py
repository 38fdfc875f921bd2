"""The panel behind **All servers** in `/usage`: what the operator sees and does, privately, wherever they are.

Nothing in a custom id is believed: at each click Discord is asked, or was a moment ago, who runs the bot.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import discord
import structlog
from discord import ui

from bot.jobs.clock import now
from bot.jobs.records.oversight import BlockKind, DoorBook, Figures, OperatorBlock
from bot.ui.kit import texts
from bot.ui.kit.dispatch import Click
from bot.ui.kit.interactions import Interaction, say
from bot.ui.kit.language import mark, tr, trn
from bot.ui.operator import cards
from bot.ui.operator.cards import Verb
from bot.ui.operator.operators import Operators, Rank

log = structlog.stdlib.get_logger(__name__)

PATIENCE_S = 10.0
UNKNOWN_GUILD, MISSING_ACCESS = 10004, 50001
_TROUBLE = (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError, TimeoutError)

NOT_AN_OPERATOR = mark(
    "Only whoever runs this bot can see or do this: the owner of its application, or a member of its team."
)
LOOKS_ONLY = mark("Your role in the bot's team lets you look, not change anything.")
NO_ID = mark("That is not an ID. Copy it in Discord: right-click the server or the user, then Copy ID.")


class OperatorPanel:
    """The panel `operator`."""

    name = cards.PANEL

    def __init__(self, client: discord.Client, figures: Figures, door: DoorBook) -> None:
        self._client = client
        self.operators = Operators(client)
        self._figures = figures
        self._door = door

    async def act(self, interaction: Interaction, click: Click) -> None:
        """Show something, ask about an act, or do it."""
        words = [*click.words, *click.values]
        if words == ["find"]:
            if await self._may(interaction, Rank.ACTS):
                await interaction.response.send_modal(cards.find_form())
            return
        if interaction.message is None or not interaction.message.flags.ephemeral:
            # What it shows is for one person alone, and it would stand in place of the message.
            await say(interaction, tr(texts.FORM_TOO_OLD))
            return
        await interaction.response.defer()
        match words:
            case ["yes", verb, target] if verb in set(Verb) and _is_id(target):
                if await self._may(interaction, Rank.ACTS):
                    await self._do(interaction, Verb(verb), int(target))
                return
            case ["ask", verb, target] if verb in set(Verb) and _is_id(target):
                if await self._may(interaction, Rank.ACTS):
                    who = await self._who(Verb(verb), int(target))
                    await self._put(interaction, cards.question(Verb(verb), int(target), who))
                return
            case _:
                pass
        if await self._may(interaction, Rank.LOOKS):
            await self._show(interaction, words, click)

    async def _show(self, interaction: Interaction, words: list[str], click: Click) -> None:
        """One of the views."""
        match words:
            case ["all"]:
                await self._put(interaction, await self._all(interaction))
            case ["blocked"]:
                await self._put(interaction, cards.blocked(await self._door.blocks()))
            case ["server", target] if _is_id(target):
                await self._put(interaction, await self._server(interaction, int(target)))
            case ["user", target] if _is_id(target):
                await self._put(interaction, await self._user(interaction, int(target)))
            case ["pick", chosen]:
                await self._show(interaction, chosen.split(":"), click)
            case ["found"]:
                typed = click.first(cards.FIND_ID).strip()
                if _is_id(typed):
                    await self._show(interaction, [click.first(cards.FIND_KIND), typed], click)
                else:
                    await say(interaction, tr(NO_ID))
            case _:
                await say(interaction, tr(texts.FORM_TOO_OLD))

    async def _may(self, interaction: Interaction, needed: Rank) -> bool:
        """Whether the person may; they are told where not."""
        rank = await self.operators.rank(interaction.user.id, to_act=needed is Rank.ACTS)
        if rank < needed:
            log.warning("the operator's view was refused to somebody", user=interaction.user.id)
            await say(interaction, tr(LOOKS_ONLY if rank is Rank.LOOKS else NOT_AN_OPERATOR))
        return rank >= needed

    async def _acts(self, interaction: Interaction) -> bool:
        return await self.operators.rank(interaction.user.id) is Rank.ACTS

    async def _all(self, interaction: Interaction) -> ui.LayoutView:
        overview = await self._figures.of_all(now(), top=cards.MAX_CHOICES, slowest=cards.SLOWEST)
        blocks = await self._door.blocks()
        return cards.all_servers(overview, self._name_of, len(blocks), acts=await self._acts(interaction))

    async def _server(
        self, interaction: Interaction, guild_id: int, note: str = "", known_as: str = ""
    ) -> ui.LayoutView:
        overview = await self._figures.of_server(guild_id, now(), top=cards.TOP)
        name, is_member = await self._look_up(guild_id)
        by_settings = guild_id in self._door.base.blocked_servers
        block = await self._block_of(BlockKind.SERVER, guild_id)
        if is_member is not True:
            name = known_as or (block.name if block and block.name else name)
        state = cards.ServerState(guild_id, name, is_member, by_settings or block is not None, by_settings)
        return cards.server(overview, state, acts=await self._acts(interaction), note=note)

    async def _user(self, interaction: Interaction, user_id: int, note: str = "") -> ui.LayoutView:
        by_settings = user_id in self._door.base.blocked_users
        is_blocked = by_settings or await self._block_of(BlockKind.USER, user_id) is not None
        amounts = await self._figures.of_user(user_id, now())
        return cards.user(
            user_id,
            amounts,
            is_blocked=is_blocked,
            by_settings=by_settings,
            acts=await self._acts(interaction),
            note=note,
        )

    async def _block_of(self, kind: BlockKind, blocked_id: int) -> OperatorBlock | None:
        return next((it for it in await self._door.blocks() if it.kind is kind and it.id == blocked_id), None)

    async def _do(self, interaction: Interaction, verb: Verb, target_id: int) -> None:
        """Do what was asked about and said yes to, and say what came of it."""
        by, name, was_member = interaction.user.id, "", False
        if shows_user := verb in {Verb.BLOCK_USER, Verb.UNBLOCK_USER}:
            who = f"<@{target_id}>"
        else:
            name, found = await self._look_up(target_id)
            who, was_member = texts.plain(name), found is not False
        match verb:
            case Verb.LEAVE:
                note = await self._leave(target_id, who, by)
            case Verb.BLOCK_SERVER:
                note = await self._block(BlockKind.SERVER, target_id, who, by, name)
                if was_member:
                    note += " " + await self._leave(target_id, who, by)
            case Verb.BLOCK_USER if self.operators.is_known(target_id):
                note = tr("{who} runs this bot, so they cannot be blocked.", who=who)
            case Verb.BLOCK_USER:
                note = await self._block(BlockKind.USER, target_id, who, by)
            case Verb.UNBLOCK_SERVER | Verb.UNBLOCK_USER:
                kind = BlockKind.SERVER if verb is Verb.UNBLOCK_SERVER else BlockKind.USER
                done = await self._door.unblock(kind, target_id, by=by)
                note = tr("✓ {who} is unblocked.", who=who) if done else tr("{who} is not blocked.", who=who)
        if shows_user:
            await self._put(interaction, await self._user(interaction, target_id, note))
        else:
            await self._put(interaction, await self._server(interaction, target_id, note, name))

    async def _block(self, kind: BlockKind, target_id: int, who: str, by: int, name: str = "") -> str:
        cancelled = await self._door.block(kind, target_id, by=by, name=name)
        if cancelled is None:
            return tr("{who} is blocked already.", who=who)
        said = tr("✓ {who} is blocked everywhere.", who=who)
        if cancelled:
            said += " " + trn(
                "One request in line was cancelled and costs nothing.",
                "{count} requests in line were cancelled and cost nothing.",
                cancelled,
            )
        return said

    async def _leave(self, guild_id: int, who: str, by: int) -> str:
        """Leave a server, whichever process hears of it."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._client.http.leave_guild(guild_id)
        except _TROUBLE as exc:
            if isinstance(exc, discord.HTTPException) and exc.code in {UNKNOWN_GUILD, MISSING_ACCESS}:
                return tr("✓ Easel has left {who}.", who=who)  # the process that serves it was quicker
            log.warning("the operator's server could not be left", server=guild_id, error=type(exc).__name__)
            return tr("Discord did not let Easel leave {who}. Please try again in a moment.", who=who)
        log.warning("the operator has left a server", server=guild_id, by=by)
        return tr("✓ Easel has left {who}.", who=who)

    async def _who(self, verb: Verb, target_id: int) -> str:
        if verb in {Verb.BLOCK_USER, Verb.UNBLOCK_USER}:
            return f"<@{target_id}>"
        return texts.plain((await self._look_up(target_id))[0])

    def _name_of(self, guild_id: int | None) -> str:
        """A server as this process knows it: where another one has its shard, by its id."""
        if guild_id is None:
            return tr("Outside of servers")
        guild = self._client.get_guild(guild_id)
        return _named(guild.name) if guild is not None else str(guild_id)

    async def _look_up(self, guild_id: int) -> tuple[str, bool | None]:
        """The name of a server, and whether the bot is in it; Discord is asked where this process does not know."""
        if (guild := self._client.get_guild(guild_id)) is not None:
            return _named(guild.name), True
        try:
            async with asyncio.timeout(PATIENCE_S):
                found: Any = await self._client.http.get_guild(guild_id, with_counts=False)
        except _TROUBLE as exc:
            gone = isinstance(exc, discord.HTTPException) and exc.code in {UNKNOWN_GUILD, MISSING_ACCESS}
            return str(guild_id), False if gone else None
        return _named(str(found.get("name") or guild_id)), True

    async def _put(self, interaction: Interaction, view: ui.LayoutView) -> None:
        """Show a view in place of the last one; the chart of one's own usage goes with it."""
        await interaction.edit_original_response(view=view, attachments=[])


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 15 <= len(text) <= 19


def _named(name: str) -> str:
    return texts.shortened(name, cards.NAME_CHARS)
