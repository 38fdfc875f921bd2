"""The set-ups of docs/managers.md, line by line against the running bot."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sandbox.discord.reply import ModalForm
from tests.acceptance.conftest import House, OpenHouse, eventually, picture, says, with_pictures

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


async def boosters_get_more_than_others(house: House, folder: Path) -> None:
    refused = await house.ben.command("imagine", prompt="a fox", count=3)
    assert refused.ephemeral
    await (await house.ben.command("imagine", prompt="a fox", count=2)).until(with_pictures)
    four = await (await house.discord.person("Mia").command("imagine", prompt="a fox", count=4)).until(with_pictures)
    assert len(four.pictures) == 4
    refused = await house.discord.person("Mia").command("imagine", prompt="a n5fw fox")
    assert refused.ephemeral
    await eventually(lambda: any(says("was refused")(it) for it in house.ada.at("general").sees()))


async def pictures_of_members_are_safe_and_covered(house: House, folder: Path) -> None:
    mia = house.discord.person("Mia")
    posted = await mia.post("my holiday", files=[picture(folder / "holiday.png")])
    answer = await mia.message_menu("Edit image", posted)
    if isinstance(answer, ModalForm):
        answer = await mia.submit(answer, Prompt="in snow")
    assert answer.ephemeral
    assert not house.submissions(), "nobody's pictures may be edited here"
    shown = await (await mia.command("imagine", prompt="a heron")).until(with_pictures)
    assert all(it.spoiler for it in shown.pictures)
    assert (await house.ben.command("imagine", prompt="a heron")).ephemeral  # he has not the role


async def a_team_gets_its_defaults_and_nobody_else_anything(house: House, folder: Path) -> None:
    mia = house.discord.person("Mia")
    shown = await (await mia.command("imagine", prompt="a slide")).until(with_pictures)
    assert says("quality", "16:9", "2k")(shown)
    assert (await house.ben.command("imagine", prompt="a slide")).ephemeral


PROMISED = (
    boosters_get_more_than_others,
    pictures_of_members_are_safe_and_covered,
    a_team_gets_its_defaults_and_nobody_else_anything,
)


@pytest.mark.parametrize(
    ("lines", "promised"),
    [(lines, promised) for (_, lines), promised in zip(SERVERS, PROMISED, strict=True)],
    ids=[name for name, _ in SERVERS],
)
async def test_every_line_of_a_set_up_is_taken_and_does_what_it_promises(
    open_house: OpenHouse, tmp_path: Path, lines: str, promised: Callable[[House, Path], Awaitable[None]]
) -> None:
    await play(open_house, lines.split("\n"), lambda house: promised(house, tmp_path))


async def test_every_line_of_the_table_is_taken(open_house: OpenHouse) -> None:
    await play(open_house, [line.replace("#moderators", "#general") for line in TASKS])


async def play(
    open_house: OpenHouse, lines: list[str], promised: Callable[[House], Awaitable[None]] | None = None
) -> None:
    async with open_house(variables={"PRICE_LIST": PRICES}) as house:
        guild = house.discord.world.channel("pictures").guild
        assert guild is not None
        roles = [house.discord.world.add_role(guild, role) for role in ("Booster", "Team")]
        house.discord.world.add_member(guild, house.discord.world.add_user("Mia"), *roles)
        for line in filter(None, lines):
            reply = await house.ada.say(line)
            message = await reply.until(lambda message: not message.loading)
            assert "✓" in message.text, f"{line}: {message.text}"
        if promised is not None:
            await promised(house)
        elif "reset" not in lines[-1]:
            mia = house.discord.person("Mia")
            await (await mia.command("imagine", prompt="a fox")).until(with_pictures)
