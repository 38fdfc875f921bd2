"""The set-ups of docs/managers.md, line by line against the running bot."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.acceptance.conftest import OpenHouse, with_pictures

pytestmark = pytest.mark.asyncio(loop_scope="module")

GUIDE = (Path(__file__).parents[2] / "docs" / "managers.md").read_text("utf-8")
SERVERS = re.findall(r"^### (.+?)$.*?^```\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
PRICES = ",".join(
    f"grok-imagine-image{kind}"
    for kind in (":1k=0.02", ":2k=0.03", ":input=0.002", "-quality:1k=0.05", "-quality:2k=0.07", "-quality:input=0.01")
)
#: Lines of the table that stand alone; the others are steps in the panel, or need a channel of the reader's.
TASKS = re.findall(r"`(/settings [^`]+)`", GUIDE.partition("## Three servers")[0])


async def test_there_are_three_servers_and_many_tasks() -> None:
    assert len(SERVERS) == 3
    assert len(TASKS) > 10


@pytest.mark.parametrize(("name", "lines"), SERVERS, ids=[name for name, _ in SERVERS])
async def test_every_line_of_a_set_up_is_taken(open_house: OpenHouse, name: str, lines: str) -> None:
    await play(open_house, lines.split("\n"))


async def test_every_line_of_the_table_is_taken(open_house: OpenHouse) -> None:
    await play(open_house, [line.replace("#moderators", "#general") for line in TASKS])


async def play(open_house: OpenHouse, lines: list[str]) -> None:
    async with open_house(variables={"PRICE_LIST": PRICES}) as house:
        guild = house.discord.world.channel("pictures").guild
        assert guild is not None
        roles = [house.discord.world.add_role(guild, role) for role in ("Booster", "Team")]
        house.discord.world.add_member(guild, house.discord.world.add_user("Mia"), *roles)
        for line in filter(None, lines):
            reply = await house.ada.say(line)
            message = await reply.until(lambda message: not message.loading)
            assert "✓" in message.text, f"{line}: {message.text}"
        if "reset" not in lines[-1]:
            mia = house.discord.person("Mia")
            await (await mia.command("imagine", prompt="a fox")).until(with_pictures)
