"""Keeping members from using Easel, and letting them again: from a user menu, the settings panel or a report.

Blocking ends what the member has in the queue, uncharged. What has been sent to the image API goes on.
"""

from __future__ import annotations

import aiohttp
import discord
import structlog

from bot.errors import StoreUnavailable
from bot.jobs.policies import Policies
from bot.jobs.service import JobService
from bot.policy.server_log import LogLine
from bot.ui.kit import permissions
from bot.ui.kit.interactions import Interaction, role_ids_of, say
from bot.ui.kit.language import mark, tr, trn
from bot.ui.serverlog import wording
from bot.ui.settings import rights

log = structlog.stdlib.get_logger(__name__)

NOT_A_MEMBER = mark("Easel itself cannot be blocked.")
NOT_YOURSELF = mark("You cannot block yourself.")
NOT_BY_YOURSELF = mark("You cannot unblock yourself. Somebody with a higher role can.")
NOT_A_MANAGER_OF_IT = mark("{who} decides what holds in this server, so nobody can block them from Easel.")
NOT_BELOW_YOU = mark("Only somebody with a higher role than {who} can do that.")
NOBODY_SAYS = mark("Discord does not say which roles {who} has, so nothing was changed. Please try again in a moment.")


class Blocking:
    """Blocks and unblocks. What a blocked member has in line is cancelled, uncharged; what is painted is delivered."""

    def __init__(self, owner: Policies, service: JobService) -> None:
        self._owner = owner
        self._service = service

    async def from_menu(self, interaction: Interaction, user: discord.User | discord.Member, *, blocks: bool) -> None:
        """Answer the user menus."""
        guild = rights.server_of(interaction)
        if guild is None:
            await say(interaction, rights.no_server(interaction))
            return
        if not permissions.may_block(interaction):
            await say(interaction, tr(rights.NOT_A_MODERATOR))
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        outcome = await (self.block if blocks else self.unblock)(interaction, guild, user.id)
        await interaction.edit_original_response(content=outcome)

    async def block(self, interaction: Interaction, guild: discord.Guild, user_id: int) -> str:
        """Block somebody; returns the sentence on what came of it. Rights are for the caller to ask."""
        if user_id == interaction.application_id or user_id == guild.me.id:
            return tr(NOT_A_MEMBER)
        if user_id == interaction.user.id:
            return tr(NOT_YOURSELF)
        who = f"<@{user_id}>"
        if refusal := await self._out_of_reach(interaction, guild, user_id, shields_managers=True):
            return refusal
        line = await self._line(interaction, guild, user_id, blocks=True)
        if not await self._owner.block(guild.id, user_id, by=interaction.user.id, line=line):
            return tr("{who} is blocked already.", who=who)
        log.info("a member was blocked", guild=guild.id, by=interaction.user.id)
        cancelled = await self._cancel_waiting(guild.id, user_id)
        if cancelled:
            return trn(
                "{who} can no longer use Easel in this server. One request in line was cancelled at no cost.",
                "{who} can no longer use Easel in this server. {count} requests in line were cancelled at no cost.",
                cancelled,
                who=who,
            )
        return tr("{who} can no longer use Easel in this server.", who=who)

    async def unblock(self, interaction: Interaction, guild: discord.Guild, user_id: int) -> str:
        """Unblock somebody; returns the sentence on what came of it. Rights are for the caller to ask."""
        who = f"<@{user_id}>"
        manages = permissions.manages_server(interaction)
        if user_id == interaction.user.id and not manages:
            return tr(NOT_BY_YOURSELF)
        if not manages and (refusal := await self._out_of_reach(interaction, guild, user_id, shields_managers=False)):
            return refusal
        line = await self._line(interaction, guild, user_id, blocks=False)
        if not await self._owner.unblock(guild.id, user_id, line=line):
            return tr("{who} is not blocked.", who=who)
        log.info("a member was unblocked", guild=guild.id, by=interaction.user.id)
        return tr("{who} can use Easel in this server again.", who=who)

    async def _line(
        self, interaction: Interaction, guild: discord.Guild, user_id: int, *, blocks: bool
    ) -> LogLine | None:
        """What the server's log says of it."""
        book = await self._owner.book_of(guild.id)
        return wording.block(interaction, book.server, user_id, blocks=blocks)

    async def _out_of_reach(
        self, interaction: Interaction, guild: discord.Guild, user_id: int, *, shields_managers: bool
    ) -> str | None:
        """Why somebody may not act on this member, as Discord has it for timeouts; None where they may.

        The server's owner reaches everybody but those who manage the server. Whoever has left it has no roles.
        """
        who = f"<@{user_id}>"
        try:
            held = await rights.roles_of(interaction, guild, user_id)
        except (discord.HTTPException, aiohttp.ClientError, OSError) as exc:
            log.warning("Discord does not say which roles a member has", error=type(exc).__name__)
            return tr(NOBODY_SAYS, who=who)
        manages = user_id == guild.owner_id or any(
            role.permissions.manage_guild or role.permissions.administrator for role in held
        )
        if shields_managers and manages:
            return tr(NOT_A_MANAGER_OF_IT, who=who)
        if interaction.user.id == guild.owner_id:
            return None
        own = [role for one in role_ids_of(interaction) if (role := guild.get_role(one)) is not None]
        return None if max(own, default=guild.default_role) > max(held) else tr(NOT_BELOW_YOU, who=who)

    async def _cancel_waiting(self, guild_id: int, user_id: int) -> int:
        try:
            return await self._service.cancel_waiting(user_id, guild_id)
        except StoreUnavailable as exc:
            log.warning("the requests of a blocked member could not be cancelled", error=str(exc))
            return 0
