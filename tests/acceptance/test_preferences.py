"""`/preferences`: notices of finished pictures, the preset that is used unasked, and who may edit one's pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from sandbox.discord.person import Person
from sandbox.discord.reply import ModalForm, Reply
from sandbox.discord.sight import Message
from sandbox.image_api.latency import Latency
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import LONG_AGO, House, OpenHouse, eventually, picture, says, with_pictures
from tests.acceptance.workers import a_worker
from tests.databases import KINDS, execute, rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

POSTS = "POST /channels/*/messages"
QUIET_S = 3.0  # three times as long as a notice may take to be seen


async def choose(person: Person, menu: str, choice: str) -> Reply:
    """Open the panel and pick one choice; the panel then shows what holds."""
    return await person.choose(await person.command("preferences"), menu, choice)


def chosen(panel: Reply, menu: str) -> list[str]:
    """What a menu of the panel shows as chosen."""
    [found] = [it for it in panel.message.menus if menu in {it.custom_id, it.placeholder}]
    return [label for label, value in found.options if value in found.chosen]


def notices(house: House, person: Person) -> list[Message]:
    """Messages in the first channel that mention somebody and are no reply to a command."""
    return [it for it in house.ada.sees() if it.text.startswith(f"<@{person.user.id}> ")]


def posts(house: House) -> list[dict[str, Any]]:
    """What the bot posted as messages of their own that Discord took."""
    found = [it for it in house.discord.requests if it.method == "POST" and it.path.endswith("/messages")]
    return [cast("dict[str, Any]", it.json) for it in found if it.path.startswith("/channels/")]


async def painted(person: Person, **options: Any) -> Reply:
    reply = await person.command("imagine", **{"prompt": "a red fox", **options})
    await reply.until(with_pictures)
    return reply


async def test_the_panel_is_private_keeps_each_choice_at_once_and_outlives_a_restart(house: House) -> None:
    panel = await house.ben.command("preferences")
    assert panel.ephemeral
    assert (chosen(panel, "Notify me"), chosen(panel, "Preset")) == (["Never"], ["No preset"])
    assert chosen(panel, "Who may edit my pictures") == ["As the server says"]
    await house.ben.choose(panel, "Notify me", "When it takes long")
    await house.restart_bot()
    await house.ben.choose(panel, "Who may edit my pictures", "Anyone")
    again = await house.ben.command("preferences")
    for shown in (panel, again):
        assert chosen(shown, "Notify me") == ["When it takes long"]
        assert chosen(shown, "Who may edit my pictures") == ["Anyone"]
    others = await house.ada.command("preferences")
    assert chosen(others, "Notify me") == ["Never"]
    lifted = await choose(house.ben, "Who may edit my pictures", "As the server says")
    assert chosen(lifted, "Who may edit my pictures") == ["As the server says"]
    await choose(house.ben, "Notify me", "Never")


async def test_forged_choices_change_nothing(house: House) -> None:
    panel = await house.ben.command("preferences")
    for forged in ("edits:everyone", "notify", "preset:someone-elses", "preset:more:x", "colour:red"):
        await house.ben.forge(panel, f"easel-preferences:{forged}")
    assert chosen(await house.ben.command("preferences"), "Who may edit my pictures") == ["As the server says"]


async def test_always_mentions_the_requester_alone_in_an_answer_to_the_pictures(house: House) -> None:
    await choose(house.ben, "Notify me", "Always")
    before = len(posts(house))
    try:
        reply = await painted(house.ben, prompt="@everyone <@1> a fox", count=2)
        await eventually(lambda: len(notices(house, house.ben)) == 1)
        [message] = notices(house, house.ben)
        assert message.text == f"<@{house.ben.user.id}> Your 2 pictures are ready."
        [post] = posts(house)[before:]
        assert post["message_reference"]["message_id"] == reply.message.id
        allowed = post["allowed_mentions"]
        assert [int(it) for it in allowed["users"]] == [house.ben.user.id]
        assert not allowed.get("parse")
        assert not allowed.get("replied_user")
        assert post["enforce_nonce"] is True
        await painted(house.ben, private=True)
        await painted(house.ada)  # who never asked for it
        await asyncio.sleep(QUIET_S)
        assert len(posts(house)) == before + 1
    finally:
        await choose(house.ben, "Notify me", "Never")


async def test_it_speaks_the_language_of_its_reply(house: House) -> None:
    await choose(house.ada, "Notify me", "Always")
    house.ada.user.locale = "de"
    try:
        panel = await house.ada.say("/vorlieben")
        assert says("deine vorlieben", "benachrichtige mich")(panel.message)
        reply = await house.ada.command("imagine", prompt="ein Fuchs")
        await reply.until(with_pictures)
        await eventually(lambda: notices(house, house.ada))
        assert notices(house, house.ada)[-1].text.endswith("Dein Bild ist fertig.")
    finally:
        house.ada.user.locale = "en-US"
        await choose(house.ada, "Notify me", "Never")


async def test_a_failure_is_no_reason_to_mention_anybody(house: House) -> None:
    await choose(house.ben, "Notify me", "Always")
    before = len(posts(house))
    try:
        reply = await house.ben.command("imagine", prompt="a fox [[refuse]]")
        await reply.until(lambda message: "Cancel" not in message.labels and not message.loading)
        assert not reply.pictures
        await asyncio.sleep(QUIET_S)
        assert len(posts(house)) == before
    finally:
        await choose(house.ben, "Notify me", "Never")


@pytest.mark.parametrize("kind", KINDS)
@abreast
async def test_when_it_takes_long_counts_from_the_acknowledgement(open_house: OpenHouse, kind: str) -> None:
    """A request that came more than a minute ago is announced, one that was quick is not."""
    async with open_house(kind, latency=Latency.fixed(2.5)) as house:
        await choose(house.ben, "Notify me", "When it takes long")
        slow = await house.ben.command("imagine", prompt="slow")
        await eventually(lambda: rows(house.database, "SELECT state FROM jobs") == [("painting",)])
        await house.kill_bot()
        await asyncio.to_thread(execute, house.database, f"UPDATE jobs SET received_at = '{LONG_AGO}'")
        await house.start_bot()
        await slow.until(with_pictures)
        await eventually(lambda: len(notices(house, house.ben)) == 1)
        quick = await painted(house.ben, prompt="quick")
        await asyncio.sleep(QUIET_S)
        assert [it["message_reference"]["message_id"] for it in posts(house)] == [slow.message.id]
        assert quick.pictures
        assert rows(house.database, "SELECT * FROM notices") == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("arrived", [False, True])
@abreast
async def test_killed_on_the_way_of_the_notice_it_comes_once(open_house: OpenHouse, kind: str, arrived: bool) -> None:
    async with open_house(kind) as house:
        await choose(house.ben, "Notify me", "Always")
        fault = house.discord.faults.hang(POSTS, processed=arrived)
        reply = await house.ben.command("imagine", prompt="a red fox")
        await reply.until(with_pictures)
        await fault.struck.wait()
        assert len(notices(house, house.ben)) == arrived
        await house.kill_bot()
        house.discord.faults.clear()
        house.discord.rules = replace(house.discord.rules, nonce_s=0)  # so that it is not Discord that drops a repeat
        await house.start_bot()
        await eventually(lambda: rows(house.database, "SELECT * FROM notices") == [])
        await asyncio.sleep(QUIET_S)
        assert len(notices(house, house.ben)) == 1


@pytest.mark.parametrize("kind", KINDS)
@abreast
async def test_trouble_of_discord_is_waited_out_and_the_notice_comes_once(open_house: OpenHouse, kind: str) -> None:
    async with open_house(kind) as house:
        await choose(house.ben, "Notify me", "Always")
        house.discord.faults.answer(POSTS, 503, times=3)
        house.discord.faults.answer(POSTS, 502, processed=True)  # sent again by the library, dropped for its nonce
        await painted(house.ben)
        await eventually(lambda: len(notices(house, house.ben)) == 1, 60)
        await eventually(lambda: rows(house.database, "SELECT * FROM notices") == [])
        assert len(notices(house, house.ben)) == 1


@abreast
async def test_whoever_dies_with_a_notice_leaves_it_to_another_process(
    open_house: OpenHouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with open_house("postgresql") as house:
        await choose(house.ben, "Notify me", "Always")
        fault = house.discord.faults.hang(POSTS)
        await painted(house.ben)
        await fault.struck.wait()
        await house.bot.kill()
        house.discord.faults.clear()
        async with a_worker(house, tmp_path_factory):
            await eventually(lambda: len(notices(house, house.ben)) == 1)
            await eventually(lambda: rows(house.database, "SELECT * FROM notices") == [])
        assert len(notices(house, house.ben)) == 1


@abreast
async def test_where_nothing_can_be_posted_nobody_is_told_and_nothing_stays(open_house: OpenHouse) -> None:
    """No permission, or the reply was deleted meanwhile: neither is tried again."""
    async with open_house() as house:
        await choose(house.ben, "Notify me", "Always")
        house.discord.faults.answer(POSTS, 403, code=50013, message="Missing Permissions")
        await painted(house.ben)
        await eventually(lambda: len(posts(house)) == 1)
        await eventually(lambda: rows(house.database, "SELECT * FROM notices") == [])
        house.discord.faults.clear()
        fault = house.discord.faults.answer(POSTS, 503, times=None)
        reply = await painted(house.ben)
        await fault.struck.wait()
        await house.ada.delete(reply)
        house.discord.faults.clear()
        await eventually(lambda: rows(house.database, "SELECT * FROM notices") == [])
        assert notices(house, house.ben) == []
        await choose(house.ada, "Notify me", "Always")
        elsewhere = await painted(house.ada.at("elsewhere"))
        await eventually(lambda: rows(house.database, "SELECT * FROM notices") == [])
        assert elsewhere.pictures


async def made(person: Person, name: str, words: str, whose: str = "mine", **options: Any) -> None:
    panel = await person.command("presets")
    if whose == "server":
        panel = await person.press(panel, "Presets of this server")
    form = await person.press(panel, "New preset")
    assert isinstance(form, ModalForm)
    await person.submit(form, {"Name": name, "Words": words, **options})


def sent(house: House) -> Sequence[str]:
    """The prompts that went to the image API, oldest first."""
    return [it.submission.prompt for it in house.image_api.accepted]


@abreast
async def test_the_chosen_preset_is_used_where_none_is_named(open_house: OpenHouse) -> None:
    async with open_house() as house:
        await made(house.ben, "Ink", "black ink", Aspect_ratio=["16:9 – wide"])
        await made(house.ben, "Oil", "oil on canvas")
        shown = await choose(house.ben, "Preset", "Ink")
        assert chosen(shown, "Preset") == ["Ink"]
        reply = await painted(house.ben)
        body = cast("dict[str, Any]", house.submissions()[-1].json)
        assert (body["prompt"], body["aspect_ratio"]) == ("a red fox, black ink", "16:9")
        assert says("with the preset", "ink")(reply.message)
        # What is said goes before it; what holds it already keeps it, and no more.
        await painted(house.ben, preset="Oil", aspect_ratio="1:1")
        await painted(house.ben, aspect_ratio="1:1")
        assert cast("dict[str, Any]", house.submissions()[-1].json)["aspect_ratio"] == "1:1"
        await painted(house.ben, preset="none")
        form = await house.ben.press(reply, "Remix")
        assert isinstance(form, ModalForm)
        await (await house.ben.submit(form)).until(with_pictures)
        await (await house.ben.press(reply, "Again")).until(with_pictures)
        assert list(sent(house)) == [
            "a red fox, black ink",
            "a red fox, oil on canvas",
            "a red fox, black ink",
            "a red fox",
            "a red fox, black ink",
            "a red fox, black ink",
        ]
        message = await house.ada.post("a castle")
        await (await house.ben.message_menu("Imagine this", message)).until(with_pictures)
        assert sent(house)[-1] == "a castle, black ink"
        names = [it.name for it in await house.ben.autocomplete("imagine", "preset")]
        assert names == ["No preset this time", "Ink", "Oil"]
        assert "No preset this time" not in [it.name for it in await house.ada.autocomplete("imagine", "preset")]


@abreast
async def test_a_preset_that_is_gone_or_anothers_is_passed_over_and_the_panel_says_so(open_house: OpenHouse) -> None:
    async with open_house() as house:
        await made(house.ada, "House style", "in our colours", "server")
        await choose(house.ben, "Preset", "House style (this server)")
        at_home = house.ben.at("dm")
        assert says("belongs to another server")((await at_home.command("preferences")).message)
        await (await at_home.command("imagine", prompt="at home")).until(with_pictures)
        await painted(house.ben)
        panel = await house.ada.press(await house.ada.command("presets"), "Presets of this server")
        opened = await house.ada.choose(panel, "Look at a preset", "House style")
        await house.ada.press(await house.ada.press(opened, "Delete"), "Yes, delete")
        assert says("was deleted")((await house.ben.command("preferences")).message)
        await painted(house.ben)
        assert list(sent(house)) == ["at home", "a red fox, in our colours", "a red fox"]


@abreast
async def test_the_menu_of_presets_turns_pages(open_house: OpenHouse) -> None:
    async with open_house() as house:
        for number in range(30):
            await made(house.ben, f"Style {number:02}", "x")
        panel = await choose(house.ben, "Preset", "More presets (1 of 2)")
        panel = await house.ben.choose(panel, "Preset", "Style 29")
        assert chosen(panel, "Preset") == ["Style 29"]


@abreast
async def test_who_may_edit_ones_pictures_holds_from_the_click_on(
    open_house: OpenHouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A server that says nothing keeps the pictures of others; one that allows anyone's still obeys *Nobody*."""
    async with open_house() as house:
        posted = await house.ben.post("look", files=[picture(tmp_path_factory.mktemp("files") / "a.png")])

        async def edited() -> bool:
            form = await house.ada.message_menu("Edit image", posted)
            assert isinstance(form, ModalForm)
            reply = await house.ada.submit(form, {"Prompt": "in winter"})
            if reply.ephemeral:
                return False
            await reply.until(with_pictures)
            return True

        assert not await edited()
        await choose(house.ben, "Who may edit my pictures", "Anyone")
        assert await edited()
        await choose(house.ben, "Who may edit my pictures", "Nobody")
        assert not await edited()
        own = await house.ben.message_menu("Edit image", posted)
        await (await house.ben.submit(own, {"Prompt": "in spring"})).until(with_pictures)


@abreast
async def test_deleting_ones_data_takes_the_choices_with_it(open_house: OpenHouse) -> None:
    async with open_house() as house:
        await choose(house.ben, "Notify me", "Always")
        privacy = await house.ben.command("privacy")
        assert says("1 other entry", "/preferences")(privacy.message)
        asked = await house.ben.press(privacy, "Delete my data")
        assert says("/preferences")(asked.message)
        await house.ben.press(asked, "Yes, delete it")
        assert chosen(await house.ben.command("preferences"), "Notify me") == ["Never"]
        assert rows(house.database, "SELECT * FROM preferences") == []


async def test_help_names_it(house: House) -> None:
    assert "</preferences:" in (await house.ben.command("help")).message.text
