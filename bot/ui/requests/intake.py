"""From a wish to an acknowledged job: the row first, the acknowledgement second, everything else after."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import aiohttp
import discord
import structlog

from bot.errors import AlreadyReceived, RequestError, RulesChanged, SourceFault, StoreUnavailable
from bot.jobs.policies import Admitted, Policies
from bot.jobs.records.drafts import Draft, DraftBook
from bot.jobs.service import JobService, Received
from bot.model import MAX_SOURCE_BYTES, ImageRequest, Job, Progress
from bot.policy.request_input import RequestInput
from bot.ui.kit import texts
from bot.ui.kit.interactions import Interaction, place_of, reply_locale, say, target_of
from bot.ui.kit.language import tr
from bot.ui.reply.reply import DiscordReplies
from bot.ui.reply.transport import AUTOMOD
from bot.ui.requests.confirm import question
from bot.ui.requests.refusals import refusal

log = structlog.stdlib.get_logger(__name__)

#: Discord waits 3 s for the acknowledgement; after this long it is looked for instead of waited for.
ACK_PATIENCE_S = 5.0
UNKNOWN_INTERACTION = 10062
LOOKS_AT_RULES = 4  # the first may be remembered, and a manager may be changing several things just now


@dataclass(frozen=True, slots=True)
class _Parent:
    """What a request follows up: a job, and the address of a message that may be shown."""

    id: str | None
    link: str | None


class _NeedsConfirmation(Exception):
    """The request costs more than the place allows without a question."""

    def __init__(self, admitted: Admitted) -> None:
        super().__init__()
        self.admitted = admitted


class Intake:
    """Takes requests, from commands, buttons and forms alike."""

    def __init__(self, service: JobService, owner: Policies, replies: DiscordReplies, drafts: DraftBook) -> None:
        self._service = service
        self._drafts = drafts
        self._owner = owner
        self._replies = replies

    async def start(
        self,
        interaction: Interaction,
        wish: RequestInput | ImageRequest,
        parent: Job | None = None,
        link: str | None = None,
    ) -> None:
        """See whether the place allows it, write the job, acknowledge it with its first card, then let it go.

        A wish leaves open what the place fills in; a request is whole, as buttons and forms have it. `link` is the
        address of the message that it follows up, None where that must not be shown.
        """
        if too_large := [it.size for it in wish.sources if it.size > MAX_SOURCE_BYTES]:
            await say(interaction, texts.source_fault(f"{SourceFault.TOO_LARGE} {too_large[0]}"))
            return
        await self._start(interaction, wish, _Parent(parent.id if parent else None, link), confirmed=False)

    async def resume(self, interaction: Interaction, draft: Draft) -> None:
        """Start what was asked about and confirmed; the place is looked at anew."""
        await self._start(interaction, draft.request, _Parent(draft.parent_id, draft.parent_link), confirmed=True)

    async def _start(
        self, interaction: Interaction, wish: RequestInput | ImageRequest, parent: _Parent, *, confirmed: bool
    ) -> None:
        try:
            received = await self._received(interaction, wish, parent, confirmed=confirmed)
        except _NeedsConfirmation as dear:
            await self._ask(interaction, dear.admitted, parent)
        except AlreadyReceived:
            log.info("an interaction was received twice", interaction=interaction.id)
        except RequestError as exc:
            await say(interaction, refusal(exc))
        except (RulesChanged, StoreUnavailable) as exc:
            log.error("the database did not take a new job in time", error=str(exc))
            await say(interaction, tr(texts.DATABASE_BUSY))
        else:
            try:
                await self._acknowledge(interaction, received.job, received.place)
            finally:
                self._service.answered()

    async def _ask(self, interaction: Interaction, admitted: Admitted, parent: _Parent) -> None:
        try:
            draft_id = await self._drafts.keep(interaction.user.id, admitted.request, parent.id, parent.link)
        except StoreUnavailable as exc:
            log.error("the database did not take a question in time", error=str(exc))
            await say(interaction, tr(texts.DATABASE_BUSY))
            return
        await interaction.response.send_message(view=question(admitted, draft_id), ephemeral=True)

    async def _received(
        self, interaction: Interaction, wish: RequestInput | ImageRequest, parent: _Parent, *, confirmed: bool
    ) -> Received:
        """The job's first row. Raises RequestError, StoreError, or _Dear where its user has to be asked first."""
        place = place_of(interaction)
        admitted = await self._owner.admit(place, wish)
        for _ in range(LOOKS_AT_RULES - 1):
            try:
                return await self._receive(interaction, admitted, parent, confirmed=confirmed)
            except RulesChanged:
                admitted = await self._owner.admit(place, wish, anew=True)
        return await self._receive(interaction, admitted, parent, confirmed=confirmed)

    async def _receive(
        self, interaction: Interaction, admitted: Admitted, parent: _Parent, *, confirmed: bool
    ) -> Received:
        limit = admitted.rules.confirm_over
        if not confirmed and limit is not None and admitted.price is not None and admitted.price > limit:
            raise _NeedsConfirmation(admitted)
        private = admitted.request.private
        locale = reply_locale(interaction, private=private, rules=admitted.rules)
        return await self._service.receive(
            interaction_id=interaction.id,
            user_id=interaction.user.id,
            request=admitted.request,
            target=target_of(interaction, private=private, locale=locale),
            parent_id=parent.id,
            parent_link=parent.link,
            terms=admitted.terms,
        )

    async def _acknowledge(self, interaction: Interaction, job: Job, place: int) -> None:
        card = self._replies.card(job, Progress(place=place))
        try:
            async with asyncio.timeout(ACK_PATIENCE_S):
                answer = await interaction.response.send_message(view=card, ephemeral=job.request.private)
        except discord.HTTPException as exc:
            if exc.code in AUTOMOD and self._replies.speaks_of(job):
                self._replies.silence(job)
                await self._acknowledge(interaction, job, place)
                return
            if exc.code == UNKNOWN_INTERACTION:
                log.info("Discord refused an acknowledgement; nothing is bought", job=job.id, code=exc.code)
                await self._service.unacknowledged(job)
            else:
                # The library tries several times, and one that went before may have been taken.
                self._service.in_doubt(job)
        except (aiohttp.ClientError, OSError, TimeoutError) as exc:
            log.warning("nobody knows whether Discord took an acknowledgement", job=job.id, error=type(exc).__name__)
            self._service.in_doubt(job)
        else:
            if answer.message_id is None:
                self._service.in_doubt(job)
                return
            self._replies.acknowledged(job, card)
            ephemeral = job.request.private or answer.is_ephemeral()
            await self._service.acknowledged(job, message_id=answer.message_id, ephemeral=ephemeral)
