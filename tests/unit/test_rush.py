"""A crowd is taken a few at a time: the first are answered while the last have not begun."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest

from bot.policy import patience
from bot.policy.door import Door
from bot.policy.patience import AT_ONCE, Rush
from bot.ui.kit import texts
from bot.ui.kit.dispatch import Dispatcher

CROWD = 10 * AT_ONCE
STEPS = 4  # of each answer, with a turn of the event loop between two of them


async def test_the_first_are_answered_before_the_last_have_begun_and_in_their_order() -> None:
    rush, begun, answered = Rush(), list[int](), list[int]()
    begun_at_first_answer = 0

    async def answer(number: int) -> None:
        nonlocal begun_at_first_answer
        begun.append(number)
        for _ in range(STEPS):
            await asyncio.sleep(0)
        begun_at_first_answer = begun_at_first_answer or len(begun)
        answered.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(CROWD):
            rush.join(lambda number=number: group.create_task(answer(number)) and None)
        await rush.calm()
        assert len(rush) == 0
    assert begun == answered == list(range(CROWD))
    assert begun_at_first_answer <= (STEPS + 2) * AT_ONCE


async def test_what_follows_an_answer_comes_after_the_last_has_begun() -> None:
    rush, order = Rush(), list[str]()

    async def answer(number: int) -> None:
        order.append("begun")
        await rush.calm()
        order.append("afterwards")

    async with asyncio.TaskGroup() as group:
        for number in range(CROWD):
            rush.join(lambda number=number: group.create_task(answer(number)) and None)
        await rush.calm()
    # The last few are begun in the same moment.
    assert order.index("afterwards") >= CROWD - AT_ONCE


async def test_one_that_cannot_be_read_is_in_nobodys_way() -> None:
    rush, begun, told = Rush(), list[int](), list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))

    def begin(number: int) -> None:
        if number == 1:
            raise KeyError("token")
        begun.append(number)

    for number in range(3):
        rush.join(lambda number=number: begin(number))
    await rush.calm()
    assert begun == [0, 2]
    assert [type(it) for it in told] == [KeyError]


async def test_who_stood_in_line_has_waited_whatever_the_clocks_say() -> None:
    """An interaction's age is told by two clocks; the time in line by one."""
    patience.arrived(time.monotonic() - 2.0)
    patience.somebody_waits(lambda: False, age_s=-5.0)
    left_s = patience.left_s()
    assert left_s is not None
    assert left_s <= patience.ANSWER_WITHIN_S - 2.0
    assert patience.bounded(None) == pytest.approx(left_s, abs=0.1)


class _Asking:
    """As much of an interaction as its answer begins with."""

    def __init__(self) -> None:
        self.said = list[str]()
        self.type = discord.InteractionType.application_command
        self.data = {"options": [{"name": "prompt", "type": 3, "value": "a red fox"}]}
        self.locale = discord.Locale.american_english
        self.created_at = datetime.now(UTC)
        self.user, self.guild_id, self.guild = SimpleNamespace(id=7), None, None
        self.context, self.client = SimpleNamespace(dm_channel=True), SimpleNamespace()
        self.response = self

    def is_done(self) -> bool:
        return bool(self.said)

    async def send_message(
        self, *, view: discord.ui.LayoutView, files: Sequence[discord.File], ephemeral: bool
    ) -> None:
        assert ephemeral
        assert not files
        [shown] = [it for it in view.walk_children() if isinstance(it, discord.ui.TextDisplay)]
        self.said.append(shown.content)


@pytest.mark.parametrize(("waited_s", "begun", "told"), [(0.1, True, 0), (2.6, False, 1), (3.1, False, 0)])
async def test_who_has_stood_in_line_for_too_long_is_turned_away_and_costs_no_more(
    waited_s: float, begun: bool, told: int
) -> None:
    """With a sentence as long as Discord takes one, and with what was typed."""
    asking = _Asking()
    patience.arrived(time.monotonic() - waited_s)
    assert await Dispatcher(Door()).begin(cast("Any", asking)) is begun
    assert asking.said == [f"{texts.RUSH}\n```\na red fox\n```"] * told
