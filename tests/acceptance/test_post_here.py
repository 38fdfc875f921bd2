"""Post here: a private result becomes a public reply, once, under the place's rules, and nothing is bought."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sandbox.discord.ids import snowflake
from sandbox.discord.permissions import Permission
from sandbox.discord.person import Person
from sandbox.discord.places import Channel, ChannelKind
from sandbox.discord.reply import Reply
from sandbox.discord.rules import DEFAULT_RULES
from sandbox.discord.sight import Message
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import PATIENCE_S, House, OpenHouse, eventually, picture, says, typed, with_pictures
from tests.bots.forked import ForkedBot
from tests.databases import KINDS, execute, rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

POST = "Post here"
RESULT_BUTTONS = ["Again", "Remix", "Edit", "Details", "Delete"]
ACKNOWLEDGEMENTS = "POST /interactions/*/callback"
FAILED_POSTS = "SELECT 1 FROM jobs WHERE state = 'failed' AND parent_id IS NOT NULL"
UPLOADS = "PATCH /webhooks/*/messages/@original"  # the private message is edited by its id


async def in_private(person: Person, prompt: str, **options: str | int | bool) -> Reply:
    reply = await person.command("imagine", prompt=prompt, private=True, **options)
    await reply.until(with_pictures)
    assert reply.ephemeral
    assert reply.labels == [*RESULT_BUTTONS, POST]
    return reply


def posts(house: House, prompt: str, place: str = "pictures") -> list[Message]:
    """The public messages with this prompt, as a member without special rights sees them."""
    return [it for it in house.ben.at(place).sees() if prompt in it.text and not it.ephemeral]


def entries(house: House) -> list[tuple[object, ...]]:
    return rows(house.database, "SELECT job_id, pictures, cost_micros FROM ledger ORDER BY job_id")


async def test_a_private_result_becomes_an_ordinary_public_reply(house: House) -> None:
    private = await in_private(house.ada, "a posted fox", count=2)
    bought, entered = len(house.submissions()), entries(house)
    used = (await house.ada.command("usage")).text
    reply = await house.ada.press(private, POST)
    assert not reply.ephemeral
    assert says("a posted fox")(reply.states[0])
    message = await reply.until(with_pictures)
    assert message.labels == RESULT_BUTTONS
    assert [it.alt for it in message.pictures] == ["a posted fox"] * 2
    assert says(f"<@{house.ada.user.id}>")(message)
    await eventually(lambda: POST not in private.labels)
    assert private.labels == RESULT_BUTTONS
    assert len(private.pictures) == 2
    assert (len(house.submissions()), entries(house)) == (bought, entered)
    assert (await house.ada.command("usage")).text == used


async def test_a_posted_reply_stands_in_the_gallery_and_its_buttons_work(house: House) -> None:
    reply = await house.ada.press(await in_private(house.ada, "a listed fox"), POST)
    await reply.until(with_pictures)
    gallery = await house.ben.command("gallery")
    assert says("a listed fox")(await gallery.until(says("a listed fox")))
    again = await house.ben.press(reply, "Again")
    assert await again.until(with_pictures)
    assert not again.ephemeral
    details = await house.ada.press(reply, "Details")
    assert says("a listed fox", "$0.00")(details.message) or says("a listed fox")(details.message)
    await house.ada.press(await house.ada.press(reply, "Delete"), "Yes, delete")
    await eventually(lambda: reply.deleted)


async def test_an_edit_is_posted_with_its_source(house: House, tmp_path: Path) -> None:
    private = await house.ada.command("edit", prompt="in snow", image=picture(tmp_path / "a.png"), private=True)
    await private.until(with_pictures)
    reply = await house.ada.press(private, POST)
    message = await reply.until(with_pictures)
    names = [it.filename.partition(".")[0] for it in message.pictures]
    assert sorted(names) == ["picture-1", "source-1"]
    assert await (await house.ben.press(reply, "Again")).until(with_pictures)


async def test_pressed_twice_at_once_it_is_posted_once(house: House) -> None:
    private = await in_private(house.ada, "a hasty fox")
    first, second = await asyncio.gather(house.ada.press(private, POST), house.ada.press(private, POST))
    public, told = (first, second) if second.ephemeral else (second, first)
    assert not public.ephemeral
    assert told.ephemeral
    await public.until(with_pictures)
    await eventually(lambda: POST not in private.labels)
    assert len(posts(house, "a hasty fox")) == 1


async def test_a_post_that_did_not_come_about_leaves_the_button(house: House) -> None:
    private = await in_private(house.ada, "a stubborn fox")
    fault = house.discord.faults.hang(UPLOADS)
    reply = await house.ada.press(private, POST)
    async with asyncio.timeout(PATIENCE_S):
        await fault.struck.wait()
    told = await house.ada.press(private, POST)
    assert says("just being posted")(told.message)
    await house.ada.delete(reply)
    house.discord.faults.clear()
    await eventually(lambda: rows(house.database, FAILED_POSTS), PATIENCE_S)
    await asyncio.sleep(2)
    assert POST in private.message.labels
    again = await house.ada.press(private, POST)
    await again.until(with_pictures)
    await eventually(lambda: POST not in private.labels)
    assert len(posts(house, "a stubborn fox")) == 1


async def test_a_button_that_is_still_there_says_where_the_pictures_are(house: House) -> None:
    private = await in_private(house.ada, "a found fox")
    shown = await house.ada.press(await house.ada.command("jobs"), "Show pictures")
    await shown.until(with_pictures)
    assert POST in shown.labels
    reply = await house.ada.press(private, POST)
    await reply.until(with_pictures)
    told = await house.ada.press(shown, POST)
    assert told.ephemeral
    assert says("posted already", str(reply.message.id))(told.message)
    await eventually(lambda: POST not in shown.labels)
    assert len(posts(house, "a found fox")) == 1


async def test_pictures_that_were_brought_by_jobs_can_be_posted(house: House) -> None:
    await in_private(house.ada, "a brought fox")
    shown = await house.ada.press(await house.ada.command("jobs"), "Show pictures")
    await shown.until(with_pictures)
    assert await (await house.ada.press(shown, POST)).until(with_pictures)
    await eventually(lambda: POST not in shown.labels)


async def test_there_is_no_button_in_direct_messages_nor_under_public_replies(house: House) -> None:
    for reply in (
        await house.ada.at("dm").command("imagine", prompt="a direct fox", private=True),
        await house.ada.command("imagine", prompt="a public fox"),
    ):
        assert POST not in (await reply.until(with_pictures)).labels


async def test_when_the_service_has_the_pictures_no_more_those_of_the_message_are_posted(house: House) -> None:
    private = await in_private(house.ada, "an old fox")
    gone = """UPDATE jobs SET result_urls = '["http://127.0.0.1:9/gone"]', task_id = NULL"""
    execute(house.database, f"{gone} WHERE request LIKE '%an old fox%'")
    assert await (await house.ada.press(private, POST)).until(with_pictures)


async def test_it_follows_the_rules_of_the_place(house: House) -> None:
    private = await in_private(house.ben, "a ruled fox")
    before = len(posts(house, "a ruled fox"))
    for set_it, lift, words in (
        ("block_member:@Ben", "block_member:@Ben remove:True", "may not use Easel"),
        ("block_word:ruled", "block_word:ruled remove:True", "word"),
        ("allow_channel:#general", "allow_channel:#general remove:True", "#"),
        ("private_only:True", "reset:look", "private here"),
    ):
        await typed(house, f"/settings {set_it}")
        refused = await house.ben.press(private, POST)
        await typed(house, f"/settings {lift}")
        assert refused.ephemeral, set_it
        assert says(words)(refused.message), (set_it, refused.text)
        assert len(posts(house, "a ruled fox")) == before
    await typed(house, "/settings spoiler:always covered")
    covered = await (await house.ben.press(private, POST)).until(with_pictures)
    await typed(house, "/settings reset:look")
    assert all(it.spoiler for it in covered.pictures)


async def test_pictures_for_adults_stay_among_adults(house: House) -> None:
    world = house.discord.world
    world.open_channel(
        Channel(snowflake(), "adults", "adults", ChannelKind.TEXT, world.channel("pictures").guild, nsfw=True)
    )
    await in_private(house.ben.at("adults"), "for grown eyes")
    shown = await house.ben.press(await house.ben.command("jobs"), "Show pictures")
    await shown.until(with_pictures)
    refused = await house.ben.press(shown, POST)
    assert refused.ephemeral
    assert says("age-restricted")(refused.message)


async def test_it_speaks_the_readers_language(house: House) -> None:
    house.ben.user.locale = "de"
    try:
        private = await house.ben.command("imagine", prompt="ein fuchs", private=True)
        message = await private.until(with_pictures)
        assert "Hier posten" in message.labels
        assert await (await house.ben.press(private, "Hier posten")).until(with_pictures)
    finally:
        house.ben.user.locale = "en-US"


async def test_where_the_bot_may_not_write_the_clicks_token_posts(house: House) -> None:
    private = await in_private(house.ada, "a silent fox")
    channel = house.discord.world.channel("pictures")
    guild = channel.guild
    assert guild is not None
    everyone = guild.roles[guild.id]
    granted = everyone.permissions
    everyone.permissions = granted & ~Permission.SEND_MESSAGES
    try:
        assert await (await house.ada.press(private, POST)).until(with_pictures)
    finally:
        everyone.permissions = granted


@pytest.mark.parametrize("kind", KINDS)
@abreast
async def test_killed_before_the_upload_it_is_posted_once(open_house: OpenHouse, kind: str) -> None:
    async with open_house(kind) as house:
        private = await in_private(house.ada, "a killed fox")
        fault = house.discord.faults.hang(UPLOADS)
        reply = await house.ada.press(private, POST)
        await fault.struck.wait()
        await house.kill_bot()
        house.discord.faults.clear()
        await house.start_bot()
        await reply.until(with_pictures)
        await asyncio.sleep(1)
        assert len(posts(house, "a killed fox")) == 1
        assert len(house.image_api.accepted) == 1
        again = await house.ada.press(private, POST) if POST in private.labels else None
        assert again is None or says("posted already")(again.message)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("processed", [True, False])
@abreast
async def test_killed_with_the_acknowledgement_on_its_way(open_house: OpenHouse, kind: str, processed: bool) -> None:
    async with open_house(kind, rules=DEFAULT_RULES) as house:
        private = await in_private(house.ada, "a cut fox")
        fault = house.discord.faults.hang(ACKNOWLEDGEMENTS, processed=processed)
        pressing = asyncio.create_task(house.ada.press(private, POST))
        await fault.struck.wait()
        await house.kill_bot()
        house.discord.faults.clear()
        reply = await pressing
        await house.start_bot()
        if not processed:
            await eventually(lambda: rows(house.database, "SELECT 1 FROM jobs WHERE state = 'failed'"))
            reply = await house.ada.press(private, POST)
        await reply.until(with_pictures)
        assert len(posts(house, "a cut fox")) == 1
        assert len(house.image_api.accepted) == 1
        assert len(entries(house)) == 1


@pytest.mark.parametrize("kind", KINDS)
@abreast
async def test_killed_after_the_upload_arrived_nothing_is_posted_again(open_house: OpenHouse, kind: str) -> None:
    async with open_house(kind) as house:
        private = await in_private(house.ada, "a late fox")
        taken = house.discord.faults.hang(UPLOADS, processed=True)
        reply = await house.ada.press(private, POST)
        await reply.until(with_pictures)
        await taken.struck.wait()
        await house.kill_bot()
        house.discord.faults.clear()
        await house.start_bot()
        await eventually(lambda: not rows(house.database, "SELECT 1 FROM jobs WHERE state = 'delivering'"))
        assert len(posts(house, "a late fox")) == 1
        assert len(posts(house, "a late fox")[0].pictures) == 1


@abreast
async def test_of_two_processes_that_have_every_press_one_posts(open_house: OpenHouse) -> None:
    """As in a redeploy: both get both presses of a double click."""
    async with open_house("postgresql", variables={"MAX_JOBS_PER_USER": "50"}) as house:
        second = ForkedBot(
            {
                "DISCORD_TOKEN": house.discord.token,
                "DISCORD_API_URL": house.discord.api_url,
                "DATABASE_URL": house.database,
                "UNIALL_API_KEY": "sandbox",
                "UNIALL_BASE_URL": house.image_api.base_url,
                "LOG_LEVEL": "WARNING",
                "MAX_JOBS_PER_USER": "50",
            }
        )
        try:
            await second.start()
            await house.discord.wait_for_bot(PATIENCE_S, sessions=2)
            for number in range(4):
                prompt = f"a doubled fox {number}"
                private = await in_private(house.ada, prompt)
                replies = await asyncio.gather(house.ada.press(private, POST), house.ada.press(private, POST))
                await eventually(lambda prompt=prompt: any(it.pictures for it in posts(house, prompt)))
                assert [it.error for it in replies if it.error] == []
                assert [it.ephemeral for it in replies].count(False) == 1
            await asyncio.sleep(1)
            assert [len(posts(house, f"a doubled fox {number}")) for number in range(4)] == [1] * 4
            assert len(house.image_api.accepted) == len(entries(house)) == 4
        finally:
            await second.stop()


async def test_somebodys_own_app_posts_where_discord_shows_it_to_everybody(house: House) -> None:
    away = house.ada.at("elsewhere")
    private = await in_private(away, "a travelling fox")
    assert await (await away.press(private, POST)).until(with_pictures)
    private = await in_private(away, "a hidden fox")
    guild = house.discord.world.channel("elsewhere").guild
    assert guild is not None
    everyone = guild.roles[guild.id]
    granted = everyone.permissions
    everyone.permissions = granted & ~Permission.USE_EXTERNAL_APPS
    try:
        refused = await away.press(private, POST)
        assert refused.ephemeral
        assert says("only you would see")(refused.message)
    finally:
        everyone.permissions = granted


async def test_delete_my_data_takes_posts_along(house: House) -> None:
    reply = await house.ben.press(await in_private(house.ben, "a forgotten fox"), POST)
    await reply.until(with_pictures)
    panel = await house.ben.command("privacy")
    await house.ben.press(await house.ben.press(panel, "Delete my data"), "Yes, delete it")
    await eventually(lambda: not rows(house.database, "SELECT 1 FROM jobs WHERE request LIKE '%a forgotten fox%'"))
