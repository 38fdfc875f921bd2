"""What the local Discord refuses, with Discord's own statuses and codes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

import discord
import pytest

from sandbox.discord.calls import Recorded
from sandbox.discord.clients import InvalidCommand
from sandbox.discord.permissions import Permission
from tests.integration.sandbox_discord import (
    V2,
    Interaction,
    Studio,
    card,
    gallery,
    picture,
    png,
    post,
    studio,
    text,
    upload,
)


@pytest.fixture(name="easel")
async def easel_fixture() -> AsyncGenerator[Studio]:
    async with studio() as running:
        yield running


async def test_a_second_answer_to_an_interaction_is_refused(easel: Studio) -> None:
    interaction = await easel.deferred()
    path = f"/interactions/{interaction.id}/{interaction.token}/callback"
    answer = await easel.rest("POST", path, {"type": 5}, token=None)
    assert (answer.status, answer.code) == (400, 40060)
    unknown = await easel.rest("POST", f"/interactions/{interaction.id}/nonsense/callback", {"type": 5}, token=None)
    assert (unknown.status, unknown.code) == (404, 10062)


async def test_files_over_the_limit_of_the_place_are_refused(easel: Studio) -> None:
    easel.discord.rules = replace(easel.discord.rules, upload_limit=1000)
    fits, too_large = {"a.png": b"x" * 1000}, {"a.png": b"x" * 1001}
    assert (await post(easel, {}, files=fits)).status == 200
    refused = await post(easel, {}, files=too_large)
    assert (refused.status, refused.code) == (413, 40005)
    easel.discord.world.channel("pictures").upload_limit = 2000
    assert (await post(easel, {}, files=too_large)).status == 200
    easel.discord.world.user("Ada").upload_limit = 5000
    easel.discord.world.channel("pictures").upload_limit = None
    interaction = await easel.deferred()
    assert interaction.filesize_limit == 5000
    answer = await easel.rest("PATCH", easel.webhook(interaction), {}, files={"a.png": b"x" * 5000}, token=None)
    assert answer.status == 200


async def test_a_person_cannot_attach_more_than_the_limit(easel: Studio) -> None:
    easel.discord.rules = replace(easel.discord.rules, upload_limit=10)
    with pytest.raises(InvalidCommand, match="larger than may be uploaded"):
        await easel.ada.command("do", prompt="a fox", image=upload())


async def test_a_request_over_the_whole_limit_is_refused(easel: Studio) -> None:
    easel.discord.rules = replace(easel.discord.rules, request_limit=3000)
    refused = await post(easel, {}, files={"a.png": b"x" * 1500, "b.png": b"x" * 1500})
    assert (refused.status, refused.code) == (413, 40005)
    record = easel.discord.requests[-1]
    assert [(file.name, file.size) for file in record.files] == [("a.png", 1500), ("b.png", 1500)]


async def test_eleven_files_are_too_many(easel: Studio) -> None:
    assert (await post(easel, {}, files={f"{n}.png": b"x" for n in range(11)})).code == 50035
    assert (await post(easel, {}, files={f"{n}.png": b"x" for n in range(10)})).status == 200


async def test_files_stay_when_an_edit_does_not_name_them_and_go_when_it_does(easel: Studio) -> None:
    interaction = await easel.deferred()
    files = [picture(), picture("owl.png", "blue")]
    await interaction.edit_original_response(view=card("one", pictures=files), attachments=files)
    fox, _ = easel.ada.sees()[0].pictures
    body = {"flags": V2, "components": [text("two"), gallery("attachment://fox.png")]}
    answer = await easel.rest("PATCH", easel.webhook(interaction), body, token=None)
    assert answer.status == 200
    kept = easel.ada.sees()[0].pictures
    assert kept[0].attachment_id == fox.attachment_id
    assert [one["filename"] for one in answer.body["attachments"]] == ["owl.png"]
    gone = await easel.rest("PATCH", easel.webhook(interaction), body | {"attachments": []}, token=None)
    assert gone.code == 50035
    only = {"components": [text("three")], "attachments": []}
    assert (await easel.rest("PATCH", easel.webhook(interaction), only, token=None)).status == 200
    assert easel.ada.sees()[0].pictures == []


async def test_new_files_join_the_ones_that_are_named(easel: Studio) -> None:
    posted = await post(easel, {}, files={"a.png": png()})
    path = f"/channels/{posted.body['channel_id']}/messages/{posted.body['id']}"
    kept = posted.body["attachments"][0]["id"]
    body = {"attachments": [{"id": kept}, {"id": 0, "description": "new"}]}
    edited = await easel.rest("PATCH", path, body, files={"b.png": png()})
    assert [(one["filename"], one.get("description")) for one in edited.body["attachments"]] == [
        ("a.png", None),
        ("b.png", "new"),
    ]
    assert (await easel.rest("PATCH", path, {"attachments": [{"id": "123"}]})).code == 50035


async def test_a_nonce_is_posted_once(easel: Studio) -> None:
    body = {"content": "done", "nonce": "job-1", "enforce_nonce": True}
    first, second = await post(easel, body), await post(easel, body)
    assert first.body["id"] == second.body["id"]
    assert len(easel.ada.sees()) == 1
    assert (await post(easel, body | {"enforce_nonce": False})).body["id"] != first.body["id"]


async def test_the_bot_needs_its_permissions(easel: Studio) -> None:
    world = easel.discord.world
    posted = await post(easel, {"content": "x"})
    path = f"/channels/{posted.body['channel_id']}/messages/{posted.body['id']}"
    foreign = await easel.ada.post("mine")
    theirs = f"/channels/{foreign.channel_id}/messages/{foreign.id}"
    assert (await easel.rest("PATCH", theirs, {"content": "x"})).code == 50005
    assert (await easel.rest("DELETE", theirs)).code == 50013
    world.deny("pictures", Permission.ATTACH_FILES)
    assert (await post(easel, {}, files={"a.png": b"x"})).code == 50013
    world.deny("pictures", Permission.SEND_MESSAGES)
    assert (await post(easel, {"content": "x"})).code == 50013
    assert (await easel.rest("PATCH", path, {"content": "y"})).status == 200
    world.deny("pictures", Permission.READ_MESSAGE_HISTORY)
    assert (await easel.rest("GET", path)).code == 50001
    world.deny("pictures", Permission.VIEW_CHANNEL)
    assert (await easel.rest("PATCH", path, {"content": "z"})).code == 50001
    world.allow("pictures", Permission.VIEW_CHANNEL)
    assert (await easel.rest("PATCH", path, {"content": "z"})).status == 200


async def test_what_people_wrote_in_a_server_reaches_the_bot_empty(easel: Studio) -> None:
    theirs = await easel.ada.post("secret", [upload()])
    fetched = await easel.rest("GET", f"/channels/{theirs.channel_id}/messages/{theirs.id}")
    assert (fetched.body["content"], fetched.body["attachments"]) == ("", [])
    direct = await easel.ada.at("dm").post("for the bot")
    fetched = await easel.rest("GET", f"/channels/{direct.channel_id}/messages/{direct.id}")
    assert fetched.body["content"] == "for the bot"


async def test_places_out_of_reach_are_told_apart(easel: Studio) -> None:
    world = easel.discord.world
    for place in ("elsewhere", "group"):
        assert (await post(easel, {"content": "x"}, place)).code == 50001
    world.user("Ben").accepts_dms = False
    opened = await easel.rest("POST", "/users/@me/channels", {"recipient_id": str(world.user("Ben").id)})
    assert opened.body["type"] == 1
    refused = await easel.rest("POST", f"/channels/{opened.body['id']}/messages", {"content": "x"})
    assert (refused.status, refused.code) == (403, 50007)
    assert (await post(easel, {"content": "hi"}, "dm:Ada")).status == 200
    assert [message.text for message in easel.ada.at("dm").sees()] == ["hi"]
    world.delete_channel("general")
    assert (await post(easel, {"content": "x"}, "general")).code == 10003
    world.remove_bot(next(guild for guild in world.guilds.values() if guild.name == "Easel Studio"))
    assert (await post(easel, {"content": "x"})).code == 50001


async def test_an_archived_thread_takes_no_edit_but_wakes_for_a_message(easel: Studio) -> None:
    posted = await post(easel, {"content": "x"}, "thread")
    path = f"/channels/{posted.body['channel_id']}/messages/{posted.body['id']}"
    easel.discord.world.archive("thread")
    assert (await easel.rest("PATCH", path, {"content": "y"})).code == 50083
    assert (await post(easel, {"content": "z"}, "thread")).status == 200
    assert (await easel.rest("PATCH", path, {"content": "y"})).status == 200
    easel.discord.world.archive("thread", locked=True)
    assert (await post(easel, {"content": "z"}, "thread")).code == 50083


async def test_a_deleted_message_is_unknown(easel: Studio) -> None:
    interaction = await easel.deferred()
    await interaction.edit_original_response(content="x")
    await easel.ada.delete(easel.ada.sees()[0])
    with pytest.raises(discord.NotFound) as refused:
        await interaction.edit_original_response(content="y")
    assert refused.value.code == 10008


async def test_people_delete_what_they_may(easel: Studio) -> None:
    mine = await easel.ben.post("mine")
    hers = await easel.ada.post("hers")
    with pytest.raises(InvalidCommand, match="Ben may not delete"):
        await easel.ben.delete(hers)
    await easel.ben.delete(mine)
    assert [message.text for message in easel.ben.sees()] == ["hers"]


async def test_automod_blocks_on_demand(easel: Studio) -> None:
    easel.discord.rules = replace(easel.discord.rules, blocked_words=("forbidden",))
    interaction = await easel.deferred()
    with pytest.raises(discord.HTTPException) as refused:
        await interaction.edit_original_response(view=card("a Forbidden fox"))
    assert (refused.value.status, refused.value.code) == (400, 200000)
    await interaction.edit_original_response(view=card("a fox"))


async def test_the_first_follow_up_after_a_deferral_fills_the_placeholder(easel: Studio) -> None:
    interaction = await easel.deferred(ephemeral=True)
    first = await interaction.followup.send("first", wait=True)
    second = await interaction.followup.send("second", wait=True)
    assert [(message.text, message.ephemeral) for message in easel.ada.sees()] == [("first", True), ("second", False)]
    assert first.id != second.id


async def test_an_app_that_only_a_user_installed_has_five_follow_ups(easel: Studio) -> None:
    async def do(interaction: Interaction) -> None:
        await interaction.response.send_message("ok")
        easel.caught.put_nowait(interaction)

    easel.when("do", do)
    await easel.ada.at("elsewhere").command("do", prompt="a fox")
    interaction = await easel.caught.get()
    for number in range(5):
        await interaction.followup.send(str(number))
    with pytest.raises(discord.HTTPException) as refused:
        await interaction.followup.send("one too many")
    assert refused.value.code == 40094


async def test_a_server_can_hush_apps_that_users_bring_along(easel: Studio) -> None:
    async def do(interaction: Interaction) -> None:
        response = await interaction.response.send_message("ok")
        assert isinstance(response, discord.InteractionCallbackResponse)
        easel.bot.given["ephemeral"] = response.is_ephemeral()

    easel.when("do", do)
    easel.discord.world.deny("elsewhere", Permission.USE_EXTERNAL_APPS, "Ada")
    reply = await easel.ada.at("elsewhere").command("do", prompt="a fox")
    assert reply.ephemeral
    assert easel.bot.given["ephemeral"] is True


async def test_signed_addresses_expire_and_are_renewed_by_fetching(easel: Studio) -> None:
    posted = await post(easel, {}, files={"a.png": png()})
    old: str = posted.body["attachments"][0]["url"]
    async with easel.session.get(old) as answer:
        assert (answer.status, answer.content_type) == (200, "image/png")
        assert await answer.read() == png()
    async with easel.session.get(old.split("?")[0]) as answer:
        assert answer.status == 404
    easel.discord.world.cdn.expire_addresses()
    async with easel.session.get(old) as answer:
        assert (answer.status, await answer.text()) == (404, "This content is no longer available.")
    path = f"/channels/{posted.body['channel_id']}/messages/{posted.body['id']}"
    fetched = (await easel.rest("GET", path)).body["attachments"][0]["url"]
    refreshed = await easel.rest("POST", "/attachments/refresh-urls", {"attachment_urls": [old]})
    for url in (fetched, refreshed.body["refreshed_urls"][0]["refreshed"]):
        async with easel.session.get(url) as answer:
            assert answer.status == 200
    easel.discord.rules = replace(easel.discord.rules, cdn_lifetime_s=-1)
    expired = (await easel.rest("GET", path)).body["attachments"][0]["url"]
    async with easel.session.get(expired) as answer:
        assert answer.status == 404


async def test_every_request_is_recorded(easel: Studio) -> None:
    interaction = await easel.deferred()
    file = picture()
    await interaction.edit_original_response(view=card("done", pictures=[file]), attachments=[file])
    callback, edit = easel.discord.requests[-2:]
    assert isinstance(callback, Recorded)
    assert (callback.json["type"], callback.token_state, callback.authorized) == (5, "fresh", False)
    assert (edit.method, edit.status, edit.token_state, edit.authorized) == ("PATCH", 200, "alive", False)
    assert [(one.name, one.size) for one in edit.files] == [("fox.png", len(png()))]
    assert edit.json["flags"] == V2
    assert edit.answer["id"] == str(easel.ada.sees()[0].id)
    assert callback.at <= edit.at
