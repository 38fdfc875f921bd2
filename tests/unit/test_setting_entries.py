"""What people type into settings, read kindly."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.policy.blocklist import pattern_fault
from bot.ui.settings import entries
from bot.ui.settings.entries import InvalidEntry
from tests.each import each


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("20", 20),
        (" 1,000 ", 1000),
        ("1.000", 1000),
        ("1 000 000", 1_000_000),
        ("", None),
        ("No limit", None),
        ("-", None),
    ],
)
def test_numbers(typed: str, number: int | None) -> None:
    assert entries.number("Pictures", typed) == number


@pytest.mark.parametrize("typed", ["0", "-1", "2.5", "1000001", "ten", "٣", "9" * 40, "1,00"])
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(InvalidEntry, match=r"\*\*Pictures\*\* is a whole number"):
        entries.number("Pictures", typed)


@each(
    ("typed", "micros"),
    [
        ("2.50", 2_500_000),
        ("$3", 3_000_000),
        ("2,5", 2_500_000),
        ("1,000.25", 1_000_250_000),
        ("30 USD", 30_000_000),
        (".5", 500_000),
        ("0,005", 5_000),
        ("1,005", 1_005_000_000),
        ("0.000001", 1),
        ("none", None),
    ],
)
def test_money(typed: str, micros: int | None) -> None:
    assert entries.money("Spend", typed) == micros


@each("typed", ["0", "-1", "1e5", "1.2.3", "0.0000001", "NaN", "Infinity", "2000000", "five", "."])
def test_what_is_no_amount_is_refused(typed: str) -> None:
    with pytest.raises(InvalidEntry, match=r"\*\*Spend\*\* is an amount"):
        entries.money("Spend", typed)


def test_an_amount_may_be_nothing_where_that_means_something() -> None:
    assert entries.money("Above", "0", least=0) == 0


@given(st.text())
def test_whatever_is_typed_is_read_or_refused(typed: str) -> None:
    for read in (entries.number, entries.money):
        value = None
        with contextlib.suppress(InvalidEntry):
            value = read("Label", typed)
        assert value is None or value >= 1


def test_words_stand_once_each() -> None:
    assert entries.words("Badger\nbadger, two  words;\n\n") == ("Badger", "two words")


def test_too_many_words_or_patterns_are_refused() -> None:
    with pytest.raises(InvalidEntry, match="At most 200 words"):
        entries.words("\n".join(map(str, range(201))))
    with pytest.raises(InvalidEntry, match="too long"):
        entries.words("x" * 61)
    with pytest.raises(InvalidEntry, match="At most 25 patterns"):
        entries.patterns("\n".join(map(str, range(26))), lambda _: None)


def test_patterns_that_cannot_be_used_are_named() -> None:
    good, refused = entries.patterns("a(\nb+\nb+", pattern_fault)
    assert good == ("b+",)
    assert len(refused) == 1
    assert "a(" in refused[0]
