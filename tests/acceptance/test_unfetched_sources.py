"""A source that the image API cannot fetch for itself: uploaded once, never a second purchase."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web

from bot.model import Charged, FailureKind
from tests.acceptance.conftest import final, picture, with_pictures
from tests.acceptance.outcomes import painted, seen_end, stage_with
from tests.integration.uniall_servers import Reply as Answer
from tests.integration.uniall_servers import reply

NO, MAYBE, UNCERTAIN = Charged.NO, Charged.MAYBE, FailureKind.UNCERTAIN
TASKS, EDITS = "/v1/images/tasks", "/v1/images/edits"


class CannotFetch:
    """An image API that cannot fetch sources for itself: JSON with an address gets `refusal`, an upload `taken`."""

    def __init__(self, refusal: Answer, taken: Answer) -> None:
        self.refusal = refusal
        self.taken = taken

    async def __call__(self, request: web.Request) -> Answer:
        if request.method == "GET":
            return reply(200, painted(), Content_Type="image/png")
        return self.taken if request.path.endswith("/edits") else self.refusal


def refusal(status: int = 400) -> web.Response:
    return reply(status, {"code": "invalid_request", "message": "Failed to download image from url", "data": None})


def taken() -> web.Response:
    return reply(200, {"created": 1, "data": [{"url": "/files/1.png", "revised_prompt": ""}]})


async def test_a_source_that_the_api_cannot_fetch_is_uploaded_once(tmp_path: Path) -> None:
    source = picture(tmp_path / "a.png")
    async with stage_with(CannotFetch(refusal(), taken()), tmp_path / "home") as stage:
        asked = await stage.ada.command("edit", prompt="in snow", image=source)
        message = await asked.until(with_pictures)
        assert stage.posts == [TASKS, EDITS]
        assert source.read_bytes() in stage.api.seen[1].body
        assert [it.filename for it in message.pictures] == ["source-1.png", "picture-1.png"]


@pytest.mark.parametrize(
    ("first", "second", "end", "posts"),
    [
        # the upload may have been accepted: the way back to the first route is closed
        (refusal(), None, (UNCERTAIN, MAYBE), [TASKS, EDITS]),
        (refusal(), reply(502), (UNCERTAIN, MAYBE), [TASKS, EDITS]),
        (refusal(), refusal(), (FailureKind.BAD_INPUT, NO), [TASKS, EDITS]),
        # the same words after a fault of the server leave open whether anything was accepted
        (refusal(500), taken(), (UNCERTAIN, MAYBE), [TASKS]),
        (None, taken(), (UNCERTAIN, MAYBE), [TASKS]),
    ],
    ids=["upload-drops", "upload-fails", "upload-refused", "not-certain", "dropped"],
)
async def test_the_upload_is_never_a_second_purchase(
    tmp_path: Path, first: Answer, second: Answer, end: tuple[FailureKind, Charged], posts: list[str]
) -> None:
    async with stage_with(CannotFetch(first, second), tmp_path / "home") as stage:
        asked = await stage.ada.command("edit", prompt="in snow", image=picture(tmp_path / "a.png"))
        assert seen_end(await asked.until(final)) == end
        assert stage.posts == posts


async def test_a_task_that_was_accepted_and_could_not_fetch_its_source_is_not_bought_again(tmp_path: Path) -> None:
    failed = {"task_id": "task_1", "status": "failed", "error": {"code": "", "message": "failed to download image"}}

    async def accepts(request: web.Request) -> Answer:
        return reply(200, failed if request.method == "GET" else {"task_id": "task_1", "status": "queued"})

    async with stage_with(accepts, tmp_path / "home") as stage:
        asked = await stage.ada.command("edit", prompt="in snow", image=picture(tmp_path / "a.png"))
        assert seen_end(await asked.until(final)) == (FailureKind.BAD_INPUT, NO)
        assert stage.posts == [TASKS]


async def test_several_sources_that_the_api_cannot_fetch_are_told_and_not_uploaded(tmp_path: Path) -> None:
    one, two = picture(tmp_path / "a.png"), picture(tmp_path / "b.png")
    async with stage_with(CannotFetch(refusal(), taken()), tmp_path / "home") as stage:
        asked = await stage.ada.command("edit", prompt="together", image=one, image2=two)
        assert seen_end(await asked.until(final)) == (FailureKind.BAD_INPUT, NO)
        assert stage.posts == [TASKS]
