"""Drafts are approved: whoever presses Post here asks a moderator, who decides once; nothing is posted twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.discord.ids import snowflake
from sandbox.discord.permissions import Permission
from sandbox.discord.places import Channel, ChannelKind
from sandbox.discord.reply import Reply
from sandbox.discord.sight import Message
from tests.acceptance.conftest import House, eventually, house_in, picture, says, set_rules, typed, with_pictures
from tests.acceptance.drafting import POST, approve_drafts, asked, draft, posted, posts, questions
from tests.acceptance.showcases import newcomers
from tests.databases import rows

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house where drafts are approved in #general."""
    async with house_in(tmp_path_factory.mktemp("house"), variables={"MAX_JOBS_PER_USER": "50"}) as whole:
        await approve_drafts(whole)
        yield whole


async def over(house: House, prompt: str) -> None:
    """A question has lost its buttons, and whoever asked knows."""
    await eventually(lambda: questions(house, prompt) and not any(it.labels for it in questions(house, prompt)))
    await eventually(lambda: not rows(house.database, "SELECT 1 FROM approvals WHERE due_at IS NOT NULL"))


async def declined(house: House, prompt: str) -> Reply:
    """Let Ben's open question end, so that the next test may ask."""
    return await house.ada.at("general").press(await asked(house, prompt), "Decline")


async def refusal(house: House, question: Message) -> str:
    """What a moderator reads who approves what cannot be posted just now."""
    pressed = await house.ada.at("general").press(question, "Approve")
    return (await pressed.until_follow_up()).text


async def test_an_approved_draft_becomes_an_ordinary_reply(house: House) -> None:
    private = await draft(house.ben, "a drafted fox", count=2)
    bought, entries = len(house.submissions()), rows(house.database, "SELECT job_id, pictures FROM ledger")
    note = await house.ben.press(private, POST)
    assert note.ephemeral
    assert says("a moderator decides")(note.message)
    question = await asked(house, "a drafted fox")
    assert question.labels == ["Approve", "Decline"]
    assert len(question.pictures) == 2
    assert posts(house, "a drafted fox") == []
    await house.ada.at("general").press(question, "Approve")
    post = await posted(house, "a drafted fox")
    assert post.labels == ["Again", "Remix", "Edit", "Details", "Delete"]
    assert f"<@{house.ben.user.id}>" in post.text
    await note.until(says("approved", str(post.id)))
    await over(house, "a drafted fox")
    (question,) = questions(house, "a drafted fox")
    assert says("Approved by", str(post.id))(question)
    assert question.pictures == []
    assert len(house.submissions()) == bought
    assert rows(house.database, "SELECT job_id, pictures FROM ledger") == entries
    await (await house.ben.command("gallery")).until(says("a drafted fox"))
    sent = house.discord.requests.matching(f"POST /channels/{house.discord.world.channel('general').id}/messages")
    assert all(it.json["allowed_mentions"] == {"parse": []} for it in sent)
    again = await house.ben.press(private, POST)
    assert says("posted already", str(post.id))(again.message)


async def test_a_declined_draft_stays_private_and_may_be_asked_for_later(house: House) -> None:
    private = await draft(house.ben, "a declined fox")
    note = await house.ben.press(private, POST)
    before = await house.ben.press(private, POST)
    assert says("was asked", "not decided")(await before.until(says("was asked")))
    await declined(house, "a declined fox")
    await note.until(says("decided not to post"))
    await over(house, "a declined fox")
    assert says("Declined by")(questions(house, "a declined fox")[0])
    assert posts(house, "a declined fox") == []
    again = await house.ben.press(private, POST)
    assert says("declined this", "ask again")(again.message)


async def test_only_moderators_decide_and_the_first_one_counts(house: House) -> None:
    private = await draft(house.ben, "a contested fox")
    await house.ben.press(private, POST)
    question = await asked(house, "a contested fox")
    refused = await house.ben.at("general").press(question, "Approve")
    assert refused.ephemeral
    assert says("Manage Messages")(refused.message)
    mia = newcomers(house, 1)[0]
    world = house.discord.world
    world.allow("general", Permission.MANAGE_MESSAGES, mia.user.name)
    presses = [(house.ada, "Approve"), (mia, "Decline"), (house.ada, "Decline"), (mia, "Approve")]
    await asyncio.gather(*(person.at("general").press(question, label) for person, label in presses))
    await over(house, "a contested fox")
    (shown,) = questions(house, "a contested fox")
    was_posted = says("Approved by")(shown)
    assert was_posted != says("Declined by")(shown)
    await asyncio.sleep(1)
    assert len(posts(house, "a contested fox")) == was_posted


async def test_members_with_manage_messages_post_at_once(house: House) -> None:
    private = await draft(house.ada, "a moderator's fox")
    reply = await house.ada.press(private, POST)
    assert not reply.ephemeral
    await reply.until(with_pictures)
    assert questions(house, "a moderator's fox") == []


async def test_the_place_is_looked_at_anew_when_a_moderator_approves(house: House) -> None:
    private = await draft(house.ben, "a ruled fox")
    await house.ben.press(private, POST)
    question = await asked(house, "a ruled fox")
    for set_it, lift, words in (
        ("block_member:@Ben", "block_member:@Ben remove:True", "may not use Easel"),
        ("block_word:ruled", "block_word:ruled remove:True", "word"),
        ("private_only:True", "reset:private_only", "private here"),
    ):
        await typed(house, f"/settings {set_it}")
        said = await refusal(house, question)
        await typed(house, f"/settings {lift}")
        assert words in said, (set_it, said)
    world = house.discord.world
    world.deny("pictures", Permission.SEND_MESSAGES)
    assert "may not post pictures" in await refusal(house, question)
    world.allow("pictures", Permission.SEND_MESSAGES)
    assert posts(house, "a ruled fox") == []
    await typed(house, "/settings spoiler:always covered")
    await house.ada.at("general").press(question, "Approve")
    post = await posted(house, "a ruled fox")
    await typed(house, "/settings reset:spoiler")
    assert all(it.spoiler for it in post.pictures)
    await over(house, "a ruled fox")


async def test_a_requester_who_has_left_is_not_posted_for(house: House) -> None:
    leaver = newcomers(house, 2)[1]
    await leaver.press(await draft(leaver, "a leaver's fox"), POST)
    question = await asked(house, "a leaver's fox")
    guild = house.discord.world.channel("pictures").guild
    assert guild is not None
    membership = guild.members.pop(leaver.user.id)
    assert "no longer a member" in await refusal(house, question)
    guild.members[leaver.user.id] = membership
    await house.ada.at("general").press(question, "Decline")
    await over(house, "a leaver's fox")
    assert posts(house, "a leaver's fox") == []


async def test_without_a_log_channel_nobody_can_be_asked(house: House) -> None:
    private = await draft(house.ben, "an unasked fox")
    await typed(house, "/settings reset:log_channel")
    try:
        panel = await house.ada.press(await house.ada.command("settings"), "Look")
        assert says("Drafts are approved**: on", "Nobody can be asked yet")(panel.message)
        refused = await house.ben.press(private, POST)
        assert says("no log channel")(refused.message)
    finally:
        await set_rules(house.ada, rule="log channel", value="#general")
    world = house.discord.world
    world.deny("general", Permission.ATTACH_FILES)
    try:
        refused = await house.ben.press(private, POST)
        assert says("cannot post pictures in the log channel")(refused.message)
    finally:
        world.allow("general", Permission.ATTACH_FILES)


async def test_pictures_for_adults_are_not_shown_to_all_ages(house: House) -> None:
    world = house.discord.world
    guild = world.channel("pictures").guild
    world.open_channel(Channel(snowflake(), "adults", "adults", ChannelKind.TEXT, guild, nsfw=True))
    ben = house.ben.at("adults")
    refused = await ben.press(await draft(ben, "for grown eyes"), POST)
    assert says("open to all ages")(refused.message)


async def test_a_deleted_draft_closes_its_question(house: House) -> None:
    private = await draft(house.ben, "a withdrawn fox")
    await house.ben.press(private, POST)
    question = await asked(house, "a withdrawn fox")
    await house.ben.press(await house.ben.press(private, "Delete"), "Yes, delete")
    await eventually(lambda: not house.ada.at("general").seen(question.id).labels)
    closed = house.ada.at("general").seen(question.id)
    assert says("no longer open")(closed)
    assert (closed.pictures, "withdrawn" in closed.text) == ([], False)


async def test_a_deleted_question_is_asked_once_more(house: House) -> None:
    private = await draft(house.ben, "a persistent fox")
    await house.ben.press(private, POST)
    await house.ada.at("general").delete(await asked(house, "a persistent fox"))
    told = await house.ben.press(private, POST)
    await told.until(says("once more"))
    await declined(house, "a persistent fox")
    await over(house, "a persistent fox")


async def test_moderators_are_not_flooded(house: House) -> None:
    mia = newcomers(house, 3)[2]
    drafts = await asyncio.gather(*(draft(mia, f"flood {number}") for number in range(6)))
    notes = [await mia.press(it, POST) for it in drafts]
    assert [says("a moderator decides")(it.message) for it in notes] == [True] * 5 + [False]
    assert says("5 of your pictures")(notes[-1].message)


async def test_an_edit_is_asked_for_and_posted_with_its_source(house: House, tmp_path: Path) -> None:
    private = await house.ben.command("edit", prompt="a fox in snow", image=picture(tmp_path / "a.png"), private=True)
    await private.until(with_pictures)
    await house.ben.press(private, POST)
    question = await asked(house, "a fox in snow")
    assert sorted(it.filename.partition(".")[0] for it in question.pictures) == ["picture-1", "source-1"]
    await house.ada.at("general").press(question, "Approve")
    post = await posted(house, "a fox in snow")
    assert sorted(it.filename.partition(".")[0] for it in post.pictures) == ["picture-1", "source-1"]
    await over(house, "a fox in snow")


async def test_what_automod_refuses_is_asked_for_without_its_words(house: House) -> None:
    private = await draft(house.ben, "a zounds fox")
    before = len(house.ada.at("general").sees())
    house.discord.rules = replace(house.discord.rules, blocked_words=("zounds",))
    try:
        await house.ben.press(private, POST)
        await eventually(lambda: any(it.labels for it in house.ada.at("general").sees()[before:]))
        question = next(it for it in house.ada.at("general").sees()[before:] if it.labels)
        assert "zounds" not in question.text
        await house.ada.at("general").press(question, "Decline")
        await eventually(lambda: says("Declined by")(house.ada.at("general").seen(question.id)))
        assert "zounds" not in house.ada.at("general").seen(question.id).text
    finally:
        house.discord.rules = replace(house.discord.rules, blocked_words=())


async def test_pictures_fit_into_what_the_server_takes(house: House) -> None:
    """A member may upload more than the bot: its question is made smaller, as often as it takes."""
    private = await draft(house.ben, "a large fox")
    channel = house.discord.world.channel("general")
    await eventually(lambda: not rows(house.database, "SELECT 1 FROM server_log WHERE channel_id IS NOT NULL"))
    fault = house.discord.faults.answer(f"POST /channels/{channel.id}/messages", 413, code=40005)
    await house.ben.press(private, POST)
    question = await asked(house, "a large fox")
    assert fault.struck.is_set()
    assert len(question.pictures) == 1
    await house.ada.at("general").press(question, "Decline")
    await over(house, "a large fox")


async def test_delete_my_data_closes_questions(house: House) -> None:
    await house.ben.press(await draft(house.ben, "a forgotten fox"), POST)
    question = await asked(house, "a forgotten fox")
    panel = await house.ben.command("privacy")
    await house.ben.press(await house.ben.press(panel, "Delete my data"), "Yes, delete it")
    await eventually(lambda: not house.ada.at("general").seen(question.id).labels)
    assert "forgotten" not in house.ada.at("general").seen(question.id).text
    await eventually(lambda: not rows(house.database, f"SELECT 1 FROM approvals WHERE user_id = {house.ben.user.id}"))
