"""What the showcase does in Discord: the runner's port ShowcasePosts, fulfilled by ids alone.

A channel is asked for by REST and not read from the cache, because a worker has none. A post in a forum is a thread of
its own, whose first message has the thread's id.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import discord
import structlog
from discord import ui
from discord.http import handle_message_parameters

from bot.errors import ChannelGone, ReplyGone, ReplyOutOfReach
from bot.jobs.fair_slots import Transfer
from bot.jobs.ports import ShowcaseBarred
from bot.model import Job, PictureInfo, Slot
from bot.ui.kit.dispatch import JOB_PANEL, custom_id
from bot.ui.kit.language import speaking
from bot.ui.kit.media import media_urls, view_of
from bot.ui.reply.actions import Action, star_label
from bot.ui.reply.cards import alt_text, picture_filename
from bot.ui.reply.transport import BlockedByAutoMod, ReplyTransport
from bot.ui.reply.uploads import Files
from bot.ui.showcase import cards

log = structlog.stdlib.get_logger(__name__)

FORUM = discord.ChannelType.forum.value
THREADS = {
    kind.value
    for kind in (discord.ChannelType.news_thread, discord.ChannelType.public_thread, discord.ChannelType.private_thread)
}
REQUIRES_TAG = 1 << 4  # a flag of forums
LOOKED_AT = 300  # messages of a channel, the newest first
LOOKED_AT_POSTS = 50  # of a forum
CLOCKS = timedelta(minutes=2)  # by which this machine's clock may differ from Discord's

Json = Mapping[str, Any]


def _named(pictures: Sequence[Path]) -> Sequence[tuple[Path, str]]:
    """Each picture with its name in the post. One whose format is not known is left out."""
    return [
        (path, picture_filename(index, info.format))
        for index, path in enumerate(pictures)
        if (info := PictureInfo.at(path)) is not None
    ]


class DiscordShowcase:
    """Fulfils bot.jobs.ports.ShowcasePosts."""

    def __init__(self, client: discord.Client, reach: ReplyTransport) -> None:
        self._client = client
        self._reach = reach

    async def show_count(self, job: Job, count: int) -> None:
        """See `ShowcasePosts.show_count`. The rest of the reply stays as it stands."""
        message = await self._reach.read_by_bot(job.target)
        view = view_of(message)
        changed = False
        for item in view.walk_children():
            if isinstance(item, ui.Button) and item.custom_id == custom_id(JOB_PANEL, Action.STAR, job.id):
                changed = item.label != star_label(count)
                item.label = star_label(count)
        if changed:
            await self._reach.edit(job.target, lambda: view)

    async def find(self, job_id: str, channel_id: int, after: datetime) -> tuple[int, int] | None:
        """See `ShowcasePosts.find`."""
        channel = await self._channel(channel_id)
        oldest = after - CLOCKS
        if channel["type"] == FORUM:
            return await self._find_in_forum(job_id, channel, oldest)
        history = self._client.get_partial_messageable(channel_id).history(
            limit=LOOKED_AT, after=oldest, oldest_first=False
        )
        message = await self._reach.ask(_first(history, job_id))
        return (channel_id, message.id) if message else None

    async def _find_in_forum(self, job_id: str, channel: Json, oldest: datetime) -> tuple[int, int] | None:
        """Among the threads that Easel has opened in a forum since then; two lists, since a thread may be archived."""
        forum_id, since = int(channel["id"]), discord.utils.time_snowflake(oldest)
        listed = await self._reach.ask(self._client.http.get_active_threads(int(channel["guild_id"])))
        archived = await self._reach.ask(self._client.http.get_public_archived_threads(forum_id))
        threads = cast("Sequence[Json]", [*listed["threads"], *archived["threads"]])
        own = {
            int(it["id"])
            for it in threads
            if int(it["parent_id"]) == forum_id and int(it["owner_id"]) == self._own_id and int(it["id"]) > since
        }
        for thread_id in sorted(own, reverse=True)[:LOOKED_AT_POSTS]:
            try:
                message = await self._reach.read_message(thread_id, thread_id)
            except (ReplyGone, ChannelGone):
                continue
            if cards.shows(message, job_id):
                return thread_id, thread_id
        return None

    async def addresses(self, job: Job) -> Sequence[str]:
        """See `ShowcasePosts.addresses`."""
        return media_urls(await self._reach.read_by_bot(job.target), Slot.PICTURE)

    async def post(
        self,
        job: Job,
        channel_id: int,
        pictures: Sequence[Path],
        nonce: str,
        *,
        covered: bool,
        locale: str,
        with_prompt: bool,
        transfer: Transfer,
    ) -> tuple[int, int]:
        """See `ShowcasePosts.post`. Where AutoMod refuses the prompt, the post goes without."""
        channel = await self._channel(channel_id)
        if int(channel.get("guild_id") or 0) != job.target.guild_id:
            raise ChannelGone("it is not a channel of this server")
        if not channel.get("nsfw") and await self._is_restricted(job.target.channel_id):
            raise ShowcaseBarred
        while True:
            try:
                with speaking(locale):
                    files = Files(_named(pictures), alt_text(job) if with_prompt else None, transfer)
                    return await self._send(job, channel, files, nonce, covered=covered, with_prompt=with_prompt)
            except BlockedByAutoMod:
                if not with_prompt:
                    raise
                with_prompt = False

    async def _send(
        self, job: Job, channel: Json, files: Files, nonce: str, *, covered: bool, with_prompt: bool
    ) -> tuple[int, int]:
        view = cards.post(job, [name for _, name in files.named], covered=covered, with_prompt=with_prompt)
        channel_id = int(channel["id"])
        if channel["type"] == FORUM:
            return await self._open_thread(job, channel, view, files, with_prompt=with_prompt)
        with files.opened() as opened:
            sent = self._client.get_partial_messageable(channel_id).send(view=view, files=opened, nonce=nonce)
            message = await self._reach.upload(sent, files)
        return channel_id, message.id

    async def _open_thread(
        self, job: Job, channel: Json, view: ui.LayoutView, files: Files, *, with_prompt: bool
    ) -> tuple[int, int]:
        thread: dict[str, Any] = {"name": cards.title(job, with_prompt=with_prompt)}
        tags = cast("Sequence[Json]", channel.get("available_tags") or ())
        if channel.get("flags", 0) & REQUIRES_TAG and tags:
            thread["applied_tags"] = [str(tags[0]["id"])]
        none = discord.AllowedMentions.none()
        with (
            files.opened() as opened,
            handle_message_parameters(view=view, files=opened, channel_payload=thread, allowed_mentions=none) as params,
        ):
            sent = self._client.http.start_thread_in_forum(int(channel["id"]), params=params)
            started = await self._reach.upload(sent, files)
        return int(started["id"]), int(started["id"])

    async def remove(self, channel_id: int, place_id: int, message_id: int) -> None:
        """See `ShowcasePosts.remove`. Where Easel may not delete its thread, it deletes the message in it."""
        try:
            if place_id != channel_id:
                try:
                    await self._reach.ask(self._client.http.delete_channel(place_id))
                except ChannelGone:
                    return
                except ReplyOutOfReach:
                    log.info("a showcase's thread may not be deleted; its message is", thread=place_id)
                else:
                    return
            await self._reach.ask(self._client.http.delete_message(place_id, message_id))
        except (ReplyGone, ChannelGone):
            return

    async def _channel(self, channel_id: int) -> Json:
        """A channel as Discord tells it. Raises ReplyError."""
        return cast("Json", await self._reach.ask(self._client.http.get_channel(channel_id)))

    async def _is_restricted(self, channel_id: int) -> bool:
        """Whether a channel, or that of a thread, is for adults."""
        channel = await self._channel(channel_id)
        if channel["type"] in THREADS and channel.get("parent_id"):
            channel = await self._channel(int(channel["parent_id"]))
        return bool(channel.get("nsfw"))

    @property
    def _own_id(self) -> int:
        return self._client.user.id if self._client.user else 0


async def _first(messages: AsyncIterator[discord.Message], job_id: str) -> discord.Message | None:
    """The first message of a listing that shows this job."""
    async for message in messages:
        if cards.shows(message, job_id):
            return message
    return None
