"""What a request costs and what is left, in one line, where a budget or a quota holds. Else there is nothing to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from bot.policy.quotas import Span, Standing, What, Whose
from bot.ui.kit import texts
from bot.ui.kit.language import mark, tr

_DAY, _MONTH, _PICTURES, _SPEND = Span.DAY, Span.MONTH, What.PICTURES, What.SPEND
#: What the whole bot may spend is no business of a member.
_LEFT: Mapping[tuple[Whose, What, Span], str] = MappingProxyType(
    {
        (Whose.MEMBER, _PICTURES, _DAY): mark("{left} of your {limit} pictures left today"),
        (Whose.USER, _PICTURES, _DAY): mark("{left} of your {limit} pictures left today"),
        (Whose.MEMBER, _PICTURES, _MONTH): mark("{left} of your {limit} pictures left this month"),
        (Whose.SERVER, _PICTURES, _DAY): mark("{left} of {limit} pictures left in this server today"),
        (Whose.SERVER, _SPEND, _DAY): mark("{left} of this server's {limit} left today"),
        (Whose.SERVER, _SPEND, _MONTH): mark("{left} of this server's {limit} left this month"),
    }
)


@dataclass(frozen=True, slots=True)
class Costs:
    """What a request is expected to cost in micros, None where no price is known, and how its quotas stand."""

    micros: int | None = None
    standings: Sequence[Standing] = ()

    def line(self, *, with_price: bool = True) -> str:
        """The price where money is limited, and of pictures and of money what is scarcest."""
        parts: list[str] = []
        limited = {it.quota.what for it in self.standings}
        if with_price and self.micros is not None and _SPEND in limited:
            parts.append(tr("Costs about {price}", price=texts.money(self.micros)))
        for what, show in ((_PICTURES, str), (_SPEND, texts.money)):
            known = [it for it in self.standings if it.quota.what is what and _name(it) in _LEFT]
            if known:
                scarcest = min(known, key=lambda it: it.left)
                left, limit = show(scarcest.left), show(scarcest.quota.limit)
                parts.append(tr(_LEFT[_name(scarcest)], left=left, limit=limit))
        return " · ".join(parts)


def _name(standing: Standing) -> tuple[Whose, What, Span]:
    return standing.quota.whose, standing.quota.what, standing.quota.span
