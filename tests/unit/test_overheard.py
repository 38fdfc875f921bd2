"""The net under the acceptance suite catches what it is for."""

from __future__ import annotations

import os

from tests.acceptance.overheard import Overheard, leaks


def test_what_is_written_is_heard_whole() -> None:
    overheard = Overheard()
    for number in range(3):
        os.write(overheard.writing, f"line {number}\n".encode())
    assert overheard.close() == "line 0\nline 1\nline 2\n"


def test_a_prompt_or_a_token_in_a_line_is_found_and_nothing_else() -> None:
    text = '2026 INFO bot.x job moved on job=a\n2026 INFO bot.x oops prompt="a red fox"\n{"event": "two\\nlines"}'
    assert leaks(text, {"a red fox"}) == ['2026 INFO bot.x oops prompt="a red fox"']
    assert leaks(text, {"two\nlines"}) == ['{"event": "two\\nlines"}']
    assert leaks(text, {"a blue fox", "token-of-nobody"}) == []
