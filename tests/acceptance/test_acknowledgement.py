"""Acknowledgements of which nobody knows at first whether Discord has taken them."""

from __future__ import annotations

from tests.acceptance.conftest import OpenHouse, with_pictures

CALLBACK = "POST /interactions/*/callback"


async def test_one_that_was_taken_counts_though_its_repetition_was_refused(open_house: OpenHouse) -> None:
    async with open_house() as house:
        house.discord.faults.answer(CALLBACK, 500, processed=True)
        house.discord.faults.answer(CALLBACK, 429, via=False)
        reply = await house.ada.command("imagine", prompt="a red fox")
        assert (await reply.until(with_pictures)).pictures
        assert len(house.submissions()) == 1


async def test_one_is_looked_for_as_long_as_it_takes_discord_to_answer(open_house: OpenHouse) -> None:
    async with open_house() as house:
        house.discord.faults.reset(CALLBACK, processed=True)
        house.discord.faults.answer("GET /webhooks/*/messages/*", 429, times=6, via=False)
        reply = await house.ada.command("imagine", prompt="a red fox")
        assert (await reply.until(with_pictures, 60)).pictures
        assert len(house.submissions()) == 1
