"""Whose pictures may be edited, and that a covered one stays covered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.errors import Barred, NotAdmitted
from bot.model import Source
from bot.policy.admission import admit_post
from bot.policy.bars import Bar
from bot.policy.preferences import EditChoice
from bot.policy.request_input import Options, RequestInput
from bot.policy.rules import EditRule, RuleBook, Rules, SpoilerRule
from tests.unit.admitting import (
    GUILD,
    NOW,
    PLACE,
    admitted,
    made,
)

THEIRS = RequestInput("x", sources=(Source("https://a.example", author_id=2),))


@pytest.mark.parametrize(
    ("rule", "choice", "bar"),
    [
        (None, None, Bar.NOT_YOUR_PICTURE),
        (EditRule.OWN, EditChoice.ANYONE, None),
        (EditRule.OWN, EditChoice.NOBODY, Bar.AUTHOR),
        (EditRule.ANYONE, None, None),
        (EditRule.ANYONE, EditChoice.NOBODY, Bar.AUTHOR),
        (EditRule.NONE, EditChoice.ANYONE, Bar.EDITS),
    ],
)
async def test_whose_pictures_may_be_edited(rule: EditRule | None, choice: EditChoice | None, bar: Bar | None) -> None:
    book = RuleBook(GUILD, "v", Rules(edits=rule))
    choices = {2: choice} if choice else {}
    if bar is None:
        it = await admitted(PLACE, THEIRS, book, choices=choices)
        assert [(source.author_id, source.offered) for source in it.request.sources] == [(2, False)]
        return
    with pytest.raises(NotAdmitted) as caught:
        await admitted(PLACE, THEIRS, book, choices=choices)
    assert [it.bar for it in caught.value.reasons if isinstance(it, Barred)] == [bar]


@pytest.mark.parametrize(
    ("rule", "choice", "bar"),
    [
        (None, None, None),
        (EditRule.OWN, EditChoice.NOBODY, Bar.AUTHOR),
        (EditRule.ANYONE, EditChoice.NOBODY, Bar.AUTHOR),
        (EditRule.NONE, None, Bar.EDITS),
    ],
)
async def test_what_its_author_gave_to_easel_may_be_used_again_until_they_shut_others_out(
    rule: EditRule | None, choice: EditChoice | None, bar: Bar | None
) -> None:
    """Ada's own edit, on which Ben presses Again, and Cleo on Ben's."""
    book = RuleBook(GUILD, "v", Rules(edits=rule))
    ada, ben, cleo = (replace(PLACE, user_id=it) for it in (2, 3, 4))
    asked = THEIRS
    if rule is not EditRule.NONE:
        asked = RequestInput.of((await admitted(ada, THEIRS, book)).request)
        asked = RequestInput.of((await admitted(ben, asked, book)).request)
        assert [(it.author_id, it.offered) for it in asked.sources] == [(2, True)]
    choices = {2: choice} if choice else {}
    if bar is None:
        await admitted(cleo, asked, book, choices=choices)
        assert not (await admitted(replace(cleo, bot_member=False), asked, None)).request.private
        return
    with pytest.raises(NotAdmitted) as caught:
        await admitted(cleo, asked, book, choices=choices)
    assert [it.bar for it in caught.value.reasons if isinstance(it, Barred)] == [bar]
    if rule is not EditRule.NONE:
        await admitted(ada, asked, book, choices=choices)


COVERED = RequestInput("x", sources=(Source("https://a.example/b", "SPOILER_a.png"),))


@pytest.mark.parametrize("said", [None, True, False])
@pytest.mark.parametrize("rule", [None, *SpoilerRule])
async def test_no_choice_and_no_rule_uncovers_what_somebody_has_covered(
    said: bool | None, rule: SpoilerRule | None
) -> None:
    asked = replace(COVERED, options=Options(spoiler=said))
    rules = Rules(spoiler=rule, defaults=Options(spoiler=False))
    assert (await made(rules, asked)).spoiler
    book = RuleBook(GUILD, "v", rules)
    posted = await admit_post(PLACE, replace(asked.filled(), spoiler=False), book, choices={}, now=NOW)
    assert posted.spoiler


async def test_ones_own_and_easels_pictures_are_edited_where_others_are_not() -> None:
    for author in (PLACE.user_id, None):
        await made(Rules(), RequestInput("x", sources=(Source("https://a.example", author_id=author),)))


async def test_where_the_bot_is_no_member_an_edit_of_somebody_elses_picture_is_private() -> None:
    outside = replace(PLACE, bot_member=False)
    assert (await admitted(outside, THEIRS, None)).request.private
    assert not (await admitted(outside, RequestInput("x"), None)).request.private
