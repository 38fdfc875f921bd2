"""Uploads are bounded by silence and not in all; each attempt sends the whole files."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest
from discord import ui

from bot.config.proxies import Proxies
from bot.discord_api.connector import ProxyConnector, bound_by_silence
from bot.errors import ReplyUnavailable
from bot.model import ReplyTarget
from bot.ui.reply.transport import ReplyTransport
from bot.ui.reply.uploads import Files, UploadLimits
from tests.integration.sandbox_discord import Studio, card, studio

SILENCE_S = 2.0
SIZE = 4_800_000
SLOW = 1_100_000.0  # bytes a second, so that it lasts longer than twice the silence


@pytest.fixture
async def easel() -> AsyncIterator[Studio]:
    async with studio(connector=ProxyConnector(Proxies())) as easel:
        yield easel


async def reply_of(easel: Studio) -> ReplyTarget:
    """Where the answer to a command is, with its token."""
    interaction = await easel.deferred()
    expires = datetime.now(UTC) + timedelta(minutes=15)
    channel = easel.discord.world.channel("pictures").id
    return ReplyTarget(interaction.application_id, interaction.token, expires, channel, 1, None, False, True, SIZE)


def files_in(folder: Path) -> Files:
    path = folder / "picture"
    path.write_bytes(os.urandom(SIZE))
    return Files([(path, "picture-1.png")])


def view() -> ui.LayoutView:
    return card("a fox")


def at(easel: Studio, bytes_per_s: float) -> None:
    easel.discord.rules = replace(easel.discord.rules, line_bytes_per_s=bytes_per_s)


async def test_an_upload_on_a_slow_line_takes_as_long_as_it_needs(easel: Studio, tmp_path: Path) -> None:
    reach = ReplyTransport(easel.bot, UploadLimits(silence_s=SILENCE_S))
    target, files = await reply_of(easel), files_in(tmp_path)
    at(easel, SLOW)
    began = asyncio.get_running_loop().time()
    await reach.edit(target, view, files)
    assert asyncio.get_running_loop().time() - began > 2 * SILENCE_S
    [sent] = [it for it in easel.discord.requests if it.files]
    assert [it.size for it in sent.files] == [SIZE]
    assert files.transfer.bytes == SIZE


async def test_an_upload_that_falls_silent_is_given_up_and_the_next_attempt_is_whole(
    easel: Studio, tmp_path: Path
) -> None:
    reach = ReplyTransport(easel.bot, UploadLimits(silence_s=SILENCE_S))
    target, files = await reply_of(easel), files_in(tmp_path)
    at(easel, 1.0)
    with pytest.raises(ReplyUnavailable, match="TimeoutError"):
        async with asyncio.timeout(5 * SILENCE_S):
            await reach.edit(target, view, files)
    assert files.transfer.bytes < SIZE, "a line that takes nothing is not read ahead for"
    at(easel, 0.0)
    await reach.edit(target, view, files)
    assert [it.size for it in easel.discord.requests[-1].files] == [SIZE]


async def test_what_discord_refuses_for_a_moment_is_sent_from_its_beginning_again(
    easel: Studio, tmp_path: Path
) -> None:
    easel.discord.faults.answer("PATCH /webhooks/*", 502)
    await ReplyTransport(easel.bot).edit(await reply_of(easel), view, files_in(tmp_path))
    sizes = [[it.size for it in sent.files] for sent in easel.discord.requests if sent.files]
    assert sizes == [[SIZE], [SIZE]]


async def test_no_request_to_discord_is_bounded_in_all() -> None:
    seen: list[aiohttp.ClientTimeout] = []

    async def hears(session: aiohttp.ClientSession, _: SimpleNamespace, __: object) -> None:
        seen.append(session.timeout)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(hears)
    async with studio(http_trace=trace) as easel:
        bound_by_silence(easel.bot)
        await easel.bot.fetch_user(easel.ada.user.id)
    assert seen[-1].total is None
    assert seen[-1].sock_read
