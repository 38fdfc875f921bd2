"""Stars and the showcase: what members want is written at once, what follows in Discord is done here, behind it.

Every process runs one. What has to be done stands in the database alone (see store/queries/showcase.py), so it is
found after a crash, by whichever process looks first. Before a picture is posted the channel is looked at: a message
that a dead process has sent is taken over and none is sent beside it. A repeat that is on its way at the same moment is
dropped by Discord, which knows the nonce of the first.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import structlog

from bot.errors import (
    BadSource,
    ChannelGone,
    DownloadError,
    ReplyError,
    ReplyGone,
    ReplyOutOfReach,
    ReplyUnavailable,
    StoreUnavailable,
)
from bot.jobs.backoff import SideBySide, beside, first_of
from bot.jobs.clock import now
from bot.jobs.job_run import Deps
from bot.jobs.policies import Policies
from bot.jobs.ports import ShowcaseBarred, ShowcasePosts
from bot.model import MAX_SOURCE_BYTES, Job, JobState, PictureInfo
from bot.policy.patience import ANSWER_WITHIN_S
from bot.policy.rules import SHOWCASE_STARS, RuleBook, SpoilerRule
from bot.store.queries.showcase import PostState, ShowcaseQueries, Showing, Starred

__all__ = ["PostState", "Showcase", "Starred"]

log = structlog.stdlib.get_logger(__name__)

#: Between two edits of a reply because of its stars: ten seconds, and some for the way to Discord.
PACE = timedelta(seconds=10.5)
EDIT_PATIENCE_S = 8.0  # less than the pace, so that no two edits of a reply are on their way
EVERY_S = 2.0  # another process may have left something
SOON_S = 0.5  # while replies wait for their next edit
LEASE, HEARTBEAT_S = timedelta(seconds=12), 4.0
AT_ONCE = 8  # of a kind
#: A post that Discord does not take is tried again for so long, then given up until the next star.
PATIENCE = timedelta(days=1)
NOT_ALLOWED_PAUSE = timedelta(minutes=10)
PAUSE_LEAST_S, PAUSE_MOST_S = 2.0, 300.0


class Showcase:
    """Counts stars, keeps the replies' counts true, and makes and removes posts."""

    def __init__(self, queries: ShowcaseQueries, deps: Deps, policies: Policies, posts: ShowcasePosts) -> None:
        self._queries = queries
        self._deps = deps
        self._policies = policies
        self._posts = posts
        self._more, self._more_counts = asyncio.Event(), asyncio.Event()
        self._posting = SideBySide(AT_ONCE, self._more)
        self._released = False

    async def star(self, job: Job, user_id: int, book: RuleBook, *, at_once: bool) -> Starred:
        """Give or take back a star. Raises StoreUnavailable within ANSWER_WITHIN_S."""
        starred = await self._queries.star(
            job,
            user_id,
            needed=book.server.showcase_stars or SHOWCASE_STARS,
            at_once=at_once,
            now=now(),
            patience=ANSWER_WITHIN_S,
        )
        self._more.set()
        self._more_counts.set()
        return starred

    async def stars_under(self, job: Job) -> int | None:
        """How many stars a job's reply is to show; None where it shows none, because there is no showcase for it."""
        target = job.target
        if target.guild_id is None or target.ephemeral or not target.bot_member:
            return None
        try:
            book = await self._policies.book_of(target.guild_id)
            if book.server.showcase_channel is None:
                return None
            present = await self._queries.get(job.id, ANSWER_WITHIN_S)
        except StoreUnavailable:
            # The pictures are worth more than the star under them.
            log.warning("a reply goes without its star: the database does not answer", job=job.id)
            return None
        return present.stars if present else 0

    async def showing(self, job_id: str) -> Showing | None:
        """Where and how a picture stands; None where it never had a star. Raises StoreUnavailable."""
        return await self._queries.get(job_id, ANSWER_WITHIN_S)

    async def dismiss(self, job_id: str) -> bool:
        """A person wants the post gone; False where there is none. Raises StoreUnavailable."""
        found = await self._queries.withdraw(job_id)
        self._more.set()
        return found

    async def run(self) -> None:
        """Until it is cancelled. Counts do not wait for posts, whose uploads may take minutes."""
        try:
            await asyncio.gather(
                self._repeat(self._do_counts, self._more_counts), self._repeat(self._do_posts, self._more)
            )
        finally:
            await self._posting.stop()

    async def _repeat(self, work: Callable[[], Awaitable[bool]], more: asyncio.Event) -> None:
        """Do what is due, again and again. Database trouble is waited out."""
        while True:
            busy = False
            more.clear()
            try:
                busy = await work()
            except StoreUnavailable as exc:
                log.info("the showcase waits for the database", error=str(exc))
            except Exception:
                # The showcase can wait; people who want pictures can't.
                log.exception("unhandled exception in the showcase")
            if busy:
                await asyncio.sleep(SOON_S)
            else:
                await first_of(more, within_s=EVERY_S)

    async def _do_counts(self) -> bool:
        """Show the stars of some replies; whether there were any."""
        stale = await self._queries.stale(now(), pace=PACE, limit=AT_ONCE)
        await _all(self._count(job_id, count) for job_id, count in stale)
        return bool(stale)

    async def _do_posts(self) -> bool:
        """Begin to make or remove posts, each by itself: an upload that takes long holds up no other."""
        if not self._released:
            # On SQLite a dead predecessor had the same name, and what it worked on is free at once.
            await self._queries.release(self._deps.worker_id)
            self._released = True
        if self._posting.room > 0:
            due = await self._queries.due(self._deps.worker_id, now(), lease=LEASE, limit=self._posting.room)
            for post in due:
                self._posting.begin(post.job_id, partial(self._step, post))
        return False

    async def _step(self, post: Showing) -> None:
        """Work on one post; an outage of the database is waited out."""
        try:
            async with self._kept([post.job_id]):
                await self._follow(post)
        except StoreUnavailable as exc:
            log.info("a post of a showcase waits for the database", job=post.job_id, error=str(exc))

    @asynccontextmanager
    async def _kept(self, job_ids: Sequence[str]) -> AsyncGenerator[None]:
        """Renew the leases of these posts for as long as the block takes."""

        async def beat() -> None:
            """Renew until the block ends; an outage of the database is waited out."""
            while True:
                await asyncio.sleep(HEARTBEAT_S)
                with contextlib.suppress(StoreUnavailable):
                    await self._queries.keep(self._deps.worker_id, job_ids, now(), lease=LEASE)

        beating = beside(beat(), "showcase heartbeat")
        try:
            yield
        finally:
            beating.cancel()

    async def _count(self, job_id: str, count: int) -> None:
        """Let the reply show how many stars there are. Where Discord gives no answer, it is done again later."""
        job = await self._deps.jobs.get(job_id)
        if job is not None and not job.reply_deleted:
            try:
                async with asyncio.timeout(EDIT_PATIENCE_S):
                    await self._posts.show_count(job, count)
            except ReplyGone:
                await self._deps.jobs.change(job_id, reply_deleted=True)
            except (ReplyUnavailable, TimeoutError):
                return
            except ReplyError as exc:
                log.info("a reply cannot show its stars", job=job_id, why=type(exc).__name__)
        await self._queries.counted(job_id, count)

    async def _follow(self, post: Showing) -> None:
        """Make or remove one post, or leave it for later."""
        try:
            if post.state is PostState.REMOVING:
                await self._remove(post)
            else:
                await self._make(post)
        except ShowcaseBarred:
            log.warning("pictures of an age-restricted channel are kept from a showcase that is not", job=post.job_id)
            await self._queries.give_up(self._deps.worker_id, post.job_id)
        except ReplyGone:
            await self._deps.jobs.change(post.job_id, reply_deleted=True)
            await self._put_off(post, timedelta())
        except ReplyOutOfReach as exc:
            reason = "the channel is gone" if isinstance(exc, ChannelGone) else "Easel lacks a permission there"
            log.warning(
                "a showcase cannot be written; its channel is set in /settings", guild=post.guild_id, why=reason
            )
            await self._put_off(post, NOT_ALLOWED_PAUSE)
        except (ReplyError, DownloadError, BadSource, OSError) as exc:
            log.info("a showcase has to wait", job=post.job_id, error=type(exc).__name__)
            age_s = (now() - post.since).total_seconds()
            asked_s = exc.retry_after or 0.0 if isinstance(exc, ReplyUnavailable) else 0.0
            pause_s = max(asked_s, min(max(age_s / 4, PAUSE_LEAST_S), PAUSE_MOST_S))
            await self._put_off(post, timedelta(seconds=pause_s))

    async def _put_off(self, post: Showing, pause: timedelta) -> None:
        if now() - post.since < PATIENCE:
            await self._queries.put_off(self._deps.worker_id, post.job_id, until=now() + pause)
        elif post.state is PostState.REMOVING:
            log.warning("a post of a showcase could not be removed", guild=post.guild_id, message=post.message_id)
            await self._queries.removed(self._deps.worker_id, post.job_id)
        else:
            await self._queries.give_up(self._deps.worker_id, post.job_id)

    async def _make(self, post: Showing) -> None:
        """Post the pictures, unless a message that shows them is found."""
        worker_id, job_id = self._deps.worker_id, post.job_id
        job = await self._deps.jobs.get(job_id)
        if job is not None and job.state is JobState.DELIVERING:
            # Its pictures can be seen and starred a moment before that is written down.
            await self._put_off(post, timedelta(seconds=PAUSE_LEAST_S))
            return
        if job is None or job.reply_deleted or job.state is not JobState.DELIVERED:
            await self._queries.withdraw(job_id)
            await self._put_off(post, timedelta())
            return
        book = await self._policies.book_of(post.guild_id)
        channel_id = book.server.showcase_channel
        for possible in {it for it in (post.channel_id, channel_id) if it is not None}:
            found = await self._found(job_id, possible, post)
            if found is not None and await self._queries.aim(worker_id, job_id, possible):
                await self._queries.posted(worker_id, job_id, *found)
                return
        if channel_id is None:
            await self._queries.give_up(worker_id, job_id)
            return
        folder = f"showcase-{job_id}"
        try:
            # So that nobody clears the folder away meanwhile. As with results, no bytes of the maker's room for sources
            # are taken: what bounds them is how many posts are made at once. On a full disk the post waits.
            self._deps.spool.reserve(folder, job.user_id, 0)
            pictures = await self._pictures(job, folder)
            if not await self._queries.aim(worker_id, job_id, channel_id):
                return
            always = book.at(channel_id).spoiler is SpoilerRule.ALWAYS
            locale = book.server.language or job.target.locale
            maker = await self._policies.preferences.read(job.user_id)
            size = sum(path.stat().st_size for path in pictures)
            async with self._deps.uploads.turn(str(channel_id), job.user_id, size) as transfer:
                place_id, message_id = await self._posts.post(
                    job,
                    channel_id,
                    pictures,
                    _nonce(post),
                    covered=job.request.spoiler or always,
                    locale=locale,
                    with_prompt=maker.shows_prompt,
                    transfer=transfer,
                )
        finally:
            self._deps.spool.remove(folder)
        log.info("pictures stand in a showcase", guild=post.guild_id, job=job_id)
        if not await self._queries.posted(worker_id, job_id, place_id, message_id):
            # Another process has gone on with it meanwhile; what it has noted stays.
            present = await self._queries.get(job_id)
            if present is None or present.message_id not in (None, message_id):
                await self._posts.remove(channel_id, place_id, message_id)

    async def _found(self, job_id: str, channel_id: int, post: Showing) -> tuple[int, int] | None:
        """What stands in a channel. One that was announced there and is gone can hold nothing."""
        try:
            return await self._posts.find(job_id, channel_id, post.since)
        except ChannelGone:
            return None

    async def _pictures(self, job: Job, folder: str) -> Sequence[Path]:
        """The pictures of the reply as files. One that Easel does not open is left out."""
        here: list[Path] = []
        for index, address in enumerate(await self._posts.addresses(job)):
            path = self._deps.spool.picture(folder, index)
            async with self._deps.downloads.turn("showcase", job.user_id):
                await self._deps.api.fetch_source(address, path, max_bytes=MAX_SOURCE_BYTES)
            if PictureInfo.at(path) is not None:
                here.append(path)
        return here

    async def _remove(self, post: Showing) -> None:
        """Delete the message; where it is not known, it is looked for."""
        place: tuple[int, int] | None = None
        if post.place_id is not None and post.message_id is not None:
            place = post.place_id, post.message_id
        elif post.channel_id is not None:
            place = await self._found(post.job_id, post.channel_id, post)
        if place is not None and post.channel_id is not None:
            await self._posts.remove(post.channel_id, *place)
        await self._queries.removed(self._deps.worker_id, post.job_id)


def _nonce(post: Showing) -> str:
    """The same for every try at a post, and another one where it was removed and is wanted once more."""
    return f"{post.job_id[:16]}{int(post.since.timestamp()):x}"[:25]


async def _all(works: Iterable[Awaitable[None]]) -> None:
    """Do these side by side. Each comes to its end before the first fault is raised."""
    for outcome in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
