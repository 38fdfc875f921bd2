"""Shows jobs in their Discord messages: the runner's port Replies, fulfilled by ids alone.

A message is always reached by ids: by the interaction's token while that lives, by the bot's own token afterwards. So
the same code serves a fresh job, one found after a crash, and a worker without a connection to the gateway.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import discord
import structlog
from discord import ui

from bot.errors import ChannelGone, ReplyError, ReplyGone, ReplyNotUnderstood, ReplyOutOfReach
from bot.jobs.delivery import answers_nothing
from bot.jobs.fair_slots import without_turn
from bot.jobs.ports import UploadTurn
from bot.model import (
    FailureKind,
    FollowUp,
    Job,
    Picture,
    PictureFormat,
    PictureInfo,
    Progress,
    ReplyTarget,
    Slot,
    Source,
)
from bot.pictures.studio import PictureStudio
from bot.ui.kit.language import speaking, tr, trn
from bot.ui.kit.media import belongs_to, media_urls
from bot.ui.reply import cards
from bot.ui.reply.cards import Shown
from bot.ui.reply.costs import Costs
from bot.ui.reply.fitting import fitted
from bot.ui.reply.thumbnails import source_filename
from bot.ui.reply.transport import BlockedByAutoMod, ReplyTransport, UploadTooLarge, parting_at
from bot.ui.reply.updates import Updates, rounded
from bot.ui.reply.uploads import Files

log = structlog.stdlib.get_logger(__name__)

MAX_NONCE_CHARS = 25  # Discord's limit
#: A message that was the request is answered so much later at most: within the time for which a nonce is known.
ANSWER_MESSAGE_WITHIN = timedelta(minutes=5)
MIN_UPLOAD_BYTES = 1024 * 1024  # a limit is not lowered further than this when Discord refuses a size


class DiscordReplies:
    """Fulfils bot.jobs.ports.Replies and NoticeSender."""

    def __init__(self, client: discord.Client, studio: PictureStudio) -> None:
        self._reach = ReplyTransport(client)
        self._studio = studio
        works = self._reach.token_works
        self._updates = Updates(self._running_look, cards.running, self._edit_quietly, lambda job: works(job.target))
        self._gone: set[str] = set()
        self._costs: dict[str, Costs] = {}  # of running jobs, as they were when each was written
        #: How many stars a finished reply shows, given by the composition root; None where it has no star.
        self.stars_under: Callable[[Job], Awaitable[int | None]] = _no_star
        self._unspeakable: set[str] = set()  # jobs whose prompt AutoMod refuses to be repeated

    def card(self, job: Job, progress: Progress) -> ui.LayoutView:
        """What a running job's reply shows now."""
        return cards.running(job, progress, self._running_look(job, progress))

    def _running_look(self, job: Job, progress: Progress) -> cards.Look:
        late = progress.due is not None and datetime.now(UTC) >= progress.due
        costs = self._costs.get(job.id, cards.NO_COSTS)
        return cards.Look(self._is_parting(job), with_prompt=self.speaks_of(job), overdue=late, costs=costs)

    def speaks_of(self, job: Job) -> bool:
        """Whether the job's cards repeat its prompt."""
        return job.id not in self._unspeakable

    def silence(self, job: Job) -> None:
        """AutoMod refuses to repeat the job's prompt: it is shown without from now on."""
        log.info("AutoMod refuses a prompt; the reply goes without it", job=job.id)
        self._unspeakable.add(job.id)

    def _look(self, job: Job) -> cards.Look:
        """What this reply's place asks of its card just now."""
        return cards.Look(self._is_parting(job), with_prompt=self.speaks_of(job))

    def _is_parting(self, job: Job) -> bool:
        parting = parting_at(job.target)
        return parting is not None and datetime.now(UTC) >= parting

    def first_card(self, job: Job, progress: Progress, costs: Costs) -> ui.LayoutView:
        """What the acknowledgement of a job shows. Once Discord has taken it, call `acknowledged` with the same.

        `costs` are told on every card until the job ends or another process has it.
        """
        self._costs[job.id] = costs
        return self.card(job, replace(progress, due=rounded(progress.due)))

    def acknowledged(self, job: Job, view: ui.LayoutView, progress: Progress) -> None:
        """The acknowledgement showed this layout already."""
        self._updates.acknowledged(job, view, progress)

    def show(self, job: Job, progress: Progress) -> None:
        """See `Replies.show`."""
        if job.id not in self._gone:
            self._updates.show(job, progress)

    def trust(self, until: datetime) -> None:
        """See `Replies.trust`."""
        self._updates.trust(until)

    def forget(self, job_id: str) -> None:
        """See `Replies.forget`."""
        self._costs.pop(job_id, None)
        self._updates.drop(job_id)

    def is_late(self, job: Job) -> bool:
        """See `Replies.is_late`."""
        return self._updates.is_late(job.id)

    async def correct(self, job: Job, progress: Progress) -> None:
        """See `Replies.correct`."""
        if job.id not in self._gone:
            await self._updates.correct(job, progress)

    def is_gone(self, job: Job) -> bool:
        """See `Replies.is_gone`."""
        return job.id in self._gone

    async def close(self, job: Job) -> None:
        """See `Replies.close`. Where AutoMod refuses the card, it is sent again without the prompt."""
        await self._finish(job)
        try:
            await self._reach.edit(job.target, lambda: cards.ended(job, self._look(job)))
        except BlockedByAutoMod:
            self.silence(job)
            await self._reach.edit(job.target, lambda: cards.ended(job, self._look(job)))
        self._unspeakable.discard(job.id)

    async def show_sources(self, job: Job, files: Mapping[int, Path]) -> Job:
        """See `Replies.show_sources`. The edits that follow name the files as attached, so that they stay."""
        sources = list(job.request.sources)
        for index, path in files.items():
            kind = await asyncio.to_thread(PictureInfo.at, path)
            name = source_filename(index, kind.format if kind else PictureFormat.JPEG)
            sources[index] = replace(sources[index], shown_as=name)
        shown = replace(job, request=replace(job.request, sources=tuple(sources)))

        uploads = Files([(path, sources[index].shown_as) for index, path in files.items()])
        await self._updates.finish(job.id)
        view = self.card(shown, Progress())
        try:
            message = await self._reach.edit(shown.target, lambda: self.card(shown, Progress()), uploads)
        except BlockedByAutoMod:
            if not self.speaks_of(job):
                raise
            self.silence(job)
            return await self.show_sources(job, files)
        self._updates.acknowledged(shown, view, Progress())
        urls = media_urls(message, Slot.SOURCE)
        if len(urls) != len(files):
            raise ReplyOutOfReach("the reply does not show the pictures")
        for index, url in zip(files, urls, strict=True):
            sources[index] = replace(sources[index], url=url)
        return replace(shown, request=replace(shown.request, sources=tuple(sources)))

    async def deliver(
        self, job: Job, pictures: Sequence[Picture], sources: Sequence[Path], turn: UploadTurn = without_turn
    ) -> ReplyTarget:
        """See `Replies.deliver`.

        Discord sometimes takes less than it announced; then the pictures are fitted into half of it, and so on.
        """
        if job.target.outlives_token:
            await self._finish(job)
        # Else the card with Show pictures may have to be shown while this waits for its turn.
        limit = job.target.upload_limit
        while True:
            shown, uploads, source_names = await fitted(self._studio, job, pictures, sources, limit)
            try:
                async with turn(sum(path.stat().st_size for path, _ in uploads)) as transfer:
                    await self._finish(job)
                    return await self._deliver(job, shown, Files(uploads, transfer=transfer), source_names)
            except UploadTooLarge:
                if limit <= MIN_UPLOAD_BYTES:
                    raise ReplyOutOfReach("even the smallest pictures are refused") from None
                limit //= 2
                log.warning("Discord takes less than it announced; pictures are made smaller", job=job.id, limit=limit)

    async def find_delivered(self, job: Job) -> ReplyTarget | None:
        """See `Replies.find_delivered`. The pictures stand in the job's own message, or in a new one after it."""
        after = job.target.message_id or job.interaction_id
        try:
            message = None if answers_nothing(job) else await self._reach.read(job.target)
        except ReplyNotUnderstood:
            if not job.target.outlives_token:
                raise
            message, after = None, job.interaction_id  # the channel lists it, too, and its answer may be a good one
        if message is not None:
            if belongs_to(message, job.id) and media_urls(message, Slot.PICTURE):
                return job.target
            if self._reach.token_works(job.target):
                return None
        # Where the message could not be edited, the pictures may have been posted as a new one.
        for later in await self._reach.read_recent(job.target, after=after):
            if belongs_to(later, job.id) and media_urls(later, Slot.PICTURE):
                return replace(job.target, message_id=later.id)
        return None

    async def find(self, job: Job) -> ReplyTarget | None:
        """See `Replies.find`. Only a message whose buttons carry the job's id is the job's."""
        if self._reach.token_works(job.target):
            try:
                message = await self._reach.read(job.target)
            except ReplyOutOfReach:
                if self._reach.token_works(job.target):
                    raise
            except ReplyNotUnderstood:
                if not job.target.outlives_token:
                    raise
            else:
                # Where the request was refused, or another bot of this application took it, the answer is not ours.
                if not belongs_to(message, job.id):
                    return None
                return replace(job.target, message_id=message.id, ephemeral=message.flags.ephemeral)
        if not job.target.outlives_token:
            raise ReplyOutOfReach("only the interaction's token could see the reply")
        # The reply came after its interaction, and its button carries the job's id.
        for message in await self._reach.read_recent(job.target, after=job.interaction_id):
            if belongs_to(message, job.id):
                return replace(job.target, message_id=message.id)
        # Where a message was the request there is no token, and nothing but time forbids to answer it now.
        if not job.target.token and datetime.now(UTC) - job.received_at < ANSWER_MESSAGE_WITHIN:
            return await self.answer_message(job, Progress(), Costs())
        return None

    async def answer_message(self, job: Job, progress: Progress, costs: Costs) -> ReplyTarget | None:
        """Acknowledge a job whose request was a message, as an answer to that message. Raises ReplyError.

        The nonce is made of the message's id: of two bots, or two tries, that answer it, Discord takes the first. None
        where that was another bot's, with a job of its own.
        """
        view = self.first_card(job, progress, costs)
        try:
            message = await self._reach.reply_to(
                job.target, job.interaction_id, f"edit-{job.interaction_id}", view=view
            )
        except BlockedByAutoMod:
            if not self.speaks_of(job):
                raise ReplyOutOfReach("AutoMod refuses the card") from None
            self.silence(job)
            return await self.answer_message(job, progress, costs)
        if not belongs_to(message, job.id):
            return None
        self.acknowledged(job, view, progress)
        return replace(job.target, message_id=message.id)

    async def refuse_message(self, target: ReplyTarget, message_id: int, sentence: str) -> None:
        """Say in answer to a message why nothing came of it. Raises ReplyError."""
        await self._reach.reply_to(target, message_id, f"no-{message_id}", text=sentence)

    async def fresh(self, source: Source) -> Source:
        """See `Replies.fresh`."""
        if source.kept is None:
            raise ReplyOutOfReach
        message = await self._reach.read_message(source.kept.channel_id, source.kept.message_id)
        urls = media_urls(message, source.kept.slot)
        if source.kept.index >= len(urls):
            raise ReplyGone
        return replace(source, url=urls[source.kept.index])

    async def notify(self, job: Job) -> None:
        """See `NoticeSender.notify`."""
        with speaking(job.target.locale):
            ready = trn("Your picture is ready.", "Your {count} pictures are ready.", _came(job))
            if job.request.follows is FollowUp.POST:
                ready = tr("A moderator approved this, and it is posted now.")
        nonce = f"notify-{job.id}"[:MAX_NONCE_CHARS]
        await self._reach.answer(job.target, f"<@{job.user_id}> {ready}", job.user_id, nonce)

    async def has_notified(self, job: Job, since: datetime) -> bool:
        """See `NoticeSender.has_notified`."""
        return await self._reach.is_answered(job.target, job.user_id, since)

    async def stop(self) -> None:
        """Let edits under way finish and drop those that wait."""
        await self._updates.close()

    async def _finish(self, job: Job) -> None:
        """Let no progress follow: the edit that comes now is the last one."""
        self._gone.discard(job.id)
        self._costs.pop(job.id, None)
        await self._updates.finish(job.id)

    async def _edit_quietly(self, job: Job, view: ui.LayoutView) -> None:
        """A progress edit that fails never fails its job."""
        try:
            await self._reach.edit(job.target, lambda: view)
        except (ReplyGone, ChannelGone):
            self._gone.add(job.id)
        except BlockedByAutoMod:
            self.silence(job)
        except ReplyError as exc:
            log.debug("a progress edit was not taken", job=job.id, error=str(exc))

    async def _deliver(
        self, job: Job, shown: Sequence[Shown], uploads: Files, source_names: Sequence[str]
    ) -> ReplyTarget:
        """Put the pictures into the message, without the prompt where AutoMod refuses it."""
        try:
            return await self._put(job, shown, uploads, source_names)
        except BlockedByAutoMod:
            self.silence(job)
            return await self._put(job, shown, uploads, source_names)

    async def _put(self, job: Job, shown: Sequence[Shown], uploads: Files, source_names: Sequence[str]) -> ReplyTarget:
        """Edit the job's message, or post a new one where it can no longer be edited."""
        look = replace(self._look(job), stars=await self.stars_under(job))
        files = replace(uploads, alt=cards.alt_text(job) if look.with_prompt else None)

        def view() -> ui.LayoutView:
            """The card, made anew for each attempt."""
            return cards.finished(job, shown, source_names, look)

        try:
            await self._reach.edit(job.target, view, files)
        except ReplyOutOfReach:
            # The library tries an upload again that got no answer: the first try may have arrived before the refusal.
            with contextlib.suppress(ReplyOutOfReach):
                if (found := await self.find_delivered(job)) is not None:
                    return found
            return await self._reach.post(job.target, view(), files, nonce=job.id)
        return job.target


def _came(job: Job) -> int:
    """How many pictures of a delivered job there are."""
    is_partial = job.failure is not None and job.failure.kind is FailureKind.PARTIAL
    came = job.failure.detail.partition(" ")[0] if job.failure and is_partial else ""
    return int(came) if came.isdecimal() else job.request.count


async def _no_star(_: Job) -> int | None:
    return None
