"""Reply to edit: an answer to one of Easel's pictures that names Easel in its words is an edit of that picture.

The message is the request. Its id stands in the job's row where others have that of their interaction, so a message
that is told twice, or to two processes, starts one job. There is no interaction and no token: the acknowledgement is
an answer to the message, and the bot's own token does all the rest. Nothing here can be said privately, so a refusal
names no person's bars, repeats no words, and comes seldom.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import aiohttp
import discord
import structlog

from bot.errors import (
    AlreadyReceived,
    Barred,
    InvalidRequest,
    NotAdmitted,
    ReplyError,
    ReplyGone,
    ReplyOutOfReach,
    RequestError,
    RulesChanged,
    StoreUnavailable,
)
from bot.jobs.policies import Policies, RequestContext
from bot.jobs.records.server_log import ServerLog
from bot.jobs.service import JobService, Received, new_id
from bot.model import FollowUp, Kept, NewJob, ReplyTarget, Slot, Source
from bot.policy.admission import Admitted
from bot.policy.bars import Bar
from bot.policy.door import Entrance
from bot.policy.request_input import RequestInput
from bot.policy.rules import Rules
from bot.ui.kit import texts
from bot.ui.kit.card_notes import address_of
from bot.ui.kit.dispatch import JOB_PANEL, parsed
from bot.ui.kit.interactions import is_restricted, reaches
from bot.ui.kit.language import mark, speaking, tr
from bot.ui.kit.media import components_of, pictures_of, source_of
from bot.ui.kit.message_text import plain_words
from bot.ui.kit.visibility import LOOK_PATIENCE_S
from bot.ui.reply.costs import Costs
from bot.ui.reply.reply import DiscordReplies
from bot.ui.requests.intake import Intake
from bot.ui.requests.refusals import refusal
from bot.ui.serverlog import wording

if TYPE_CHECKING:
    from bot.client import EaselClient

log = structlog.stdlib.get_logger(__name__)

#: How often it is asked whether another process had the first server that wants this.
LOOK_EVERY_S = 10.0
#: One person is told so seldom why nothing came of their messages; the messages between go without an answer.
REFUSAL_EVERY_S = 30.0
REFUSALS_REMEMBERED = 1000

#: Spaces and signs after a number, those of Japanese and Chinese included.
_AFTER = r"[\s:,.;)\uff1a\uff0c\u3001\u3002\uff1b\uff09]"
#: A number that names a picture. "4:3", "2.5 times" and "2,000 birds" name none. After `#` no space is needed, as
#: Japanese and Chinese have none; "#00ff00" is a colour, and "#2nd" a word.
_NUMBER = re.compile(rf"([#\uff03])?(\d{{1,2}})(?![.,:]?\d)(?(1)(?![A-Za-z]){_AFTER}*|(?:{_AFTER}+|$))")
_CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
#: What is in the way of a person, or of their words, is not said where others read it.
_UNSAID = frozenset(
    {
        Bar.BLOCKED,
        Bar.OPERATOR_USER,
        Bar.OPERATOR_SERVER,
        Bar.ROLE,
        Bar.NEW_MEMBER,
        Bar.WORDS,
        Bar.UNCHECKED,
        Bar.AUTHOR,
    }
)

ASK_PRIVATELY = mark("Nothing was started. Press **Edit** under the picture, and only you see what is in the way.")
DEAR = mark("This needs your yes first, so nothing was started. Press **Edit** under the picture, and Easel asks you.")
PRIVATE = mark("Replies are private here, so Easel does not answer messages. Press **Edit** under the picture instead.")
NO_FILES = mark("Easel may not attach files in this channel, so nothing was started.")
NO_SUCH_PICTURE = mark("There is no picture {number} in that message, so nothing was started.")


@dataclass(frozen=True, slots=True)
class _Answer:
    """A message that answers one of Easel's pictures, and where: its server, its channel, the message with pictures."""

    message: discord.Message
    author: discord.Member
    guild: discord.Guild
    channel: discord.abc.GuildChannel | discord.Thread
    shown: discord.Message

    @property
    def context(self) -> RequestContext:
        parent = self.channel.parent_id if isinstance(self.channel, discord.Thread) else None
        roles = frozenset(role_id for role_id in getattr(self.author, "_roles", ()))
        return RequestContext(
            user_id=self.author.id,
            channel_id=self.channel.id,
            guild_id=self.guild.id,
            parent_id=parent,
            role_ids=roles,
            joined_at=self.author.joined_at,
            age_restricted=is_restricted(self.channel),
        )


class ReplyEdits:
    """Takes the messages that name Easel, where a server has switched that on."""

    def __init__(
        self,
        client: EaselClient,
        service: JobService,
        policies: Policies,
        replies: DiscordReplies,
        intake: Intake,
        log_book: ServerLog,
    ) -> None:
        self._client = client
        self._service = service
        self._policies = policies
        self._replies = replies
        self._intake = intake
        self._log_book = log_book
        self._refused: OrderedDict[int, float] = OrderedDict()  # when somebody was last told why not

    async def look(self) -> None:
        """Ask Discord for messages where a server wants it. Once asked for they come until the process ends."""
        try:
            if await self._policies.wants_messages():
                await self._client.hear_messages()
        except StoreUnavailable as exc:
            log.warning("nobody knows yet whether a server has reply to edit", error=str(exc))

    async def run(self) -> None:
        """Look until a server wants it, here or in another process."""
        while not self._client.intents.guild_messages:
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._policies.messages_wanted.wait()
            except TimeoutError:
                pass
            await self.look()

    async def take(self, message: discord.Message) -> None:
        """Start an edit where a message asks for one. Raises nothing that its sender could mend."""
        try:
            answer = await self._answer(message)
        except StoreUnavailable as exc:
            log.error("the database does not answer", error=str(exc))
            return
        if answer is None:
            return
        try:
            received = await self._received(answer)
        except AlreadyReceived:
            log.info("a message was received twice", message=message.id)
        except RequestError as exc:
            rules, where = self._policies.remembered_rules(answer.context), (answer.guild, answer.author)
            words, channel_id = _words(message, self._client.application_id or 0), answer.channel.id
            self._log_book.tell(wording.refused_message(*where, rules, channel_id, partial(refusal, exc), words))
            await self._refuse(answer, exc)
        except (RulesChanged, StoreUnavailable) as exc:
            log.error("the database did not take a new job in time", error=str(exc))
            await self._refuse(answer, InvalidRequest(texts.DATABASE_BUSY))
        else:
            try:
                await self._acknowledge(received)
            finally:
                self._service.answered()

    async def _answer(self, message: discord.Message) -> _Answer | None:
        """What a message answers; None where it is no request, or nobody it may come from."""
        guild, author = message.guild, message.author
        if guild is None or not isinstance(author, discord.Member) or not self._is_named(message):
            return None
        if self._client.door.closed_to(author.id, guild.id, Entrance.SERVER):
            return None
        book = await self._policies.remembered_book(guild.id)
        if not book.wants_messages and not (await self._policies.book_of(guild.id)).wants_messages:
            return None
        try:
            async with asyncio.timeout(LOOK_PATIENCE_S):
                shown = await self._shown(message)
                channel_id = message.channel.id
                channel = guild.get_channel_or_thread(channel_id) or await guild.fetch_channel(channel_id)
        except (discord.HTTPException, discord.ClientException, aiohttp.ClientError, OSError, TimeoutError) as exc:
            log.warning("an answer to a picture could not be looked at", error=type(exc).__name__)
            return None
        if shown is None or shown.author.id != self._client.application_id or not pictures_of(shown):
            return None
        answer = _Answer(message, author, guild, channel, shown)
        context = answer.context
        rules = (await self._policies.book_of(guild.id)).at(context.channel_id, context.parent_id)
        return answer if rules.reply_edits else None

    def _is_named(self, message: discord.Message) -> bool:
        """Whether the words themselves mention this bot. The ping of an answer and a mention within code do not."""
        me = self._client.application_id
        return re.search(rf"(?<!\\)<@!?{me}>", _CODE.sub("", message.content)) is not None

    async def _shown(self, message: discord.Message) -> discord.Message | None:
        """The message that is answered. Discord sends it along, but does not promise to."""
        reference = message.reference
        if reference is None or reference.message_id is None or reference.channel_id != message.channel.id:
            return None
        if isinstance(reference.resolved, discord.Message):
            return reference.resolved
        if reference.resolved is not None:  # deleted
            return None
        return await message.channel.fetch_message(reference.message_id)

    async def _received(self, answer: _Answer) -> Received:
        """The job with its first row. Raises RequestError or StoreError."""
        allowed = answer.channel.permissions_for(answer.guild.me)
        if not reaches(answer.guild, answer.channel, allowed):
            raise InvalidRequest(NO_FILES)
        asked, context = self._asked(answer), answer.context
        buttons = (parsed(getattr(part, "custom_id", None) or "") for part in components_of(answer.shown))
        parent = next((words[-1] for it in buttons if it for panel, words in (it,) if panel == JOB_PANEL), None)
        link = address_of(answer.guild.id, answer.shown.channel.id, answer.shown.id)

        async def described(admitted: Admitted) -> NewJob:
            """The request as a job. Raises InvalidRequest where a message cannot ask for it."""
            if admitted.request.private:
                raise InvalidRequest(PRIVATE)
            if admitted.needs_confirmation:
                raise InvalidRequest(DEAR)
            target = self._target(answer, _locale(answer.guild, admitted.rules))
            return NewJob(new_id(), answer.message.id, answer.author.id, admitted.request, target, parent, link)

        return await self._intake.write(context, asked, answer.guild, answer.author, described)

    def _asked(self, answer: _Answer) -> RequestInput:
        """The edit that a message asks for. Raises InvalidRequest for a picture that is not there."""
        message, pictures = answer.message, pictures_of(answer.shown)
        index, prompt = read_words(_words(message, self._client.application_id or 0), len(pictures))
        kept = Kept(answer.shown.channel.id, answer.shown.id, Slot.PICTURE, index)
        attached = [replace(source_of(it), author_id=answer.author.id) for it in message.attachments]
        sources: tuple[Source, ...] = (replace(pictures[index], kept=kept), *attached)
        return RequestInput(prompt, sources=sources, follows=FollowUp.EDIT)

    def _target(self, answer: _Answer, locale: str) -> ReplyTarget:
        """Where the answer will live: there is no interaction, so its token has ended before it began."""
        return ReplyTarget(
            application_id=self._client.application_id or 0,
            token="",
            token_expires_at=datetime.now(UTC),
            channel_id=answer.channel.id,
            guild_id=answer.guild.id,
            message_id=None,
            ephemeral=False,
            bot_member=True,
            upload_limit=answer.guild.filesize_limit,
            locale=locale,
        )

    async def _acknowledge(self, received: Received) -> None:
        """Answer the message. What Discord refuses is not bought; what nobody knows is looked for, then sent again."""
        job = received.job
        try:
            price = self._service.prices.cost_micros(job.request, job.request.count)
            costs = Costs(price, received.standings)
            target = await self._replies.answer_message(job, self._service.in_queue(received), costs)
        except (ReplyGone, ReplyOutOfReach) as exc:
            log.info("a message cannot be answered; nothing is bought", job=job.id, why=str(exc))
            await self._service.unacknowledged(job)
        except ReplyError as exc:
            log.warning("nobody knows whether Discord took an acknowledgement", job=job.id, error=type(exc).__name__)
            self._service.in_doubt(job)
        else:
            if target is None or target.message_id is None:
                await self._service.unacknowledged(job)
            else:
                await self._service.acknowledged(received, message_id=target.message_id, ephemeral=False)

    async def _refuse(self, answer: _Answer, exc: RequestError) -> None:
        """Say why nothing was started, at most now and then to one person."""
        user_id, instant = answer.author.id, time.monotonic()
        if instant - self._refused.get(user_id, -REFUSAL_EVERY_S) < REFUSAL_EVERY_S:
            return
        self._refused.pop(user_id, None)
        self._refused[user_id] = instant
        if len(self._refused) > REFUSALS_REMEMBERED:
            self._refused.popitem(last=False)
        locale = _locale(answer.guild, Rules())
        with speaking(locale):
            sentence = _sentence(exc)
        try:
            await self._replies.refuse_message(self._target(answer, locale), answer.message.id, sentence)
        except ReplyError as failed:
            log.info("a refusal was not taken", why=str(failed))


def read_words(words: str, pictures: int) -> tuple[int, str]:
    """Which picture is meant (from 0), and what is to be done with it.

    `2` or `#2` at the beginning is the second picture. A plain number that no picture has belongs to the words, as in
    "3 more birds". Raises InvalidRequest where `#5` names a picture that is not there.
    """
    found = _NUMBER.match(words)
    if found is None:
        return 0, words
    number = int(found[2])
    if 1 <= number <= pictures and (found[1] or pictures > 1):
        return number - 1, words[found.end() :].strip()
    if found[1]:
        raise InvalidRequest(NO_SUCH_PICTURE, number=number)
    return 0, words


def _words(message: discord.Message, me: int) -> str:
    """What a person typed, without the mention of this bot; other people by their names."""
    text = re.sub(rf"<@!?{me}>", " ", message.content)
    for user in message.mentions:
        text = re.sub(rf"<@!?{user.id}>", f"@{user.display_name}".replace("\\", "\\\\"), text)
    return plain_words(text)


def _sentence(exc: RequestError) -> str:
    """Why nothing was started, as everybody in the channel may read it."""
    reasons = exc.reasons if isinstance(exc, NotAdmitted) else (exc,)
    if any(isinstance(it, Barred) and it.bar in _UNSAID for it in reasons):
        return tr(ASK_PRIVATELY)
    return refusal(exc)


def _locale(guild: discord.Guild, rules: Rules) -> str:
    """The language of the answer: the server's, because a message does not tell its author's."""
    if rules.language is not None:
        return rules.language
    chosen = guild.preferred_locale if "COMMUNITY" in guild.features else discord.Locale.american_english
    return chosen.value
