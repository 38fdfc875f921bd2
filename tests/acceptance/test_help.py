"""`/help`, and the languages in which Easel speaks."""

from __future__ import annotations

import re

import pytest

from tests.acceptance.conftest import House, says

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_help_is_private_and_mentions_commands_that_exist(house: House) -> None:
    reply = await house.ben.command("help")
    assert reply.ephemeral
    mentioned = dict(re.findall(r"</([\w ]+):(\d+)>", reply.message.text))
    assert {"imagine", "edit"} <= set(mentioned)
    assert mentioned == {one["name"]: one["id"] for one in house.ben.commands() if one["name"] in mentioned}
    assert says("no limit")(reply.message)


async def test_help_mentions_commands_after_a_restart_that_registered_nothing(house: House) -> None:
    before = len([it for it in house.discord.requests if it.method == "PUT" and it.path.endswith("/commands")])
    await house.restart_bot()
    reply = await house.ben.command("help")
    assert "</imagine:" in reply.message.text
    assert len([it for it in house.discord.requests if it.method == "PUT" and it.path.endswith("/commands")]) == before
