"""Discord in trouble: whatever it answers, a job's pictures come once, are bought once, and a failure is told.

Most stories share one house and set their faults on requests about their own reply only.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import pytest
import pytest_asyncio

from bot.sandbox.discord.calls import Recorded
from bot.sandbox.discord.faults import Fault
from bot.sandbox.discord.permissions import Permission
from bot.sandbox.discord.person import Person
from bot.sandbox.discord.reply import Reply
from bot.sandbox.discord.rules import MIB, DiscordRules
from bot.sandbox.image_api.latency import Latency
from bot.sandbox.image_api.studio import PaintMode
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import House, OpenHouse, eventually, final, house_in, says, with_pictures
from tests.databases import rows

pytestmark = pytest.mark.asyncio(loop_scope="module")
AT_ONCE = 8

PATIENCE_S = 45.0
VARIABLES = {"MAX_JOBS_PER_USER": "100"}
ACKNOWLEDGEMENTS = "POST /interactions/*/callback"
#: So old an interaction that the bot no longer uses its token for anything but the acknowledgement.
LATE = DiscordRules(interaction_age_s=897, token_lifetime_s=3.5, rate_limits=False)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What becomes of one request: the name of a method of Faults, and what it is called with."""

    method: str
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def strike(self, house: House, pattern: str) -> Fault:
        return getattr(house.discord.faults, self.method)(pattern, *self.arguments, **self.options)


TROUBLES: Mapping[str, Trouble] = MappingProxyType(
    {
        "429": Trouble("answer", (429,), {"retry_after": 0.3}),
        "429 of Cloudflare": Trouble("answer", (429,), {"retry_after": 0.3, "via": False}),
        "429 of Cloudflare twice": Trouble("answer", (429,), {"retry_after": 0.3, "via": False, "times": 2}),
        "500": Trouble("answer", (500,)),
        "502": Trouble("answer", (502,)),
        "503": Trouble("answer", (503,)),
        "500 after processing": Trouble("answer", (500,), {"processed": True}),
        "503 after processing": Trouble("answer", (503,), {"processed": True}),
        "reset": Trouble("reset"),
        "reset twice": Trouble("reset", (), {"times": 2}),
        "reset after processing": Trouble("reset", (), {"processed": True}),
    }
)
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
    reply = await person.command("imagine", prompt=prompt, **options)
    await reply.until(says("painting"))
    return reply


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


@pytest.mark.parametrize("trouble", ["429", "500", "502", "500 after processing", "reset after processing", "hang"])
@abreast
async def test_an_acknowledgement_that_arrived_in_spite_of_trouble_is_followed_by_its_pictures(
    open_house: OpenHouse, trouble: str
) -> None:
    async with open_house() as house:
        strike = TROUBLES.get(trouble, Trouble("hang", (), {"processed": True}))
        fault = strike.strike(house, ACKNOWLEDGEMENTS)
        reply = await house.ada.command("imagine", prompt="a red fox")
        assert not reply.error
        await delivered_once(house, reply, house.ada)
        assert fault.hits
        nothing_happened_twice(house)


@pytest.mark.parametrize("trouble", ["429 of Cloudflare", "503", "reset", "hang", "500 for ever"])
@abreast
async def test_an_acknowledgement_that_did_not_arrive_buys_nothing(open_house: OpenHouse, trouble: str) -> None:
    async with open_house() as house:
        others = {"hang": Trouble("hang"), "500 for ever": Trouble("answer", (500,), {"times": None})}
        fault = {**TROUBLES, **others}[trouble].strike(house, ACKNOWLEDGEMENTS)
        lost = await house.ada.command("imagine", prompt="never seen")
        assert lost.error
        query = "SELECT state, failure FROM jobs"
        await eventually(lambda: rows(house.database, query)[0][0] == "failed", PATIENCE_S)
        assert "unacknowledged" in str(rows(house.database, query))
        house.discord.faults.remove(fault)
        await (await house.ada.command("imagine", prompt="seen")).until(with_pictures)
        assert [it.submission.prompt for it in house.image_api.accepted] == ["seen"]


@pytest.mark.parametrize("processed", [False, True], ids=["before processing", "after processing"])
@pytest.mark.parametrize("moment", ["progress", "upload", "failure"])
@abreast
async def test_a_request_that_is_never_answered_is_given_up_with_its_token(
    open_house: OpenHouse, moment: str, processed: bool
) -> None:
    """How long an edit may take is bounded by what is left of its token, here 14 s."""
    async with open_house(rules=DiscordRules(interaction_age_s=886, token_lifetime_s=14)) as house:
        prompt = f"a {moment} without answer{' [[refuse]]' if moment == 'failure' else ''}"
        if moment == "progress":
            reply = await house.ada.command("imagine", prompt=prompt)
        else:
            reply = await ask(house.ada, prompt)
        fault = house.discord.faults.hang(by_token(reply), processed=processed)
        if moment == "failure":
            assert says("refused by moderation")(await reply.until(final, PATIENCE_S))
        else:
            await delivered_once(house, reply, house.ada)
        await fault.struck.wait()
        await eventually(lambda: says("painting")(reply.message) is False)
        nothing_happened_twice(house)


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


@pytest.mark.parametrize("moment", ["painting", "uploading", "uploading by the bot's own token"])
@abreast
async def test_a_reply_deleted_while_its_job_runs_is_respected(house: House, late_house: House, moment: str) -> None:
    by_own = "own token" in moment
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
    found = rows(house.database, f"SELECT failure FROM jobs WHERE request LIKE '%{prompt.replace(chr(39), '_')}%'")
    return next((kind for kind in ("reply_deleted", "undeliverable") if kind in str(found)), None)


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
    reply = await ask(house.ada, f"too large for {status}")
    house.discord.faults.answer(by_token(reply), status, code=code, times=2, message="Request entity too large")
    await delivered_once(house, reply, house.ada)
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


@pytest.mark.parametrize("taken", ["VIEW_CHANNEL", "ATTACH_FILES"])
@abreast
async def test_pictures_wait_for_a_permission_taken_away_after_the_token_expired(
    open_house: OpenHouse, taken: str
) -> None:
    async with open_house(rules=LATE) as house:
        reply = await house.ada.command("imagine", prompt="a red fox")
        house.discord.world.deny("pictures", Permission[taken])
        await eventually(lambda: [it for it in house.discord.requests if it.status == 403], PATIENCE_S)
        assert not house.with_pictures()
        house.discord.world.allow("pictures", Permission[taken])
        # The next try comes minutes later, or with a start.
        await house.restart_bot()
        await delivered_once(house, reply, house.ada)


@abreast
async def test_pictures_of_a_member_that_may_no_longer_write_still_come_into_the_reply(open_house: OpenHouse) -> None:
    async with open_house(rules=LATE) as house:
        reply = await house.ada.command("imagine", prompt="a red fox")
        house.discord.world.deny("pictures", Permission.SEND_MESSAGES)
        await delivered_once(house, reply, house.ada)


@abreast
async def test_a_channel_that_is_gone_takes_nothing_along(open_house: OpenHouse) -> None:
    async with open_house(rules=LATE) as house:
        reply = await house.ada.at("general").command("imagine", prompt="a red fox")
        house.discord.world.delete_channel("general")
        await eventually(lambda: house.discord.requests.matching(by_bot(reply)), PATIENCE_S)
        await (await house.ada.command("imagine", prompt="elsewhere")).until(with_pictures, PATIENCE_S)
        await house.restart_bot()
        await (await house.ada.command("imagine", prompt="once more")).until(with_pictures, PATIENCE_S)
        assert [it.pictures[0].alt for it in house.with_pictures()] == ["elsewhere", "once more"]
        nothing_happened_twice(house)


@abreast
async def test_a_thread_archived_after_the_token_expired_gets_a_new_message(open_house: OpenHouse) -> None:
    async with open_house(rules=LATE) as house:
        in_thread = house.ada.at("thread")
        reply = await in_thread.command("imagine", prompt="a red fox")
        house.discord.world.archive("thread")
        await eventually(lambda: [it for it in in_thread.sees() if it.pictures], PATIENCE_S)
        await asyncio.sleep(1)
        assert len([it for it in in_thread.sees() if it.pictures]) == len(house.image_api.accepted) == 1
        assert not reply.pictures


@abreast
async def test_killed_after_the_new_message_it_is_not_posted_again(open_house: OpenHouse) -> None:
    async with open_house(rules=LATE) as house:
        in_thread = house.ada.at("thread")
        await in_thread.command("imagine", prompt="a red fox")
        house.discord.world.archive("thread")
        house.discord.faults.hang("POST /channels/*/messages", processed=True)
        await eventually(lambda: [it for it in in_thread.sees() if it.pictures], PATIENCE_S)
        await house.kill_bot()
        house.discord.faults.clear()
        house.discord.world.archive("thread")
        await house.start_bot()
        await eventually(lambda: rows(house.database, "SELECT state FROM jobs") == [("delivered",)], PATIENCE_S)
        assert len([it for it in in_thread.sees() if it.pictures]) == len(house.image_api.accepted) == 1


@abreast
async def test_pictures_wait_for_a_locked_thread_to_be_opened(open_house: OpenHouse) -> None:
    async with open_house(rules=LATE) as house:
        in_thread = house.ada.at("thread")
        reply = await in_thread.command("imagine", prompt="a red fox")
        house.discord.world.archive("thread", locked=True)
        await eventually(lambda: house.discord.requests.matching("POST /channels/*/messages"), PATIENCE_S)
        house.discord.world.unarchive(house.discord.world.channel("thread"))
        await house.restart_bot()
        await delivered_once(house, reply, in_thread)
