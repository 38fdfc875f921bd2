"""Drafts are approved: whoever presses Post here asks a moderator, who decides once; nothing is posted twice."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sandbox.discord.reply import Reply
from sandbox.discord.sight import Message
from tests.acceptance.conftest import House, eventually, house_in, says, set_rules, with_pictures

pytestmark = pytest.mark.asyncio(loop_scope="module")

POST = "Post here"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house where drafts are approved in #general."""
    async with house_in(tmp_path_factory.mktemp("house"), variables={"MAX_JOBS_PER_USER": "50"}) as whole:
        await set_rules(whole.ada, rule="log channel", value="#general")
        await set_rules(whole.ada, rule="drafts are approved", value="on")
        yield whole


async def draft(house: House, prompt: str) -> Reply:
    reply = await house.ben.command("imagine", prompt=prompt, private=True)
    await reply.until(with_pictures)
    return reply


def questions(house: House, prompt: str) -> list[Message]:
    """What the log channel shows about a draft, decided or not."""
    return [it for it in house.ada.at("general").sees() if prompt in it.text and "post this in" in it.text]


async def asked(house: House, prompt: str) -> Message:
    """The question, once it stands."""
    await eventually(lambda: any(it.labels for it in questions(house, prompt)))
    (question,) = questions(house, prompt)
    return question


def posts(house: House, prompt: str) -> list[Message]:
    return [it for it in house.ben.at("pictures").sees() if prompt in it.text and not it.ephemeral]


async def test_an_approved_draft_becomes_an_ordinary_reply(house: House) -> None:
    private = await draft(house, "a drafted fox")
    bought = len(house.submissions())
    note = await house.ben.press(private, POST)
    assert note.ephemeral
    assert says("a moderator decides")(note.message)
    question = await asked(house, "a drafted fox")
    assert question.labels == ["Approve", "Decline"]
    assert len(question.pictures) == 1
    assert posts(house, "a drafted fox") == []
    await house.ada.at("general").press(question, "Approve")
    await eventually(lambda: any(it.pictures for it in posts(house, "a drafted fox")))
    (post,) = posts(house, "a drafted fox")
    assert post.labels == ["Again", "Remix", "Edit", "Details", "Delete"]
    assert f"<@{house.ben.user.id}>" in post.text
    await note.until(says("approved", str(post.id)))
    await eventually(lambda: says("Approved by", str(post.id))(questions(house, "a drafted fox")[0]))
    (question,) = questions(house, "a drafted fox")
    assert question.labels == []
    assert question.pictures == []
    assert len(house.submissions()) == bought
    gallery = await house.ben.command("gallery")
    await gallery.until(says("a drafted fox"))


async def test_a_declined_draft_stays_private(house: House) -> None:
    private = await draft(house, "a declined fox")
    note = await house.ben.press(private, POST)
    question = await asked(house, "a declined fox")
    await house.ada.at("general").press(question, "Decline")
    await note.until(says("decided not to post"))
    await eventually(lambda: says("Declined by")(questions(house, "a declined fox")[0]))
    assert questions(house, "a declined fox")[0].labels == []
    assert posts(house, "a declined fox") == []
    again = await house.ben.press(private, POST)
    assert again.ephemeral
    assert says("declined this", "ask again")(again.message)
