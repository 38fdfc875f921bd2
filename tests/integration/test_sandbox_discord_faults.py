"""Faults on demand: every way a route can fail, and that the right thing happened behind it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import replace

import aiohttp
import discord
import pytest

from tests.integration.sandbox_discord import Interaction, Studio, png, studio

EDIT = "PATCH /webhooks/*/messages/*"


@pytest.fixture(name="easel")
async def easel_fixture() -> AsyncGenerator[Studio]:
    async with studio() as running:
        yield running


async def test_a_status_is_answered_as_often_as_asked(easel: Studio) -> None:
    interaction = await easel.deferred()
    fault = easel.discord.faults.answer(EDIT, 400, times=2, code=50035, message="Invalid Form Body", after=1)
    codes = [
        (await easel.rest("PATCH", easel.webhook(interaction), {"content": str(number)}, token=None)).status
        for number in range(5)
    ]
    assert codes == [200, 400, 400, 200, 200]
    assert fault.hits == 2
    assert [record.status for record in easel.discord.requests.matching(EDIT)] == codes


async def test_a_made_up_429_makes_discord_py_wait_and_try_again(easel: Studio) -> None:
    interaction = await easel.deferred()
    easel.discord.faults.answer(EDIT, 429, retry_after=0.1)
    started = time.monotonic()
    await interaction.edit_original_response(content="done")
    assert time.monotonic() - started >= 0.1
    assert [record.status for record in easel.discord.requests.matching(EDIT)] == [429, 200]


async def test_a_429_without_via_is_cloudflares(easel: Studio) -> None:
    interaction = await easel.deferred()
    easel.discord.faults.answer(EDIT, 429, via=False)
    with pytest.raises(discord.HTTPException) as refused:
        await interaction.edit_original_response(content="done")
    assert refused.value.status == 429


async def test_always_lasts_until_it_is_cleared(easel: Studio) -> None:
    easel.discord.faults.answer("GET /users/@me", 503, times=None)
    assert [(await easel.rest("GET", "/users/@me")).status for _ in range(3)] == [503] * 3
    easel.discord.faults.clear()
    assert (await easel.rest("GET", "/users/@me")).status == 200


@pytest.mark.parametrize("processed", [False, True])
async def test_a_connection_breaks_before_or_after_the_work_is_done(easel: Studio, *, processed: bool) -> None:
    interaction = await easel.deferred()
    easel.discord.faults.reset(EDIT, processed=processed)
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await easel.rest("PATCH", easel.webhook(interaction), {"content": "done"}, token=None)
    assert [message.text for message in easel.ada.sees()] == ["done" if processed else ""]
    assert easel.discord.requests.matching(EDIT)[0].status is None


async def test_a_bot_that_dies_in_the_middle_of_an_upload_leaves_nothing(
    easel: Studio, caplog: pytest.LogCaptureFixture
) -> None:
    path = f"/api/v10/channels/{easel.discord.world.channel('pictures').id}/messages"
    _, writer = await asyncio.open_connection("127.0.0.1", easel.discord.port)
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    part = '--b\r\nContent-Disposition: form-data; name="files[0]"; filename="a.png"\r\n\r\nabc'
    writer.write(f"{head}Content-Length: 5000\r\n\r\n{part}".encode())
    await writer.drain()
    await easel.discord.requests.arrived("POST /channels/*")
    writer.transport.abort()
    assert (await easel.rest("GET", "/users/@me")).status == 200
    assert easel.ada.sees() == []
    assert not [record for record in caplog.records if record.name.startswith("aiohttp")]


async def test_an_error_can_be_told_though_the_work_was_done(easel: Studio) -> None:
    interaction = await easel.deferred()
    easel.discord.faults.answer(EDIT, 500, processed=True)
    answer = await easel.rest("PATCH", easel.webhook(interaction), {"content": "done"}, token=None)
    assert answer.status == 500
    assert easel.ada.sees()[0].text == "done"


async def test_a_hanging_request_goes_on_when_it_is_let_go(easel: Studio) -> None:
    fault = easel.discord.faults.hang("GET /users/@me")
    asked = asyncio.create_task(easel.rest("GET", "/users/@me"))
    await asyncio.wait_for(fault.struck.wait(), 30)
    assert not asked.done()
    assert easel.discord.requests[-1].status is None
    easel.discord.faults.remove(fault)
    assert (await asyncio.wait_for(asked, 30)).status == 200


async def test_what_hung_is_not_carried_out_for_a_bot_that_is_gone(easel: Studio) -> None:
    interaction = await easel.deferred()
    fault = easel.discord.faults.hang(EDIT)
    asked = asyncio.create_task(easel.rest("PATCH", easel.webhook(interaction), {"content": "late"}, token=None))
    await asyncio.wait_for(fault.struck.wait(), 30)
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    await asyncio.sleep(0.05)
    easel.discord.faults.clear()
    await easel.rest("GET", "/users/@me")
    assert easel.ada.sees()[0].text == ""
    assert easel.discord.requests.matching(EDIT)[0].status is None


async def test_a_slow_route_answers_late(easel: Studio) -> None:
    easel.discord.faults.slow("GET /users/@me", 0.1)
    started = time.monotonic()
    assert (await easel.rest("GET", "/users/@me")).status == 200
    assert time.monotonic() - started >= 0.1


async def test_files_can_fail_too(easel: Studio) -> None:
    posted = await easel.rest(
        "POST", f"/channels/{easel.discord.world.channel('pictures').id}/messages", {}, files={"a.png": png()}
    )
    url: str = posted.body["attachments"][0]["url"]
    easel.discord.faults.answer("GET /attachments/*", 502)
    async with easel.session.get(url) as answer:
        assert answer.status == 502
    async with easel.session.get(url) as answer:
        assert answer.status == 200


async def test_a_refused_acknowledgement_leaves_the_user_without_reply(easel: Studio) -> None:
    refused: asyncio.Queue[int] = asyncio.Queue()

    async def do(interaction: Interaction) -> None:
        try:
            await interaction.response.defer(thinking=True)
        except discord.HTTPException as refusal:
            refused.put_nowait(refusal.status)

    easel.discord.rules = replace(easel.discord.rules, response_s=0.3)
    easel.discord.faults.answer("POST /interactions/*/callback", 400)
    easel.when("do", do)
    asked = asyncio.create_task(easel.ada.command("do", prompt="a fox"))
    assert await asyncio.wait_for(refused.get(), 30) == 400
    reply = await asked
    assert reply.error == "The application did not respond"
    assert easel.ada.sees() == []


async def test_a_closed_gateway_refuses_connections(easel: Studio) -> None:
    easel.discord.gateway.accepting = False
    with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
        await easel.session.ws_connect(easel.discord.gateway.url)
