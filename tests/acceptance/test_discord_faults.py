"""Discord in trouble: whatever it answers, a job's pictures come once, are bought once, and a failure is told.

Most stories share one house and set their faults on requests about their own reply only.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from bot.model import FailureKind
from sandbox.discord.calls import Recorded
from sandbox.discord.person import Person
from sandbox.discord.reply import Reply
from sandbox.discord.rules import MIB, DiscordRules
from sandbox.image_api.latency import Latency
from sandbox.image_api.studio import PaintMode
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import PATIENCE_S, House, OpenHouse, eventually, final, house_in, says, with_pictures
from tests.acceptance.troubles import TROUBLES, Trouble
from tests.databases import rows

pytestmark = pytest.mark.asyncio(loop_scope="module")
AT_ONCE = 8

VARIABLES = {"MAX_JOBS_PER_USER": "100"}
ACKNOWLEDGEMENTS = "POST /interactions/*/callback"
#: So old an interaction that the bot no longer uses its token for anything but the acknowledgement.
LATE = DiscordRules(interaction_age_s=897, token_lifetime_s=3.5, rate_limits=False)
HURRIED = DiscordRules(interaction_age_s=886, token_lifetime_s=14, rate_limits=False)
START = asyncio.Lock()
TRIES = itertools.count(1)
some_trouble = pytest.mark.parametrize("trouble", TROUBLES)


def by_token(reply: Reply) -> str:
    """Edits of this reply by its interaction's token."""
    return f"PATCH /webhooks/*/{reply.interaction.token}/messages/*"


def by_bot(reply: Reply) -> str:
    """Edits of this reply by the bot's own token."""
    return f"PATCH /channels/{reply.message.channel_id}/messages/{reply.message.id}"


def uploads(house: House, pattern: str) -> list[Recorded]:
    return [request for request in house.discord.requests.matching(pattern) if request.files]


async def ask(person: Person, prompt: str, **options: Any) -> Reply:
    """A command whose reply says that it is being painted, so that the next edit is the last."""
    is_painted = says("painting")
    while True:
        reply = await person.command("imagine", prompt=prompt, **options)
        if is_painted(await reply.until(lambda message: is_painted(message) or final(message))):
            return reply
        await person.delete(reply)  # on a busy machine the pictures were there first
        prompt += " once more"


async def delivered_once(house: House, reply: Reply, person: Person) -> None:
    """The pictures are in the reply, and in no other message; they were bought once, and are whole."""
    message = await reply.until(with_pictures, PATIENCE_S)
    assert message.id == reply.states[0].id
    alts = {picture.alt for picture in message.pictures}
    assert [it.id for it in person.sees() if alts & {picture.alt for picture in it.pictures}] == [message.id]
    prompt = alts.pop()
    assert [it.submission.prompt for it in house.image_api.accepted].count(prompt) == 1
    assert all([await reply.download(picture) for picture in message.pictures])


def nothing_happened_twice(house: House) -> None:
    """Of all that went on in a house: every prompt was bought once and shown in one message, no dead token was used."""
    bought = [it.submission.prompt for it in house.image_api.accepted]
    assert len(set(bought)) == len(bought)
    shown = [message.pictures[0].alt for message in house.with_pictures() if message.pictures[0].alt]
    assert len(set(shown)) == len(shown)
    assert [it.label for it in house.discord.requests if it.token_state == "expired"] == []
    assert [it.label for it in house.discord.requests for file in it.files if not file.size] == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house for all stories that are content with Discord as it is."""
    async with house_in(tmp_path_factory.mktemp("house"), variables=VARIABLES) as whole:
        yield whole
        nothing_happened_twice(whole)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def late_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house where the interaction's token is over as soon as a command has been acknowledged."""
    async with house_in(tmp_path_factory.mktemp("late"), variables=VARIABLES, rules=LATE) as whole:
        yield whole
        nothing_happened_twice(whole)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hurried_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house where a token lives 14 s, which bounds how long an edit may take."""
    async with house_in(tmp_path_factory.mktemp("hurried"), variables=VARIABLES, rules=HURRIED) as whole:
        yield whole
        nothing_happened_twice(whole)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def troubled_start(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house for trouble with acknowledgements, one at a time: who holds START."""
    async with house_in(tmp_path_factory.mktemp("start"), variables=VARIABLES, rules=DiscordRules()) as whole:
        yield whole
        nothing_happened_twice(whole)


@some_trouble
@abreast
async def test_pictures_arrive_once_through_trouble_with_their_upload(house: House, trouble: str) -> None:
    reply = await ask(house.ada, f"an upload and {trouble}")
    fault = TROUBLES[trouble].strike(house, by_token(reply))
    await delivered_once(house, reply, house.ada)
    sent = uploads(house, by_token(reply))
    assert fault.hits == fault.times
    assert len(sent) > fault.hits or fault.processed
    assert len({tuple(file.size for file in request.files) for request in sent}) == 1


@some_trouble
@abreast
async def test_pictures_arrive_once_through_trouble_with_their_upload_by_the_bots_own_token(
    late_house: House, trouble: str
) -> None:
    reply = await late_house.ada.command("imagine", prompt=f"a late upload and {trouble}")
    fault = TROUBLES[trouble].strike(late_house, by_bot(reply))
    await delivered_once(late_house, reply, late_house.ada)
    sent = uploads(late_house, by_bot(reply))
    assert fault.hits == fault.times
    assert len(sent) > fault.hits or fault.processed
    assert len({tuple(file.size for file in request.files) for request in sent}) == 1


@some_trouble
@abreast
async def test_trouble_with_progress_harms_no_job(house: House, trouble: str) -> None:
    reply = await house.ada.command("imagine", prompt=f"progress and {trouble}")
    fault = TROUBLES[trouble].strike(house, by_token(reply))
    await delivered_once(house, reply, house.ada)
    assert fault.hits


@some_trouble
@abreast
async def test_a_failure_is_told_through_trouble(house: House, trouble: str) -> None:
    reply = await ask(house.ada, f"a failure and {trouble} [[refuse]]")
    fault = TROUBLES[trouble].strike(house, by_token(reply))
    assert says("refused by moderation", "charged")(await reply.until(final, PATIENCE_S))
    assert fault.hits


@some_trouble
@abreast
async def test_a_failure_is_told_through_trouble_by_the_bots_own_token(late_house: House, trouble: str) -> None:
    reply = await late_house.ada.command("imagine", prompt=f"a late failure and {trouble} [[refuse]]")
    fault = TROUBLES[trouble].strike(late_house, by_bot(reply))
    assert says("refused by moderation", "charged")(await reply.until(final, PATIENCE_S))
    assert fault.hits


@pytest.mark.parametrize("trouble", ["429", "500", "503", "500 after processing", "reset after processing", "hang"])
@abreast
async def test_an_acknowledgement_that_arrived_in_spite_of_trouble_is_followed_by_its_pictures(
    troubled_start: House, trouble: str
) -> None:
    house, hang = troubled_start, Trouble("hang", (), {"processed": True})
    async with START:
        fault = {**TROUBLES, "hang": hang}[trouble].strike(house, ACKNOWLEDGEMENTS)
        reply = await house.ada.command("imagine", prompt=f"an acknowledgement and {trouble}")
        assert fault.hits == fault.times
        assert not reply.error
    await delivered_once(house, reply, house.ada)


@abreast
async def test_an_acknowledgement_in_doubt_is_looked_for_until_discord_answers(troubled_start: House) -> None:
    house = troubled_start
    async with START:
        house.discord.faults.reset(ACKNOWLEDGEMENTS, processed=True)
        reply = await house.ada.command("imagine", prompt="found in the end")
    away = house.discord.faults.answer(f"GET /webhooks/*/{reply.interaction.token}/*", 429, via=False, times=3)
    await delivered_once(house, reply, house.ada)
    assert away.hits == away.times


@pytest.mark.parametrize("trouble", ["429 of Cloudflare", "reset", "hang", "500 for ever"])
@abreast
async def test_an_acknowledgement_that_did_not_arrive_buys_nothing(troubled_start: House, trouble: str) -> None:
    # Another try has a prompt of its own: the first one's may have been acknowledged, and bought.
    house, prompt = troubled_start, f"no acknowledgement for {trouble} {next(TRIES)}"
    others = {"hang": Trouble("hang"), "500 for ever": Trouble("answer", (500,), {"times": None})}
    async with START:
        fault = {**TROUBLES, **others}[trouble].strike(house, ACKNOWLEDGEMENTS)
        lost = await house.ada.command("imagine", prompt=prompt)
        assert lost.error
        if trouble != "hang":
            house.discord.faults.remove(fault)
    await eventually(lambda: ended_as(house, prompt) == "unacknowledged", PATIENCE_S)
    assert prompt not in {it.submission.prompt for it in house.image_api.accepted}


@pytest.mark.parametrize("processed", [False, True], ids=["before processing", "after processing"])
@pytest.mark.parametrize("moment", ["progress", "upload", "failure"])
@abreast
async def test_a_request_that_is_never_answered_is_given_up_with_its_token(
    hurried_house: House, moment: str, processed: bool
) -> None:
    house = hurried_house
    prompt = f"{moment} without answer{' after all' if processed else ''}{' [[refuse]]' if moment == 'failure' else ''}"
    begin = house.ada.command("imagine", prompt=prompt) if moment == "progress" else ask(house.ada, prompt)
    reply = await begin
    fault = house.discord.faults.hang(by_token(reply), processed=processed)
    if moment == "failure":
        assert says("refused by moderation")(await reply.until(final, PATIENCE_S))
    else:
        await delivered_once(house, reply, house.ada)
    assert fault.hits


@abreast
async def test_a_reply_deleted_in_line_is_respected(open_house: OpenHouse) -> None:
    async with open_house(variables={"MAX_ACTIVE_JOBS": "1"}, latency=Latency.fixed(2.0)) as house:
        first = await house.ada.command("imagine", prompt="first")
        deleted = await house.ada.command("imagine", prompt="deleted")
        await house.ada.delete(deleted)
        await first.until(with_pictures, PATIENCE_S)
        await (await house.ada.command("imagine", prompt="third")).until(with_pictures, PATIENCE_S)
        query = "SELECT COUNT(*) FROM jobs WHERE state IN ('cancelled', 'failed')"
        await eventually(lambda: rows(house.database, query) == [(1,)])
        assert [it.pictures[0].alt for it in house.with_pictures()] == ["first", "third"]
        await house.restart_bot()
        await (await house.ada.command("imagine", prompt="fourth")).until(with_pictures, PATIENCE_S)
        assert [it.pictures[0].alt for it in house.with_pictures()] == ["first", "third", "fourth"]


@pytest.mark.parametrize("moment", ["painting", "uploading", "uploading late"])
@abreast
async def test_a_reply_deleted_while_its_job_runs_is_respected(house: House, late_house: House, moment: str) -> None:
    by_own = "late" in moment
    place = late_house if by_own else house
    prompt = f"deleted while {moment}"
    reply = await place.ada.command("imagine", prompt=prompt) if by_own else await ask(place.ada, prompt)
    fault = None
    if moment != "painting":
        fault = place.discord.faults.hang(by_bot(reply) if by_own else by_token(reply))
        await fault.struck.wait()
    await place.ada.delete(reply)
    if fault is not None:
        place.discord.faults.remove(fault)
    await eventually(lambda: ended_as(place, prompt) == "reply_deleted", PATIENCE_S)
    assert prompt not in str([it.json for it in place.ada.sees()])


def ended_as(house: House, prompt: str) -> str | None:
    """The kind of failure that the job with this prompt ended with."""
    found = rows(house.database, f"SELECT failure FROM jobs WHERE request LIKE '%{prompt}%'")
    return next((kind for kind in FailureKind if f'"{kind}"' in str(found)), None)


@abreast
async def test_automod_that_refuses_the_prompt_gets_the_pictures_without_it(open_house: OpenHouse) -> None:
    async with open_house() as house:
        reply = await ask(house.ada, "a rude word")
        house.discord.rules = replace(house.discord.rules, blocked_words=("rude word",))
        message = await reply.until(with_pictures, PATIENCE_S)
        assert len(house.with_pictures()) == len(house.image_api.accepted) == 1
        assert not says("rude word")(message)


@abreast
async def test_automod_that_refuses_the_prompt_gets_the_failure_without_it(open_house: OpenHouse) -> None:
    async with open_house() as house:
        reply = await ask(house.ada, "a rude word [[refuse]]")
        house.discord.rules = replace(house.discord.rules, blocked_words=("rude word",))
        message = await reply.until(final, PATIENCE_S)
        assert says("refused by moderation")(message)
        assert not says("rude word")(message)


@abreast
async def test_automod_that_refuses_the_acknowledgement_leaves_no_one_without_an_answer(open_house: OpenHouse) -> None:
    async with open_house(rules=DiscordRules(blocked_words=("rude word",))) as house:
        reply = await house.ada.command("imagine", prompt="a rude word")
        assert not reply.error
        message = await reply.until(final, PATIENCE_S)
        assert bool(message.pictures) == bool(house.image_api.accepted)


@pytest.mark.parametrize("status", [413, 400])
@abreast
async def test_an_upload_called_too_large_is_made_smaller_and_sent_anew(house: House, status: int) -> None:
    code = {413: 40005, 400: 50045}[status]
    while True:
        reply = await ask(house.ada, f"too large for {status}, {next(TRIES)}")
        fault = house.discord.faults.answer(by_token(reply), status, code=code, times=2, message="Entity too large")
        await delivered_once(house, reply, house.ada)
        if fault.hits:  # else the pictures were there first
            break
    assert len(uploads(house, by_token(reply))) == 3


@abreast
async def test_a_limit_lower_than_announced_is_found_and_kept(open_house: OpenHouse) -> None:
    async with open_house(paint=PaintMode.REAL) as house:
        reply = await ask(house.ada, "a red fox", resolution="2k", format="png")
        house.discord.world.channel("pictures").upload_limit = 3 * MIB // 2
        message = await reply.until(with_pictures, PATIENCE_S)
        assert 0 < message.pictures[0].size <= 3 * MIB // 2
        assert len(house.with_pictures()) == len(house.image_api.accepted) == 1
        sizes = [request.files[0].size for request in house.uploads()]
        assert sizes == sorted(sizes, reverse=True)
        assert says("original")(message) or len(sizes) == 1
