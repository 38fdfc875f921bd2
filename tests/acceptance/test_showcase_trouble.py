"""The showcase where the bot dies, Discord refuses, or what is shown goes: each post made once, none left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import pytest
import pytest_asyncio

from sandbox.discord.permissions import Permission
from sandbox.discord.reply import Reply
from tests.acceptance.conftest import PATIENT, House, eventually, house_in, says, set_rules
from tests.acceptance.showcases import choose_showcase, painted, shown, stands, star, star_of
from tests.acceptance.troubles import LONG_AGO, dead, strikes
from tests.databases import execute, rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

FOXES = (
    "doomed",
    "forested",
    "counted",
    "vanished",
    "unseen",
    "lost",
    "barred",
    "homeless",
    "faded",
    "crossed",
    "stuck",
    "swift",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house with a showcase in #general, where nothing but Easel keeps a message from coming twice."""
    rules, variables = replace(PATIENT, nonce_s=0.0), {"MAX_JOBS_PER_USER": "50"}
    async with house_in(tmp_path_factory.mktemp("house"), rules=rules, variables=variables) as whole:
        await choose_showcase(whole)
        yield whole


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def foxes(house: House) -> Mapping[str, Reply]:
    """All pictures that are starred here, painted side by side, by the adjective in their prompt."""
    made = await asyncio.gather(*(painted(house.ben, f"a {it} fox") for it in FOXES))
    return dict(zip(FOXES, made, strict=True))


def posts_of(house: House) -> str:
    """The request that posts in the showcase."""
    return f"POST /channels/{house.discord.world.channel('general').id}/messages"


async def settled(house: House, prompt: str, state: str | None) -> None:
    """The post of this picture has come to a state, or is forgotten."""
    query = f"SELECT post FROM showcase JOIN jobs ON jobs.id = job_id WHERE request LIKE '%{prompt}%'"
    await eventually(lambda: rows(house.database, query) == ([(state,)] if state else []))


async def test_killed_with_the_post_on_its_way_it_is_found(house: House, foxes: Mapping[str, Reply]) -> None:
    fault = house.discord.faults.hang(posts_of(house), processed=True)
    await star(house.ada, foxes["doomed"])
    await strikes(fault)
    async with dead(house):
        pass
    await settled(house, "a doomed fox", "posted")
    await stands(house, "a doomed fox")


async def test_killed_with_the_thread_of_a_forum_on_its_way_it_is_found_and_removed(
    house: House, foxes: Mapping[str, Reply]
) -> None:
    world = house.discord.world
    await choose_showcase(house, "forum")
    try:
        fault = house.discord.faults.hang(f"POST /channels/{world.channel('forum').id}/threads", processed=True)
        await star(house.ada, foxes["forested"])
        await strikes(fault)
        async with dead(house):
            pass
        await settled(house, "a forested fox", "posted")
        (thread,) = (it for it in world.channels.values() if it.name == "a forested fox")
        world.allow("forum", Permission.MANAGE_THREADS)
        await house.ben.press(await house.ben.press(foxes["forested"], "Delete"), "Yes, delete")
        await eventually(lambda: thread.deleted)
        await settled(house, "a forested fox", None)
    finally:
        await choose_showcase(house)


async def test_a_reply_that_discord_does_not_give_shows_its_stars_later(
    house: House, foxes: Mapping[str, Reply]
) -> None:
    reply, faults = foxes["counted"], house.discord.faults
    look = f"GET /channels/{reply.message.channel_id}/messages/{reply.message.id}"
    fault = faults.answer(look, 403, html=True)
    await star(house.ben, reply)
    await strikes(fault)
    async with dead(house):  # for ten seconds, which lie between two edits
        execute(house.database, "UPDATE showcase SET edited_at = NULL")
        barred = faults.answer(look, 403, code=50001)
    await strikes(barred)
    assert star_of(reply.message) == "☆"
    await eventually(lambda: rows(house.database, "SELECT 1 FROM showcase WHERE stars = 1 AND shown = 1"))


async def test_of_a_reply_that_is_gone_nothing_is_shown(house: House, foxes: Mapping[str, Reply]) -> None:
    for it in ("vanished", "unseen"):
        reply = foxes[it]
        identity = next(one.custom_id for one in reply.message.buttons if "star" in (one.custom_id or "")) or ""
        look = f"GET /channels/{reply.message.channel_id}/messages/{reply.message.id}"
        fault = house.discord.faults.answer(look, 404, code=10008, times=None)
        await (house.ada if it == "vanished" else house.ben).press(reply, identity)
        await strikes(fault)
        await eventually(
            lambda it=it: rows(house.database, f"SELECT 1 FROM jobs WHERE request LIKE '%{it}%' AND reply_deleted")
        )
        assert says("no longer here")((await house.ada.press(reply, identity)).message)
    house.discord.faults.clear()
    assert shown(house, "a vanished fox") == []
    await settled(house, "a vanished fox", None)


async def test_what_cannot_be_fetched_or_posted_waits_and_is_given_up_after_a_day(
    house: House, foxes: Mapping[str, Reply]
) -> None:
    faults, waits = (
        house.discord.faults,
        "SELECT 1 FROM showcase WHERE post IN ('wanted', 'posting') AND worker_id IS NULL",
    )
    faults.answer("GET /*attachments/*", 404)
    barred = faults.answer(posts_of(house), 403, code=50001, times=None)
    await star(house.ada, foxes["lost"])
    await strikes(barred)
    await star(house.ada, foxes["barred"])
    await eventually(lambda: len(rows(house.database, waits)) == 2)
    async with dead(house):
        long_ago = "not_before = NULL, since = CASE WHEN job_id = (SELECT id FROM jobs WHERE request LIKE '%barred%')"
        execute(
            house.database, f"UPDATE showcase SET {long_ago} THEN '{LONG_AGO}' ELSE since END WHERE post != 'posted'"
        )
        faults.answer(posts_of(house), 403, code=50001, times=2)
    await settled(house, "a barred fox", "none")
    assert shown(house, "a barred fox") == []
    await star(house.ada, foxes["barred"])  # taken back, and given again
    await star(house.ada, foxes["barred"])
    await stands(house, "a barred fox")


async def test_a_showcase_that_is_gone_gets_nothing_that_was_on_its_way(
    house: House, foxes: Mapping[str, Reply]
) -> None:
    barred = house.discord.faults.answer(posts_of(house), 403, code=50001)
    await star(house.ada, foxes["homeless"])
    await strikes(barred)
    await (await house.ada.say("/settings reset:Look")).until(says("none, so pictures have no"))
    async with dead(house):
        execute(house.database, "UPDATE showcase SET not_before = NULL")
    await settled(house, "a homeless fox", "none")
    await choose_showcase(house)
    assert shown(house, "a homeless fox") == []


async def test_a_post_that_discord_does_not_delete_is_told_in_the_log_after_a_day(
    house: House, foxes: Mapping[str, Reply]
) -> None:
    await star(house.ada, foxes["faded"])
    post = await stands(house, "a faded fox")
    await settled(house, "a faded fox", "posted")
    removes = f"DELETE /channels/{post.channel_id}/messages/{post.id}"
    refused = house.discord.faults.answer(removes, 403, html=True, times=None)
    await house.ben.press(await house.ben.press(foxes["faded"], "Delete"), "Yes, delete")
    await strikes(refused)
    async with dead(house):
        execute(house.database, f"UPDATE showcase SET not_before = NULL, since = '{LONG_AGO}' WHERE post = 'removing'")
        house.discord.faults.answer(removes, 403, html=True, times=None)
    await settled(house, "a faded fox", None)
    house.discord.faults.clear()


async def test_what_automod_refuses_stands_there_without_its_words(house: House, foxes: Mapping[str, Reply]) -> None:
    house.discord.rules = replace(house.discord.rules, blocked_words=("crossed",))
    try:
        await star(house.ada, foxes["crossed"])
        link = f"/{foxes['crossed'].message.id})"
        await eventually(lambda: any(link in it.text for it in house.ada.at("general").sees()))
        (post,) = (it for it in house.ada.at("general").sees() if link in it.text)
        assert "crossed" not in str(post.json)
        assert len(post.pictures) == 1
    finally:
        house.discord.rules = replace(house.discord.rules, blocked_words=())


async def test_pictures_of_a_thread_are_shown_and_a_deleted_post_costs_nothing(house: House) -> None:
    ben = house.ben.at("thread")
    reply = await painted(ben, "a threaded fox")
    await star(house.ada.at("thread"), reply)
    post = await stands(house, "a threaded fox")
    await settled(house, "a threaded fox", "posted")
    await house.ada.at("general").delete(post)
    await ben.press(await ben.press(reply, "Delete"), "Yes, delete")
    await settled(house, "a threaded fox", None)


async def test_a_star_before_the_delivery_is_written_down_is_not_lost(house: House) -> None:
    """The pictures can be seen while Discord's answer to their upload is still on its way."""
    fault = house.discord.faults.slow("PATCH /webhooks/*/messages/*", 1.0, times=None, processed=True)
    reply = await painted(house.ben, "a hasty fox")
    await star(house.ada, reply)
    assert rows(house.database, "SELECT state FROM jobs WHERE request LIKE '%hasty%'") == [("delivering",)]
    house.discord.faults.remove(fault)
    await stands(house, "a hasty fox")


async def test_who_is_blocked_gives_no_star_and_who_changes_their_mind_deletes_nothing(house: House) -> None:
    reply = await painted(house.ada, "a kept fox")
    await set_rules(house.ada, block_member="@Ben")
    try:
        assert says("blocked you from Easel")(await star(house.ben, reply))
    finally:
        await set_rules(house.ada, block_member="@Ben", remove=True)
    await star(house.ada, reply)
    asked = await house.ada.at("general").press(await stands(house, "a kept fox"), "Delete")
    kept = await house.ada.at("general").press(asked, "Keep")
    assert says("It stays in the showcase")(kept.message)
    assert shown(house, "a kept fox")


async def test_a_post_that_hangs_holds_up_no_other(house: House, foxes: Mapping[str, Reply]) -> None:
    fault = house.discord.faults.hang(posts_of(house))
    await star(house.ada, foxes["stuck"])
    await strikes(fault)
    await star(house.ada, foxes["swift"])
    await stands(house, "a swift fox", within=10.0)
    assert shown(house, "a stuck fox") == []
    house.discord.faults.remove(fault)
    await stands(house, "a stuck fox")
