"""The image API client against the sandbox's local image API, in every scenario that it knows.

Whatever happens, nobody is told "not charged" about something that was bought, and nothing is sent twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import (
    AnswerLost,
    BadInput,
    BadKey,
    Busy,
    DownloadError,
    DownloadGone,
    DownloadUnreachable,
    ImageApiError,
    NotAPicture,
    OutOfBalance,
    Refused,
    TaskLost,
    TooLarge,
    Uncertain,
    Unexpected,
    Unreachable,
)
from bot.image_api.client import Download, ImageApi, Mode
from bot.image_api.picture_file import UnknownFormat
from bot.model import AspectRatio, Charged, ImageRequest, Source
from sandbox.image_api.latency import Latency
from sandbox.image_api.scenarios import SCENARIOS
from sandbox.image_api.server import LocalImageApi
from sandbox.image_api.studio import PaintMode
from tests.integration.uniall_servers import HURRY

KEY = "sk-sandbox"
TWO_FOXES = ImageRequest("two red foxes", count=2)
MANY = 20_000_000
ENOUGH_QUESTIONS = 60

#: Scenarios whose job is not delivered, and what is known at its end. All others deliver.
ENDS: dict[str, type[Exception]] = {
    "busy": Busy,
    "busy-once": Busy,
    "busy-date": Busy,
    "busy-bare": Busy,
    "busy-moderate": Busy,
    "result-unfetched": BadInput,
    "busy-503": Busy,
    "no-channel": BadInput,
    "balance": OutOfBalance,
    "balance-402": OutOfBalance,
    "bad-key": BadKey,
    "bad-input": BadInput,
    "refuse-at-once": Refused,
    "refuse-422": Refused,
    "refuse-451": Refused,
    "too-large": BadInput,
    "wrong-route": Unexpected,
    "not-implemented": BadInput,
    "error-408": Uncertain,
    "error-500": Uncertain,
    "error-502": Uncertain,
    "error-after-accept": Uncertain,
    "error-504-after-accept": Uncertain,
    "error-524-after-accept": Uncertain,
    "error-in-200": Unexpected,
    "null-in-200": Uncertain,
    "html-in-200": Uncertain,
    "cut-after-accept": Uncertain,
    "redirect": Unexpected,
    "drop-before-reading": AnswerLost,
    "drop": AnswerLost,
    "drop-after-accept": AnswerLost,
    "hang": AnswerLost,
    "hang-after-accept": AnswerLost,
    "fail": Unexpected,
    "fail-text": Unexpected,
    "fail-reason": Unexpected,
    "fail-silent": Unexpected,
    "fail-in-metadata": Unexpected,
    "refuse": Refused,
    "refuse-text": Refused,
    "cancelled": Unexpected,
    "expired": TaskLost,
    "vanish": TaskLost,
    "no-pictures": TimeoutError,
    "expired-address": DownloadGone,
    "gone": DownloadGone,
    "status-401": BadKey,
    "download-html": NotAPicture,
    "download-html-once": NotAPicture,
    "download-garbage": NotAPicture,
    "download-heic": UnknownFormat,
    "download-empty": DownloadGone,
    "download-cut": DownloadUnreachable,
    "download-half": DownloadGone,
    "download-bomb": DownloadGone,  # it has no end
    "download-huge": TooLarge,
    "download-endless": TooLarge,
    "download-drop": DownloadUnreachable,
    "download-hang": DownloadUnreachable,
}
#: These take time by design, or begin by themselves; the acceptance tests play them.
ELSEWHERE = {"slow", "very-slow", "stuck", "short-lived", "offline", "resets", "trickle", "status-trickle"} | {
    "download-trickle",
    "late-files",
}


@pytest.fixture
async def sandbox() -> AsyncIterator[LocalImageApi]:
    async with LocalImageApi(api_key=KEY, latency=Latency.zero(), paint=PaintMode.TINY) as api:
        yield api


def client_of(sandbox: LocalImageApi, mode: Mode = Mode.TASKS) -> ImageApi:
    return ImageApi(base_url=sandbox.base_url, api_key=KEY, mode=mode, limits=HURRY, attachment_hosts=("127.0.0.1",))


async def deliver(image_api: ImageApi, request: ImageRequest, folder: Path) -> list[Download]:
    """What the runner does, without its patience."""
    submission = await image_api.submit(request)
    addresses = submission.result_urls or await addresses_of(image_api, submission.task_id or "")
    return [await patiently(image_api, address, folder / str(number)) for number, address in enumerate(addresses)]


async def patiently(image_api: ImageApi, address: str, into: Path) -> Download:
    """Three tries, as the runner makes some, without its pauses."""
    for _ in range(2):
        with suppress(DownloadGone, DownloadUnreachable):
            return await image_api.download(address, into, max_bytes=MANY)
    return await image_api.download(address, into, max_bytes=MANY)


async def addresses_of(image_api: ImageApi, task_id: str) -> tuple[str, ...]:
    unknown = 0
    for _ in range(ENOUGH_QUESTIONS):
        await asyncio.sleep(0.02)
        try:
            report = await image_api.report(task_id)
        except (Busy, Unreachable):
            continue
        except TaskLost:
            unknown += 1
            if unknown > 3:
                raise
            continue
        if report.failure is not None:
            raise report.failure
        if report.result_urls:
            return report.result_urls
    raise TimeoutError


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name not in ELSEWHERE])
async def test_every_scenario_ends_as_it_should(sandbox: LocalImageApi, tmp_path: Path, name: str) -> None:
    sandbox.behaviour.switch_on(name)
    found: list[Download] = []
    ended: Exception | None = None
    async with client_of(sandbox) as image_api:
        try:
            found = await deliver(image_api, TWO_FOXES, tmp_path)
        except (ImageApiError, DownloadError, TimeoutError) as error:
            ended = error
    posts = [request for request in sandbox.requests if request.method == "POST"]
    assert len(posts) == 1, "a submission was sent more than once"
    assert type(ended) is ENDS.get(name, type(None))
    if ended is None:
        assert len(found) == {"fewer": 1, "more": 8}.get(name, 2)
    if isinstance(ended, ImageApiError) and sandbox.charged_micros:
        assert ended.charged is not Charged.NO, "told as not charged, although it was"


@pytest.mark.parametrize("sources", [0, 1, 3])
@pytest.mark.parametrize("mode", Mode)
async def test_every_route_takes_what_is_sent(sandbox: LocalImageApi, tmp_path: Path, mode: Mode, sources: int) -> None:
    async with client_of(sandbox, mode) as image_api:
        await image_api.probe()
        addresses = await addresses_of_one_picture(image_api, mode)
        request = ImageRequest("a fox", aspect_ratio=AspectRatio.AUTO if sources else AspectRatio.SQUARE)
        given = tuple(Source(addresses[0]) for _ in range(sources))
        found = await deliver(image_api, replace(request, sources=given), tmp_path)
    assert len(found) == 1


async def addresses_of_one_picture(image_api: ImageApi, mode: Mode) -> tuple[str, ...]:
    made = await image_api.submit(ImageRequest("a source"))
    return made.result_urls if mode is Mode.SYNC else await addresses_of(image_api, made.task_id or "")


async def test_a_wrong_key_is_told_by_the_check(sandbox: LocalImageApi) -> None:
    async with ImageApi(base_url=sandbox.base_url, api_key="sk-other", limits=HURRY) as image_api:
        with pytest.raises(BadKey):
            await image_api.probe()
