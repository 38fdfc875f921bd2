"""Blocked words in all scripts, and patterns that may not run for long."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from bot.errors import Barred
from bot.policy import blocklist
from bot.policy.bars import Bar
from bot.policy.blocklist import PatternFault


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
    ("blue sky", "blue\u2028sky"),
    ("[x]", "a [X] b"),
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


@pytest.mark.parametrize(
    ("pattern", "prompt", "found"),
    [
        (r"к\w{2}!", "Кот!", True),
        (r"^\W+$", "кот", False),
        (r"[\w-]+@", "кот-1@", True),
        (r"[^\w]", "кот", False),
        (r"[\]\w]x", "яx", True),
        (r"\d\d", "٣٤", True),
        (r"\bcat\b", "a cat", True),
        (r"\bcat\b", "a scatter", False),
        (r"gr[e3]mlin", "ｇｒ３ｍｌｉｎ", True),
        (r"c\s?a\s?t", "c\u200ba t", True),
    ],
)
async def test_classes_mean_the_letters_and_digits_of_all_scripts(pattern: str, prompt: str, found: bool) -> None:
    assert blocklist.pattern_fault(pattern) is None
    assert await bar_of(prompt, (), (pattern,)) is (Bar.WORDS if found else None)


#: Patterns that a backtracking engine runs for ever on, or takes hundreds of megabytes for, with prompts to match.
EVIL = [
    (r"(a|aa)+$b|(x+x+)+y", "a" * 4000),
    (r"((a{0,30}){0,30})b", "a" * 4000),
    (r"(?:a?){500}a{500}!", "a" * 4000),
    (r"(\w{1,9}\W?){5}!", "é字" * 2000),
    (r"(.*.{30}){9}!", "😀a" * 2000),
    (r"([\pL\pN]+\s?)+$", "a " * 1999 + "!"),
]


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
async def test_fifty_of_the_worst_patterns_and_prompts_at_once_take_little_memory_and_hold_nobody_up() -> None:
    patterns = tuple(f"{pattern}{number}" for number in range(4) for pattern, _ in EVIL)
    assert not any(map(blocklist.pattern_fault, patterns))
    await bar_of("warm", ("up",), patterns)
    before = resident_mb()
    crowd = [asyncio.create_task(bar_of(EVIL[n % len(EVIL)][1], (), patterns)) for n in range(50)]
    await asyncio.sleep(0)
    async with asyncio.timeout(blocklist.TURN_PATIENCE_S):  # of another server
        assert await bar_of("a gremlin", ("dragon",), (r"gr[e3]mlin",)) is Bar.WORDS
    assert set(await asyncio.gather(*crowd)) <= {None, Bar.UNCHECKED}
    assert resident_mb() - before < 40


async def test_signs_that_unfold_into_many_letters_are_no_way_to_take_longer() -> None:
    assert await bar_of("\ufdfa" * 4000, (), ("never",)) is Bar.UNCHECKED
    assert await bar_of("\ufdfa" * 4000, ("never",)) is None
    assert await bar_of("😀" * 4000, (), ("never",)) is None


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("(", PatternFault.BROKEN),
        ("[a", PatternFault.BROKEN),
        ("*", PatternFault.BROKEN),
        ("a" * 201, PatternFault.TOO_LONG),
        (r"((?R)?)*", PatternFault.UNSUPPORTED),
        (r"(a(?1)?)b", PatternFault.UNSUPPORTED),
        (r"(?P<n>a(?&n)?)b", PatternFault.UNSUPPORTED),
        (r"(?P<n>a(?P>n)?)b", PatternFault.UNSUPPORTED),
        (r"(foo){e<=3}", PatternFault.UNSUPPORTED),
        (r"(foo){i}", PatternFault.UNSUPPORTED),
        (r"(a)\1", PatternFault.UNSUPPORTED),
        (r"foo(?=x)", PatternFault.UNSUPPORTED),
        (r"(?<!x)foo", PatternFault.UNSUPPORTED),
        (r"(?>a+)", PatternFault.UNSUPPORTED),
        (r"a++", PatternFault.UNSUPPORTED),
        (r"((a{100}){100}){100}", PatternFault.TOO_BIG),
        (r"[^a]{1000}", PatternFault.TOO_BIG),
        (r"a{1001}", PatternFault.TOO_BIG),
        (r"\bкот\b", PatternFault.BOUNDARY),
    ],
)
async def test_a_pattern_that_cannot_stand_is_told_why_and_one_that_is_stored_is_passed_over(
    pattern: str, fault: PatternFault
) -> None:
    assert blocklist.pattern_fault(pattern) is fault
    assert await bar_of("aaa кот foo", (), (pattern, "never")) is None


@pytest.mark.parametrize(
    "pattern", [r"\bfoo\d{1,3}", r"foo.{0,200}bar", r"\pL+", r"(?i)a|b", r"b(o|0)+b", "кот", r"a\\b"]
)
def test_a_good_pattern_has_no_fault(pattern: str) -> None:
    assert blocklist.pattern_fault(pattern) is None
