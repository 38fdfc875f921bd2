"""What a running request's card says of its price and of what is left."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.policy.quotas import Quota, SetBy, Span, Standing, What, Whose
from bot.ui.kit import texts
from bot.ui.kit.language import speaking
from bot.ui.reply.costs import Costs
from bot.ui.settings.sections import RULES

SOON = datetime(2026, 3, 2, tzinfo=UTC)


def standing(whose: Whose, what: What, span: Span, limit: int, used: int) -> Standing:
    return Standing(Quota(whose, what, span, limit, SetBy.SERVER), used, SOON)


def test_where_nothing_is_limited_nothing_is_said() -> None:
    assert Costs(40_000).line() == ""
    everyone = standing(Whose.EVERYONE, What.SPEND, Span.DAY, 9_000_000, 0)
    assert Costs(40_000, [everyone]).line() == "Costs about $0.04"  # how much the whole bot has is nobody's business


def test_the_scarcest_of_pictures_and_of_money_is_told() -> None:
    line = Costs(
        80_000,
        [
            standing(Whose.MEMBER, What.PICTURES, Span.DAY, 10, 3),
            standing(Whose.SERVER, What.PICTURES, Span.DAY, 50, 48),
            standing(Whose.SERVER, What.SPEND, Span.DAY, 5_000_000, 1_000_000),
            standing(Whose.SERVER, What.SPEND, Span.MONTH, 20_000_000, 18_852_000),
        ],
    ).line()
    assert line == (
        "Costs about $0.08 · 2 of 50 pictures left in this server today · $1.15 of this server's $20.00 left this month"
    )


@pytest.mark.parametrize(
    ("locale", "told"),
    [
        ("en-US", "$0.002"),
        ("de", "0,002\u00a0$"),
        ("fr", "0,002\u00a0$"),
        ("pt-BR", "US$\u00a00,002"),
        ("ja", "0.002ドル"),
    ],
)
def test_amounts_are_written_as_the_language_does(locale: str, told: str) -> None:
    with speaking(locale):
        assert texts.money(2_000) == told
        assert RULES["confirm_over"].value(2_000) == told
