"""Sends edits to a job's message by the way that works: its token, then the bot's own, then a new message.

| where the reply is            | token alive | token expired                             |
|-------------------------------|-------------|-------------------------------------------|
| channel the bot is a member of| token       | the bot's token, else a new message       |
| private, or the bot not member| token       | out of reach                              |
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

import aiohttp
import discord
import structlog
from discord import ui

from bot.errors import ChannelGone, ReplyError, ReplyGone, ReplyNotUnderstood, ReplyOutOfReach, ReplyUnavailable
from bot.model import ReplyTarget
from bot.ui.reply.uploads import UPLOAD_LIMITS, Files, UploadLimits, watched

log = structlog.stdlib.get_logger(__name__)

#: A token is no longer used this shortly before it expires: the request must have arrived by then.
TOKEN_MARGIN = timedelta(seconds=4)
#: So long before the token's end the button Show pictures is put where nothing else reaches the reply later.
PARTING = timedelta(seconds=90)
#: What the library raises where an answer of 200 is not what it has to be, such as the page of something in between.
#: Before there is an answer the same exceptions are faults of this program, and are not tried again for long.
NOT_UNDERSTOOD = (LookupError, TypeError, ValueError)
#: Longest that one call without files may take, the library's own waiting for rate limits and its retries included.
EDIT_PATIENCE_S = 30.0

#: How far Discord's clock and ours may be apart where messages are looked for by their time.
CLOCKS_DIFFER = timedelta(seconds=30)
RECENT = 300  # messages of a channel that are searched for a reply posted anew
# What Discord's own codes of errors say about a reply. Only a known code is final: a 403 or 404 without one is a page
# of the edge, or something new, and is waited out like a 5xx.
UNKNOWN_CHANNEL, UNKNOWN_MESSAGE = 10003, 10008
INVALID_FORM, REFERENCE_GONE = 50035, "In message_reference: Unknown message"
DEAD_TOKEN = frozenset({10015, 50027})  # unknown webhook, invalid webhook token
#: No access, no permission, not ours, an archived or locked thread, edited too often since it is old, direct messages
#: are closed, or no history to answer in.
CANNOT_EDIT = frozenset({50001, 50013, 50005, 50083, 160005, 30046, 50007, 160002})
TOO_LARGE = frozenset({40005, 50045})
AUTOMOD = frozenset({200000, 200001, 240000})

T = TypeVar("T")


@dataclass(slots=True)
class _Answers:
    """Whether a call has had an answer to any of its requests."""

    came: bool = False


_answers: ContextVar[_Answers | None] = ContextVar("answers", default=None)


def noting_answers(trace: aiohttp.TraceConfig | None = None) -> aiohttp.TraceConfig:
    """A trace for the client of a ReplyTransport, which tells it when an answer has come; `trace` is what else hears.

    A request is traced in the task that makes it, so the note stands in that task's context.
    """

    async def note(*_: object) -> None:
        if (answers := _answers.get()) is not None:
            answers.came = True

    trace = trace or aiohttp.TraceConfig()
    trace.on_request_end.append(note)
    return trace


class TokenDead(ReplyError):
    """The interaction's token is no longer taken, whatever its expiry says."""


class UploadTooLarge(ReplyError):
    """Discord takes less here than it had announced."""


class BlockedByAutoMod(ReplyError):
    """The server's AutoMod refuses the text."""


def token_is_alive(target: ReplyTarget) -> bool:
    """Whether the interaction's token can still be used; known beforehand, never learned from a refusal."""
    return bool(target.token) and datetime.now(UTC) < target.token_expires_at - TOKEN_MARGIN


def parting_at(target: ReplyTarget) -> datetime | None:
    """From when on a running reply must offer to be fetched by a click; None where the bot's own token reaches it."""
    return None if target.outlives_token else target.token_expires_at - PARTING


class ReplyTransport:
    """Edits, reads and posts by ids alone, with any logged-in client."""

    def __init__(self, client: discord.Client, limits: UploadLimits = UPLOAD_LIMITS) -> None:
        self._client = client
        self._limits = limits
        self._dead: dict[str, datetime] = {}  # tokens that Discord refused before their time, with that time

    def token_works(self, target: ReplyTarget) -> bool:
        """Whether the interaction's token is alive, and has not been refused before."""
        return token_is_alive(target) and target.token not in self._dead

    def _bury(self, target: ReplyTarget) -> None:
        """A token that was refused once is not used again."""
        log.warning("an interaction token died before its time", channel=target.channel_id)
        present = datetime.now(UTC)
        self._dead = {token: end for token, end in self._dead.items() if end > present}
        self._dead[target.token] = target.token_expires_at

    async def edit(
        self, target: ReplyTarget, view: Callable[[], ui.LayoutView], files: Files | None = None
    ) -> discord.Message:
        """Edit the reply; returns it as it stands then. The view is built and the files are opened for each attempt.

        Raises ReplyError.
        """
        if self.token_works(target):
            try:
                return await self._edit_by_token(target, view(), files)
            except TokenDead:
                self._bury(target)
        return await self._edit_by_bot(target, view(), files)

    async def post(self, target: ReplyTarget, view: ui.LayoutView, files: Files, nonce: str) -> ReplyTarget:
        """Post as a new message into the reply's channel. Discord drops a repeat of `nonce` for some minutes."""
        if not target.bot_member or target.ephemeral:
            raise ReplyOutOfReach
        with files.opened() as opened:
            sending = self._channel(target).send(view=view, files=opened, nonce=nonce)
            message = await self.upload(sending, files)
        return replace(target, message_id=message.id, ephemeral=False)

    async def answer(self, target: ReplyTarget, text: str, user_id: int, nonce: str) -> None:
        """Answer the reply with a message that may mention this one person. Raises ReplyError, ReplyGone if it is gone.

        Discord drops a repeat of `nonce` for some minutes.
        """
        if not target.outlives_token or target.message_id is None:
            raise ReplyOutOfReach("the bot may not write there")
        reference = discord.MessageReference(
            message_id=target.message_id, channel_id=target.channel_id, guild_id=target.guild_id
        )
        alone = discord.AllowedMentions(
            everyone=False, roles=False, users=[discord.Object(user_id)], replied_user=False
        )
        channel = self._channel(target)
        message = channel.send(text, reference=reference, allowed_mentions=alone, nonce=nonce)
        await self._call(EDIT_PATIENCE_S, message)

    async def reply_to(
        self, target: ReplyTarget, message_id: int, nonce: str, *, view: ui.LayoutView | None = None, text: str = ""
    ) -> discord.Message:
        """Answer a person's message and ping nobody. Raises ReplyError, ReplyGone where the message is gone.

        Discord drops a repeat of `nonce` for some minutes and gives back what it took first.
        """
        reference = discord.MessageReference(
            message_id=message_id, channel_id=target.channel_id, guild_id=target.guild_id
        )
        nobody, channel = discord.AllowedMentions.none(), self._channel(target)
        if view is None:
            sending = channel.send(text, reference=reference, allowed_mentions=nobody, nonce=nonce)
        else:
            sending = channel.send(view=view, reference=reference, allowed_mentions=nobody, nonce=nonce)
        return await self._call(EDIT_PATIENCE_S, sending)

    async def is_answered(self, target: ReplyTarget, user_id: int, since: datetime) -> bool:
        """Whether such an answer stands in the channel, sent at `since` or later. Raises ReplyError."""
        earliest = discord.utils.time_snowflake(since - CLOCKS_DIFFER)
        own = self._client.user
        return any(
            message.author == own
            and message.reference is not None
            and message.reference.message_id == target.message_id
            and f"<@{user_id}>" in message.content
            for message in await self.read_recent(target, after=max(earliest, target.message_id or 0))
        )

    async def read(self, target: ReplyTarget) -> discord.Message:
        """The reply as it stands. Raises ReplyError."""
        if self.token_works(target):
            try:
                return await self._call(EDIT_PATIENCE_S, self._webhook(target).fetch_message(_original()))
            except TokenDead:
                self._bury(target)
        return await self.read_by_bot(target)

    async def read_by_bot(self, target: ReplyTarget) -> discord.Message:
        """The reply as it stands, by the bot's own token. Raises ReplyError."""
        if not target.bot_member or target.ephemeral or target.message_id is None:
            raise ReplyOutOfReach
        return await self.read_message(target.channel_id, target.message_id)

    async def read_recent(self, target: ReplyTarget, *, after: int) -> Sequence[discord.Message]:
        """The first messages of the reply's channel after an id, where the bot can read it. Raises ReplyError."""
        if not target.outlives_token:
            return ()
        history = self._channel(target).history(limit=RECENT, after=discord.Object(after))
        return await self._call(EDIT_PATIENCE_S, _all(history))

    async def read_message(self, channel_id: int, message_id: int) -> discord.Message:
        """A message that the bot's own token can see. Raises ReplyError."""
        channel = self._client.get_partial_messageable(channel_id)
        return await self._call(EDIT_PATIENCE_S, channel.get_partial_message(message_id).fetch())

    async def _edit_by_token(self, target: ReplyTarget, view: ui.LayoutView, files: Files | None) -> discord.Message:
        """Edit by the interaction's token, which reaches private replies too, for 15 minutes."""
        left = (target.token_expires_at - datetime.now(UTC)).total_seconds()
        webhook = self._webhook(target)
        if files is None:
            return await self._call(min(EDIT_PATIENCE_S, left), webhook.edit_message(_original(), view=view))
        with files.opened() as opened:
            editing = webhook.edit_message(_original(), view=view, attachments=opened)
            return await self.upload(editing, files, within_s=left)

    async def _edit_by_bot(self, target: ReplyTarget, view: ui.LayoutView, files: Files | None) -> discord.Message:
        """Edit by the bot's own token, which reaches public messages where the bot is a member."""
        if not target.bot_member or target.ephemeral or target.message_id is None:
            raise ReplyOutOfReach
        message = self._channel(target).get_partial_message(target.message_id)
        if files is None:
            return await self._call(EDIT_PATIENCE_S, message.edit(view=view))
        with files.opened() as opened:
            return await self.upload(message.edit(view=view, attachments=opened), files)

    def _webhook(self, target: ReplyTarget) -> discord.Webhook:
        """The interaction's token as discord.py takes it. No request is made."""
        return discord.Webhook.partial(target.application_id, target.token, client=self._client)

    def _channel(self, target: ReplyTarget) -> discord.PartialMessageable:
        """The reply's channel by its id alone. No request is made."""
        return self._client.get_partial_messageable(target.channel_id, guild_id=target.guild_id)

    async def ask(self, request: Coroutine[Any, Any, T], *, patience_s: float = EDIT_PATIENCE_S) -> T:
        """Make another request by the bot's own token, bounded and translated alike. Raises ReplyError."""
        return await self._call(patience_s, request)

    async def upload(self, request: Coroutine[Any, Any, T], files: Files, *, within_s: float = math.inf) -> T:
        """Make a request that uploads these files, which are open, for as long as bytes move. Raises ReplyError."""
        with _translating():
            return await watched(request, files.transfer, self._limits, within_s=within_s)

    async def _call(self, patience_s: float, request: Coroutine[Any, Any, T]) -> T:
        """Make one request with a bound on its time. Raises ReplyError."""
        with _translating():
            async with asyncio.timeout(patience_s):
                return await request


@contextmanager
def _translating() -> Generator[None]:
    """Turn what goes wrong with one call into a ReplyError. A fault of this program is none, and goes its way."""
    answers = _Answers()
    token = _answers.set(answers)
    try:
        yield
    except discord.HTTPException as exc:
        raise _translated(exc) from exc
    except discord.RateLimited as exc:
        raise ReplyUnavailable("rate limited", retry_after=exc.retry_after) from exc
    except (aiohttp.ClientError, OSError, TimeoutError) as exc:
        raise ReplyUnavailable(type(exc).__name__) from exc
    except NOT_UNDERSTOOD as exc:
        if not answers.came:
            raise
        raise ReplyNotUnderstood(f"an answer that cannot be understood ({type(exc).__name__})") from exc
    finally:
        _answers.reset(token)


async def _all(messages: AsyncIterator[discord.Message]) -> Sequence[discord.Message]:
    """Read a listing of messages to its end."""
    return [message async for message in messages]


def _original() -> int:
    """The id that Discord reads as the reply itself."""
    # "@original" is the reply itself, for the command's token and for that of a later click on the reply. The
    # library types message ids as int, though it only puts them into the address.
    return cast("int", "@original")


def _translated(exc: discord.HTTPException) -> ReplyError:
    """One table from what Discord said to what it means for a reply."""
    text = f"{exc.status} {exc.code}"
    if exc.code == UNKNOWN_MESSAGE or (exc.code == INVALID_FORM and REFERENCE_GONE in exc.text):
        return ReplyGone(text)
    if exc.code == UNKNOWN_CHANNEL:
        return ChannelGone(text)
    if exc.code in DEAD_TOKEN:
        return TokenDead(text)
    if exc.status == 413 or exc.code in TOO_LARGE:
        return UploadTooLarge(text)
    if exc.code in AUTOMOD:
        return BlockedByAutoMod(text)
    if exc.code in CANNOT_EDIT:
        return ReplyOutOfReach(text)
    if exc.status == 400 and exc.code:
        log.error("Discord calls an edit of Easel malformed", code=exc.code, why=exc.text[:300])
        return ReplyOutOfReach(text)
    return ReplyUnavailable(text)
