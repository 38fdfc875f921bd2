"""Patterns and prompts that mean harm: a server may hurt itself with them, and nobody else."""

from __future__ import annotations

import asyncio
import json

import pytest

from sandbox.discord.sight import Message
from tests.acceptance.conftest import OpenHouse, final, says, set_rules, with_pictures
from tests.acceptance.hostile import MOST_DELAY_S, stranger, unhindered, watched, wished
from tests.databases import execute, rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Entered by whoever has a server; what a backtracking engine takes hundreds of megabytes or for ever for.
REFUSED = (
    r"((?R)?)*",
    r"(a(?1)?)*b",
    r"(?P<n>a(?&n)?)*b",
    r"(foo){e<=5}",
    r"(a|b)\1+",
    r"(?=(a+)+)b",
    r"((a{100}){100}){100}",
)
TAKEN = (r"(a|aa)+$b", r"(x+x+)+y", r"((a{0,30}){0,30})b", r"(?:a?){500}a{500}!", r"(\w{1,9}\W?){5}!", r"(.*.{30}){9}!")
PROMPTS = ("a" * 4000, "é字" * 2000, "😀a" * 2000, "\ufdfa" * 4000, "x" * 3999 + "!")


def said(message: Message) -> bool:
    """Whether an answer has come that was not there at once."""
    return bool(message.text) and not message.loading


async def test_fifty_of_the_longest_prompts_against_the_worst_patterns_hold_up_nobody(open_house: OpenHouse) -> None:
    async with open_house(variables={"MAX_JOBS_PER_USER": "50"}) as house:
        for pattern in REFUSED:
            answer = await set_rules(house.ada, block_word=f"/{pattern}/")
            assert says("was not taken")(answer.message), pattern
        for pattern in TAKEN:
            answer = await set_rules(house.ada, block_word=f"/{pattern}/")
            assert "was not taken" not in (await answer.until(said)).text, pattern
        abroad = house.ben.at("dm")
        alone = await wished(abroad)
        people = [stranger(house, number) for number in range(10)]
        async with watched(house):
            crowd = [
                asyncio.create_task(people[n % 10].command("imagine", prompt=f"{PROMPTS[n % 5][:3990]} {n}"))
                for n in range(50)
            ]
            await asyncio.sleep(0.05)
            assert await wished(abroad) - alone < MOST_DELAY_S
            for reply in await asyncio.gather(*crowd):
                assert reply.error is None
                await reply.until(final, 60)


async def test_patterns_of_an_earlier_version_that_do_not_fit_are_switched_off_and_told(open_house: OpenHouse) -> None:
    async with open_house() as house:
        answer = await set_rules(house.ada, block_word=r"/gr[e3]mlin/")
        await answer.until(said)
        [(stored,)] = rows(house.database, "SELECT value FROM rules")
        rules = json.loads(str(stored))
        rules["blocked_patterns"] = ["((?R)?)*", *rules["blocked_patterns"]]
        text = json.dumps(rules).replace("'", "''")
        await house.kill_bot()
        execute(house.database, f"UPDATE rules SET value = '{text}'")
        await house.start_bot()
        abroad = house.ada.at("dm")
        alone = await wished(abroad)
        async with watched(house), unhindered(abroad, alone):
            await (await house.ben.command("imagine", prompt="((((((((((" * 100)).until(with_pictures)
            refused = await house.ben.command("imagine", prompt="a gr3mlin")
            assert refused.ephemeral
        panel = await house.ada.press(await house.ada.command("settings"), "Safety")
        assert says("((?R)?)*", "switched off")(panel.message)
