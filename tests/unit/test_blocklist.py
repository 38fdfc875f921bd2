"""Blocked words in all scripts, and patterns that may not run for long."""

from __future__ import annotations

import time

import pytest

from bot.errors import Bar, Barred
from bot.policy import blocklist


async def bar_of(prompt: str, words: tuple[str, ...] = (), patterns: tuple[str, ...] = ()) -> Bar | None:
    try:
        await blocklist.look_for(prompt, words, patterns)
    except Barred as exc:
        return exc.bar
    return None


FOUND = [
    ("cat", "a Cat sits"),
    ("cat", "cat"),
    ("cat", "the cat's hat"),
    ("cat", "a ＣＡＴ in wide letters"),
    ("cat", "a c\u200bat with a sign that nobody sees"),
    ("cat", "猫cat猫"),
    ("straße", "STRASSE"),
    ("blue sky", "a blue\n  sky"),
    ("c++", "in C++!"),
    ("猫", "黒猫がいる"),
    ("แมว", "มีแมวดำ"),
    ("고양이", "고양이를 그려"),
    ("кот", "Кот спит"),
    ("é", "e\u0301"),
]
LEFT_ALONE = [
    ("cat", "concatenate the scattered cats"),
    ("cat", "cat5 and cat_food"),
    ("blue sky", "blueskies"),
    ("кот", "который"),
    ("猫", "犬がいる"),
    ("", "anything"),
    ("  ", "anything at all"),
]


@pytest.mark.parametrize(("word", "prompt"), FOUND)
async def test_a_word_is_found_whole_in_any_case_and_script(word: str, prompt: str) -> None:
    assert await bar_of(prompt, ("never there", word)) is Bar.WORDS


@pytest.mark.parametrize(("word", "prompt"), LEFT_ALONE)
async def test_a_part_of_another_word_is_left_alone(word: str, prompt: str) -> None:
    assert await bar_of(prompt, (word, "never there")) is None


async def test_patterns_are_regular_expressions_in_any_case() -> None:
    assert await bar_of("a FOO123", (), (r"bar", r"foo\d+")) is Bar.WORDS
    assert await bar_of("a foo", (), (r"foo\d+",)) is None
    assert await bar_of("a foo", (), ("(", r"^a")) is Bar.WORDS  # one that cannot be read stops no other


async def test_a_pattern_that_would_run_for_ever_is_stopped_and_lets_nothing_pass() -> None:
    began = time.monotonic()
    assert await bar_of("a" * 4000, (), (r"(a|aa)+$b|(x+x+)+y", "never")) is Bar.UNCHECKED
    assert time.monotonic() - began < 10  # for ever, without the bound


@pytest.mark.parametrize("pattern", ["(", "[a", "*", "a" * 201])
def test_a_pattern_that_cannot_stand_is_told_why(pattern: str) -> None:
    assert blocklist.pattern_fault(pattern)


def test_a_good_pattern_has_no_fault() -> None:
    assert blocklist.pattern_fault(r"\bfoo\d{1,3}(?=x)") is None
