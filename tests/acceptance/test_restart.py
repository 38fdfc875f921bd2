"""`kill -9` on the way of a job: the next start delivers it once, or says that the outcome is unknown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from bot.sandbox.discord.calls import Recorded
from bot.sandbox.image_api.latency import Latency
from tests.acceptance.conftest import PATIENCE_S, House, final, house_in, says, with_pictures

REPLY_EDITS = "PATCH /webhooks/*/messages/*"


def uploads(house: House) -> list[Recorded]:
    """Requests that carry pictures."""
    return [request for request in house.discord.requests if request.files]


async def eventually(condition: Callable[[], object], within: float = PATIENCE_S) -> None:
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.02)


async def test_jobs_in_line_are_taken_up_in_their_order(tmp_path: Path) -> None:
    async with house_in(tmp_path, variables={"MAX_ACTIVE_JOBS": "1"}, latency=Latency.fixed(2.0)) as house:
        replies = [await house.ada.command("imagine", prompt=f"{n}") for n in range(3)]
        await house.restart_bot()
        messages = [await reply.until(with_pictures, 40) for reply in replies]
        assert len({message.id for message in messages}) == 3
        assert [it.submission.prompt for it in house.image_api.accepted] == ["0", "1", "2"]


async def test_killed_while_the_submission_has_no_answer_the_outcome_is_told_as_unknown(tmp_path: Path) -> None:
    async with house_in(tmp_path) as house:
        reply = await house.ada.command("imagine", prompt="a red fox [[hang-after-accept]]")
        await eventually(lambda: house.image_api.accepted)
        await house.restart_bot()
        message = await reply.until(final)
        assert says("nobody knows", "may have been charged")(message)
        assert "Again" in message.labels
        assert len(house.submissions()) == 1


async def test_killed_in_the_middle_of_progress_the_job_is_delivered_once(tmp_path: Path) -> None:
    async with house_in(tmp_path, latency=Latency.fixed(4.0)) as house:
        reply = await house.ada.command("imagine", prompt="a red fox", count=2)
        await reply.until(says("painting"))
        await house.restart_bot()
        message = await reply.until(with_pictures)
        assert len(message.pictures) == 2
        assert len(house.submissions()) == len(uploads(house)) == 1


async def test_a_task_that_finished_while_the_bot_was_down_is_delivered(tmp_path: Path) -> None:
    async with house_in(tmp_path, latency=Latency.fixed(2.0)) as house:
        reply = await house.ada.command("imagine", prompt="a red fox")
        await eventually(lambda: house.image_api.accepted)
        await eventually(lambda: says("painting")(reply.message))
        await house.kill_bot()
        await eventually(lambda: all(task.ready_at for task in house.image_api.tasks.values()))
        await house.start_bot()
        await reply.until(with_pictures)
        assert len(house.submissions()) == len(uploads(house)) == 1


async def test_killed_during_the_upload_the_pictures_come_with_the_next_start(tmp_path: Path) -> None:
    async with house_in(tmp_path) as house:
        reply = await house.ada.command("imagine", prompt="a red fox")
        await reply.until(says("painting"))
        house.discord.faults.hang(REPLY_EDITS)
        await eventually(lambda: uploads(house))
        await house.kill_bot()
        house.discord.faults.clear()
        await house.start_bot()
        await reply.until(with_pictures)
        assert len(house.submissions()) == 1
        assert len(with_any_picture(house)) == 1


async def test_killed_after_the_upload_nothing_is_uploaded_again(tmp_path: Path) -> None:
    async with house_in(tmp_path) as house:
        reply = await house.ada.command("imagine", prompt="a red fox")
        await reply.until(says("painting"))
        house.discord.faults.hang(REPLY_EDITS, processed=True)
        await reply.until(with_pictures)
        await house.kill_bot()
        house.discord.faults.clear()
        await house.start_bot()
        # The start looks at the message; what it does after that would be seen within a few polls.
        await eventually(lambda: [it for it in house.discord.requests if it.method == "GET" and "messages" in it.path])
        again = await (await house.ada.press(reply, "Again")).until(with_pictures)
        assert len(uploads(house)) == 2
        assert {message.id for message in with_any_picture(house)} == {reply.message.id, again.id}


async def test_killed_before_the_acknowledgement_was_answered_the_reply_is_found_and_the_job_done(
    tmp_path: Path,
) -> None:
    async with house_in(tmp_path) as house:
        house.discord.faults.hang("POST /interactions/*/callback", processed=True)
        reply = await house.ada.command("imagine", prompt="a red fox")
        await house.kill_bot()
        house.discord.faults.clear()
        assert not house.submissions()
        await house.start_bot()
        await reply.until(with_pictures)
        assert len(house.submissions()) == 1


async def test_an_acknowledgement_that_discord_refuses_buys_nothing(tmp_path: Path) -> None:
    async with house_in(tmp_path) as house:
        house.discord.faults.answer("POST /interactions/*/callback", 404, code=10062, message="Unknown interaction")
        lost = await house.ada.command("imagine", prompt="never seen")
        assert lost.error
        await (await house.ada.command("imagine", prompt="seen")).until(with_pictures)
        await house.restart_bot()
        await (await house.ada.command("imagine", prompt="seen too")).until(with_pictures)
        assert [it.submission.prompt for it in house.image_api.accepted] == ["seen", "seen too"]


async def test_killed_before_a_failure_was_told_the_next_start_tells_it(tmp_path: Path) -> None:
    async with house_in(tmp_path) as house:
        reply = await house.ada.command("imagine", prompt="a red fox [[refuse-at-once]]")
        fault = house.discord.faults.hang(REPLY_EDITS)
        await eventually(lambda: fault.hits)
        await house.kill_bot()
        house.discord.faults.clear()
        await house.start_bot()
        assert says("refused by moderation")(await reply.until(final))


async def test_a_job_that_outlived_its_interaction_is_delivered_by_the_bots_own_token(tmp_path: Path) -> None:
    async with house_in(tmp_path, latency=Latency.fixed(3.0)) as house:
        reply = await house.ada.command("imagine", prompt="a red fox")
        await reply.until(says("painting"))
        await house.kill_bot()
        await forget_tokens(tmp_path)
        house.discord.expire_tokens()
        await house.start_bot()
        message = await reply.until(with_pictures)
        assert message.id == reply.states[0].id
        assert [it.path for it in uploads(house) if it.token_state is not None] == []


async def forget_tokens(folder: Path) -> None:
    """What 15 minutes of downtime leave in the database: tokens that have expired."""
    import sqlite3

    with sqlite3.connect(folder / "easel.db") as database:
        database.execute("UPDATE jobs SET token_expires_at = '2020-01-01 00:00:00.000000'")
    database.close()


async def test_sigterm_leaves_running_jobs_to_the_next_start(tmp_path: Path) -> None:
    async with house_in(tmp_path, latency=Latency.fixed(4.0)) as house:
        reply = await house.ada.command("imagine", prompt="a red fox")
        await reply.until(says("painting"))
        await house.bot.stop()
        assert await house.bot.ended() == 0
        await house.start_bot()
        await reply.until(with_pictures)
        assert len(house.submissions()) == 1


async def test_a_timed_out_job_offers_to_check_again_which_delivers_what_was_paid_for(tmp_path: Path) -> None:
    async with house_in(tmp_path, variables={"JOB_TIMEOUT_S": "2"}, latency=Latency.fixed(4.0)) as house:
        reply = await house.ada.command("imagine", prompt="a red fox")
        message = await reply.until(final)
        assert says("timed out", "may have been charged")(message)
        assert message.labels[0] == "Check again"
        await eventually(lambda: all(task.ready_at for task in house.image_api.tasks.values()))
        await house.ada.press(reply, "Check again")
        await reply.until(with_pictures)
        assert len(house.submissions()) == 1


async def test_a_reply_that_was_deleted_is_respected(tmp_path: Path) -> None:
    async with house_in(tmp_path, latency=Latency.fixed(3.0)) as house:
        reply = await house.ada.command("imagine", prompt="a red fox")
        await reply.until(says("painting"))
        await house.ada.delete(reply)
        await eventually(lambda: all(task.told_at for task in house.image_api.tasks.values()))
        await (await house.ada.command("imagine", prompt="another")).until(with_pictures)
        assert len(with_any_picture(house)) == 1


def with_any_picture(house: House) -> list[object]:
    """Messages in the channel that show pictures."""
    return [message for message in house.ada.sees() if message.pictures]
