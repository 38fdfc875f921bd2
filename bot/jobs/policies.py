"""What owners set and see, for the parts that people talk to: rules, blocks, quotas, and what was spent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from bot.errors import NotAdmitted, QuotaReached
from bot.jobs.clock import now
from bot.model import ImageRequest
from bot.policy import admission, blocklist
from bot.policy.admission import Admitted, RequestContext
from bot.policy.blocklist import PatternFault
from bot.policy.catalog import ModelCatalog
from bot.policy.patience import ANSWER_WITHIN_S
from bot.policy.preferences import EditChoice
from bot.policy.prices import Prices
from bot.policy.quotas import Ceilings, Standing, What
from bot.policy.request_input import RequestInput
from bot.policy.role_limits import MemberLimits, limits_of
from bot.policy.rules import WHOLE_SERVER, RuleBook, Rules
from bot.policy.server_log import LogLine
from bot.store.queries.ledger import By, DaySum, Entry, Extent, Ledger, Sum
from bot.store.queries.preferences import PreferenceStore
from bot.store.queries.rules import Block, RuleStore, Telling

__all__ = [
    "Admitted",
    "Block",
    "By",
    "DaySum",
    "Entry",
    "Extent",
    "Ledger",
    "Policies",
    "RequestContext",
    "RuleBook",
    "Rules",
    "Standing",
    "Sum",
]


class Policies:
    """Rules and money. Who may call what is for the caller to ask; any method may raise StoreUnavailable."""

    def __init__(
        self,
        rules: RuleStore,
        ledger: Ledger,
        preferences: PreferenceStore,
        catalog: ModelCatalog,
        prices: Prices,
        ceilings: Ceilings,
    ) -> None:
        self._rules = rules
        self.catalog = catalog
        self.ledger = ledger
        self.preferences = preferences
        self.prices = prices
        self.ceilings = ceilings
        self.messages_wanted = asyncio.Event()  # set when a server first has answers to pictures as edits

    async def admit(self, context: RequestContext, asked: RequestInput, *, anew: bool = False) -> Admitted:
        """Look at a request before anything is written or spent. Raises NotAdmitted.

        The rules are those remembered here, unless they say no or `anew` is wanted; see store/queries/rules.py.
        """
        authors = {it.author_id for it in asked.sources if it.author_id is not None} - {context.user_id}
        choices: Mapping[int, EditChoice] = await self.preferences.edit_choices(authors) if authors else {}

        async def by(book: RuleBook | None) -> Admitted:
            """The request as this book of rules has it."""
            return await admission.admit(
                context,
                asked,
                book,
                models=self.catalog.models,
                prices=self.prices,
                ceilings=self.ceilings,
                choices=choices,
                now=now(),
            )

        if context.guild_id is None:
            return await by(None)
        book = None if anew else self._rules.remembered(context.guild_id)
        if book is None:
            return await by(await self._rules.read(context.guild_id, ANSWER_WITHIN_S))
        try:
            return await by(book)
        except NotAdmitted:
            # Perhaps a rule says no that holds no longer. The same rules are not asked twice: patterns cost time.
            fresh = await self._rules.read(context.guild_id, ANSWER_WITHIN_S)
            if fresh == book:
                raise
        return await by(fresh)

    async def admit_post(
        self, context: RequestContext, request: ImageRequest
    ) -> tuple[ImageRequest, Rules, str | None]:
        """Whether a private result may be shown to everybody: as what, by which rules, and their version.

        Raises NotAdmitted or StoreUnavailable.
        """
        authors = {it.author_id for it in request.sources if it.author_id is not None} - {context.user_id}
        choices: Mapping[int, EditChoice] = await self.preferences.edit_choices(authors) if authors else {}
        book = None if context.guild_id is None else await self._rules.read(context.guild_id, ANSWER_WITHIN_S)
        shown = await admission.admit_post(context, request, book, choices=choices, now=now())
        rules = book.at(context.channel_id, context.parent_id) if book else Rules()
        return shown, rules, book.version if book else None

    async def check_quotas(self, context: RequestContext, admitted: Admitted) -> Sequence[Standing]:
        """How the quotas stand before the request. Raises QuotaReached where one is too small already.

        Nobody is asked to confirm what cannot be.

        Only a look: the request is held to its quotas again in the transaction that writes it down.
        """
        asks = {What.PICTURES: admitted.request.count, What.SPEND: admitted.price or 0}
        quotas = admitted.terms.quotas
        now_there = await self.ledger.standings(quotas, user_id=context.user_id, guild_id=context.guild_id, now=now())
        for standing in now_there:
            if asks[standing.quota.what] > standing.left:
                raise QuotaReached(standing, asks[standing.quota.what])
        return now_there

    async def offer(self, context: RequestContext) -> MemberLimits:
        """The options that a member may choose in this place, for forms. The models are always named."""
        models = self.catalog.models
        if context.guild_id is None:
            return MemberLimits().on_offer(models)
        book = self._rules.remembered(context.guild_id) or await self.book_of(context.guild_id)
        rules = book.at(context.channel_id, context.parent_id).on_offer(models)
        return limits_of(context.role_ids, rules).on_offer(models)

    async def book_of(self, guild_id: int) -> RuleBook:
        """All rules and blocks of a server, read from the database, without models that are no longer on offer."""
        return (await self._rules.read(guild_id, ANSWER_WITHIN_S)).on_offer(self.catalog.models)

    async def rules_of(self, guild_id: int, channel_id: int = WHOLE_SERVER, parent_id: int | None = None) -> Rules:
        """The rules of a server, or of one channel: the channel's own rules override the server's."""
        return (await self.book_of(guild_id)).at(channel_id, parent_id)

    async def change(
        self,
        guild_id: int,
        edit: Callable[[Rules], Rules],
        *,
        by: int,
        channel_id: int = WHOLE_SERVER,
        tell: Telling | None = None,
    ) -> RuleBook:
        """Change the rules of a server or of one channel, such as `lambda rules: replace(rules, max_count=2)`.

        `edit` gets what that place itself says (not the server's rules beneath a channel's), and may be called more
        than once and in another thread. The change holds at once, in all processes. `tell` words it for the log.
        """
        book = await self._rules.change(guild_id, edit, by=by, now=now(), channel_id=channel_id, tell=tell)
        if book.wants_messages:
            self.messages_wanted.set()
        return book.on_offer(self.catalog.models)

    async def wants_messages(self) -> bool:
        """Whether any server has answers to pictures as edits, as this or another process has set it."""
        if not self.messages_wanted.is_set() and await self._rules.anyone_wants_messages():
            self.messages_wanted.set()
        return self.messages_wanted.is_set()

    async def remembered_book(self, guild_id: int) -> RuleBook:
        """The rules of a server as this process last read them; `admit` looks again where they say no."""
        return self._rules.remembered(guild_id) or await self.book_of(guild_id)

    def remembered_rules(self, place: RequestContext) -> Rules:
        """The rules of a place as this process remembers them. Good enough for wording, not for decisions."""
        book = None if place.guild_id is None else self._rules.remembered(place.guild_id)
        return book.at(place.channel_id, place.parent_id) if book else Rules()

    async def book_of_version(self, guild_id: int, version: str | None) -> RuleBook:
        """The rules of a server. They are read from the database only if the remembered ones have another version."""
        book = self._rules.remembered(guild_id)
        if book is None or book.version != version:
            book = await self._rules.read(guild_id, ANSWER_WITHIN_S)
        return book.on_offer(self.catalog.models)

    async def block(self, guild_id: int, user_id: int, *, by: int, line: LogLine | None = None) -> bool:
        """Keep somebody from using Easel in a server; False where they are blocked already."""
        return await self._rules.block(guild_id, user_id, by=by, now=now(), line=line)

    async def unblock(self, guild_id: int, user_id: int, *, line: LogLine | None = None) -> bool:
        """Let somebody use Easel again; False where they are not blocked."""
        return await self._rules.unblock(guild_id, user_id, now=now(), line=line)

    async def allowance(self, place: RequestContext) -> Sequence[Standing]:
        """How much of each quota a member has used in this place. Empty where no quota applies."""
        rules = Rules() if place.guild_id is None else await self.rules_of(*_where(place))
        quotas = admission.quotas_of(place, rules, self.ceilings)
        return await self.ledger.standings(quotas, user_id=place.user_id, guild_id=place.guild_id, now=now())

    @staticmethod
    def pattern_fault(pattern: str) -> PatternFault | None:
        """Why a pattern cannot stand in a blocklist; None where it can."""
        return blocklist.pattern_fault(pattern)


def _where(place: RequestContext) -> tuple[int, int, int | None]:
    return place.guild_id or 0, place.channel_id, place.parent_id
