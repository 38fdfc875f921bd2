"""What `make test` leaves to `make test-further` is what tests/promises.py says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import COLLECTED, WITHIN_MINUTES
from tests.each import each
from tests.promises import (
    ACCEPTANCE,
    DEAR,
    FILES,
    STORIES,
    TESTS,
    holds_nothing_quick,
    is_further,
    is_meant,
    is_told,
)

ROOT = Path(__file__).parents[1]


def test_every_story_and_all_that_is_dear_is_a_test(request: pytest.FixtureRequest) -> None:
    found = [node.removeprefix("tests/") for node in request.config.stash[COLLECTED]]
    files = {node.partition("::")[0] for node in found}
    if not {f"acceptance/{file}" for file in FILES} <= files:
        pytest.skip("only some files were asked for")
    told = [node.removeprefix("acceptance/") for node in found if node.startswith("acceptance/")]
    assert [story for story in STORIES if not any(is_told(test, story) for test in told)] == []
    dear = [it for kind in DEAR.values() for it in kind]
    assert [it for it in dear if "::" not in it and not (TESTS / it).is_file()] == []
    assert [it for it in dear if "::" in it and not any(is_meant(test, it) for test in found)] == []


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


@each(
    ("test", "further"),
    [
        ("unit/test_cards.py::test_a", False),
        ("integration/test_store_moving.py::test_a[sqlite]", True),
        ("integration/test_store_moving_on.py::test_a", False),
        ("integration/test_store_jobs.py::test_a[postgresql-waiting]", True),
        ("integration/test_store_jobs.py::test_a[waiting-postgresql]", True),
        ("integration/test_store_jobs.py::test_a[sqlite-waiting]", False),
        ("integration/test_store_jobs.py::test_of_postgresql", False),
        ("unit/test_limits.py::test_everything_shown_keeps_discords_limits_and_so_on[panels-fr]", True),
        ("unit/test_limits.py::test_everything_shown_keeps_discords_limits_and_so_on[panels-de]", False),
        ("unit/test_limits.py::test_another[panels-fr]", False),
        ("acceptance/test_imagine.py::test_each_failure_has_its_own_sentence[vanish-lost-charged-True-1]", True),
        ("acceptance/test_imagine.py::test_each_failure_has_its_own_sentence[refuse-moderation-free-True-1]", False),
    ],
)
def test_what_is_dear_is_further(test: str, *, further: bool) -> None:
    file = TESTS / test.partition("::")[0]
    assert is_further(file, f"tests/{test}") is further
    assert holds_nothing_quick(file) is (further and "store_moving" in test)


@each("dear", [dear for kind in DEAR.values() for dear in kind])
def test_what_is_dear_is_there(dear: str) -> None:
    file, _, test = dear.partition("::")
    assert f"def {test.partition('*')[0]}" in (TESTS / file).read_text("utf-8")


def test_files_with_nothing_quick_are_passed_over_for_the_words_that_make_test_selects_by() -> None:
    """Else it would only be slower; nobody would see why."""
    assert f'WITHIN_MINUTES := -m "{WITHIN_MINUTES}"' in (ROOT / "Makefile").read_text("utf-8")


def test_ci_runs_every_part() -> None:
    text = (ROOT / ".ci" / "run").read_text("utf-8")
    assert [part for part in ("test", "test-further", "test-lengthy") if f"\nmake {part} " not in text] == []
