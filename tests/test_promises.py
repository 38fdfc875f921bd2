"""What `make test` runs of the acceptance tests is what tests/promises.py says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import WITHIN_MINUTES
from tests.promises import ACCEPTANCE, PROMISES, STORIES, is_further

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("promise", PROMISES)
def test_every_story_of_a_promise_is_a_test_that_is_there(promise: str) -> None:
    for story in PROMISES[promise]:
        file, _, test = story.partition("::")
        text = (ACCEPTANCE / file).read_text("utf-8")
        assert re.search(rf"^(async )?def {re.escape(test.partition('[')[0])}\w*\(", text, re.MULTILINE), story


def test_no_story_is_told_twice() -> None:
    assert len(set(STORIES)) == len(STORIES)
    whole = {story for story in STORIES if "::" not in story}
    assert not [story for story in STORIES if "::" in story and story.partition("::")[0] in whole]


@pytest.mark.parametrize(
    ("file", "test", "further"),
    [
        ("test_imagine.py", "test_spoilers_are_covered", False),
        ("test_restart.py", "test_killed_after_the_upload_nothing_is_uploaded_again[sqlite]", False),
        ("test_restart.py", "test_killed_after_the_upload_nothing_is_uploaded_again[postgresql]", True),
        ("test_disk.py", "test_a_full_disk_delays_jobs_and_loses_none", False),
        ("test_disk.py", "test_a_full_disk_delays_jobs_and_loses_none_of_them", True),
        ("test_torture.py", "test_something_new", True),
        ("test_nobody_has_written_yet.py", "test_something", True),
        ("page_client/test_imagine.py", "test_spoilers_are_covered", True),
    ],
)
def test_what_is_no_story_of_a_promise_is_further(file: str, test: str, *, further: bool) -> None:
    assert is_further(ACCEPTANCE / file, f"tests/acceptance/{file}::{test}") is further


def test_no_unit_and_no_integration_test_is_further() -> None:
    assert not is_further(ROOT / "tests" / "unit" / "test_cards.py", "tests/unit/test_cards.py::test_a")


def test_files_without_a_promise_are_passed_over_for_the_words_that_make_test_selects_by() -> None:
    """Else it would only be slower; nobody would see why."""
    assert f'WITHIN_MINUTES := -m "{WITHIN_MINUTES}"' in (ROOT / "Makefile").read_text("utf-8")


def test_ci_runs_every_part() -> None:
    text = (ROOT / ".ci" / "run").read_text("utf-8")
    assert [part for part in ("test", "test-further", "test-lengthy") if f"\nmake {part} " not in text] == []
