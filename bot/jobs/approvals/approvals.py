"""Carries approvals out: posts the question, and what a moderator has decided.

Every process runs one. What has to be done stands in the database alone (see store/approvals/queries.py), so it is
found after a crash, by whichever process looks first. What can't be repeated is looked for before it is done again: a
question by its buttons, a post by the job's id, which is the same in every process.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial

import structlog

from bot.errors import (
    AlreadyReceived,
    BadSource,
    DownloadUnreachable,
    ReplyError,
    ReplyOutOfReach,
    ReplyUnavailable,
    RequestError,
    RulesChanged,
    StoreUnavailable,
)
from bot.jobs.backoff import SideBySide, beside, first_of
from bot.jobs.clock import now
from bot.jobs.delivery import source_copies
from bot.jobs.downloads import fetch_now
from bot.jobs.fair_slots import Transfer
from bot.jobs.job_run import Deps, JobRun
from bot.jobs.policies import Policies
from bot.jobs.ports import ApprovalPosts
from bot.jobs.service import JobService, post_id
from bot.model import FollowUp, ImageRequest, Job, JobState
from bot.policy.patience import ANSWER_WITHIN_S
from bot.store.approvals.approval import OPEN, UNDER_WAY, Approval, ApprovalState, AskedPost, AskOutcome
from bot.store.approvals.queries import MAX_OPEN, ApprovalQueries

__all__ = [
    "MAX_OPEN",
    "OPEN",
    "UNDER_WAY",
    "Approval",
    "ApprovalQueries",
    "ApprovalState",
    "Approvals",
    "AskOutcome",
    "AskedPost",
    "wanted",
]

log = structlog.stdlib.get_logger(__name__)

EVERY_S = 2.0  # another process may have left something
LEASE, HEARTBEAT_S = timedelta(seconds=12), 4.0
AT_ONCE = 8
#: What Discord does not take is tried again for so long.
PATIENCE = timedelta(days=1)
NOT_ALLOWED_PAUSE = timedelta(minutes=10)
PAUSE_LEAST_S, PAUSE_MOST_S = 1.0, 300.0
LOOKS_AT_RULES = 3  # a manager may be changing several things just now


def wanted(job: Job, post: AskedPost) -> ImageRequest:
    """The request that shows the pictures of a private result to everybody."""
    sources = job.request.sources
    if len(post.sources) == len(sources):
        fresh = zip(sources, post.sources, strict=True)
        sources = tuple(replace(source, url=url, kept=None, shown_as="") for source, url in fresh)
    return replace(job.request, sources=sources, follows=FollowUp.POST, copies=post.copies)


class Approvals:
    """Takes wishes and decisions, and carries them out."""

    def __init__(
        self, queries: ApprovalQueries, deps: Deps, policies: Policies, service: JobService, posts: ApprovalPosts
    ) -> None:
        self._queries = queries
        self._deps = deps
        self._policies = policies
        self._service = service
        self._posts = posts
        self._more = asyncio.Event()

    async def ask(
        self, job: Job, post: AskedPost, *, channel_id: int, locale: str
    ) -> tuple[AskOutcome, Approval | None]:
        """Ask in the log channel whether a private result may be posted. Raises StoreUnavailable in ANSWER_WITHIN_S."""
        outcome = await self._queries.ask(
            job, post, channel_id=channel_id, locale=locale, now=now(), patience=ANSWER_WITHIN_S
        )
        self._more.set()
        return outcome

    async def ask_anew(self, approval: Approval) -> bool:
        """Ask once more where somebody has deleted the question undecided. Raises StoreUnavailable."""
        if approval.state is not ApprovalState.ASKED or await self._posts.stands(approval):
            return False
        asked = await self._queries.ask_anew(approval, now())
        self._more.set()
        return asked

    async def get(self, job_id: str) -> Approval | None:
        """How an approval stands. Raises StoreUnavailable."""
        return await self._queries.get(job_id, ANSWER_WITHIN_S)

    async def decide(
        self, approval: Approval, to: ApprovalState, *, by: int, decision_id: int, message_id: int, post: AskedPost
    ) -> bool:
        """Approve or decline; False where somebody was first. Raises StoreUnavailable."""
        decided = await self._queries.decide(
            approval, to, by=by, decision_id=decision_id, message_id=message_id, post=post, now=now()
        )
        self._more.set()
        return decided is not None

    async def run(self) -> None:
        """Until it is cancelled. Database trouble is waited out, and one approval that takes long holds up no other."""
        under_way, include_own = SideBySide(AT_ONCE, self._more), True
        try:
            while True:
                self._more.clear()
                try:
                    await self._begin_due(under_way, include_own=include_own)
                    include_own = False
                except StoreUnavailable as exc:
                    log.info("approvals wait for the database", error=str(exc))
                except Exception:
                    # Approvals can wait; people who want pictures can't.
                    log.exception("unhandled exception in approvals")
                await first_of(self._more, within_s=EVERY_S)
        finally:
            await under_way.stop()

    async def _begin_due(self, under_way: SideBySide, *, include_own: bool) -> None:
        """Begin the next step of whatever is due, as many as there is room for. Raises StoreUnavailable."""
        if under_way.room > 0:
            due = await self._queries.due(
                self._deps.worker_id, now(), lease=LEASE, limit=under_way.room, include_own=include_own
            )
            for approval in due:
                under_way.begin(approval.job_id, partial(self._step, approval))

    async def _step(self, approval: Approval) -> None:
        """The next step of one, whatever comes of it."""
        try:
            async with self._kept([approval.job_id]):
                await self._follow(approval)
        except StoreUnavailable as exc:
            log.info("an approval waits for the database", job=approval.job_id, error=str(exc))
        except Exception as exc:
            # What nobody foresaw in one is tried again after a pause, and given up after PATIENCE.
            log.exception("unhandled exception in an approval", job=approval.job_id)
            with contextlib.suppress(StoreUnavailable):
                await self._put_off(approval, NOT_ALLOWED_PAUSE, exc)

    @asynccontextmanager
    async def _kept(self, job_ids: list[str]) -> AsyncGenerator[None]:
        """Renew the leases of these for as long as the block takes."""

        async def beat() -> None:
            """Renew until the block ends; an outage of the database is waited out."""
            while True:
                await asyncio.sleep(HEARTBEAT_S)
                with contextlib.suppress(StoreUnavailable):
                    await self._queries.keep(self._deps.worker_id, job_ids, now(), lease=LEASE)

        beating = beside(beat(), "approvals heartbeat")
        try:
            yield
        finally:
            beating.cancel()

    async def _follow(self, approval: Approval) -> None:
        """The next step of one, or leave it for later. Raises StoreUnavailable."""
        try:
            match approval.state:
                case ApprovalState.ASKING:
                    await self._ask(approval)
                case ApprovalState.APPROVED:
                    await self._post(approval)
                case ApprovalState.POSTING:
                    await self._await_end(approval)
                case _:
                    await self._finish(approval)
        except ReplyOutOfReach as exc:
            log.warning("a log channel cannot be written; it is set in /settings", channel=approval.channel_id)
            await self._put_off(approval, NOT_ALLOWED_PAUSE, exc)
        except (ReplyError, DownloadUnreachable, BadSource, RulesChanged, OSError) as exc:
            asked_s = exc.retry_after or 0.0 if isinstance(exc, ReplyUnavailable) else 0.0
            await self._put_off(approval, timedelta(seconds=max(asked_s, _pause_s(approval))), exc)

    async def _put_off(self, approval: Approval, pause: timedelta, exc: Exception) -> None:
        """Try again after a pause; after a day it has failed, or nobody can be told."""
        log.info("an approval has to wait", job=approval.job_id, state=approval.state.value, error=type(exc).__name__)
        if now() - (approval.decided_at or approval.made_at) < PATIENCE:
            await self._queries.put_off(self._deps.worker_id, approval, now() + pause)
        elif approval.state in OPEN | UNDER_WAY:
            await self._move(approval, ApprovalState.FAILED)
        else:
            await self._queries.over(self._deps.worker_id, approval, now())

    async def _move(self, approval: Approval, to: ApprovalState) -> None:
        if await self._queries.move(self._deps.worker_id, approval, to, now()):
            log.info("an approval moved on", job=approval.job_id, state=to.value)

    async def _ask(self, approval: Approval) -> None:
        """Post the question, unless it stands already."""
        worker_id, post = self._deps.worker_id, approval.asked
        job = await self._deps.jobs.get(approval.job_id)
        if job is None or job.reply_deleted or post is None:
            await self._move(approval, ApprovalState.WITHDRAWN)
            return
        if approval.tried_at is not None and (found := await self._posts.find(approval)) is not None:
            await self._queries.asked(worker_id, approval, found, now())
            return
        folder = f"ask-{job.id}"
        # As if it were a job of its own: its files lie apart, and nothing that is learned goes into the job's row.
        request = replace(wanted(job, post), spoiler=post.covered)
        run = JobRun(self._deps, replace(job, id=folder, request=request, task_id=None))
        try:
            # So that nobody clears the folder away meanwhile; the number of questions at once bounds what lies there.
            self._deps.spool.reserve(folder, job.user_id, 0)
            results = await fetch_now(run)
            if not results.pictures:
                if results.may_come:
                    raise DownloadUnreachable("no picture of a draft can be fetched just now")
                await self._move(approval, ApprovalState.FAILED)
                return
            sources = await source_copies(run)
            if not await self._queries.trying(worker_id, approval, now()):
                return

            def turn(size: int) -> AbstractAsyncContextManager[Transfer]:
                """A turn of the requester in the channel of the moderators."""
                return self._deps.uploads.turn(str(approval.channel_id), job.user_id, size)

            message_id = await self._posts.ask(approval, run.job, results.pictures, sources, turn)
        finally:
            self._deps.spool.remove(folder)
        log.info("a moderator is asked about a draft", guild=approval.guild_id, job=job.id)
        if not await self._queries.asked(worker_id, approval, message_id, now()):
            present = await self._queries.get(job.id)
            if present is None or present.message_id not in (None, message_id):
                await self._posts.remove(approval.channel_id, message_id)

    async def _post(self, approval: Approval) -> None:
        """Write the job that posts the pictures, by the rules of this moment. Nothing is bought."""
        job, post = await self._deps.jobs.get(approval.job_id), approval.asked
        if job is None or post is None:
            await self._move(approval, ApprovalState.WITHDRAWN)
            return
        try:
            await self._receive(approval, job, post)
        except AlreadyReceived:
            pass  # by this process before it died, or by the requester, who may post at once by now
        except RequestError as exc:
            log.info("an approved draft is not posted: a rule says no", job=job.id, error=type(exc).__name__)
            await self._move(approval, ApprovalState.REFUSED)
            return
        with contextlib.suppress(ReplyError):
            await self._posts.show(replace(approval, state=ApprovalState.POSTING), job, None)
        await self._move(approval, ApprovalState.POSTING)

    async def _receive(self, approval: Approval, job: Job, post: AskedPost) -> None:
        """Raises AlreadyReceived, RequestError, RulesChanged or StoreUnavailable."""
        target = replace(post.target, token="", message_id=None, ephemeral=False, bot_member=True)
        for _ in range(LOOKS_AT_RULES):
            request, _rules, version = await self._policies.admit_post(post.context, wanted(job, post))
            try:
                received = await self._service.receive_post(
                    job,
                    interaction_id=approval.decision_id or 0,
                    request=request,
                    target=target,
                    rules_version=version,
                )
            except RulesChanged:
                continue
            self._service.answered()
            self._service.in_doubt(received.job)
            return
        raise RulesChanged("the rules changed at every look")

    async def _await_end(self, approval: Approval) -> None:
        """Look how far the job is that posts the pictures."""
        post = await self._deps.jobs.get(post_id(approval.job_id))
        if post is not None and not post.state.is_final:
            await self._queries.put_off(self._deps.worker_id, approval, now() + timedelta(seconds=_pause_s(approval)))
        elif post is not None and post.state is JobState.DELIVERED:
            await self._move(approval, ApprovalState.POSTED)
        else:
            await self._move(approval, ApprovalState.FAILED)

    async def _finish(self, approval: Approval) -> None:
        """Let the question say what became of it, and tell the requester."""
        if approval.message_id is None and approval.tried_at is not None:
            approval = replace(approval, message_id=await self._posts.find(approval))
        job = await self._deps.jobs.get(approval.job_id)
        post = await self._deps.jobs.get(post_id(approval.job_id))
        notify_of: str | None = None
        try:
            await self._posts.show(approval, job, post)
        except ReplyUnavailable:
            raise
        except ReplyError as exc:
            log.info("a question cannot say what became of it", job=approval.job_id, why=type(exc).__name__)
        if approval.asked is not None and not await self._posts.tell(approval, approval.asked, post):
            if approval.state is ApprovalState.POSTED and post is not None:
                notify_of = post.id
            else:
                await self._write(approval, approval.asked)
        await self._queries.over(self._deps.worker_id, approval, now(), notify_of=notify_of)

    async def _write(self, approval: Approval, post: AskedPost) -> None:
        """A direct message, once: nobody else is to read of a draft that stays private."""
        try:
            if approval.tried_at is not None and await self._posts.has_written(approval, approval.tried_at):
                return
            if await self._queries.trying(self._deps.worker_id, approval, now()):
                await self._posts.write(approval, post)
        except ReplyUnavailable:
            raise
        except ReplyError as exc:
            log.info("a requester is not told of a decision", job=approval.job_id, why=type(exc).__name__)


def _pause_s(approval: Approval) -> float:
    """The older, the longer."""
    age_s = (now() - (approval.decided_at or approval.made_at)).total_seconds()
    return max(PAUSE_LEAST_S, min(age_s / 4, PAUSE_MOST_S))
