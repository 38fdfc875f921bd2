"""What approvals do in Discord: the port ApprovalPosts, fulfilled by ids alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import discord
from discord import ui

from bot.errors import ChannelGone, ReplyError, ReplyGone, ReplyOutOfReach
from bot.jobs.approvals.approvals import Approval, ApprovalQueries, Approvals, ApprovalState, AskedPost
from bot.jobs.job_run import Deps
from bot.jobs.policies import Policies
from bot.jobs.ports import UploadTurn
from bot.jobs.service import JobService
from bot.model import Job, Picture
from bot.pictures.studio import PictureStudio
from bot.ui.approvals import cards
from bot.ui.kit.language import speaking
from bot.ui.kit.media import view_of
from bot.ui.kit.widgets import layout
from bot.ui.reply.cards import alt_text
from bot.ui.reply.fitting import fitted
from bot.ui.reply.reply import MIN_UPLOAD_BYTES
from bot.ui.reply.transport import BlockedByAutoMod, ReplyTransport, UploadTooLarge
from bot.ui.reply.uploads import Files

LOOKED_AT = 300  # messages of a channel, the newest first
CLOCKS = timedelta(minutes=2)  # by which this machine's clock may differ from Discord's


class DiscordApprovals:
    """Fulfils bot.jobs.ports.ApprovalPosts."""

    def __init__(self, client: discord.Client, reach: ReplyTransport, studio: PictureStudio) -> None:
        self._client = client
        self._reach = reach
        self._studio = studio

    async def ask(
        self, approval: Approval, draft: Job, pictures: Sequence[Picture], sources: Sequence[Path], turn: UploadTurn
    ) -> int:
        """See `ApprovalPosts.ask`. Where AutoMod refuses the prompt, the question goes without.

        Where Discord takes less than it announced, the pictures are fitted into half of it, and so on.
        """
        limit = approval.asked.target.upload_limit if approval.asked else draft.target.upload_limit
        with_words = True
        while True:
            shown, uploads, source_files = await fitted(self._studio, draft, pictures, sources, limit)
            names = [it.filename for it in shown if it.filename]
            with speaking(approval.locale):
                view = cards.question(approval, draft, names, source_files, with_words=with_words)
            alt = alt_text(draft) if with_words else None
            try:
                async with turn(sum(path.stat().st_size for path, _ in uploads)) as transfer:
                    return (await self._send(approval, view, Files(uploads, alt, transfer))).id
            except UploadTooLarge:
                if limit <= MIN_UPLOAD_BYTES:
                    raise ReplyOutOfReach("even the smallest pictures are refused") from None
                limit //= 2
            except BlockedByAutoMod:
                if not with_words:
                    raise ReplyOutOfReach("AutoMod refuses the question") from None
                with_words = False

    async def _send(self, approval: Approval, view: ui.LayoutView, files: Files) -> discord.Message:
        nobody = discord.AllowedMentions.none()
        with files.opened() as opened:
            sending = self._channel(approval.channel_id).send(
                view=view, files=opened, allowed_mentions=nobody, nonce=_nonce(approval)
            )
            return await self._reach.upload(sending, files)

    async def find(self, approval: Approval) -> int | None:
        """See `ApprovalPosts.find`."""
        history = self._channel(approval.channel_id).history(
            limit=LOOKED_AT, after=approval.made_at - CLOCKS, oldest_first=False
        )
        try:
            return await self._reach.ask(_first(history, approval))
        except ChannelGone:
            return None

    async def stands(self, approval: Approval) -> bool:
        """See `ApprovalPosts.stands`."""
        try:
            await self._reach.read_message(approval.channel_id, approval.message_id or 0)
        except (ReplyGone, ChannelGone):
            return False
        except ReplyError:
            return True
        return True

    async def show(self, approval: Approval, draft: Job | None, post: Job | None) -> None:
        """See `ApprovalPosts.show`."""
        if approval.message_id is None:
            return
        message = self._channel(approval.channel_id).get_partial_message(approval.message_id)
        nobody = discord.AllowedMentions.none()
        if approval.state is ApprovalState.POSTING:
            # What is posted is taken from here, so the pictures stay until it stands.
            standing = await self._reach.read_message(approval.channel_id, approval.message_id)
            with speaking(approval.locale):
                view = cards.being_posted(approval, view_of(standing))
            await self._reach.ask(message.edit(view=view, allowed_mentions=nobody))
            return
        for with_words in (True, False):
            with speaking(approval.locale):
                view = cards.decided(approval, draft, post, with_words=with_words)
            try:
                await self._reach.ask(message.edit(view=view, attachments=[], allowed_mentions=nobody))
            except BlockedByAutoMod:
                continue
            return

    async def remove(self, channel_id: int, message_id: int) -> None:
        """See `ApprovalPosts.remove`."""
        try:
            await self._reach.ask(self._client.http.delete_message(channel_id, message_id))
        except (ReplyGone, ChannelGone):
            return

    async def tell(self, approval: Approval, asked: AskedPost, post: Job | None) -> bool:
        """See `ApprovalPosts.tell`."""
        if not self._reach.token_works(asked.target):
            return False
        with speaking(asked.note_locale):
            view = cards.note(approval, asked, post)
        try:
            await self._reach.edit(asked.target, lambda: view)
        except (ReplyGone, ReplyOutOfReach):
            return False
        return True

    async def write(self, approval: Approval, asked: AskedPost) -> None:
        """See `ApprovalPosts.write`."""
        with speaking(asked.note_locale):
            view = layout(ui.TextDisplay[Any](cards.note_text(approval, asked), id=_mark(approval)))
        channel = await self._direct(approval.user_id)
        nobody = discord.AllowedMentions.none()
        await self._reach.ask(channel.send(view=view, allowed_mentions=nobody, nonce=f"told-{approval.job_id}"[:25]))

    async def has_written(self, approval: Approval, since: datetime) -> bool:
        """See `ApprovalPosts.has_written`."""
        channel = await self._direct(approval.user_id)
        history = channel.history(limit=LOOKED_AT, after=since - CLOCKS, oldest_first=False)
        return await self._reach.ask(_has_mark(history, _mark(approval)))

    def _channel(self, channel_id: int) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(channel_id)

    async def _direct(self, user_id: int) -> discord.PartialMessageable:
        """The direct messages with a person. Raises ReplyError."""
        opened = await self._reach.ask(self._client.http.start_private_message(user_id))
        return self._channel(int(opened["id"]))


async def _first(messages: AsyncIterator[discord.Message], approval: Approval) -> int | None:
    async for message in messages:
        if cards.shows(message, approval):
            return message.id
    return None


async def _has_mark(messages: AsyncIterator[discord.Message], mark: int) -> bool:
    async for message in messages:
        first = message.components[0] if message.components else None
        if isinstance(first, discord.components.TextDisplay) and first.id == mark:
            return True
    return False


def _nonce(approval: Approval) -> str:
    """The same for every try at a question, another one for the next time that it is asked."""
    return f"{approval.job_id[:16]}?{approval.round}"[:25]


def _mark(approval: Approval) -> int:
    """The number of the message's one component, which Discord gives back and nobody sees."""
    return 1 + (int(approval.made_at.timestamp()) * 7919 + approval.round) % (2**31 - 2)


def open_approvals(
    queries: ApprovalQueries,
    client: discord.Client,
    reach: ReplyTransport,
    studio: PictureStudio,
    deps: Deps,
    policies: Policies,
    service: JobService,
) -> Approvals:
    """The approvals of this process, put together."""
    return Approvals(queries, deps, policies, service, DiscordApprovals(client, reach, studio))
