"""What the local Discord refuses, with Discord's own statuses and codes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any

import discord
import pytest

from sandbox.discord.calls import Recorded
from sandbox.discord.clients import InvalidCommand
from sandbox.discord.permissions import Permission
from tests.integration.sandbox_discord import Answered, Interaction, Studio, card, picture, png, studio, upload

V2 = 1 << 15
Json = dict[str, Any]


@pytest.fixture(name="easel")
async def easel_fixture() -> AsyncGenerator[Studio]:
    async with studio() as running:
        yield running


def text(content: str = "hello") -> Json:
    return {"type": 10, "content": content}


def button(custom_id: str | None = "a", **more: Any) -> Json:
    return {"type": 2, "style": 1, "label": "Press", "custom_id": custom_id} | more


def row(*parts: Json) -> Json:
    return {"type": 1, "components": list(parts)}


def gallery(*urls: str) -> Json:
    return {"type": 12, "items": [{"media": {"url": url}} for url in urls]}


def select(count: int, **more: Any) -> Json:
    options = [{"label": str(number), "value": str(number)} for number in range(count)]
    return {"type": 3, "custom_id": "s", "options": options} | more


async def post(easel: Studio, body: Json, place: str = "pictures", **more: Any) -> Answered:
    return await easel.rest("POST", f"/channels/{easel.discord.world.channel(place).id}/messages", body, **more)


async def test_a_second_answer_to_an_interaction_is_refused(easel: Studio) -> None:
    interaction = await easel.deferred()
    path = f"/interactions/{interaction.id}/{interaction.token}/callback"
    answer = await easel.rest("POST", path, {"type": 5}, token=None)
    assert (answer.status, answer.code) == (400, 40060)
    unknown = await easel.rest("POST", f"/interactions/{interaction.id}/nonsense/callback", {"type": 5}, token=None)
    assert (unknown.status, unknown.code) == (404, 10062)


async def test_a_token_ends_with_its_lifetime(easel: Studio) -> None:
    interaction = await easel.deferred()
    await interaction.edit_original_response(content="still alive")
    easel.discord.rules = replace(easel.discord.rules, token_lifetime_s=0.01)
    await asyncio.sleep(0.02)
    with pytest.raises(discord.HTTPException) as refused:
        await interaction.edit_original_response(content="dead")
    assert (refused.value.status, refused.value.code) == (401, 50027)
    record = easel.discord.requests.matching("PATCH /webhooks/*")[-1]
    assert (record.token_state, record.authorized, record.code) == ("expired", False, 50027)


async def test_a_token_can_be_ended_by_hand_and_the_bots_own_token_still_edits(easel: Studio) -> None:
    interaction = await easel.deferred()
    await interaction.edit_original_response(content="painting")
    assert easel.discord.interactions.token_state(interaction.token) == "alive"
    easel.discord.expire_tokens()
    with pytest.raises(discord.HTTPException, match="50027"):
        await interaction.edit_original_response(content="dead")
    message = easel.ada.sees()[0]
    channel = easel.bot.get_partial_messageable(message.channel_id)
    await channel.get_partial_message(message.id).edit(content="done")
    assert easel.ada.sees()[0].text == "done"


async def test_an_old_looking_interaction_ends_early_for_a_bot_that_counts(easel: Studio) -> None:
    easel.discord.rules = replace(easel.discord.rules, interaction_age_s=890.0)
    interaction = await easel.deferred()
    left = interaction.expires_at.timestamp() - time.time()
    assert 5 < left < 11


async def test_a_token_is_no_webhook_before_its_first_answer(easel: Studio) -> None:
    async def do(interaction: Interaction) -> None:
        early = await easel.rest("POST", easel.webhook(interaction, ""), {"content": "x"}, token=None)
        await interaction.response.send_message(f"{early.status}/{early.code}")

    easel.when("do", do)
    assert (await easel.ada.command("do", prompt="a fox")).text == "404/10015"


async def test_wrong_and_missing_bot_tokens_are_refused(easel: Studio) -> None:
    for token in (None, "nonsense"):
        answer = await easel.rest("GET", "/users/@me", token=token)
        assert (answer.status, answer.body) == (401, {"message": "401: Unauthorized", "code": 0})
    assert (await easel.rest("GET", "/users/@me")).body["username"] == "Easel"
    assert (await easel.rest("GET", "/nonsense")).status == 404


async def test_edits_are_limited_per_token_and_discord_py_waits(easel: Studio) -> None:
    easel.discord.rules = replace(easel.discord.rules, window_s=0.4)
    interaction = await easel.deferred()
    started = time.monotonic()
    for number in range(6):
        await interaction.edit_original_response(content=str(number))
    assert time.monotonic() - started > 0.2
    edits = easel.discord.requests.matching("PATCH /webhooks/*")
    assert [edit.status for edit in edits] == [200] * 6


async def test_an_empty_bucket_answers_429_with_all_its_headers(easel: Studio) -> None:
    interaction = await easel.deferred()
    path = easel.webhook(interaction)
    answers = [await easel.rest("PATCH", path, {"content": str(number)}, token=None) for number in range(6)]
    assert [answer.status for answer in answers] == [200] * 5 + [429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers[:5]] == ["4", "3", "2", "1", "0"]
    refused = answers[5]
    assert 0 < refused.body["retry_after"] <= 5
    assert refused.body["global"] is False
    assert refused.headers["Via"]
    assert refused.headers["Content-Type"] == "application/json"
    easel.discord.rules = replace(easel.discord.rules, rate_limits=False)
    assert (await easel.rest("PATCH", path, {"content": "x"}, token=None)).status == 200


async def test_the_bots_own_edits_are_limited_per_channel(easel: Studio) -> None:
    posted = [(await post(easel, {"content": "x"})).body["id"] for _ in range(2)]
    channel = easel.discord.world.channel("pictures").id
    edits = [
        await easel.rest("PATCH", f"/channels/{channel}/messages/{posted[number % 2]}", {"content": str(number)})
        for number in range(6)
    ]
    assert [answer.status for answer in edits] == [200] * 5 + [429]


async def test_the_bots_token_has_its_requests_per_second(easel: Studio) -> None:
    easel.discord.rules = replace(easel.discord.rules, global_per_s=2)
    answers = await asyncio.gather(*[easel.rest("GET", "/users/@me") for _ in range(12)])
    refused = [answer for answer in answers if answer.status == 429]
    assert refused
    assert refused[0].body["global"] is True
    assert refused[0].headers["X-RateLimit-Global"] == "true"


@pytest.mark.parametrize(
    ("components", "where"),
    [
        ([text(), text("x" * 4000)], "DISPLAYABLE_TEXT_SIZE"),
        ([text() for _ in range(41)], "MAX_TOTAL_COMPONENTS"),
        ([{"type": 17, "components": [text() for _ in range(40)]}], "MAX_TOTAL_COMPONENTS"),
        ([row(button(), button())], "CUSTOM_ID_DUPLICATED"),
        ([row(button("x" * 101))], "BAD_LENGTH"),
        ([row(button(label="x" * 81))], "BAD_LENGTH"),
        ([row(button(custom_id=None))], "REQUIRED"),
        ([row({"type": 2, "style": 1, "custom_id": "a"})], "LABEL_OR_EMOJI"),
        ([row(*[button(str(number)) for number in range(6)])], "BAD_LENGTH"),
        ([row(select(2), button())], "LAYOUT_WIDTH"),
        ([row(select(26))], "BAD_LENGTH"),
        ([row(select(0))], "REQUIRED|BAD_LENGTH"),
        ([row(select(2, max_values=3))], "MAX_LENGTH"),
        ([row()], "BAD_LENGTH"),
        ([gallery()], "BAD_LENGTH"),
        ([gallery(*["https://example.com/a.png"] * 11)], "BAD_LENGTH"),
        ([gallery("attachment://gone.png")], "ATTACHMENT_NOT_FOUND"),
        ([gallery("ftp://example.com/a.png")], "INVALID_SCHEME"),
        ([{"type": 9, "components": [text()]}], "REQUIRED"),
        ([{"type": 9, "components": [text() for _ in range(4)], "accessory": button()}], "BAD_LENGTH"),
        ([{"type": 9, "components": [text()], "accessory": text()}], "CHOICES"),
        ([{"type": 13, "file": {"url": "https://example.com/a.png"}}], "INVALID_REFERENCE"),
        ([{"type": 17, "components": [{"type": 17, "components": [text()]}]}], "CHOICES"),
        ([button()], "CHOICES"),
        ([text("")], "REQUIRED"),
    ],
)
async def test_components_that_discord_refuses_are_refused(easel: Studio, components: list[Json], where: str) -> None:
    answer = await post(easel, {"flags": V2, "components": components})
    assert (answer.status, answer.code) == (400, 50035)
    assert any(code in str(answer.body["errors"]) for code in where.split("|")), answer.body
    assert easel.ada.sees() == []


async def test_components_v2_need_their_flag_and_bear_no_content(easel: Studio) -> None:
    without = await post(easel, {"components": [text()]})
    assert without.code == 50035
    for more in ({"content": "x"}, {"embeds": [{"title": "x"}]}):
        answer = await post(easel, {"flags": V2, "components": [text()], **more})
        assert (answer.status, answer.code) == (400, 50035)
        assert "LEGACY_FIELDS" in str(answer.body["errors"])
    plain = await post(easel, {"content": "x"})
    path = f"/channels/{plain.body['channel_id']}/messages/{plain.body['id']}"
    refused = await easel.rest("PATCH", path, {"flags": V2, "components": [text()]})
    assert refused.code == 50035
    switched = await easel.rest("PATCH", path, {"flags": V2, "components": [text()], "content": None})
    assert switched.status == 200
    back = await easel.rest("PATCH", path, {"flags": 0, "content": "x", "components": []})
    assert back.code == 50035


async def test_empty_and_too_long_messages_are_refused(easel: Studio) -> None:
    assert (await post(easel, {"content": ""})).code == 50006
    assert (await post(easel, {"content": "x" * 2001})).code == 50035
    assert (await post(easel, {"embeds": [{"title": "x" * 257}]})).code == 50035
    assert (await post(easel, {"content": "x" * 2000})).status == 200


def label(component: Json, name: str = "a") -> Json:
    return {"type": 18, "label": name, "component": component}


def modal(*components: Json, title: str = "t") -> Json:
    return {"title": title, "custom_id": "m", "components": list(components)}


LINE: Json = {"type": 4, "custom_id": "a", "style": 1}


@pytest.mark.parametrize(
    "refused",
    [
        modal(label(LINE), title="x" * 46),
        modal(),
        modal(*[text()] * 6),
        modal(LINE),
        modal(label(LINE, "x" * 46)),
        modal(label({"type": 21, "custom_id": "r", "options": [{"label": "a", "value": "a"}]})),
        modal(label({"type": 19, "custom_id": "f", "max_values": 11})),
        modal(label(LINE), label(LINE)),
    ],
)
async def test_modals_that_discord_refuses_are_refused_and_can_be_answered_otherwise(
    easel: Studio, refused: Json
) -> None:
    async def do(interaction: Interaction) -> None:
        path = f"/interactions/{interaction.id}/{interaction.token}/callback"
        answer = await easel.rest("POST", path, {"type": 9, "data": refused}, token=None)
        await interaction.response.send_message(f"{answer.status}/{answer.code}")

    easel.when("do", do)
    assert (await easel.ada.command("do", prompt="a fox")).text == "400/50035"


async def test_commands_that_discord_refuses_are_refused(easel: Studio) -> None:
    path = f"/applications/{easel.discord.world.application_id}/commands"
    option: Json = {"type": 3, "name": "prompt", "description": "words"}
    good: Json = {"name": "imagine", "description": "x"}
    long: Json = option | {"choices": [{"name": "c" * 100, "value": "v" * 100}] * 25}
    for bad in (
        {"name": "Imagine"},
        {"name": "a b"},
        {"description": ""},
        {"description": "x" * 101},
        {"options": [option, option]},
        {"options": [option | {"name": str(number)} for number in range(26)]},
        {"options": [option, option | {"name": "z", "required": True}]},
        {"options": [long, long | {"name": "z"}]},
        {"contexts": [2], "integration_types": [0]},
    ):
        command = good | bad
        answer = await easel.rest("PUT", path, [command])
        assert (answer.status, answer.code) == (400, 50035), command
    assert "do" in [command["name"] for command in easel.ada.commands()]


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
