"""Custom ids of all versions are read, rights come from Discord alone, and the library keeps nothing that is sent."""

from __future__ import annotations

from typing import Any, cast

import pytest

from bot.ui.kit.dispatch import JOB_PANEL, custom_id, parsed
from bot.ui.reply.actions import Action, job_button
from tests.each import each
from tests.unit.surfaces import SURFACES

#: As they stand under messages of the first version. They are never edited, so they have to be read for ever.
FIRST_VERSION = {
    "easel:cancel:0a1b2c3d4e5f6071": ("job", ["cancel", "0a1b2c3d4e5f6071"]),
    "easel:again:0a1b2c3d4e5f6071": ("job", ["again", "0a1b2c3d4e5f6071"]),
    "easel:remix:0a1b2c3d4e5f6071": ("job", ["remix", "0a1b2c3d4e5f6071"]),
    "easel:edit:0a1b2c3d4e5f6071": ("job", ["edit", "0a1b2c3d4e5f6071"]),
    "easel:details:0a1b2c3d4e5f6071": ("job", ["details", "0a1b2c3d4e5f6071"]),
    "easel:delete:0a1b2c3d4e5f6071": ("job", ["delete", "0a1b2c3d4e5f6071"]),
    "easel:check:0a1b2c3d4e5f6071": ("job", ["check", "0a1b2c3d4e5f6071"]),
    "easel:show:0a1b2c3d4e5f6071": ("job", ["show", "0a1b2c3d4e5f6071"]),
    "easel-form:remix:0a1b2c3d4e5f6071": ("form", ["remix", "0a1b2c3d4e5f6071"]),
    "easel-form:menu:17": ("form", ["menu", "17"]),
    "easel-jobs:page:mine:0": ("jobs", ["page", "mine", "0"]),
    "easel-report:delete:0a1b2c3d4e5f6071": ("report", ["delete", "0a1b2c3d4e5f6071"]),
    "easel-settings:access:0:show": ("settings", ["access", "0", "show"]),
    "easel-confirm:yes:abc": ("confirm", ["yes", "abc"]),
}


@each(("old", "meaning"), FIRST_VERSION.items())
def test_custom_ids_of_the_first_version_are_read(old: str, meaning: tuple[str, list[str]]) -> None:
    assert parsed(old) == meaning


@pytest.mark.parametrize("foreign", ["", "again:1", "other:again:1", "easel-:x", "easels:again:1", "weasel-jobs:page"])
def test_custom_ids_of_others_are_passed_over(foreign: str) -> None:
    assert parsed(foreign) is None


def test_what_is_written_is_read_again() -> None:
    for panel, words in ((JOB_PANEL, ["again", "1f"]), ("gallery", ["older", "all", "12"])):
        assert parsed(custom_id(panel, *words)) == (panel, words)
    with pytest.raises(ValueError, match="too long"):
        custom_id("gallery", "x" * 100)


def test_buttons_carry_the_same_ids_as_in_the_first_version() -> None:
    assert [job_button(action, "1f").custom_id for action in list(Action)[:3]] == [
        "easel:cancel:1f",
        "easel:again:1f",
        "easel:remix:1f",
    ]


async def test_the_library_has_nothing_to_keep_of_what_is_sent() -> None:
    shown = [it for fill in SURFACES for it in fill("a fox", "en-US")]
    assert len(shown) > 40
    assert [type(it) for it in shown if not cast("Any", it).is_finished()] == []
