"""Reply to edit: an answer to a picture that names Easel in its words is an edit, once, whatever happens around it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio

from sandbox.discord.messages import GUILD_MESSAGES
from sandbox.discord.permissions import Permission
from sandbox.discord.person import Person
from sandbox.discord.sight import Message
from sandbox.image_api.latency import Latency
from tests.acceptance.conftest import House, OpenHouse, eventually, final, picture, set_rules, with_pictures
from tests.databases import rows

pytestmark = pytest.mark.asyncio(loop_scope="module")
MENU = "easel-settings:access:0:pick:reply_edits"
PRICE = "grok-imagine-image:1k=0.02"
POST = "POST /channels/*/messages"
QUIET_S = 1.5  # so long nothing happens where nothing should


def hears(house: House) -> bool:
    sessions = house.discord.gateway.connected
    return bool(sessions) and all(it.intents & GUILD_MESSAGES for it in sessions)


async def switch_on(house: House) -> None:
    panel = await house.ada.command("settings")
    await house.ada.choose(panel, MENU, "True")
    await eventually(lambda: hears(house) and len(house.discord.gateway.connected) == 1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(open_house: OpenHouse) -> AsyncIterator[House]:
    async with open_house(variables={"MAX_JOBS_PER_USER": "50", "PRICE_LIST": PRICE}) as house:
        await switch_on(house)
        yield house


async def painted(house: House, person: Person | None = None, **options: Any) -> Message:
    reply = await (person or house.ada).command("imagine", prompt="a red fox", **options)
    return await reply.until(with_pictures)


def answers(person: Person, message: Message) -> list[Message]:
    """Messages of the bot that answer this one."""
    return [it for it in person.sees() if _answered(it) == str(message.id)]


def _answered(message: Message) -> str | None:
    """The id of the message that one answers."""
    reference: dict[str, str] = message.json.get("message_reference") or {}
    return reference.get("message_id")


async def edited(person: Person, message: Message, within: float = 60.0) -> Message:
    """The finished answer to a message."""
    await eventually(lambda: any(with_pictures(it) for it in answers(person, message)), within)
    (answer,) = answers(person, message)
    return answer


async def told(person: Person, message: Message) -> str:
    """What the answer without pictures says."""
    await eventually(lambda: answers(person, message))
    (answer,) = answers(person, message)
    return answer.text


async def test_before_a_server_wants_it_no_message_is_heard(open_house: OpenHouse) -> None:
    async with open_house() as house:
        assert not hears(house)
        shown = await painted(house)
        asked = await house.ben.reply(shown, "@Easel in snow")
        await asyncio.sleep(QUIET_S)
        assert answers(house.ben, asked) == []
        await switch_on(house)
        # No click is lost while the sessions change, and the next start asks for messages at once.
        await painted(house)
        await house.restart_bot()
        assert hears(house)
        asked = await house.ben.reply(shown, "@Easel in snow")
        assert (await edited(house.ben, asked)).pictures


async def test_an_answer_that_names_easel_is_an_edit_of_the_picture_for_whoever_wrote_it(town: House) -> None:
    shown = await painted(town)
    asked = await town.ben.reply(shown, "@Easel put it in snow")
    answer = await edited(town.ben, asked)
    body = cast("dict[str, Any]", town.submissions()[-1].json)
    assert body["prompt"] == "put it in snow"
    assert rows(town.database, "SELECT user_id FROM jobs ORDER BY seq DESC LIMIT 1")[0][0] == town.ben.user.id
    assert answer.json["mentions"] == []
    assert {"Again", "Remix", "Edit", "Details", "Delete"} <= set(answer.labels)
    again = await town.ada.press(answer, "Again")
    assert (await again.until(with_pictures)).pictures


async def test_the_ping_of_an_answer_buys_nothing(town: House) -> None:
    shown = await painted(town)
    before = len(town.submissions())
    silent = [
        await town.ben.reply(shown, "nice fox"),
        await town.ben.reply(shown, "`@Easel` is what you write"),
        await town.ben.reply(shown, f"\\<@{town.discord.world.bot.id}> in snow"),
        await town.ben.post("@Easel in snow"),
        await town.ben.reply(await town.ada.post("look"), "@Easel in snow"),
    ]
    await asyncio.sleep(QUIET_S)
    assert [answers(town.ben, it) for it in silent] == [[]] * len(silent)
    assert len(town.submissions()) == before


async def test_a_number_at_the_beginning_says_which_picture(town: House) -> None:
    shown = await painted(town, count=3)
    for words, index in (("@Easel 2 in snow", 1), ("#3 @Easel in snow", 2), ("@Easel in snow", 0)):
        asked = await town.ada.reply(shown, words)
        await edited(town.ada, asked)
        body = cast("dict[str, Any]", town.submissions()[-1].json)
        assert body["prompt"] == "in snow"
        request = json.loads(str(rows(town.database, "SELECT request FROM jobs ORDER BY seq DESC LIMIT 1")[0][0]))
        assert request["sources"][0]["kept"]["index"] == index
    asked = await town.ada.reply(shown, "@Easel #7 in snow")
    assert "no picture 7" in await told(town.ada, asked)


async def test_pictures_beside_the_words_are_further_sources(town: House, tmp_path: Path) -> None:
    shown = await painted(town)
    files = [picture(tmp_path / f"{name}.png") for name in ("a", "b")]
    asked = await town.ada.reply(shown, "@Easel with these", files)
    await edited(town.ada, asked)
    body = cast("dict[str, Any]", town.submissions()[-1].json)
    assert len(body.get("images") or body.get("image_urls") or body["image"]) == 3


async def test_a_message_that_is_told_twice_or_changed_starts_one_job(town: House) -> None:
    shown = await painted(town)
    before = len(town.submissions())
    asked = await town.ada.reply(shown, "@Easel in snow")
    (session,) = town.discord.gateway.connected
    event = next(it for it in reversed(session.sent) if it["t"] == "MESSAGE_CREATE" and it["d"]["id"] == str(asked.id))
    session.send("MESSAGE_CREATE", event["d"])
    await town.ada.rewrite(asked, "@Easel in heavy snow")
    await edited(town.ada, asked)
    await asyncio.sleep(QUIET_S)
    assert len(town.submissions()) == before + 1
    assert len(answers(town.ada, asked)) == 1


async def test_a_message_that_is_deleted_at_once_buys_nothing(town: House) -> None:
    shown = await painted(town)
    before = len(town.submissions())
    slow = town.discord.faults.slow(POST, 0.7)
    asked = await town.ada.reply(shown, "@Easel in snow")
    await asyncio.wait_for(slow.struck.wait(), 10)
    await town.ada.delete(asked)
    await asyncio.sleep(QUIET_S)
    assert len(town.submissions()) == before
    assert rows(town.database, "SELECT state FROM jobs ORDER BY seq DESC LIMIT 1")[0][0] == "failed"


async def test_in_a_thread_it_is_answered_in_the_thread(town: House) -> None:
    there = town.ada.at("thread")
    shown = await painted(town, there)
    asked = await there.reply(shown, "@Easel in snow")
    assert (await edited(there, asked)).pictures


async def test_where_easel_may_not_write_or_attach_nothing_is_bought(town: House) -> None:
    here = town.ben.at("general")
    shown = await painted(town, here)
    before = len(town.submissions())
    town.discord.world.deny("general", Permission.ATTACH_FILES)
    asked = await here.reply(shown, "@Easel in snow")
    assert "may not attach files" in await told(here, asked)
    town.discord.world.deny("general", Permission.SEND_MESSAGES)
    asked = await here.reply(shown, "@Easel in snow")
    await asyncio.sleep(QUIET_S)
    assert answers(here, asked) == []
    assert len(town.submissions()) == before
    town.discord.world.allow("general", Permission.SEND_MESSAGES | Permission.ATTACH_FILES)


def newcomer(house: House, name: str) -> Person:
    """Somebody who was told nothing lately: one person is told seldom why not."""
    world = house.discord.world
    guild = world.channel("pictures").guild
    assert guild is not None
    world.add_member(guild, world.add_user(name))
    return house.discord.person(name)


async def test_what_a_message_cannot_ask_for_is_said_and_nothing_is_bought(town: House) -> None:
    shown = await painted(town)
    before = len(town.submissions())
    for name, rule, value, reason in (
        ("Cleo", "private_only", True, "Replies are private here"),
        ("Dora", "confirm_over", "0.01", "needs your yes first"),
    ):
        await set_rules(town.ada, **{rule: value})
        person = newcomer(town, name)
        asked = await person.reply(shown, "@Easel in snow")
        assert reason in await told(person, asked)
        await set_rules(town.ada, reset=rule)
    assert len(town.submissions()) == before


async def test_the_picture_that_is_meant_is_read_again_where_the_event_does_not_bring_it(town: House) -> None:
    shown = await painted(town)
    (session,) = town.discord.gateway.connected

    async def asks(**more: Any) -> Message:
        """An answer whose event Discord sends in another form than usual."""
        message = await town.ben.reply(shown, "nice fox")
        sent = next(it["d"] for it in reversed(session.sent) if it["d"].get("id") == str(message.id))
        event = {name: value for name, value in sent.items() if name != "referenced_message"}
        session.send("MESSAGE_CREATE", event | {"content": f"<@{town.discord.world.bot.id}> in snow"} | more)
        return message

    assert (await edited(town.ben, await asks())).pictures
    before = len(town.submissions())
    silent = [await asks(referenced_message=None)]  # deleted meanwhile
    fault = town.discord.faults.answer("GET /channels/*/messages/*", 403)
    silent.append(await asks())
    await asyncio.wait_for(fault.struck.wait(), 10)
    await asyncio.sleep(QUIET_S)
    assert [answers(town.ben, it) for it in silent] == [[], []]
    assert len(town.submissions()) == before


async def test_a_refusal_shames_nobody_and_is_no_flood(open_house: OpenHouse) -> None:
    async with open_house() as house:
        await switch_on(house)
        shown = await painted(house)
        await set_rules(house.ada, block_member="Ben")
        first = await house.ben.reply(shown, "@Easel a secret garden")
        said = await told(house.ben, first)
        assert "Press" in said
        assert "not use" not in said
        assert "garden" not in said
        more = [await house.ben.reply(shown, "@Easel more") for _ in range(5)]
        await asyncio.sleep(QUIET_S)
        assert [answers(house.ben, it) for it in more] == [[]] * 5
        assert len(house.submissions()) == 1


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("processed", [False, True])
async def test_killed_between_row_and_answer_it_is_answered_and_painted_once(
    open_house: OpenHouse, kind: str, processed: bool
) -> None:
    async with open_house(kind) as house:
        await switch_on(house)
        shown = await painted(house)
        fault = house.discord.faults.hang(POST, processed=processed)
        asked = await house.ben.reply(shown, "@Easel in snow")
        await asyncio.wait_for(fault.struck.wait(), 10)
        await house.kill_bot()
        house.discord.faults.clear()
        await house.start_bot()
        assert (await edited(house.ben, asked, 60)).pictures
        assert len(house.submissions()) == 2


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_killed_while_it_paints_it_is_delivered_into_its_answer(open_house: OpenHouse, kind: str) -> None:
    async with open_house(kind, latency=Latency.fixed(3)) as house:
        await switch_on(house)
        shown = await painted(house)
        asked = await house.ben.reply(shown, "@Easel in snow")
        await eventually(lambda: len(house.submissions()) == 2)
        await eventually(lambda: rows(house.database, "SELECT 1 FROM jobs WHERE state = 'painting'"))
        await house.restart_bot()
        answer = await edited(house.ben, asked, 60)
        assert final(answer)
        assert len(house.submissions()) == 2


async def test_one_that_discord_did_not_answer_is_sent_again_and_painted_once(town: House) -> None:
    shown = await painted(town)
    before = len(town.submissions())
    town.discord.faults.answer(POST, 500, times=6)
    asked = await town.ada.reply(shown, "@Easel in snow")
    assert (await edited(town.ada, asked, 60)).pictures
    assert len(town.submissions()) == before + 1


async def test_cancel_works_under_an_answer(open_house: OpenHouse) -> None:
    async with open_house(latency=Latency.fixed(8)) as house:
        await switch_on(house)
        shown = await painted(house)
        asked = await house.ben.reply(shown, "@Easel in snow")
        await eventually(lambda: any("Cancel" in it.labels for it in answers(house.ben, asked)))
        (running,) = answers(house.ben, asked)
        await house.ben.press(running, "Cancel")
        await eventually(lambda: final(answers(house.ben, asked)[0]))
        assert not answers(house.ben, asked)[0].pictures
