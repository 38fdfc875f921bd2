"""`UNIALL_MODE=sync`: the whole bot on the routes that answer with the pictures themselves."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from PIL import Image

from bot.image_api.wire.answers import as_object
from bot.model import Charged, FailureKind
from sandbox.image_api.latency import Latency
from tests.acceptance.conftest import PATIENCE_S, House, eventually, final, house_in, picture, with_pictures
from tests.acceptance.outcomes import (
    Outcome,
    all_played,
    foreign_words,
    painted,
    pictures,
    prompt_of,
    seen_end,
    stage_with,
)
from tests.integration.uniall_servers import Handler, playing, reply
from tests.integration.uniall_servers import Reply as Answer

SYNC = {"UNIALL_MODE": "sync", "MAX_JOBS_PER_USER": "200", "MAX_ACTIVE_JOBS": "200"}
GENERATIONS, EDITS = "/v1/images/generations", "/v1/images/edits"
NO, MAYBE, YES = Charged.NO, Charged.MAYBE, Charged.YES
UNCERTAIN = FailureKind.UNCERTAIN

OUTCOMES: Mapping[str, Outcome] = {
    "balance": Outcome(FailureKind.OUT_OF_BALANCE, NO, accepted=0),
    "error-500": Outcome(UNCERTAIN, MAYBE, accepted=0),
    "bad-key": Outcome(FailureKind.BAD_KEY, NO, accepted=0),
    "error-504-after-accept": Outcome(UNCERTAIN, MAYBE),
    "bad-input": Outcome(FailureKind.BAD_INPUT, NO, again=False, accepted=0),
    "drop": Outcome(UNCERTAIN, MAYBE, accepted=0),
    "refuse-at-once": Outcome(FailureKind.REFUSED, YES, accepted=0),
    "drop-after-accept": Outcome(UNCERTAIN, MAYBE),
    "refuse-422": Outcome(FailureKind.REFUSED, MAYBE, accepted=0),
    "fail": Outcome(UNCERTAIN, MAYBE),  # told as 500: whether anything was painted stays open
    "no-channel": Outcome(FailureKind.BAD_INPUT, NO, again=False, accepted=0),
    "cut-after-accept": Outcome(UNCERTAIN, MAYBE),
    "wrong-route": Outcome(FailureKind.UNKNOWN, NO, accepted=0),
    "null-in-200": Outcome(UNCERTAIN, MAYBE, accepted=0),
    "html-in-200": Outcome(UNCERTAIN, MAYBE, accepted=0),
    "error-in-200": Outcome(FailureKind.UNKNOWN, MAYBE, accepted=0),
    "refuse": Outcome(FailureKind.REFUSED, MAYBE),
    "refuse-text": Outcome(FailureKind.REFUSED, MAYBE),
    "no-pictures": Outcome(FailureKind.LOST, MAYBE),
    "gone": Outcome(FailureKind.LOST, YES),
    "download-html": Outcome(FailureKind.LOST, YES),
    "download-half": Outcome(FailureKind.LOST, YES),
    "busy": Outcome(FailureKind.BUSY, NO, accepted=0, posts=4),
    "busy-once": pictures(2, posts=2),
    "fewer": pictures(1),
    **dict.fromkeys(("slow", "trickle", "heartbeat", "gzip", "results-b64", "data-address"), pictures(2)),
    **dict.fromkeys(("relative-address", "other-origin", "other-format", "download-403-once"), pictures(2)),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sync_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house_in(tmp_path_factory.mktemp("sync"), variables=SYNC) as house:
        yield house


@pytest.mark.asyncio(loop_scope="module")
async def test_every_answer_ends_as_it_must_and_buys_at_most_once(sync_house: House) -> None:
    seen = await all_played(sync_house, OUTCOMES)
    # While others are accepted, a refusal for too much work does not count as one of a job's tries.
    seen = {
        name: replace(it, posts=4) if it.end is FailureKind.BUSY and it.posts > 4 else it for name, it in seen.items()
    }
    assert {name: it for name, it in seen.items() if it != OUTCOMES[name]} == {}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("count", [1, 3])
async def test_pictures_are_generated_with_the_fields_the_page_shows_and_no_other(
    sync_house: House, count: int
) -> None:
    before = len(sync_house.image_api.requests)
    asked = await sync_house.ada.command(
        "imagine", prompt="a lighthouse", count=count, resolution="2k", aspect_ratio="16:9", format="webp"
    )
    message = await asked.until(with_pictures)
    assert len(message.pictures) == count
    [sent] = sync_house.submissions(before)
    assert (sent.path, sent.json) == (
        GENERATIONS,
        {"model": "grok-imagine-image", "prompt": "a lighthouse", "n": count, "response_format": "url"},
    )
    assert not [it for it in sync_house.image_api.requests[before:] if "/tasks" in it.path]


@pytest.mark.asyncio(loop_scope="module")
async def test_pictures_inside_the_answer_arrive_whole(sync_house: House) -> None:
    asked = await sync_house.ada.command("imagine", prompt="a red fox [[results-b64]]", count=3)
    message = await asked.until(with_pictures)
    files = [await asked.download(it) for it in message.pictures]
    assert [Image.open(io.BytesIO(file)).format for file in files] == ["JPEG"] * 3


@pytest.mark.asyncio(loop_scope="module")
async def test_one_source_goes_as_an_address_in_json(sync_house: House, tmp_path: Path) -> None:
    before = len(sync_house.image_api.requests)
    asked = await sync_house.ada.command("edit", prompt="in snow", image=picture(tmp_path / "a.png"))
    message = await asked.until(with_pictures)
    [sent] = sync_house.submissions(before)
    body = dict(as_object(sent.json))
    assert sent.path == EDITS
    assert Path(str(body.pop("image")).partition("?")[0]).name == "a.png"
    assert body == {"model": "grok-imagine-image", "prompt": "in snow", "n": 1, "response_format": "url"}
    assert [it.filename for it in message.pictures] == ["source-1.png", "picture-1.jpg"]


@pytest.mark.asyncio(loop_scope="module")
async def test_several_sources_are_uploaded_in_their_order(sync_house: House, tmp_path: Path) -> None:
    files = [picture(tmp_path / name) for name in ("a.png", "b.jpg", "c.webp")]
    before = len(sync_house.image_api.requests)
    asked = await sync_house.ada.command(
        "edit", prompt="together", image=files[0], image2=files[1], image3=files[2], count=2
    )
    message = await asked.until(with_pictures)
    [sent] = sync_house.submissions(before)
    assert (sent.path, sent.json) == (EDITS, None)
    assert dict(sent.form) == {
        "model": ("grok-imagine-image",),
        "prompt": ("together",),
        "n": ("2",),
        "response_format": ("url",),
        "image[]": tuple(file.stat().st_size for file in files),
    }
    assert len(message.pictures) == 5


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("count", "end"), [(1, (UNCERTAIN, MAYBE)), (2, (UNCERTAIN, MAYBE))])
async def test_an_edit_whose_answer_is_lost_is_not_sent_again(
    sync_house: House, tmp_path: Path, count: int, end: tuple[FailureKind, Charged]
) -> None:
    files = [picture(tmp_path / f"{number}.png") for number in range(count)]
    prompt = f"as ink, {count} [[drop-after-accept]]"
    more = {"image2": files[1]} if count == 2 else {}
    asked = await sync_house.ada.command("edit", prompt=prompt, image=files[0], **more)
    assert seen_end(await asked.until(final)) == end
    assert sum(prompt_of(it) == prompt for it in sync_house.submissions()) == 1


@pytest.mark.asyncio(loop_scope="module")
async def test_again_repeats_an_edit_of_several_sources(sync_house: House, tmp_path: Path) -> None:
    files = [picture(tmp_path / name) for name in ("a.png", "b.png")]
    asked = await sync_house.ada.command("edit", prompt="twice", image=files[0], image2=files[1])
    await asked.until(with_pictures)
    before = len(sync_house.image_api.requests)
    again = await (await sync_house.ada.press(asked, "Again")).until(with_pictures)
    assert len(again.pictures) == 3
    [sent] = sync_house.submissions(before)
    assert len(sent.form["image[]"]) == 2


async def test_while_a_slow_answer_is_out_others_are_acknowledged_and_served(tmp_path: Path) -> None:
    async with house_in(tmp_path, variables=SYNC, latency=Latency.fixed(0.8)) as house:
        slow = await house.ada.command("imagine", prompt="slow [[slow]]")
        assert slow.message.labels == ["Cancel"]
        others = await asyncio.gather(*(house.ben.command("imagine", prompt=f"{n}") for n in range(5)))
        for other in others:
            await other.until(with_pictures)
        assert not final(slow.message)
        assert len((await slow.until(with_pictures)).pictures) == 1
        assert len(house.submissions()) == 6


async def test_cancel_ends_the_wait_for_a_slow_answer(tmp_path: Path) -> None:
    async with house_in(tmp_path, variables=SYNC, latency=Latency.fixed(4.0)) as house:
        asked = await house.ada.command("imagine", prompt="a red fox")
        await eventually(lambda: house.image_api.accepted)
        await house.ada.press(asked, "Cancel")
        assert seen_end(await asked.until(final)) == (FailureKind.CANCELLED, MAYBE)
        # the place in flight is free, and what was cancelled does not come back
        await (await house.ada.command("imagine", prompt="another")).until(with_pictures)
        assert not asked.message.pictures


async def test_a_job_in_line_can_be_cancelled_and_is_not_sent(tmp_path: Path) -> None:
    variables = {**SYNC, "MAX_ACTIVE_JOBS": "1"}
    async with house_in(tmp_path, variables=variables, latency=Latency.fixed(2.0)) as house:
        first = await house.ada.command("imagine", prompt="first")
        second = await house.ada.command("imagine", prompt="second")
        await house.ada.press(second, "Cancel")
        assert seen_end(await second.until(final)) == (FailureKind.CANCELLED, NO)
        await first.until(with_pictures)
        assert [prompt_of(it) for it in house.submissions()] == ["first"]


async def test_killed_while_the_answer_is_out_nobody_knows_and_nothing_is_sent_again(tmp_path: Path) -> None:
    async with house_in(tmp_path, variables=SYNC, latency=Latency.fixed(10.0)) as house:
        source = picture(tmp_path / "a.png")
        asked = [
            await house.ada.command("imagine", prompt="a red fox"),
            await house.ada.command("edit", prompt="one", image=source),
            await house.ada.command("edit", prompt="two", image=source, image2=source),
        ]
        await eventually(lambda: len(house.image_api.accepted) == len(asked))
        await house.restart_bot()
        for reply_ in asked:
            message = await reply_.until(final)
            assert seen_end(message) == (UNCERTAIN, MAYBE)
            assert "Again" in message.labels
        assert len(house.submissions()) == len(asked)


async def test_killed_with_the_pictures_inside_the_answer_they_are_still_delivered(tmp_path: Path) -> None:
    async with house_in(tmp_path, variables=SYNC) as house:
        house.discord.faults.hang("PATCH /webhooks/*/messages/*")
        asked = await house.ada.command("imagine", prompt="a red fox [[results-b64]]", count=2)
        await eventually(lambda: [it for it in house.discord.requests if it.files])
        await house.kill_bot()
        house.discord.faults.clear()
        await house.start_bot()
        assert len((await asked.until(with_pictures)).pictures) == 2
        assert len(house.submissions()) == 1


async def test_a_stop_waits_for_no_answer_that_does_not_come(tmp_path: Path) -> None:
    async with house_in(tmp_path, variables=SYNC) as house:
        asked = await house.ada.command("imagine", prompt="a red fox [[hang-after-accept]]")
        await eventually(lambda: house.image_api.accepted)
        async with asyncio.timeout(20):
            await house.bot.stop()
        assert await house.bot.ended() == 0
        await house.start_bot()
        assert seen_end(await asked.until(final)) == (UNCERTAIN, MAYBE)
        assert len(house.submissions()) == 1


async def test_an_answer_that_is_nearly_there_is_waited_for_when_the_bot_is_stopped(tmp_path: Path) -> None:
    async with house_in(tmp_path, variables=SYNC, latency=Latency.fixed(2.0)) as house:
        asked = await house.ada.command("imagine", prompt="a red fox")
        await eventually(lambda: house.image_api.accepted)
        await house.bot.stop()
        assert await house.bot.ended() == 0
        await house.start_bot()
        assert len((await asked.until(with_pictures)).pictures) == 1
        assert len(house.submissions()) == 1


#: Spellings of this very machine that a careless client would connect to, with a port where something listens.
PRIVATE = (
    *("http://localhost:{port}/1.png", "http://127.0.0.2:{port}/1.png", "http://0.0.0.0:{port}/1.png"),
    *("http://2130706433:{port}/1.png", "http://127.1:{port}/1.png", "http://[::ffff:127.0.0.1]:{port}/1.png"),
    *("http://[::1]:{port}/1.png", "http://user:word@127.0.0.1:{port}/1.png", "//localhost:{port}/1.png"),
    *("http://169.254.169.254/latest/meta-data", "http://10.0.0.1/1.png"),
)


@pytest.mark.parametrize("mode", ["sync", "tasks"])
async def test_private_addresses_in_an_answer_are_never_asked(tmp_path: Path, mode: str) -> None:
    async def secret(request: web.Request) -> Answer:
        return reply(200, painted(), Content_Type="image/png")

    async with playing(secret) as inside, stage_with(answering(inside.port), tmp_path, UNIALL_MODE=mode) as stage:
        asked = [await stage.ada.command("imagine", prompt=f"{number}") for number in range(len(PRIVATE))]
        moved = await stage.ada.command("imagine", prompt="moved")
        for reply_ in (*asked, moved):
            message = await reply_.until(final, PATIENCE_S)
            assert seen_end(message) == (FailureKind.HOST_REFUSED, YES)
            assert not foreign_words(reply_)
        good = await stage.ada.command("imagine", prompt="good")
        assert (await good.until(with_pictures)).pictures
        assert inside.seen == []
        assert len(stage.posts) == len(PRIVATE) + 2


def answering(port: int) -> Handler:
    """An image API whose result lies where the prompt says: at one of PRIVATE, behind a redirect, or at home."""

    async def handler(request: web.Request) -> Answer:
        name = request.path.rpartition("/")[2]
        if request.path == "/files/moved":
            return reply(302, Location=f"http://localhost:{port}/1.png")
        if request.path.startswith("/files/"):
            return reply(200, painted(), Content_Type="image/png")
        if request.method == "GET":
            return reply(200, {"task_id": name, "status": "succeeded", "result_urls": [address(name)]})
        prompt = str((await request.json())["prompt"])
        if request.path.endswith("/tasks"):
            return reply(200, {"task_id": prompt, "status": "queued"})
        return reply(200, {"created": 1, "data": [{"url": address(prompt)}]})

    def address(name: str) -> str:
        return PRIVATE[int(name)].format(port=port) if name.isdigit() else f"/files/{name}"

    return handler
