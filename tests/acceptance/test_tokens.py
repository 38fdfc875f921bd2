"""Discord's 15 minutes are over: pictures come by the bot's own token, and at a click where that does not reach.

Interactions of these tests look almost 15 minutes old, and their tokens live a few seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from sandbox.discord.ids import snowflake
from sandbox.discord.permissions import Permission
from sandbox.discord.person import Person
from sandbox.discord.places import Channel, ChannelKind
from sandbox.discord.reply import Reply
from sandbox.discord.rules import DiscordRules
from sandbox.image_api.latency import Latency
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import House, OpenHouse, eventually, final, house_in, says, with_pictures
from tests.databases import rows

pytestmark = pytest.mark.asyncio(loop_scope="module")
AT_ONCE = 10

PATIENCE_S = 60.0
LIFETIME_S = 8.0
#: Tokens live LIFETIME_S, and the bot sees it coming.
SHORT = DiscordRules(interaction_age_s=900 - LIFETIME_S, token_lifetime_s=LIFETIME_S)
#: Tokens that the bot no longer uses once it has acknowledged.
LATE = DiscordRules(interaction_age_s=897, token_lifetime_s=3.5, rate_limits=False)
REACHED = ("pictures", "thread", "dm")
FETCHED = {"elsewhere": False, "group": False, "pictures": True, "dm": True}  # place: private
fetched = pytest.mark.parametrize(("place", "private"), FETCHED.items())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house whose jobs take longer than a token lives."""
    variables = {"MAX_JOBS_PER_USER": "50"}
    folder = tmp_path_factory.mktemp("short")
    async with house_in(folder, variables=variables, rules=SHORT, latency=Latency.fixed(6.0)) as whole:
        yield whole
        no_dead_token_was_used(whole)


def no_dead_token_was_used(house: House) -> None:
    assert [it.label for it in house.discord.requests if it.token_state == "expired"] == []


def shown(person: Person, prompt: str) -> list[int]:
    """The messages in a person's place that show the pictures of this prompt."""
    return [it.id for it in person.sees() if any(picture.alt == prompt for picture in it.pictures)]


def bought(house: House, prompt: str) -> int:
    return [it.submission.prompt for it in house.image_api.accepted].count(prompt)


async def delivered_once(house: House, reply: Reply, person: Person) -> None:
    """The pictures of the house's only job are in its reply, and in no other message."""
    message = await reply.until(with_pictures, PATIENCE_S)
    assert [it.id for it in person.sees() if it.pictures] == [message.id] == [reply.states[0].id]
    assert len(house.image_api.accepted) == 1
    no_dead_token_was_used(house)


async def lost_touch(house: House, reply: Reply, prompt: str) -> None:
    """Wait until the result of a job is told, and the token of its reply has ended."""

    def told() -> list[float]:
        tasks = house.image_api.tasks.values()
        return [task.told_at for task in tasks if task.accepted.submission.prompt == prompt and task.told_at]

    await asyncio.sleep(reply.interaction.opened_at + LIFETIME_S - time.monotonic())
    await eventually(told, PATIENCE_S)


@pytest.mark.parametrize("place", REACHED)
@abreast
async def test_where_the_bot_is_a_member_the_pictures_come_into_the_same_message(house: House, place: str) -> None:
    person, prompt = house.ada.at(place), f"late in {place}"
    reply = await person.command("imagine", prompt=prompt)
    message = await reply.until(with_pictures, PATIENCE_S)
    assert shown(person, prompt) == [message.id] == [reply.states[0].id]
    assert bought(house, prompt) == 1
    assert not any("Show pictures" in state.labels for state in reply.states)


@pytest.mark.parametrize("place", REACHED)
@abreast
async def test_where_the_bot_is_a_member_a_late_failure_is_told_in_the_same_message(house: House, place: str) -> None:
    reply = await house.ada.at(place).command("imagine", prompt=f"late failure in {place} [[refuse, slow]]")
    assert says("refused by moderation")(await reply.until(final, PATIENCE_S))


@fetched
@abreast
async def test_elsewhere_a_click_brings_the_pictures_into_the_same_message(
    house: House, place: str, private: bool
) -> None:
    person, prompt = house.ada.at(place), f"fetched in {place}, private: {private}"
    reply = await person.command("imagine", prompt=prompt, private=private)
    await reply.until(lambda message: "Show pictures" in message.labels, LIFETIME_S)
    await lost_touch(house, reply, prompt)
    assert not shown(person, prompt)
    await person.press(reply, "Show pictures")
    message = await reply.until(with_pictures, PATIENCE_S)
    assert shown(person, prompt) == [message.id] == [reply.states[0].id]
    assert "Show pictures" not in message.labels
    assert bought(house, prompt) == 1


@pytest.mark.parametrize("denied", ["SEND_MESSAGES", "ATTACH_FILES", "VIEW_CHANNEL"])
@abreast
async def test_where_the_bot_may_not_write_the_interactions_token_paints(open_house: OpenHouse, denied: str) -> None:
    async with open_house() as house:
        house.discord.world.deny("general", Permission[denied])
        person = house.ada.at("general")
        reply = await person.command("imagine", prompt="a red fox")
        assert not reply.ephemeral
        message = await reply.until(with_pictures, PATIENCE_S)
        assert shown(person, "a red fox") == [message.id]


@pytest.mark.parametrize("denied", ["SEND_MESSAGES", "ATTACH_FILES"])
@abreast
async def test_where_the_bot_may_not_write_a_button_is_left_before_the_token_ends(
    open_house: OpenHouse, denied: str
) -> None:
    async with open_house(rules=SHORT, latency=Latency.fixed(18.0)) as house:
        house.discord.world.deny("general", Permission[denied])
        person = house.ada.at("general")
        reply = await person.command("imagine", prompt="a red fox")
        await reply.until(lambda message: "Show pictures" in message.labels, LIFETIME_S)
        await asyncio.sleep(LIFETIME_S)
        house.discord.rules = DiscordRules()
        await person.press(reply, "Show pictures")
        message = await reply.until(with_pictures, PATIENCE_S)
        assert shown(person, "a red fox") == [message.id]
        assert bought(house, "a red fox") == 1
        no_dead_token_was_used(house)


@pytest.mark.parametrize("of_parent", [False, True])
@abreast
async def test_a_private_thread_without_the_bot_is_out_of_reach_of_its_own_token(
    open_house: OpenHouse, of_parent: bool
) -> None:
    rules = replace(SHORT, app_permissions_of_parent=of_parent)
    async with open_house(rules=rules, latency=Latency.fixed(18.0)) as house:
        world = house.discord.world
        parent = world.channel("pictures")
        thread = Channel(snowflake(), "whispers", "whispers", ChannelKind.PRIVATE_THREAD, parent.guild, parent)
        thread.recipients = [world.user("Ada")]
        world.open_channel(thread)
        person = house.ada.at("whispers")
        reply = await person.command("imagine", prompt="a red fox")
        await reply.until(lambda message: "Show pictures" in message.labels, LIFETIME_S)


@fetched
@abreast
async def test_elsewhere_a_click_tells_a_failure_in_the_same_message(house: House, place: str, private: bool) -> None:
    person, prompt = house.ada.at(place), f"fetched failure in {place}, private: {private} [[refuse, slow]]"
    reply = await person.command("imagine", prompt=prompt, private=private)
    await lost_touch(house, reply, prompt)
    await person.press(reply, "Show pictures")
    assert says("refused by moderation")(await reply.until(final, PATIENCE_S))


@abreast
async def test_a_click_while_the_job_still_runs_lets_the_reply_go_on_by_itself(open_house: OpenHouse) -> None:
    async with open_house(rules=SHORT, latency=Latency.fixed(18.0)) as house:
        reply = await house.ada.command("imagine", prompt="a red fox", private=True)
        await asyncio.sleep(LIFETIME_S)
        stopped = len(reply.states)
        house.discord.rules = DiscordRules()  # the click's own token lives for the whole 15 minutes
        told = await house.ada.press(reply, "Show pictures")
        assert says("not finished yet")(await told.until_follow_up())
        await reply.until(with_pictures, PATIENCE_S)
        assert any(says("painting")(state) for state in reply.states[stopped:])
        assert bought(house, "a red fox") == 1
        no_dead_token_was_used(house)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@abreast
async def test_killed_while_pictures_wait_for_a_click_the_click_brings_them_all_the_same(
    open_house: OpenHouse, kind: str
) -> None:
    async with open_house(kind, rules=SHORT, latency=Latency.fixed(4.5)) as house:
        reply = await house.ada.command("imagine", prompt="a red fox", private=True)
        await eventually(lambda: rows(house.database, "SELECT state FROM jobs") == [("delivering",)], PATIENCE_S)
        await house.kill_bot()
        await asyncio.sleep(LIFETIME_S)
        await house.start_bot()
        await house.ada.press(reply, "Show pictures")
        await reply.until(with_pictures, PATIENCE_S)
        assert bought(house, "a red fox") == 1
        no_dead_token_was_used(house)


@pytest.mark.parametrize("taken", ["VIEW_CHANNEL", "ATTACH_FILES"])
@abreast
async def test_pictures_wait_for_a_permission_taken_away_after_the_token_expired(
    open_house: OpenHouse, taken: str
) -> None:
    async with open_house(rules=LATE) as house:
        reply = await house.ada.command("imagine", prompt="a red fox")
        house.discord.world.deny("pictures", Permission[taken])
        # Neither into the reply nor as a new message: a permission that comes back between the two is another story.
        refused = house.discord.requests
        await eventually(lambda: len([it for it in refused if it.status == 403 and it.files]) > 1, PATIENCE_S)
        assert not house.with_pictures()
        house.discord.world.allow("pictures", Permission[taken])
        # The next try comes minutes later, or with a start.
        await house.restart_bot()
        await delivered_once(house, reply, house.ada)


@abreast
async def test_pictures_of_a_member_that_may_no_longer_write_still_come_into_the_reply(open_house: OpenHouse) -> None:
    async with open_house(rules=LATE) as house:
        reply = await house.ada.command("imagine", prompt="a red fox")
        house.discord.world.deny("pictures", Permission.SEND_MESSAGES)
        await delivered_once(house, reply, house.ada)


@abreast
async def test_a_channel_that_is_gone_takes_nothing_along(open_house: OpenHouse) -> None:
    async with open_house(rules=LATE) as house:
        reply = await house.ada.at("general").command("imagine", prompt="a red fox")
        house.discord.world.delete_channel("general")
        await eventually(
            lambda: house.discord.requests.matching(f"PATCH /channels/{reply.message.channel_id}/*"), PATIENCE_S
        )
        await (await house.ada.command("imagine", prompt="elsewhere")).until(with_pictures, PATIENCE_S)
        await house.restart_bot()
        await (await house.ada.command("imagine", prompt="once more")).until(with_pictures, PATIENCE_S)
        assert [it.pictures[0].alt for it in house.with_pictures()] == ["elsewhere", "once more"]
        no_dead_token_was_used(house)


@abreast
async def test_a_thread_archived_after_the_token_expired_gets_a_new_message(open_house: OpenHouse) -> None:
    async with open_house(rules=LATE) as house:
        in_thread = house.ada.at("thread")
        reply = await in_thread.command("imagine", prompt="a red fox")
        house.discord.world.archive("thread")
        await eventually(lambda: [it for it in in_thread.sees() if it.pictures], PATIENCE_S)
        await asyncio.sleep(1)
        assert len([it for it in in_thread.sees() if it.pictures]) == len(house.image_api.accepted) == 1
        assert not reply.pictures


@abreast
async def test_killed_after_the_new_message_it_is_not_posted_again(open_house: OpenHouse) -> None:
    async with open_house(rules=LATE) as house:
        in_thread = house.ada.at("thread")
        await in_thread.command("imagine", prompt="a red fox")
        house.discord.world.archive("thread")
        house.discord.faults.hang("POST /channels/*/messages", processed=True)
        await eventually(lambda: [it for it in in_thread.sees() if it.pictures], PATIENCE_S)
        await house.kill_bot()
        house.discord.faults.clear()
        house.discord.world.archive("thread")
        await house.start_bot()
        await eventually(lambda: rows(house.database, "SELECT state FROM jobs") == [("delivered",)], PATIENCE_S)
        assert len([it for it in in_thread.sees() if it.pictures]) == len(house.image_api.accepted) == 1


@abreast
async def test_pictures_wait_for_a_locked_thread_to_be_opened(open_house: OpenHouse) -> None:
    async with open_house(rules=LATE) as house:
        in_thread = house.ada.at("thread")
        reply = await in_thread.command("imagine", prompt="a red fox")
        house.discord.world.archive("thread", locked=True)
        # Opened before the answer, the thread would take the new message that is just being sent.
        refused = house.discord.requests
        await eventually(lambda: [it for it in refused.matching("POST /channels/*/messages") if it.status], PATIENCE_S)
        house.discord.world.unarchive(house.discord.world.channel("thread"))
        await house.restart_bot()
        await delivered_once(house, reply, in_thread)
