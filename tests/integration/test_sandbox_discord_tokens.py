"""Tokens in the local Discord: how long they last, what they allow, and how often."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import replace

import discord
import pytest

from tests.integration.sandbox_discord import Interaction, Studio, post, studio


@pytest.fixture(name="easel")
async def easel_fixture() -> AsyncGenerator[Studio]:
    async with studio() as running:
        yield running


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
