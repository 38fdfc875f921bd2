"""From what a person asked for to an acknowledged job: the row first, then the acknowledgement, then the rest.

Discord waits three seconds for an acknowledgement. So the only thing that is waited for before it is one write to the
database, bounded by policy/patience.py; downloads, checks that take time and the queue come later. A refusal of the
acknowledgement ends the job before anything is bought.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import aiohttp
import discord
import structlog

from bot.errors import AlreadyReceived, RequestError, RulesChanged, StoreUnavailable
from bot.jobs.policies import Policies
from bot.jobs.records.drafts import DraftBook
from bot.jobs.records.server_log import ServerLog
from bot.jobs.service import JobService, Received, new_id
from bot.model import Job, NewJob
from bot.policy.admission import Admitted, RequestContext
from bot.policy.patience import Rush, nobody_waits
from bot.policy.request_input import Options, RequestInput
from bot.policy.rules import SpoilerRule
from bot.policy.server_log import LogLine
from bot.ui.kit import texts
from bot.ui.kit.interactions import Interaction, context_of, regret, reply_locale, show, target_of
from bot.ui.kit.language import tr
from bot.ui.reply.costs import Costs
from bot.ui.reply.reply import DiscordReplies
from bot.ui.reply.transport import AUTOMOD, NOT_UNDERSTOOD
from bot.ui.requests.questions import NeedsConfirmation, question
from bot.ui.requests.refusals import may_retry, refusal, refusal_card
from bot.ui.serverlog import wording

log = structlog.stdlib.get_logger(__name__)

#: Discord waits 3 s for the acknowledgement; after this long it is looked for instead of waited for.
ACK_PATIENCE_S = 5.0
UNKNOWN_INTERACTION = 10062
LOOKS_AT_RULES = 4  # the first may be remembered, and a manager may be changing several things just now


@dataclass(frozen=True, slots=True)
class Parent:
    """What a request follows up: a job, and the link to its message. `link` is None where nobody may see it."""

    job_id: str | None = None
    link: str | None = None


NO_PARENT = Parent()


class Intake:
    """Takes requests, from commands, buttons and forms alike."""

    def __init__(
        self,
        service: JobService,
        owner: Policies,
        replies: DiscordReplies,
        drafts: DraftBook,
        log_book: ServerLog,
        rush: Rush,
    ) -> None:
        """`rush` is the line of those who wait for an answer: what follows an answer lets them go first."""
        self._rush = rush
        self._service = service
        self._drafts = drafts
        self._owner = owner
        self._replies = replies
        self._log_book = log_book

    async def start(
        self, interaction: Interaction, asked: RequestInput, parent: Parent = NO_PARENT, *, accepted: int | None = None
    ) -> None:
        """See whether the place allows it, write the job, acknowledge it with its first card, then let it go.

        A request that is not taken is answered privately, with all that is in the way. `accepted` is the price, in
        micros, to which its user has said yes.
        """
        context, user = context_of(interaction), interaction.user

        async def described(admitted: Admitted) -> NewJob:
            """The request as a job. Raises NeedsConfirmation where its user has to be asked about the price first."""
            if admitted.needs_confirmation and (accepted is None or (admitted.price or 0) > accepted):
                raise NeedsConfirmation(admitted, await self._owner.check_quotas(context, admitted))
            request = admitted.request
            locale = reply_locale(interaction, private=request.private, rules=admitted.rules)
            target = target_of(interaction, private=request.private, locale=locale)
            return NewJob(new_id(), interaction.id, user.id, request, target, parent.job_id, parent.link)

        try:
            received = await self.write(context, asked, interaction.guild, user, described)
        except AlreadyReceived:
            log.info("an interaction was received twice", interaction=interaction.id)
        except NeedsConfirmation as exc:
            draft_id = await self._drafts.keep(user.id, exc.admitted.request, parent.job_id, parent.link)
            await interaction.response.send_message(view=question(exc, draft_id), ephemeral=True)
        except RequestError as exc:
            await self._refuse(interaction, asked, parent, exc, self._refusal_line(interaction, context, asked, exc))
        except (RulesChanged, StoreUnavailable) as exc:
            log.error("the database did not take a new job in time", error=str(exc))
            await regret(interaction, tr(texts.DATABASE_BUSY))
        else:
            try:
                request = received.job.request
                costs = Costs(self._service.prices.cost_micros(request, request.count), received.standings)
                await self.acknowledge(interaction, received, costs)
            finally:
                self._service.answered()

    async def write(
        self,
        context: RequestContext,
        asked: RequestInput,
        guild: discord.Guild | None,
        user: discord.abc.User,
        described: Callable[[Admitted], Awaitable[NewJob]],
    ) -> Received:
        """Let a request in and write the first row of the job that `described` makes of it, as its place allows it.

        Where the rules change between the look at them and the write, both are done again. Raises RequestError,
        StoreError, and what `described` raises.
        """
        for look in range(LOOKS_AT_RULES):
            admitted = await self._owner.admit(context, asked, anew=look > 0)
            new = await described(admitted)
            line = wording.request(guild, user, new.request, admitted.rules, context.channel_id)
            with contextlib.suppress(RulesChanged):
                return await self._service.receive(new, replace(admitted.terms, line=line))
        raise RulesChanged("the rules changed at every look")

    def _refusal_line(
        self, interaction: Interaction, context: RequestContext, asked: RequestInput, exc: RequestError
    ) -> LogLine | None:
        """What the server's log says of a refusal. The rules were read for it just now."""
        rules = self._owner.remembered_rules(context)
        options, covered = asked.options, any(it.is_covered for it in asked.sources)
        return wording.refusal(
            interaction.guild,
            interaction.user,
            rules,
            context.channel_id,
            reason=lambda: refusal(exc),
            prompt=asked.prompt,
            private=bool(options.private or rules.private_only),
            covered=bool(options.spoiler or covered or rules.spoiler is SpoilerRule.ALWAYS),
        )

    def tell_refusal(self, interaction: Interaction, asked: RequestInput, exc: RequestError) -> None:
        """Write a refusal that somebody else answers into the server's log. Returns at once."""
        self._log_book.tell(self._refusal_line(interaction, context_of(interaction), asked, exc))

    async def _refuse(
        self, interaction: Interaction, asked: RequestInput, parent: Parent, exc: RequestError, line: LogLine | None
    ) -> None:
        """Say what is in the way, and keep what was typed where a change can help.

        The server's log has its `line` in the same transaction; where nothing is kept it is written by itself.
        """
        draft_id: str | None = None
        if may_retry(exc):
            # With whose the sources are: the next try asks about them anew.
            request = replace(asked.filled(Options(model=self._owner.catalog.default)), sources=asked.sources)
            try:
                draft_id = await self._drafts.keep(interaction.user.id, request, parent.job_id, parent.link, line)
            except StoreUnavailable as busy:
                log.warning("a refused request was not kept", error=str(busy))
        if draft_id is None:
            self._log_book.tell(line)
        await show(interaction, refusal_card(exc, asked.prompt, draft_id), asked.prompt)

    async def acknowledge(self, interaction: Interaction, received: Received, costs: Costs) -> None:
        """Answer with the first card, which tells `costs`.

        What Discord refuses is not bought; what nobody knows is looked for.
        """
        job, progress = received.job, self._service.in_queue(received)
        card = self._replies.first_card(job, progress, costs)
        try:
            async with asyncio.timeout(ACK_PATIENCE_S):
                answer = await interaction.response.send_message(view=card, ephemeral=job.request.private)
        except discord.HTTPException as exc:
            if exc.code in AUTOMOD and self._replies.speaks_of(job):
                self._replies.silence(job)
                await self.acknowledge(interaction, received, costs)
                return
            if exc.code == UNKNOWN_INTERACTION:
                log.info("Discord refused an acknowledgement; nothing is bought", job=job.id, code=exc.code)
                self._replies.forget(job.id)
                await self._refused(job)
            else:
                # The library tries several times, and one that went before may have been taken.
                self._service.in_doubt(job)
        except (aiohttp.ClientError, OSError, TimeoutError, *NOT_UNDERSTOOD) as exc:
            log.warning("nobody knows whether Discord took an acknowledgement", job=job.id, error=type(exc).__name__)
            self._service.in_doubt(job)
        else:
            if answer.message_id is None:
                self._service.in_doubt(job)
                return
            await self._rush.calm()
            self._replies.acknowledged(job, card, progress)
            ephemeral = job.request.private or answer.is_ephemeral()
            await self._service.acknowledged(received, message_id=answer.message_id, ephemeral=ephemeral)

    async def _refused(self, job: Job) -> None:
        """The person was told by Discord that nothing came of it, so nothing may. It need not be at once."""
        nobody_waits()
        await self._rush.calm()
        await self._service.unacknowledged(job)
