"""Which picture an answer means: a number at its beginning, and nothing that only looks like one."""

from __future__ import annotations

import pytest

from bot.errors import InvalidRequest
from bot.ui.requests.reply_edits import read_words
from tests.each import each


@each(
    ("words", "meant"),
    [
        ("2 in snow", (1, "in snow")),
        ("#2 in snow", (1, "in snow")),
        ("#2: in snow", (1, "in snow")),
        ("2. in snow", (1, "in snow")),
        ("2) in snow", (1, "in snow")),
        ("2; in snow", (1, "in snow")),
        ("#2, 3 birds", (1, "3 birds")),
        # Japanese and Chinese put no space there, and have signs of their own.
        ("#2、雪の中に", (1, "雪の中に")),
        ("#2を雪の中に", (1, "を雪の中に")),
        ("\uff032\u3000雪", (1, "雪")),
        ("2\uff1a雪", (1, "雪")),
    ],
)
def test_a_number_at_the_beginning_is_a_picture(words: str, meant: tuple[int, str]) -> None:
    assert read_words(words, 4) == meant


@each(
    "words",
    [
        "4:3 portrait, please",
        "3:4",
        "1:1 crop",
        "2.5 times larger",
        "2,000 birds",
        "1.000 Vögel",
        "2/3 of the sky in red",
        "2nd moon",
        "2-tone colours",
        "#00ff00 as the background",
        "#112233 sky",
        "#2nd moon",
        "2匹の狐",
    ],
)
def test_numbers_that_belong_to_the_words_stay_there(words: str) -> None:
    assert read_words(words, 4) == (0, words)


def test_a_named_picture_that_is_not_there_is_told_and_a_plain_number_is_words() -> None:
    with pytest.raises(InvalidRequest):
        read_words("#5 in snow", 4)
    assert read_words("5 more birds", 4) == (0, "5 more birds")
    assert read_words("2 more birds", 1) == (0, "2 more birds")
