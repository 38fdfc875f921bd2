"""About when the pictures will be there: told from the first card on, plausible, not left standing once passed."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from pathlib import Path

from sandbox.discord.reply import Reply
from sandbox.discord.sight import Message
from sandbox.image_api.latency import Latency
from tests.acceptance.conftest import final, house_in, says, with_pictures

ONE_AT_A_TIME = {"MAX_ACTIVE_JOBS": "1", "MAX_JOBS_PER_USER": "10"}
#: A late edit waits for the gap between two edits, which is 10 s in line and 5 s while painting, and for Discord.
LATE_S = 12.0


def told(message: Message) -> int | None:
    """When the pictures are expected, by what a card says; None where it says no time."""
    found = re.search(r"expected <t:(\d+):R>", message.text)
    return int(found[1]) if found else None


def place(message: Message) -> tuple[int, int] | None:
    """The place in line and its length."""
    found = re.search(r"place (\d+) of (\d+)", message.text)
    return (int(found[1]), int(found[2])) if found else None


def unfinished(reply: Reply) -> list[Message]:
    return [state for state in reply.states if not final(state)]


async def test_a_line_tells_places_and_plausible_times_without_more_edits(tmp_path: Path) -> None:
    async with house_in(tmp_path, variables=ONE_AT_A_TIME, latency=Latency.fixed(4.0)) as house:
        for number in range(3):  # what tasks take here is learned first
            await (await house.ada.command("imagine", prompt=f"first {number}")).until(with_pictures)
        replies = [await house.ada.command("imagine", prompt=f"wish {number}") for number in range(4)]
        asked_at = time.time()
        arrived: list[float] = []
        for reply in replies:
            await reply.until(with_pictures, 60)
            arrived.append(time.time())
        first = [reply.states[0] for reply in replies]
        assert [place(card) for card in first] == [(1, 1), *((it, it) for it in place_range(first[1:]))]
        times = [told(card) for card in first]
        assert all(times), [card.text for card in first]
        expected = [(it or 0) - asked_at for it in times]
        assert expected == sorted(expected)
        for guess, came in zip(expected, (it - asked_at for it in arrived), strict=True):
            assert came - 5 <= guess <= 2.5 * came + 8, (expected, arrived)
        for reply in replies:
            # First card, the places it moves through, the painting, the pictures: no edit for a new guess alone.
            assert len(reply.states) <= 2 + 2 * len(replies)
            without_time = [re.sub(r"<t:\d+:R>", "", state.text) for state in reply.states]
            assert all(a != b for a, b in itertools.pairwise(without_time)), without_time


def place_range(cards: list[Message]) -> list[int]:
    """The places that jobs which came one after the other have, where the one before may or may not have left."""
    places = [place(card) for card in cards]
    assert all(it is not None and it[0] == it[1] for it in places), [card.text for card in cards]
    return [it[0] for it in places if it]


async def test_a_time_that_has_passed_is_not_left_standing(tmp_path: Path) -> None:
    """The published times say some ten seconds; here a task takes thirty."""
    async with house_in(tmp_path, variables=ONE_AT_A_TIME, latency=Latency.fixed(30.0)) as house:
        painted = await house.ada.command("imagine", prompt="a red fox")
        waiting = await house.ada.command("imagine", prompt="a blue fox")
        assert told(await painted.until(says("painting", "expected"))) is not None
        late = await painted.until(says("painting", "any moment now"), 25)
        assert "<t:" not in late.text
        while not painted.message.pictures:
            await asyncio.sleep(0.2)
            for reply in (painted, waiting):
                expected = None if final(reply.message) else told(reply.message)
                assert expected is None or time.time() - expected < LATE_S, reply.message.text
        # A stuck line gives a new time only for a good while ahead: that is no reason for edit after edit.
        assert len(unfinished(waiting)) <= 4, [state.text for state in waiting.states]
        await house.ada.press(waiting, "Cancel")


async def test_a_busy_api_says_so_beside_the_place_and_the_time(tmp_path: Path) -> None:
    async with house_in(tmp_path, latency=Latency.fixed(1.0)) as house:
        house.image_api.behaviour.switch_on("busy", 3)  # as many as a job is refused before it ends
        reply = await house.ada.command("imagine", prompt="a red fox")
        waiting = await reply.until(says("busy", "place 1 of 1"), 30)
        assert (told(waiting) or 0) > time.time() - 1
        assert (await reply.until(with_pictures, 40)).pictures


async def test_while_the_api_is_out_of_reach_there_is_a_place_and_no_time(tmp_path: Path) -> None:
    async with house_in(tmp_path, variables={"MAX_JOBS_PER_USER": "20"}) as house:
        house.image_api.go_away(60.0)
        await asyncio.sleep(1.0)  # it begins after a moment
        replies = [await house.ada.command("imagine", prompt=f"{number}") for number in range(8)]
        waiting = await replies[-1].until(says("cannot be reached", "place"), 40)
        assert told(waiting) is None
