"""What owners set and see, for the parts that people talk to: rules, blocks, quotas, and what was spent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.errors import Barred
from bot.jobs.clock import now
from bot.model import ImageRequest
from bot.policy import admission, blocklist
from bot.policy.admission import RequestContext
from bot.policy.blocklist import PatternFault
from bot.policy.prices import Prices
from bot.policy.quotas import Ceilings, Standing, Terms
from bot.policy.request_input import RequestInput
from bot.policy.rules import WHOLE_SERVER, RuleBook, Rules
from bot.store.queries.ledger import By, DaySum, Entry, Extent, Ledger, Sum
from bot.store.queries.rules import Block, RuleStore

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

#: How long the database may take to tell the rules before a person gets an honest refusal.
PATIENCE_S = 1.0


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request as its place allows it, and the terms under which it may be written down."""

    request: ImageRequest
    rules: Rules
    terms: Terms

    @property
    def price(self) -> int | None:
        """What it is expected to cost in micros; None where the price list has no price."""
        return self.terms.cost_micros


class Policies:
    """Rules and money. Who may call what is for the caller to ask; any method may raise StoreUnavailable."""

    def __init__(self, rules: RuleStore, ledger: Ledger, prices: Prices, ceilings: Ceilings) -> None:
        self._rules = rules
        self.ledger = ledger
        self.prices = prices
        self.ceilings = ceilings

    async def admit(self, place: RequestContext, wish: RequestInput | ImageRequest, *, anew: bool = False) -> Admitted:
        """Look at a wish before anything is written or spent. Raises Barred.

        The rules are those remembered here, unless they say no or `anew` is wanted; see store/rules.py.
        """
        if place.guild_id is None:
            return await self._admitted(place, wish, None)
        book = None if anew else self._rules.remembered(place.guild_id)
        if book is None:
            return await self._admitted(place, wish, await self.book_of(place.guild_id))
        try:
            return await self._admitted(place, wish, book)
        except Barred:
            # Perhaps a rule says no that holds no longer. The same rules are not asked twice: patterns cost time.
            fresh = await self.book_of(place.guild_id)
            if fresh == book:
                raise
        return await self._admitted(place, wish, fresh)

    async def _admitted(
        self, place: RequestContext, wish: RequestInput | ImageRequest, book: RuleBook | None
    ) -> Admitted:
        request, rules = await admission.fitted(place, wish, book)
        exempt = admission.is_exempt(place, rules)
        terms = Terms(
            quotas=tuple(admission.quotas_of(place, rules, self.ceilings)),
            cost_micros=self.prices.cost_micros(request, request.count),
            jobs_per_member=None if exempt else rules.jobs_per_member,
            line_length=self.ceilings.line_length,
            rules_version=book.version if book else None,
        )
        return Admitted(request, rules, terms)

    async def book_of(self, guild_id: int) -> RuleBook:
        """All rules and blocks of a server, as they stand in the database."""
        return await self._rules.read(guild_id, PATIENCE_S)

    async def rules_of(self, guild_id: int, channel_id: int = WHOLE_SERVER, parent_id: int | None = None) -> Rules:
        """What holds in a server, or in a channel of it once both are taken together."""
        return (await self.book_of(guild_id)).at(channel_id, parent_id)

    async def change(
        self, guild_id: int, edit: Callable[[Rules], Rules], *, by: int, channel_id: int = WHOLE_SERVER
    ) -> RuleBook:
        """Change the rules of a server or of one channel, such as `lambda rules: replace(rules, max_count=2)`.

        `edit` gets what that place itself says (not the server's rules beneath a channel's), and may be called more
        than once and in another thread. The change holds at once, in all processes.
        """
        return await self._rules.change(guild_id, edit, by=by, now=now(), channel_id=channel_id)

    async def block(self, guild_id: int, user_id: int, *, by: int) -> bool:
        """Keep somebody from using Easel in a server; False where they are blocked already."""
        return await self._rules.block(guild_id, user_id, by=by, now=now())

    async def unblock(self, guild_id: int, user_id: int) -> bool:
        """Let somebody use Easel again; False where they are not blocked."""
        return await self._rules.unblock(guild_id, user_id)

    async def blocks(self, guild_id: int) -> Sequence[Block]:
        """Who is blocked in a server, latest first."""
        return await self._rules.blocks(guild_id)

    async def allowance(self, place: RequestContext) -> Sequence[Standing]:
        """Where each quota stands that holds for somebody in a place; empty where there is none."""
        rules = Rules() if place.guild_id is None else await self.rules_of(*_where(place))
        quotas = admission.quotas_of(place, rules, self.ceilings)
        return await self.ledger.standings(quotas, user_id=place.user_id, guild_id=place.guild_id, now=now())

    def is_exempt(self, place: RequestContext, rules: Rules) -> bool:
        """Whether no quota of the server holds this person back."""
        return admission.is_exempt(place, rules)

    @staticmethod
    def pattern_fault(pattern: str) -> PatternFault | None:
        """Why a pattern cannot stand in a blocklist; None where it can."""
        return blocklist.pattern_fault(pattern)


def _where(place: RequestContext) -> tuple[int, int, int | None]:
    return place.guild_id or 0, place.channel_id, place.parent_id
