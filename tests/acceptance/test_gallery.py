"""The gallery over real sockets: pages, links, and above all who is shown nothing."""

from __future__ import annotations

import pytest

from sandbox.discord.ids import snowflake
from sandbox.discord.permissions import Permission
from sandbox.discord.person import Person
from sandbox.discord.places import Channel, ChannelKind
from sandbox.discord.reply import ModalForm, Reply
from sandbox.discord.sight import Message
from tests.acceptance.conftest import House, says, with_pictures

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def painted(person: Person, prompt: str, **options: str | int | bool) -> Reply:
    reply = await person.command("imagine", prompt=prompt, **options)
    await reply.until(with_pictures)
    return reply


def arrived(message: Message) -> bool:
    return not message.loading and "gallery" not in message.text.lower() and bool(message.labels)


async def gallery(person: Person, **options: str | bool) -> Message:
    reply = await person.command("gallery", **options)
    assert reply.ephemeral
    return await reply.until(arrived)


async def turned(person: Person, page: Message, button: str, *, until: str) -> Message:
    reply = await person.press(page, button)
    return await reply.until(says(until))


def opened(house: House, key: str, kind: ChannelKind = ChannelKind.TEXT, *, nsfw: bool = False) -> Channel:
    """A new channel of the server, or a thread of its first one."""
    pictures = house.discord.world.channel("pictures")
    parent = pictures if kind is ChannelKind.PRIVATE_THREAD else None
    people = [house.ada.user, house.discord.world.bot] if parent else []
    made = Channel(snowflake(), key, key, kind, pictures.guild, parent=parent, recipients=people, nsfw=nsfw)
    return house.discord.world.open_channel(made)


async def test_an_empty_gallery_says_so(house: House) -> None:
    assert says("nothing here", "/imagine")(await gallery(house.ben))


async def test_it_pages_through_the_servers_pictures_newest_first_with_links(house: House) -> None:
    replies = [await painted(house.ada, f"fox number {number}", count=1 + number % 2) for number in range(10)]
    page = await gallery(house.ben)
    shown = [line for line in page.text.splitlines() if line.startswith("fox number")]
    assert shown == [f"fox number {number}" for number in range(9, 1, -1)]
    # one small picture for each request, however many it has; nothing large
    assert len(page.pictures) == 8
    assert [picture.alt for picture in page.pictures] == shown
    guild = house.discord.world.channel("pictures").guild
    assert guild is not None
    link = f"https://discord.com/channels/{guild.id}/{house.ada.channel.id}/{replies[9].message.id}"
    assert f"2 pictures · [Open]({link})" in page.text
    older = await turned(house.ben, page, "Older ▶", until="fox number 1")
    assert "fox number 2" not in older.text
    assert says("fox number 0")(older)
    back = await turned(house.ben, older, "◀ Newer", until="fox number 9")
    assert "fox number 1" not in back.text


async def test_a_page_turned_after_a_restart_still_turns(house: House) -> None:
    page = await gallery(house.ben)
    await house.restart_bot()
    assert says("fox number 0")(await turned(house.ben, page, "Older ▶", until="fox number 1"))


async def test_one_members_pictures_and_ones_own(house: House) -> None:
    await painted(house.ben, "a hat of Ben's")
    assert says("a hat of Ben's", "fox number 5")(await gallery(house.ada))
    own = await gallery(house.ben, mine=True)
    assert says("my pictures", "a hat of Ben's")(own)
    assert "fox" not in own.text
    page = await gallery(house.ada, member=str(house.ben.user.id))
    assert "fox" not in page.text
    assert says("a hat of Ben's")(page)
    chosen = await house.ada.choose(page, "Pictures of one member", str(house.ada.user.id))
    assert "a hat" not in (await chosen.until(says("fox number 5"))).text


async def test_a_day_is_gone_to_and_nonsense_is_told_so(house: House) -> None:
    assert says("nothing here")(await gallery(house.ben, date="2020-01-01"))
    page = await gallery(house.ben, date="2099-01-01")
    assert says("fox number 5")(page)
    form = await house.ben.press(page, "Go to a date")
    assert isinstance(form, ModalForm)
    before = await house.ben.submit(form, Date="2020-01-01")
    assert says("nothing here")(await before.until(says("nothing here")))
    wrong = await house.ben.command("gallery", date="tomorrow!")
    assert says("not a date")(wrong.message)


async def test_pictures_of_a_channel_that_one_cannot_see_are_never_shown(house: House) -> None:
    world = house.discord.world
    opened(house, "secret")
    world.deny("secret", Permission.VIEW_CHANNEL, "Ben")
    for number in range(6):
        await painted(house.ada.at("secret"), f"hidden plan {number}")
    assert says("hidden plan 5")(await gallery(house.ada))
    page = await gallery(house.ben)
    assert "hidden" not in page.text
    assert says("a hat of Ben's", "fox number 5")(page)
    # a page that Ben has open must not show more than he may see by then
    ben = house.ben.at("general")
    open_page = await gallery(ben)
    world.deny("pictures", Permission.VIEW_CHANNEL, "Ben")
    assert "fox" not in (await turned(ben, open_page, "Older ▶", until="nothing here")).text
    world.allow("pictures", Permission.VIEW_CHANNEL, "Ben")


async def test_a_forged_click_shows_nothing_of_what_is_hidden(house: House) -> None:
    page = await gallery(house.ben, member=str(house.ada.user.id))
    assert "hidden" not in page.text
    newest = await turned(house.ben, page, "Mine", until="my pictures")
    assert "hidden" not in newest.text


async def test_private_threads_are_for_those_in_them(house: House) -> None:
    opened(house, "whispers", ChannelKind.PRIVATE_THREAD)
    await painted(house.ada.at("whispers"), "a whispered word")
    assert says("a whispered word")(await gallery(house.ada))
    assert "whispered" not in (await gallery(house.ben)).text


async def test_age_restricted_pictures_stay_where_they_are_allowed(house: House) -> None:
    opened(house, "adults", nsfw=True)
    await painted(house.ada.at("adults"), "for grown eyes")
    assert "grown" not in (await gallery(house.ben)).text
    assert says("for grown eyes")(await gallery(house.ben.at("adults")))


async def test_deleted_replies_are_left_out_and_the_page_is_filled_up(house: House) -> None:
    reply = await painted(house.ben, "soon gone")
    await house.ben.press(await house.ben.press(reply, "Delete"), "Yes, delete")
    other = await painted(house.ben, "gone by other hands")
    await house.ada.delete(other)
    page = await gallery(house.ben)
    assert "gone" not in page.text
    assert len(page.pictures) == 8


async def test_private_replies_are_told_to_their_requester_only_and_without_pictures(house: House) -> None:
    await painted(house.ben, "between us", private=True)
    assert "between us" not in (await gallery(house.ada)).text
    assert "between us" not in (await gallery(house.ben)).text
    own = await gallery(house.ben, mine=True)
    assert says("between us", "a private reply")(own)


async def test_spoilers_stay_covered_and_hostile_words_stay_text(house: House) -> None:
    await painted(house.ben, "**@everyone** <@1> [x](http://evil) \u202e ⚡ " * 90, spoiler=True, count=2)
    page = await gallery(house.ada)
    assert [picture.spoiler for picture in page.pictures[:2]] == [True, False]
    assert "\\<@1\\>" in page.text
    assert "**@everyone" not in page.text


async def test_in_direct_messages_everyone_sees_their_own(house: House) -> None:
    await painted(house.ben.at("dm"), "only for me")
    page = await gallery(house.ben.at("dm"))
    assert says("my pictures", "only for me")(page)
    assert "fox" not in page.text
    assert "only for me" not in (await gallery(house.ada)).text


async def test_where_easel_is_no_member_it_says_what_it_cannot_fetch(house: House) -> None:
    await painted(house.ada.at("elsewhere"), "far away")
    page = await gallery(house.ada.at("elsewhere"))
    assert says("far away", "not a member there")(page)


async def test_a_voice_channel_is_shown_to_those_who_may_connect(house: House) -> None:
    opened(house, "lounge", ChannelKind.VOICE)
    await painted(house.ada.at("lounge"), "a fox in the lounge")
    assert says("fox in the lounge")(await gallery(house.ben))
    house.discord.world.deny("lounge", Permission.CONNECT, "Ben")
    assert not says("fox in the lounge")(await gallery(house.ben))
    house.discord.world.delete_channel("lounge")
