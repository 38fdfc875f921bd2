"""The price list: what a picture and a source cost, and what an entry may not be."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import QUALITY, STANDARD, ImageRequest, Resolution, Source
from bot.policy.catalog import EntryFaults
from bot.policy.prices import Prices, parse
from tests.each import each
from tests.unit.environments import faults

BOTH = (STANDARD, QUALITY)


def test_a_picture_and_a_source_cost_what_the_list_says() -> None:
    prices = parse("grok-imagine-image:1k=0.02, grok-imagine-image:input=0.002", BOTH)
    assert prices.cost_micros(ImageRequest("x", count=4), 3) == 60_000
    edit = ImageRequest("x", sources=(Source("https://a"), Source("https://b")))
    assert prices.cost_micros(edit, 1) == 24_000


def test_what_the_list_does_not_name_has_no_cost() -> None:
    prices = parse("grok-imagine-image:1k=0.02", BOTH)
    assert prices.cost_micros(ImageRequest("x", resolution=Resolution.TWO_K), 1) is None
    assert prices.cost_micros(ImageRequest("x", model=QUALITY), 1) is None
    assert Prices().cost_micros(ImageRequest("x"), 1) is None


@each(
    ("entry", "reason"),
    [
        ("free", "not of the form"),
        ("grok-imagine-image=1", "not of the form"),
        ("grok:1k=1", "whose model is none of"),
        ("grok-imagine-image:4k=1", "whose part after the colon is none of 1k, 2k, input"),
        ("grok-imagine-image:1k=", "whose price is not a number"),
        ("grok-imagine-image:1k=$1", "whose price is not a number"),
        ("grok-imagine-image:1k=-1", "between 0 and 1000"),
        ("grok-imagine-image:1k=NaN", "is not a number"),
        ("grok-imagine-image:1k=0.0000001", "six decimal places"),
        ("grok-imagine-image:1k=1,grok-imagine-image:1k=2", "two prices"),
    ],
)
def test_a_wrong_entry_says_what_is_wrong(entry: str, reason: str) -> None:
    with pytest.raises(EntryFaults, match=reason):
        parse(entry, BOTH)


def test_every_wrong_entry_is_told() -> None:
    told = faults(PRICE_LIST="a,grok-imagine-image:1k=0.02,b")
    assert [fault.partition(",")[0] for fault in told] == ['PRICE_LIST has "a"', 'PRICE_LIST has "b"']


@given(st.integers(0, 1_000_000_000), st.integers(0, 4))
def test_no_price_is_rounded(micros: int, delivered: int) -> None:
    prices = parse(f"grok-imagine-image:1k={Decimal(micros) / 1_000_000}", BOTH)
    assert prices.cost_micros(ImageRequest("x"), delivered) == micros * delivered
