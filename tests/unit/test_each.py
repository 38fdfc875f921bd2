"""A table of cases is one test, which says what failed and with what."""

from __future__ import annotations

import inspect

import pytest

from tests.each import each


def test_every_case_is_tried_and_those_that_failed_are_named() -> None:
    tried: list[int] = []

    @each("number, word", [(1, "one"), pytest.param(2, "two", id="the second"), (3, "three")])
    def a_table(number: int, word: str) -> None:
        tried.append(number)
        assert len(word) == 3
        if number == 2:
            with pytest.raises(ValueError, match="never raised"):
                pass

    with pytest.raises(BaseExceptionGroup, match="2 of 3 cases") as failed:
        a_table()
    assert tried == [1, 2, 3]
    assert [failure.__notes__ for failure in failed.value.exceptions] == [
        ["with number=2, word='two'"],
        ["with number=3, word='three'"],
    ]


def test_one_name_takes_each_case_as_it_is_and_pytest_sees_no_fixture() -> None:
    @each("pair", [(1, 1), (2, 2)])
    def a_table(pair: tuple[int, int]) -> None:
        """Both are alike."""
        assert pair[0] == pair[1]

    a_table()
    assert (a_table.__name__, a_table.__doc__) == ("a_table", "Both are alike.")
    assert not inspect.signature(a_table).parameters


def test_a_table_without_cases_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="tests nothing"):
        each("number", [])
