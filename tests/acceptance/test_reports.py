"""Report on a delivered picture, and what moderators do with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from sandbox.discord.interactions import InteractionKind
from sandbox.discord.permissions import Permission
from sandbox.discord.person import Person
from sandbox.discord.places import Overwrite
from sandbox.discord.reply import ModalForm, Reply
from sandbox.discord.sight import Message
from sandbox.image_api.latency import Latency
from tests.acceptance.conftest import House, OpenHouse, eventually, final, house_in, says, typed, with_pictures

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROMPT = "a **fox** @everyone"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house whose reports go to #general."""
    async with house_in(tmp_path_factory.mktemp("house"), variables={"MAX_JOBS_PER_USER": "50"}) as whole:
        await typed(whole, "/settings report_channel:#general")
        yield whole


async def painted(house: House, who: Person | None = None) -> Reply:
    reply = await (who or house.ben).command("imagine", prompt=PROMPT)
    await reply.until(with_pictures)
    return reply


async def report(who: Person, picture: Reply | Message, reason: str = "") -> Message:
    """Press Report in the picture's details and send the form; the answer."""
    details = await who.press(picture, "Details")
    form = await who.press(details, "Report")
    assert isinstance(form, ModalForm)
    answer = await who.submit(form, {"What is wrong with it?": reason})
    assert answer.ephemeral
    return await answer.until(lambda message: not message.loading)


def reports(house: House) -> list[Message]:
    return [one for one in house.ada.at("general").sees() if says("was reported")(one)]


async def clicked(house: House, who: Person, custom_id: str, message: Message) -> Reply:
    """What a tampered client sends."""
    stored = house.discord.world.messages.get(message.id)
    data: dict[str, Any] = {"custom_id": custom_id, "component_type": 2}
    interaction = house.discord.interactions.open(InteractionKind.COMPONENT, who.user, who.channel, data, source=stored)
    answer = await house.discord.interactions.outcome(interaction)
    return Reply(house.discord.world, interaction, answer.message if answer else None)


async def test_a_report_tells_moderators_all_they_need(house: House) -> None:
    before = len(reports(house))
    picture = await painted(house)
    assert says("thank you")(await report(house.ada, picture, "It shows *my* face @everyone"))
    assert len(reports(house)) == before + 1
    shown = reports(house)[-1]
    guild = picture.message.json.get("guild_id") or house.discord.world.channel("pictures").guild.id  # pyright: ignore[reportOptionalMemberAccess]
    link = f"https://discord.com/channels/{guild}/{picture.message.channel_id}/{picture.message.id}"
    assert says(link, f"<@{house.ben.user.id}>", f"Reported by <@{house.ada.user.id}>")(shown)
    assert "\\*\\*fox\\*\\*" in shown.text
    assert "@everyone" not in shown.text
    assert shown.labels == ["Delete picture", "Block requester", "All fine"]
    assert "> It shows \\*my\\* face" in shown.text
    assert [it.spoiler for it in shown.pictures] == [True]  # covered: whoever looks, chooses to
    assert shown.pictures[0].url.partition("?")[0] == picture.message.pictures[0].url.partition("?")[0]


async def test_a_moderator_lets_a_picture_stand_and_may_change_their_mind(house: House) -> None:
    picture = await painted(house)
    await report(house.ada, picture, "dull")
    dealt = await house.ada.at("general").press(reports(house)[-1], "All fine")
    done = await dealt.until(says("All fine, says", f"<@{house.ada.user.id}>", "> dull"))
    assert done.labels == ["Delete picture", "Block requester"]
    assert done.pictures
    assert not picture.deleted
    await report(house.ben, picture, "not dull at all")
    joined = reports(house)[-1]
    assert says("All fine, says", "> dull", "> not dull at all", f"<@{house.ben.user.id}>")(joined)
    dealt = await house.ada.at("general").press(joined, "Delete picture")
    gone = await dealt.until(says("Picture deleted by"))
    assert not gone.pictures
    assert picture.deleted


async def test_reporting_twice_makes_no_second_post_and_others_join_the_first(house: House) -> None:
    before = len(reports(house))
    picture = await painted(house)
    await report(house.ada, picture)
    assert says("already")(await report(house.ada, picture))
    await report(house.ben, picture)
    await house.restart_bot()
    assert says("already")(await report(house.ben, picture))
    assert len(reports(house)) == before + 1
    assert says(f"Reported by <@{house.ada.user.id}> <@{house.ben.user.id}>")(reports(house)[-1])


async def test_a_moderator_deletes_the_picture_from_the_report(house: House) -> None:
    picture = await painted(house)
    await report(house.ben, picture)
    shown = reports(house)[-1]
    moderator = house.ada.at("general")
    dealt = await moderator.press(shown, "Delete picture")
    done = await dealt.until(says("Picture deleted by", f"<@{house.ada.user.id}>"))
    assert picture.deleted
    assert done.labels == ["Block requester", "All fine"]
    assert not done.pictures
    refusal = await clicked(house, moderator, deletion_of(shown), shown)
    await eventually(lambda: refusal.follow_ups)
    assert says("dealt with already")(refusal.follow_ups[0])


async def test_a_picture_that_is_gone_counts_as_deleted(house: House) -> None:
    picture = await painted(house)
    await report(house.ada, picture)
    await house.ada.delete(picture)
    dealt = await house.ada.at("general").press(reports(house)[-1], "Delete picture")
    await dealt.until(says("Picture deleted by"))


async def test_a_moderator_blocks_the_requester_from_the_report(house: House) -> None:
    picture = await painted(house)
    await report(house.ada, picture)
    dealt = await house.ada.at("general").press(reports(house)[-1], "Block requester")
    done = await dealt.until(says("Requester blocked by"))
    assert done.labels == ["Delete picture", "All fine"]
    refusal = await house.ben.command("imagine", prompt="a fox")
    assert refusal.ephemeral
    unblocked = await house.ada.user_menu("Unblock from Easel", "Ben")
    await unblocked.until(says("again"))


async def test_members_cannot_deal_with_reports_nor_can_other_servers(house: House) -> None:
    picture = await painted(house, house.ada)
    await report(house.ben, picture)
    shown = reports(house)[-1]
    member = house.ben.at("general")
    for button in ("Delete picture", "Block requester", "All fine"):
        refusal = await member.press(shown, button)
        assert says("Manage Messages")(refusal.message)
    world = house.discord.world
    abroad = world.channel("elsewhere").guild
    assert abroad is not None
    world.add_member(abroad, world.bot)
    await house.restart_bot()
    stranger = house.ben.at("elsewhere")  # he owns that server
    panel = await stranger.command("settings")
    refusal = await clicked(house, stranger, deletion_of(shown), panel.message)
    await eventually(lambda: refusal.follow_ups)
    assert says("no report of this server")(refusal.follow_ups[0])
    assert not picture.deleted
    assert says("Settings for")(panel.message)


async def test_a_manager_cannot_turn_another_message_into_a_report(house: House) -> None:
    picture = await painted(house)
    await report(house.ada, picture)
    refusal = await clicked(house, house.ada, deletion_of(reports(house)[-1]), picture.message)
    assert refusal.ephemeral
    assert says("no longer read")(refusal.message)
    assert not picture.deleted


async def test_a_channel_that_takes_no_report_is_told_kindly(house: House) -> None:
    picture = await painted(house)
    house.discord.world.deny("general", Permission.SEND_MESSAGES)
    try:
        assert says("could not be posted", "moderator")(await report(house.ada, picture))
    finally:
        house.discord.world.allow("general", Permission.SEND_MESSAGES)
    assert says("thank you")(await report(house.ada, picture))


async def test_there_is_no_report_without_a_channel_nor_on_private_pictures(house: House) -> None:
    private = await house.ben.command("imagine", prompt="a fox", private=True)
    await private.until(with_pictures)
    assert "Report" not in (await house.ben.press(private, "Details")).labels
    in_dm = await house.ben.at("dm").command("imagine", prompt="a fox")
    await in_dm.until(with_pictures)
    assert "Report" not in (await house.ben.at("dm").press(in_dm, "Details")).labels
    picture = await painted(house)
    open_details = await house.ada.press(picture, "Details")
    lifted = await house.ada.say("/settings reset:Safety")
    await lifted.until(lambda message: not message.loading)
    assert "Report" not in (await house.ada.press(picture, "Details")).labels
    answer = await house.ada.press(open_details, "Report")
    await answer.until(says("does not take reports"))


async def test_a_channel_that_everyone_reads_is_warned_of_where_it_is_chosen(house: House) -> None:
    chosen = await house.ada.say("/settings report_channel:#general")
    assert says("everyone here can read that channel")(await chosen.until(says("Channel for reports")))
    general = house.discord.world.channel("general")
    assert general.guild is not None
    general.overwrites[general.guild.id] = Overwrite(is_member=False, deny=Permission.VIEW_CHANNEL)
    house.discord.world.allow("general", Permission.VIEW_CHANNEL)  # Easel itself; and the gateway tells it
    try:
        chosen = await house.ada.say("/settings report_channel:#general")
        assert not says("everyone here can read")(await chosen.until(says("Channel for reports")))
    finally:
        del general.overwrites[general.guild.id]
        house.discord.world.allow("general", Permission.VIEW_CHANNEL)


async def test_blocking_cancels_what_waits_uncharged_and_lets_what_is_painted_come(open_house: OpenHouse) -> None:
    async with open_house(variables={"MAX_ACTIVE_JOBS": "1"}, latency=Latency.fixed(2.0)) as house:
        running = await house.ben.command("imagine", prompt="a fox")
        await running.until(says("Painting"))
        waiting = await house.ben.command("imagine", prompt="an owl")
        blocked = await house.ada.user_menu("Block from Easel", "Ben")
        await blocked.until(says("no longer use", "One request in line was cancelled"))
        ended = await waiting.until(final)
        assert says("Cancelled", "Nothing was charged")(ended)
        await running.until(with_pictures)
        assert len(house.submissions()) == 1


def deletion_of(shown: Message) -> str:
    return next(button.custom_id or "" for button in shown.buttons if button.label == "Delete picture")
