"""Stars under results and the showcase that comes of them, over real sockets: counted right, posted once, removed."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.discord.ids import snowflake
from sandbox.discord.permissions import Permission
from sandbox.discord.places import Channel, ChannelKind
from sandbox.discord.reply import ModalForm, Reply
from tests.acceptance.conftest import House, eventually, picture, says, with_pictures
from tests.acceptance.showcases import (
    choose_showcase,
    gone,
    newcomers,
    painted,
    shown,
    shows_prompts,
    stands,
    star,
    star_of,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

PACE_S = 10.0


@pytest_asyncio.fixture(loop_scope="module", scope="module", autouse=True)
async def old(house: House) -> Reply:
    """A reply of before there was a showcase, which there is from now on."""
    reply = await painted(house.ada, "before there were stars")
    assert star_of(reply.message) == ""
    await choose_showcase(house)
    return reply


async def test_without_a_showcase_there_is_no_star_and_old_replies_get_none(house: House, old: Reply) -> None:
    assert star_of((await painted(house.ada, "with a star")).message) == "☆"
    assert star_of(old.message) == ""
    private = await painted(house.ada, "a private one", private=True)
    in_dm = await painted(house.ada.at("dm"), "a direct one")
    assert [star_of(it.message) for it in (private, in_dm)] == ["", ""]


async def test_a_star_is_given_once_and_taken_back(house: House) -> None:
    reply = await painted(house.ada, "a shy fox")
    assert says("☆ 1 now", "from ☆ 2 on")(await star(house.ben, reply))
    await reply.until(lambda it: star_of(it) == "☆ 1")
    assert says("taken back", "0 stars are left")(await star(house.ben, reply))
    await reply.until(lambda it: star_of(it) == "☆", PACE_S * 2)
    assert reply.pictures
    assert shown(house, "a shy fox") == []


async def test_a_counted_reply_keeps_its_pictures_its_source_and_its_words(house: House, tmp_path: Path) -> None:
    reply = await house.ada.command("edit", prompt="a changed fox", image=picture(tmp_path / "fox.png"), count=3)
    before = await reply.until(with_pictures)
    await star(house.ben, reply)
    after = await reply.until(lambda it: star_of(it) == "☆ 1", PACE_S * 2)
    assert after.text == before.text
    assert [(it.filename, it.alt, it.spoiler) for it in after.pictures] == [
        (it.filename, it.alt, it.spoiler) for it in before.pictures
    ]
    assert [it for it in after.labels if "☆" not in it] == [it for it in before.labels if "☆" not in it]
    again = await house.ben.press(reply, "Again")
    assert await again.until(with_pictures)


@pytest.mark.lengthy
async def test_fifty_stars_at_once_are_counted_right_and_posted_once(house: House) -> None:
    reply = await painted(house.ada, "a famous fox", count=2)
    fans = newcomers(house, 50)
    edits = len(house.discord.requests.matching(f"PATCH /channels/*/messages/{reply.message.id}"))
    await asyncio.gather(*(star(fan, reply) for fan in fans))
    post = await stands(house, "a famous fox")
    await reply.until(lambda it: star_of(it) == "☆ 50", PACE_S * 3)
    patched = house.discord.requests.matching(f"PATCH /channels/*/messages/{reply.message.id}")[edits:]
    pauses = [later.at - earlier.at for earlier, later in itertools.pairwise(patched)]
    assert [pause for pause in pauses if pause < PACE_S] == []
    guild = house.discord.world.channel("pictures").guild
    assert guild is not None
    link = f"https://discord.com/channels/{guild.id}/{reply.message.channel_id}/{reply.message.id}"
    assert says(f"<@{house.ada.user.id}>", link)(post)
    assert [it.alt for it in post.pictures] == ["a famous fox"] * 2
    assert len(reply.pictures) == 2
    assert await house.ada.at("general").press(post, "Remix")
    assert len(shown(house, "a famous fox")) == 1


async def test_a_moderators_star_shows_the_pictures_at_once(house: House) -> None:
    reply = await painted(house.ben, "a humble fox", spoiler=True)
    assert says("are shown in")(await star(house.ada, reply))
    post = await stands(house, "a humble fox")
    assert all(it.spoiler for it in post.pictures)
    form = await house.ben.at("general").press(post, "Remix")
    assert isinstance(form, ModalForm)
    assert form.field("Prompt").value == "a humble fox"


async def test_nobodys_words_are_shown_unasked(house: House) -> None:
    """Neither above the pictures nor as their alternative text; the way to the reply is there all the same."""
    await shows_prompts(house.ben, how="Leave it out")
    reply = await painted(house.ben, "a fox that only Ben knows of")
    await star(house.ada, reply)
    link = f"/{reply.message.channel_id}/{reply.message.id})"
    await eventually(lambda: [it for it in house.ada.at("general").sees() if link in it.text])
    (post,) = [it for it in house.ada.at("general").sees() if link in it.text]
    assert says(f"Made by <@{house.ben.user.id}>")(post)
    assert "only Ben knows" not in str(post.json)
    assert len(post.pictures) == 1
    await shows_prompts(house.ben)


async def test_a_post_goes_when_its_maker_deletes_the_picture(house: House) -> None:
    reply = await painted(house.ben, "a fleeting fox")
    await star(house.ada, reply)
    await stands(house, "a fleeting fox")
    await house.ben.press(await house.ben.press(reply, "Delete"), "Yes, delete")
    await gone(house, "a fleeting fox")


async def test_a_moderator_or_the_maker_takes_a_post_out_and_stars_do_not_bring_it_back(house: House) -> None:
    reply = await painted(house.ada, "a doubtful fox")
    fans = newcomers(house, 4)
    await asyncio.gather(*(star(fan, reply) for fan in fans[:2]))
    post = await stands(house, "a doubtful fox")
    refused = await house.ben.at("general").press(post, "Delete")
    assert says("only")(refused.message) or refused.ephemeral
    assert "Yes, delete" not in refused.message.labels
    asked = await house.ada.at("general").press(post, "Delete")
    await house.ada.at("general").press(asked, "Yes, delete")
    await gone(house, "a doubtful fox")
    assert not reply.deleted
    await star(fans[2], reply)
    await reply.until(lambda it: star_of(it) == "☆ 3", PACE_S * 3)
    assert shown(house, "a doubtful fox") == []
    await star(house.ada, reply)
    await stands(house, "a doubtful fox")


async def test_pictures_on_their_way_into_a_showcase_are_not_cleared_away(house: House) -> None:
    """Somebody's *Delete my data* clears the spool of what belongs to no job: a post in the making is no job."""
    reply = await painted(house.ada, "a fox on its way")
    fault = house.discord.faults.hang("GET /attachments/*")
    try:
        await star(house.ada, reply)
        async with asyncio.timeout(20):
            await fault.struck.wait()
        spool = Path(f"{house.database.removeprefix('sqlite:///')}.spool")
        (folder,) = spool.glob("showcase-*")
        (fan,) = newcomers(house, 1)
        panel = await fan.command("privacy")
        await fan.press(panel, "Delete my data")
        await fan.press(panel, "Yes, delete it")
        await panel.until(says("Your data is deleted"))
        assert folder.is_dir()
    finally:
        house.discord.faults.clear()
    await stands(house, "a fox on its way")
    await eventually(lambda: not list(spool.glob("showcase-*")))


async def test_delete_my_data_removes_ones_posts_and_stars(house: House) -> None:
    reply = await painted(house.ben, "a forgetful fox")
    other = await painted(house.ada, "a lasting fox")
    await star(house.ada, reply)
    await star(house.ben, other)
    await stands(house, "a forgetful fox")
    await other.until(lambda it: star_of(it) == "☆ 1", PACE_S * 2)
    panel = await house.ben.command("privacy")
    await house.ben.press(await house.ben.press(panel, "Delete my data"), "Yes, delete it")
    await gone(house, "a forgetful fox")
    await other.until(lambda it: star_of(it) == "☆", PACE_S * 3)


async def test_pictures_for_adults_stay_among_adults(house: House) -> None:
    world = house.discord.world
    guild = world.channel("pictures").guild
    world.open_channel(Channel(snowflake(), "adults", "adults", ChannelKind.TEXT, guild, nsfw=True))
    reply = await painted(house.ben.at("adults"), "for grown eyes")
    asked = house.discord.requests.matching(f"GET /channels/{reply.message.channel_id}")
    await star(house.ada.at("adults"), reply)
    looks = f"GET /channels/{reply.message.channel_id}"
    await eventually(lambda: len(house.discord.requests.matching(looks)) > len(asked))
    await asyncio.sleep(1.0)
    assert shown(house, "for grown eyes") == []


async def test_a_forum_gets_a_post_for_each_picture(house: House) -> None:
    world = house.discord.world
    world.channel("forum").tag = 4711
    await choose_showcase(house, "forum")
    try:
        reply = await painted(house.ben, "a fox of the forum")
        await star(house.ada, reply)
        await eventually(lambda: [it for it in world.channels.values() if it.name == "a fox of the forum"])
        (thread,) = (it for it in world.channels.values() if it.name == "a fox of the forum")
        post = await stands(house, "a fox of the forum", thread.key)
        assert len(post.pictures) == 1
        await house.ben.press(await house.ben.press(reply, "Delete"), "Yes, delete")
        await eventually(lambda: thread.deleted or not shown(house, "a fox of the forum", thread.key))
    finally:
        await choose_showcase(house)


async def test_missing_permissions_are_told_in_the_settings_and_break_nothing(house: House) -> None:
    world = house.discord.world
    world.deny("general", Permission.SEND_MESSAGES)
    try:
        panel = await house.ada.press(await house.ada.command("settings"), "Look")
        assert says("may not post there", "Send Messages")(panel.message)
        reply = await painted(house.ben, "a patient fox")
        await star(house.ada, reply)
        sent = f"POST /channels/{world.channel('general').id}/messages"
        await eventually(lambda: any(it.status == 403 for it in house.discord.requests.matching(sent)))
        assert reply.pictures
    finally:
        world.allow("general", Permission.SEND_MESSAGES)
    panel = await house.ada.press(await house.ada.command("settings"), "Look")
    assert "may not post" not in panel.message.text


async def test_a_deleted_channel_is_told_in_the_settings_and_breaks_nothing(house: House) -> None:
    world = house.discord.world
    guild = world.channel("pictures").guild
    world.open_channel(Channel(snowflake(), "brief", "brief", ChannelKind.TEXT, guild))
    await choose_showcase(house, "brief")
    world.delete_channel("brief")
    panel = await house.ada.press(await house.ada.command("settings"), "Look")
    assert says("that channel is gone")(panel.message)
    reply = await painted(house.ben, "a homeless fox")
    assert says("☆ 1 now")(await star(house.ada, reply))
    await reply.until(lambda it: star_of(it) == "☆ 1", PACE_S * 2)
    await choose_showcase(house)
    later = await painted(house.ben, "a housed fox")
    await star(house.ada, later)
    await stands(house, "a housed fox")


async def test_starred_pictures_stand_in_the_gallery(house: House) -> None:
    reply = await painted(house.ada, "a gallery fox")
    await painted(house.ada, "an unloved fox")
    await star(house.ben, reply)
    page = await (await house.ben.command("gallery", starred=True)).until(lambda it: bool(it.labels))
    assert says("a gallery fox", "only pictures with stars")(page)
    assert "unloved" not in page.text
    everything = await house.ben.press(page, "All")
    assert says("an unloved fox")(await everything.until(says("an unloved fox")))
    await star(house.ben, await painted(house.ada, "a gallery owl"))
    both = await house.ben.command("gallery", starred=True, search="gallery")
    newest_first = (await both.until(says("a gallery owl"))).text
    assert newest_first.index("a gallery owl") < newest_first.index("a gallery fox")
    one = await house.ben.command("gallery", starred=True, search="gallery fox")
    assert "owl" not in (await one.until(says("a gallery fox"))).text
    none = await house.ben.command("gallery", starred=True, search="unloved")
    await none.until(says("nothing that you may see has these words"))


async def test_the_star_of_an_old_showcase_says_that_there_is_none(house: House) -> None:
    reply = await painted(house.ada, "a late fox")
    reset = await house.ada.say("/settings reset:Look")
    await reset.until(says("none, so pictures have no ☆"))
    assert says("no showcase")(await star(house.ben, reply))
    assert with_pictures(reply.message)
