"""Pictures over the upload limit: re-encoded as well as fits, in one message, and said so."""

from __future__ import annotations

import pytest

from sandbox.discord.rules import MIB
from sandbox.image_api.studio import PaintMode
from tests.acceptance.conftest import OpenHouse, final, with_pictures

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_four_noisy_2k_pngs_arrive_in_one_message_under_ten_mib_each(open_house: OpenHouse) -> None:
    async with open_house(paint=PaintMode.NOISE) as house:
        reply = await house.ada.command("imagine", prompt="noise", resolution="2k", format="png", count=4)
        message = await reply.until(with_pictures, 120)
        sizes = [picture.size for picture in message.pictures]
        assert len(sizes) == 4
        assert max(sizes) <= 10 * MIB
        assert sum(sizes) <= 25 * MIB
        assert sum(sizes) > 12 * MIB  # the room is used
        assert {(picture.width, picture.height) for picture in message.pictures} == {(2048, 2048)}
        assert message.text.count("re-encoded to fit the upload limit") == 4
        assert message.text.count("[Original](http") == 4
        assert len(house.with_pictures()) == 1
        assert len(house.uploads()) == 1


@pytest.mark.parametrize("place", ["pictures", "group"])
async def test_a_reply_that_takes_seconds_says_nothing_of_its_end_after_minutes(
    open_house: OpenHouse, place: str
) -> None:
    async with open_house() as house:
        reply = await house.ada.at(place).command("imagine", prompt="a red fox")
        await reply.until(lambda message: final(message) and bool(message.pictures))
        assert not any("15 minutes" in state.text for state in reply.states)
