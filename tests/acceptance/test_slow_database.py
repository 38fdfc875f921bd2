"""While the database does not answer, every command, button, menu and form still gets a kind sentence in time.

What was typed stands in it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, closing, contextmanager

import pytest

from sandbox.discord.reply import ModalForm, Reply
from sandbox.discord.rules import DEFAULT_RULES
from sandbox.image_api.latency import Latency
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import House, OpenHouse, says, with_pictures
from tests.databases import SQLITE

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMMANDS = ("jobs", "usage", "privacy", "presets", "gallery", "settings")
BUTTONS = ("Again", "Remix", "Edit", "Details", "Delete")


@contextmanager
def another_program_writes(house: House) -> Generator[None]:
    """Another program holds the database: each try of Easel's waits five seconds and fails."""
    path = house.database.removeprefix(SQLITE)
    with closing(sqlite3.connect(path, isolation_level=None, timeout=10)) as file:
        file.execute("BEGIN IMMEDIATE")
        yield
        file.execute("ROLLBACK")


@asynccontextmanager
async def stalled(house: House) -> AsyncGenerator[None]:
    """The database's only thread is waiting before anybody asks."""
    with another_program_writes(house):
        first = asyncio.create_task(house.ben.command("jobs"))
        await asyncio.sleep(0.3)
        yield
        await first


@abreast
async def test_every_command_is_answered_in_time(open_house: OpenHouse) -> None:
    async with open_house(rules=DEFAULT_RULES) as house, stalled(house):
        prompts = ("a red fox", "*a* fox\nwith ```ticks``` " + "x" * 3000)
        asked = [house.ada.command("imagine", prompt=prompt) for prompt in prompts]
        asked += [house.ada.command(name) for name in COMMANDS]
        asked += [house.ada.say("/settings max_count:2")]
        answers = await asyncio.gather(*asked)
        assert [it.error for it in answers if it.error] == []
        longest = await house.ada.command("imagine", prompt="x" * 4000)
        (file,) = longest.message.files
        assert await longest.download(file) == b"x" * 4000
        for answer, prompt in zip(answers, prompts, strict=False):
            assert answer.ephemeral
            assert says("cannot write down")(answer.message)
            assert prompt in answer.message.text.replace("\u200b", "")
        assert house.submissions() == []


@abreast
async def test_every_button_is_answered_in_time(open_house: OpenHouse) -> None:
    async with open_house(rules=DEFAULT_RULES) as house:
        reply = await house.ada.command("imagine", prompt="a red fox")
        await reply.until(with_pictures)
        form = await house.ada.press(reply, "Remix")
        assert isinstance(form, ModalForm)
        before = len(house.submissions())
        async with stalled(house):
            asked = [house.ada.submit(form, Prompt="a blue fox")]
            asked += [house.ada.press(reply, button) for button in BUTTONS]
            asked += [house.ada.user_menu("Block from Easel", "Ben"), house.ada.message_menu("Edit image", reply)]
            answers = await asyncio.gather(*asked)
            assert [it.error for it in answers if it.error] == []
            assert isinstance(form_answer := answers[0], Reply)
            assert says("a blue fox")(form_answer.message)
        await asyncio.sleep(1)
        assert len(house.submissions()) == before


@abreast
async def test_a_request_that_a_short_stall_delays_is_painted(open_house: OpenHouse) -> None:
    async with open_house(latency=Latency.fixed(0.3)) as house:
        with another_program_writes(house):
            asked = asyncio.create_task(house.ada.command("imagine", prompt="a red fox"))
            await asyncio.sleep(1.6)
        reply = await asked
        assert not says("was started")(reply.message)
        await reply.until(with_pictures)
