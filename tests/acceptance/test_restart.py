"""`kill -9` on the way of a job: the next start delivers it once, or says that the outcome is unknown."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from sandbox.discord.reply import Reply
from sandbox.discord.rules import DEFAULT_RULES
from sandbox.image_api.latency import Latency
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import LONG_AGO, House, OpenHouse, eventually, final, says, with_pictures
from tests.databases import KINDS, execute, rows

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.parametrize("kind", KINDS)]

REPLY_EDITS = "PATCH /webhooks/*/messages/*"
ACKNOWLEDGEMENTS = "POST /interactions/*/callback"


async def delivered_once(house: House, reply: Reply, *, pictures: int = 1) -> None:
    """The pictures come into the reply, and nowhere else; they were bought once."""
    message = await reply.until(with_pictures)
    assert len(message.pictures) == pictures
    assert [it.id for it in house.with_pictures()] == [reply.states[0].id]
    assert len(house.image_api.accepted) == 1


def states(house: House, where: str = "1 = 1") -> list[object]:
    """How far the jobs in the database are, oldest first."""
    return [state for (state,) in rows(house.database, f"SELECT state FROM jobs WHERE {where} ORDER BY seq")]


def files_asked_for(house: House) -> Sequence[object]:
    return [request for request in house.image_api.requests if request.path.startswith("/files/")]


def all_painted(house: House) -> bool:
    return bool(house.image_api.tasks) and all(task.ready_at for task in house.image_api.tasks.values())


@abreast
async def test_killed_before_discord_had_the_acknowledgement_nothing_is_bought(
    open_house: OpenHouse, kind: str
) -> None:
    async with open_house(kind, rules=DEFAULT_RULES) as house:
        fault = house.discord.faults.hang(ACKNOWLEDGEMENTS)
        command = asyncio.create_task(house.ada.command("imagine", prompt="never seen"))
        await fault.struck.wait()
        await house.kill_bot()
        house.discord.faults.clear()
        assert (await command).error
        await house.start_bot()
        await (await house.ada.command("imagine", prompt="seen")).until(with_pictures)
        assert [it.submission.prompt for it in house.image_api.accepted] == ["seen"]


@abreast
async def test_killed_before_the_acknowledgement_was_answered_the_reply_is_found_and_the_job_done(
    open_house: OpenHouse, kind: str
) -> None:
    async with open_house(kind) as house:
        house.discord.faults.hang(ACKNOWLEDGEMENTS, processed=True)
        reply = await house.ada.command("imagine", prompt="a red fox")
        await house.kill_bot()
        house.discord.faults.clear()
        assert not house.submissions()
        await house.start_bot()
        await delivered_once(house, reply)
        assert len(house.submissions()) == 1


@abreast
async def test_killed_before_the_acknowledgement_was_answered_and_long_away_nobody_waits_for_ever(
    open_house: OpenHouse, kind: str
) -> None:
    """The reply says "waiting in line", and its token has expired before the bot learned that it is there."""
    async with open_house(kind) as house:
        house.discord.faults.hang(ACKNOWLEDGEMENTS, processed=True)
        reply = await house.ada.command("imagine", prompt="a red fox")
        await house.kill_bot()
        house.discord.faults.clear()
        await asyncio.to_thread(execute, house.database, f"UPDATE jobs SET token_expires_at = '{LONG_AGO}'")
        house.discord.expire_tokens()
        await house.start_bot()
        message = await reply.until(final)
        assert len(message.pictures) == len(house.submissions()) <= 1


@abreast
async def test_an_acknowledgement_that_discord_refuses_buys_nothing(open_house: OpenHouse, kind: str) -> None:
    async with open_house(kind, rules=DEFAULT_RULES) as house:
        house.discord.faults.answer(ACKNOWLEDGEMENTS, 404, code=10062, message="Unknown interaction")
        lost = await house.ada.command("imagine", prompt="never seen")
        assert lost.error
        await (await house.ada.command("imagine", prompt="seen")).until(with_pictures)
        await house.restart_bot()
        await (await house.ada.command("imagine", prompt="seen too")).until(with_pictures)
        assert [it.submission.prompt for it in house.image_api.accepted] == ["seen", "seen too"]


@abreast
async def test_killed_in_line_the_jobs_are_taken_up_in_their_order(open_house: OpenHouse, kind: str) -> None:
    async with open_house(kind, variables={"MAX_ACTIVE_JOBS": "1"}, latency=Latency.fixed(1.5)) as house:
        replies = [await house.ada.command("imagine", prompt=f"{n}") for n in range(3)]
        await eventually(lambda: states(house) == ["painting", "waiting", "waiting"])
        await house.restart_bot()
        messages = [await reply.until(with_pictures) for reply in replies]
        assert len({message.id for message in messages}) == len(house.with_pictures()) == 3
        assert [it.submission.prompt for it in house.image_api.accepted] == ["0", "1", "2"]


@abreast
async def test_killed_while_a_refused_submission_waits_for_its_next_try_it_is_sent_then(
    open_house: OpenHouse, kind: str
) -> None:
    async with open_house(kind) as house:
        house.image_api.behaviour.switch_on("busy", 1)
        reply = await house.ada.command("imagine", prompt="a red fox")
        await eventually(lambda: states(house, "attempts = 1") == ["waiting"])
        await house.restart_bot()
        await delivered_once(house, reply)
        assert len(house.submissions()) == 2


@pytest.mark.parametrize("moment", ["hang", "hang-after-accept"])
@abreast
async def test_killed_while_the_submission_has_no_answer_the_outcome_is_told_as_unknown(
    open_house: OpenHouse, kind: str, moment: str
) -> None:
    async with open_house(kind) as house:
        house.image_api.behaviour.switch_on(moment, 1)
        reply = await house.ada.command("imagine", prompt="a red fox")
        await eventually(lambda: [it for it in house.submissions() if it.json])
        await eventually(lambda: len(house.image_api.accepted) == (moment == "hang-after-accept"))
        await house.restart_bot()
        message = await reply.until(final)
        assert says("nobody knows", "may have been charged")(message)
        assert "Again" in message.labels
        # Whoever asks anew gets anew, and the job of unknown outcome stays as it is.
        await (await house.ada.press(reply, "Again")).until(with_pictures)
        assert len(house.submissions()) == 2
        assert says("nobody knows")(reply.message)


@abreast
async def test_killed_in_the_middle_of_progress_the_job_is_delivered_once(open_house: OpenHouse, kind: str) -> None:
    async with open_house(kind, latency=Latency.fixed(3.0)) as house:
        reply = await house.ada.command("imagine", prompt="a red fox", count=2)
        await reply.until(says("painting"))
        await house.restart_bot()
        await delivered_once(house, reply, pictures=2)
        assert len(house.submissions()) == len(house.uploads()) == 1


@abreast
async def test_a_task_that_finished_while_the_bot_was_down_is_delivered(open_house: OpenHouse, kind: str) -> None:
    async with open_house(kind, latency=Latency.fixed(2.0)) as house:
        reply = await house.ada.command("imagine", prompt="a red fox")
        await eventually(lambda: says("painting")(reply.message))
        await house.kill_bot()
        await eventually(lambda: all_painted(house))
        await house.start_bot()
        await delivered_once(house, reply)
        assert len(house.submissions()) == len(house.uploads()) == 1


@abreast
async def test_killed_while_its_acknowledgement_is_on_the_way_it_is_painted_once_that_has_arrived(
    open_house: OpenHouse, kind: str
) -> None:
    """Discord takes it only after the next start has looked for it. Else a dead card would stand there."""
    async with open_house(kind) as house:
        fault = house.discord.faults.slow(ACKNOWLEDGEMENTS, 2.5, lasting=True)
        asked = asyncio.create_task(house.ada.command("imagine", prompt="a red fox"))
        await fault.struck.wait()
        await house.restart_bot()
        await delivered_once(house, await asked)
        assert len(house.submissions()) == len(house.uploads()) == 1


@abreast
async def test_killed_while_the_result_is_fetched_it_is_fetched_with_the_next_start(
    open_house: OpenHouse, kind: str
) -> None:
    async with open_house(kind) as house:
        house.image_api.behaviour.switch_on("download-hang", 1)
        reply = await house.ada.command("imagine", prompt="a red fox")
        await eventually(lambda: files_asked_for(house))
        await house.restart_bot()
        await delivered_once(house, reply)
        assert len(house.submissions()) == len(house.uploads()) == 1


@abreast
async def test_killed_during_the_upload_the_pictures_come_with_the_next_start(open_house: OpenHouse, kind: str) -> None:
    async with open_house(kind) as house:
        fault = house.discord.faults.hang(REPLY_EDITS, files=True)
        reply = await house.ada.command("imagine", prompt="a red fox")
        await fault.struck.wait()
        await house.kill_bot()
        house.discord.faults.clear()
        await house.start_bot()
        await delivered_once(house, reply)
        assert len(house.submissions()) == 1


@abreast
async def test_killed_after_the_upload_nothing_is_uploaded_again(open_house: OpenHouse, kind: str) -> None:
    async with open_house(kind) as house:
        house.discord.faults.hang(REPLY_EDITS, processed=True, files=True)
        reply = await house.ada.command("imagine", prompt="a red fox")
        await reply.until(with_pictures)
        await house.kill_bot()
        house.discord.faults.clear()
        await house.start_bot()
        # The start looks at the message; what it does after that would be seen within a few polls.
        await eventually(lambda: [it for it in house.discord.requests if it.method == "GET" and "messages" in it.path])
        again = await (await house.ada.press(reply, "Again")).until(with_pictures)
        assert len(house.uploads()) == 2
        assert {message.id for message in house.with_pictures()} == {reply.message.id, again.id}


@abreast
async def test_killed_before_a_failure_was_told_the_next_start_tells_it(open_house: OpenHouse, kind: str) -> None:
    async with open_house(kind) as house:
        reply = await house.ada.command("imagine", prompt="a red fox [[refuse]]")
        await reply.until(says("painting"))
        fault = house.discord.faults.hang(REPLY_EDITS)
        await fault.struck.wait()
        await house.kill_bot()
        house.discord.faults.clear()
        await house.start_bot()
        assert says("refused by moderation")(await reply.until(final))
        assert len(house.submissions()) == 1


@abreast
async def test_killed_during_a_check_again_the_next_start_asks_and_delivers(open_house: OpenHouse, kind: str) -> None:
    async with open_house(kind, variables={"JOB_TIMEOUT_S": "2"}, latency=Latency.fixed(3.0)) as house:
        reply = await house.ada.command("imagine", prompt="a red fox")
        await reply.until(says("timed out"))
        await eventually(lambda: all_painted(house))
        house.image_api.behaviour.switch_on("status-hang", 1)
        asked = len(house.image_api.requests)
        await house.ada.press(reply, "Check again")
        await eventually(lambda: len(house.image_api.requests) > asked)
        await house.restart_bot()
        await delivered_once(house, reply)
        assert len(house.submissions()) == 1


@abreast
async def test_a_job_that_outlived_its_interaction_is_delivered_by_the_bots_own_token(
    open_house: OpenHouse, kind: str
) -> None:
    async with open_house(kind, latency=Latency.fixed(3.0)) as house:
        reply = await house.ada.command("imagine", prompt="a red fox")
        await reply.until(says("painting"))
        await house.kill_bot()
        # What 15 minutes of downtime leave behind.
        await asyncio.to_thread(execute, house.database, f"UPDATE jobs SET token_expires_at = '{LONG_AGO}'")
        house.discord.expire_tokens()
        await house.start_bot()
        await delivered_once(house, reply)
        assert [it.path for it in house.uploads() if it.token_state is not None] == []


@abreast
async def test_sigterm_leaves_running_jobs_to_the_next_start(open_house: OpenHouse, kind: str) -> None:
    async with open_house(kind, latency=Latency.fixed(3.0)) as house:
        reply = await house.ada.command("imagine", prompt="a red fox")
        await reply.until(says("painting"))
        await house.bot.stop()
        assert await house.bot.ended() == 0
        await house.start_bot()
        await delivered_once(house, reply)
        assert len(house.submissions()) == 1


@abreast
async def test_a_timed_out_job_offers_to_check_again_which_delivers_what_was_paid_for(
    open_house: OpenHouse, kind: str
) -> None:
    async with open_house(kind, variables={"JOB_TIMEOUT_S": "2"}, latency=Latency.fixed(3.0)) as house:
        reply = await house.ada.command("imagine", prompt="a red fox")
        message = await reply.until(final)
        assert says("timed out", "may have been charged")(message)
        assert message.labels[0] == "Check again"
        await eventually(lambda: all_painted(house))
        await house.ada.press(reply, "Check again")
        await delivered_once(house, reply)
        assert len(house.submissions()) == 1


@abreast
async def test_check_again_while_the_end_is_still_being_announced_asks_again_once(
    open_house: OpenHouse, kind: str
) -> None:
    """Discord applies the closing edit and its answers are lost, so the bot doesn't know that the button is there."""
    async with open_house(kind, variables={"JOB_TIMEOUT_S": "2"}, latency=Latency.fixed(3.0)) as house:
        reply = await house.ada.command("imagine", prompt="a red fox")
        await reply.until(says("painting"))
        house.discord.faults.answer(REPLY_EDITS, 502, times=None, processed=True)
        await reply.until(says("timed out"))
        await eventually(lambda: all_painted(house))
        await house.ada.press(reply, "Check again")
        await eventually(lambda: states(house) == ["painting"])
        house.discord.faults.clear()
        await delivered_once(house, reply)
        assert len(house.submissions()) == 1
