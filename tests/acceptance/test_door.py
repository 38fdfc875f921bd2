"""The operator's door: who is let in, in commands, buttons, menus and panels, and which servers are left."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.discord.reply import ModalForm
from tests.acceptance.conftest import House, eventually, house_in, says, with_pictures

ELSEWHERE = "123456789012345678"


async def refused(house: House, *acts: object) -> None:
    """Nobody gets in: not by command, panel or menu; and nothing is bought."""
    for name, options in (("imagine", {"prompt": "a fox"}), ("gallery", {}), ("help", {}), ("jobs", {})):
        reply = await house.ben.command(name, **options)
        assert reply.ephemeral
        assert says("nothing was started")(reply.message), reply.text
    message = await house.ben.post("a castle")
    assert says("nothing was started")((await house.ben.message_menu("Imagine this", message)).message)
    assert house.submissions() == []


async def test_a_blocked_user_is_refused_everywhere_and_hears_whom_to_ask(tmp_path: Path) -> None:
    async with house_in(tmp_path, variables={"OPERATOR_CONTACT": "ada@example.org"}) as house:
        house.bot.set(BLOCKED_USERS=str(house.ben.user.id))
        await house.restart_bot()
        await refused(house)
        direct = await house.ben.at("dm").command("imagine", prompt="a fox")
        assert says("may not use this bot", "ada@example.org")(direct.message)
        made = await house.ada.command("imagine", prompt="a fox")
        await made.until(with_pictures)
        again = await house.ben.press(made, "Again")
        assert says("may not use this bot")(again.message)
        assert not isinstance(await house.ben.press(made, "Remix"), ModalForm)
        assert len(house.submissions()) == 1


async def test_a_server_that_is_not_listed_is_left_and_direct_messages_are_for_those_listed(tmp_path: Path) -> None:
    async with house_in(tmp_path) as house:
        guild = house.discord.world.channel("pictures").guild
        assert guild is not None
        house.bot.set(ALLOWED_SERVERS=str(guild.id), ALLOWED_USERS=str(house.ada.user.id))
        await house.restart_bot()
        await (await house.ben.command("imagine", prompt="a fox")).until(with_pictures)
        assert says("direct messages")((await house.ben.at("dm").command("imagine", prompt="x")).message)
        await (await house.ada.at("dm").command("imagine", prompt="a fox")).until(with_pictures)
        stranger = house.discord.world.add_guild("Strangers", house.ben.user)
        house.discord.gateway.add_bot(stranger)
        await eventually(lambda: not house.discord.world.bot_is_member(stranger))
        assert house.discord.world.bot_is_member(guild)


@pytest.mark.parametrize("setting", ["ALLOWED_SERVERS", "BLOCKED_SERVERS"])
async def test_a_start_leaves_servers_that_are_not_served(tmp_path: Path, setting: str) -> None:
    async with house_in(tmp_path) as house:
        guild = house.discord.world.channel("pictures").guild
        assert guild is not None
        house.bot.set(**{setting: ELSEWHERE if setting == "ALLOWED_SERVERS" else str(guild.id)})
        await house.restart_bot()
        await eventually(lambda: not house.discord.world.bot_is_member(guild))


async def test_user_installs_and_direct_messages_can_be_off(tmp_path: Path) -> None:
    async with house_in(tmp_path, variables={"USER_INSTALLS": "off", "DIRECT_MESSAGES": "off"}) as house:
        assert says("direct messages")((await house.ada.at("dm").command("imagine", prompt="x")).message)
        for place in ("group", "elsewhere"):
            assert says("invited")((await house.ada.at(place).command("imagine", prompt="x")).message)
        await (await house.ada.command("imagine", prompt="a fox")).until(with_pictures)
