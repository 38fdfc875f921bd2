"""Whom the operator lets in no more: what they have in line is not bought, and what was bought is delivered."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from sandbox.discord.person import Person
from sandbox.image_api.latency import Latency
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import House, OpenHouse, says, with_pictures
from tests.acceptance.hostile import HONEST, MOST_DELAY_S, wished

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAINTED_S = 3.0

Case = tuple[Callable[[House], Person], Callable[[House], Mapping[str, str]], Callable[[House], Person]]


def _server(house: House) -> str:
    guild = house.discord.world.channel("pictures").guild
    assert guild is not None
    return str(guild.id)


#: Who asks, what the operator writes into the settings then, and for whom the line goes on.
CLOSED: Mapping[str, Case] = {
    "a person": (
        lambda house: house.ben,
        lambda house: {"BLOCKED_USERS": str(house.ben.user.id)},
        lambda house: house.ada,
    ),
    "a server": (
        lambda house: house.ben,
        lambda house: {"BLOCKED_SERVERS": _server(house)},
        lambda house: house.ada.at("dm"),
    ),
    "a server that is not listed": (
        lambda house: house.ben,
        lambda house: {"ALLOWED_SERVERS": "123456789012345678", "ALLOWED_USERS": str(house.ada.user.id)},
        lambda house: house.ada.at("dm"),
    ),
    "direct messages of those who are not listed": (
        lambda house: house.ben.at("dm"),
        lambda house: {"ALLOWED_USERS": str(house.ada.user.id)},
        lambda house: house.ada.at("dm"),
    ),
    "user installs in a group": (
        lambda house: house.ada.at("group"),
        lambda _house: {"USER_INSTALLS": "off"},
        lambda house: house.ben,
    ),
    "user installs where the bot is no member": (
        lambda house: house.ada.at("elsewhere"),
        lambda house: {"ALLOWED_SERVERS": _server(house)},
        lambda house: house.ben,
    ),
}


@pytest.mark.parametrize("who", CLOSED)
@abreast
async def test_what_waits_in_line_is_not_bought_once_the_door_is_closed(open_house: OpenHouse, who: str) -> None:
    """One more of theirs is at the image API already: that one was paid for."""
    asker, settings, other = CLOSED[who]
    async with open_house(variables={"MAX_ACTIVE_JOBS": "1"}, latency=Latency.fixed(PAINTED_S)) as house:
        bought = await asker(house).command("imagine", prompt="bought")
        await bought.until(says("painting"))
        waits = await asker(house).command("imagine", prompt="waits")
        assert says("waiting in line")(waits.message), waits.text
        house.bot.set(**settings(house))
        await house.restart_bot()
        await waits.until(says("cancelled"))
        await bought.until(with_pictures)
        assert await wished(other(house)) - PAINTED_S < MOST_DELAY_S
        assert [it.submission.prompt for it in house.image_api.accepted] == ["bought", HONEST]
