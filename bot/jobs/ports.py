"""The runner's only view of Discord, of picture files and of moderation: protocols that others fulfil.

The runner must work in a process with no connection to Discord's gateway, and tests must be able to stand in for
Discord. So it asks for things by ids, and never sees an interaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bot.jobs.fair_slots import Transfer, without_turn
from bot.model import Job, Picture, PictureFormat, Progress, ReplyTarget, Source
from bot.policy.server_log import LogLine
from bot.store.approvals.approval import Approval, AskedPost

#: Waits for a turn to upload so many bytes, and has it for the length of the block.
UploadTurn = Callable[[int], AbstractAsyncContextManager[Transfer]]


class Replies(Protocol):
    """What the runner does with a job's reply. Every call works by ids alone, from any process."""

    def show(self, job: Job, progress: Progress) -> None:
        """Show how far a job is, when the pace of edits next allows. Returns at once and never fails."""
        ...

    def trust(self, until: datetime) -> None:
        """What is shown is this process's to show until then, unless a later call says more; never called: for ever.

        A process that was stopped for longer must not edit a message that another one has put pictures into.
        """
        ...

    def forget(self, job_id: str) -> None:
        """Drop what is still to be shown of a job: another process goes on with it."""
        ...

    def is_late(self, job: Job) -> bool:
        """Whether the reply tells a time for the pictures that has passed."""
        ...

    async def correct(self, job: Job, progress: Progress) -> None:
        """Show this now, in a reply that `is_late`, and return when that is done or has failed."""
        ...

    def is_gone(self, job: Job) -> bool:
        """Whether an edit has found that a person deleted the job's reply."""
        ...

    async def close(self, job: Job) -> None:
        """Show how a job ended without pictures. Raises ReplyError."""
        ...

    async def show_sources(self, job: Job, files: Mapping[int, Path]) -> Job:
        """Put sources that have no address yet into the running job's message. Raises ReplyError.

        `files` are theirs, by their numbers from 0. Returns the job with the addresses that they have there.
        """
        ...

    async def deliver(
        self, job: Job, pictures: Sequence[Picture], sources: Sequence[Path], turn: UploadTurn = without_turn
    ) -> ReplyTarget:
        """Put the pictures into the job's message, the sources small beside them. Raises ReplyError.

        All is made to fit first; then each upload takes a `turn` and counts its bytes there. Returns where the pictures
        are now: in a new message where the old one can no longer be edited.
        """
        ...

    async def find_delivered(self, job: Job) -> ReplyTarget | None:
        """Look whether the job's pictures have arrived: in its message, or in a new one after it. Raises ReplyError."""
        ...

    async def find(self, job: Job) -> ReplyTarget | None:
        """Look whether Discord took the acknowledgement of a job that was found as received; None where it did not.

        Raises ReplyError, ReplyOutOfReach where nobody can see that.
        """
        ...

    async def fresh(self, source: Source) -> Source:
        """The same picture at an address that works now, read from the reply that keeps it. Raises ReplyError."""
        ...


class NoticeSender(Protocol):
    """Mentions people under their finished pictures."""

    async def notify(self, job: Job) -> None:
        """Answer a finished public reply with a message that mentions its requester alone. Raises ReplyError."""
        ...

    async def has_notified(self, job: Job, since: datetime) -> bool:
        """Look whether such a message, sent at `since` or later, has arrived. Raises ReplyError."""
        ...


class Inspector(Protocol):
    """Looks into picture files outside the event loop."""

    async def check_source(self, path: Path, user_id: int) -> PictureFormat:
        """Read a source as a whole; people take turns. Raises BadSource."""
        ...


class Moderator(Protocol):
    """Judges prompts before anything is bought."""

    async def allows(self, prompt: str) -> bool:
        """Whether a prompt may be painted. Raises ModerationDown."""
        ...


class ShowcaseBarred(Exception):
    """The pictures may not be shown in that channel: it is open to all ages, and the one they come from is not."""


class ShowcasePosts(Protocol):
    """What the showcase does in Discord, by ids alone, from any process. Every call may raise ReplyError."""

    async def show_count(self, job: Job, count: int) -> None:
        """Let the star under a reply show how many there are. Nothing is done where it has none."""
        ...

    async def find(self, job_id: str, channel_id: int, after: datetime) -> tuple[int, int] | None:
        """The channel and id of the message that shows this job in a showcase, if there is one newer than `after`."""
        ...

    async def addresses(self, job: Job) -> Sequence[str]:
        """Fresh addresses of the pictures in a job's reply."""
        ...

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
        """Post the pictures, their bytes counted in `transfer`; returns the channel and id of the message.

        Raises ShowcaseBarred.

        Discord drops a repeat of `nonce` (at most 25 characters) for some minutes, though not in a forum.
        """
        ...

    async def remove(self, channel_id: int, place_id: int, message_id: int) -> None:
        """Delete a post of this showcase channel. One that is gone already is no fault."""
        ...


class ApprovalPosts(Protocol):
    """The questions about drafts and their answers in Discord, by ids alone, from any process.

    Every call may raise ReplyError.
    """

    async def ask(
        self, approval: Approval, draft: Job, pictures: Sequence[Picture], sources: Sequence[Path], turn: UploadTurn
    ) -> int:
        """Post the question with the pictures into the log channel; returns the id of the message.

        All is made to fit first; then the upload takes a `turn` and counts its bytes there. Discord drops a repeat
        for some minutes.
        """
        ...

    async def find(self, approval: Approval) -> int | None:
        """The id of the question where it stands in the log channel already."""
        ...

    async def stands(self, approval: Approval) -> bool:
        """Whether the question is still there. Where Discord does not say, it is."""
        ...

    async def show(self, approval: Approval, draft: Job | None, post: Job | None) -> None:
        """Let the question say what became of it, without its buttons; where none stands, nothing is done.

        Its pictures go as well, once they are not needed for the post any more.
        """
        ...

    async def remove(self, channel_id: int, message_id: int) -> None:
        """Delete a question that is one too many. One that is gone already is no fault."""
        ...

    async def tell(self, approval: Approval, asked: AskedPost, post: Job | None) -> bool:
        """Let the requester's private note say what was decided; False where nothing reaches it any more."""
        ...

    async def write(self, approval: Approval, asked: AskedPost) -> None:
        """Tell the requester in a direct message that nothing was posted."""
        ...

    async def has_written(self, approval: Approval, since: datetime) -> bool:
        """Look whether this direct message, sent at `since` or later, has arrived."""
        ...


class LogPosts(Protocol):
    """Posts the lines of a server's log, by ids alone, from any process. Every call may raise ReplyError."""

    async def post_lines(self, channel_id: int, number: int, lines: Sequence[LogLine], left_out: int) -> None:
        """Post lines as one message that carries `number`; `left_out` lines before them found no room."""
        ...

    async def has_posted(self, channel_id: int, number: int, since: datetime) -> bool:
        """Look whether the message with this number, sent at `since` or later, has arrived."""
        ...
