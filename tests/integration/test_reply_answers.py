"""What an answer of Discord that nobody understands means, and that a fault of this program is not taken for one."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import discord
import pytest
import pytest_asyncio

from bot.errors import ReplyNotUnderstood
from bot.model import ReplyTarget
from bot.ui.reply.transport import ReplyTransport, noting_answers
from tests.integration.sandbox_discord import Studio, card, studio

pytestmark = pytest.mark.asyncio(loop_scope="module")

EDIT, READ = "PATCH /webhooks/*", "GET /webhooks/*"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def easel() -> AsyncIterator[Studio]:
    async with studio(http_trace=noting_answers()) as easel:
        yield easel


@pytest_asyncio.fixture(loop_scope="module")
async def target(easel: Studio) -> ReplyTarget:
    """Where the answer to a command is, with its token."""
    interaction = await easel.deferred()
    expires = datetime.now(UTC) + timedelta(minutes=15)
    channel = easel.discord.world.channel("pictures").id
    return ReplyTarget(interaction.application_id, interaction.token, expires, channel, 1, None, False, True, 1000)


@pytest.mark.parametrize("page", [True, False], ids=["a page", "an object without fields"])
async def test_an_answer_that_is_not_what_it_has_to_be_is_not_understood(
    easel: Studio, target: ReplyTarget, *, page: bool
) -> None:
    reach = ReplyTransport(easel.bot)
    easel.discord.faults.answer(EDIT, 200, processed=True, html=page)
    with pytest.raises(ReplyNotUnderstood):
        await reach.edit(target, lambda: card("a fox"))
    easel.discord.faults.answer(READ, 200, html=page)
    with pytest.raises(ReplyNotUnderstood):
        await reach.read(target)
    assert (await reach.read(target)).components, "the edit has arrived"


async def test_a_fault_of_the_program_before_any_answer_is_none_of_discords(easel: Studio, target: ReplyTarget) -> None:
    reach = ReplyTransport(easel.bot)
    await reach.edit(target, lambda: card("a fox"))  # an answer to an earlier call says nothing about this one
    channel = easel.bot.get_partial_messageable(target.channel_id)
    file, before = discord.File(io.BytesIO(b"x"), "x.png"), len(easel.discord.requests)
    both: dict[str, Any] = {"file": file, "files": [file]}
    with pytest.raises(TypeError):
        await reach.ask(channel.send(**both))
    assert len(easel.discord.requests) == before
