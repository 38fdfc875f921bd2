"""Pictures that are paid for and cannot be fetched or shown as they are: none of them is told as lost."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from aiohttp import web

from bot.jobs.downloads import MAX_PICTURE_BYTES
from bot.model import Charged, FailureKind
from tests.acceptance.conftest import eventually, final, with_pictures
from tests.acceptance.outcomes import painted, seen_end, stage_with
from tests.integration.uniall_servers import Reply, playing, reply

HEIC = b"\0\0\0\x20ftypheic" + bytes(500)


class ApiWithFiles:
    """An image API whose results lie at the addresses that a test names."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)

    async def __call__(self, request: web.Request) -> Reply:
        if request.method == "POST":
            return reply(200, {"task_id": "task_1", "status": "queued"})
        task = {"task_id": "task_1", "status": "succeeded", "metadata": {"result_urls": self.addresses}}
        return reply(200, {"code": "success", "message": "", "data": task})


async def test_a_private_host_is_told_to_the_operator_and_waits_for_check_again(tmp_path: Path) -> None:
    async def files(request: web.Request) -> Reply:
        return reply(200, painted("JPEG"))

    async with playing(files) as host:
        api = ApiWithFiles(f"http://localhost:{host.port}/a.jpg")
        async with stage_with(api, tmp_path / "closed") as stage:
            asked = await stage.ada.command("imagine", prompt="a red fox")
            message = await asked.until(final)
            assert seen_end(message) == (FailureKind.HOST_REFUSED, Charged.YES)
            assert [it.label for it in message.buttons][:3] == ["Check again", "Remix", "Details"]
            assert stage.posts == ["/v1/images/tasks"]
            assert f"localhost:{host.port}" in await stage.bot.line("RESULT_HOSTS")
        assert host.seen == []
        async with stage_with(api, tmp_path / "open", RESULT_HOSTS=f"localhost:{host.port}") as stage:
            asked = await stage.ada.command("imagine", prompt="a red fox")
            assert len((await asked.until(with_pictures)).pictures) == 1


@pytest.mark.parametrize("head", [HEIC, b"<svg xmlns='http://www.w3.org/2000/svg'/>" * 20, b"II*\0" + bytes(300)])
async def test_a_picture_that_discord_does_not_show_is_linked(tmp_path: Path, head: bytes) -> None:
    async def files(request: web.Request) -> Reply:
        return reply(200, head)

    async with playing(files) as host:
        address = f"http://127.0.0.1:{host.port}/a.heic"
        async with stage_with(ApiWithFiles(address), tmp_path / "home") as stage:
            asked = await stage.ada.command("imagine", prompt="a red fox")
            message = await asked.until(lambda it: address in it.text)
            assert "format that Discord does not show" in message.text


async def files_of_any_size(request: web.Request) -> web.StreamResponse:
    """A small picture, or one of more than Easel fetches: its length told, not told, or told as more than there is."""
    head = painted("PNG")
    size = {"/small": len(head), "/told": MAX_PICTURE_BYTES + 1, "/untold": MAX_PICTURE_BYTES + 1}.get(request.path, 99)
    response = web.StreamResponse()
    if request.path == "/untold":
        response.enable_chunked_encoding()
    else:
        response.content_length = MAX_PICTURE_BYTES * 2 if request.path == "/wrong" else size
    await response.prepare(request)
    await response.write(head)
    for _ in range(size // 1_000_000 if request.path != "/small" else 0):
        await response.write(bytes(1_000_000))
    if request.path == "/untold":
        await response.write(bytes(1_000_000))
        await response.write_eof()
    return response


async def test_a_picture_that_is_larger_than_easel_fetches_is_linked_and_asked_for_once(tmp_path: Path) -> None:
    async with playing(files_of_any_size) as host:
        small, *large = (f"http://127.0.0.1:{host.port}/{it}" for it in ("small", "told", "untold", "wrong"))
        api = ApiWithFiles(large[0], small, *large[1:])
        async with stage_with(api, tmp_path / "home") as stage:
            upload = stage.discord.faults.answer("PATCH /webhooks/*/messages/*", 403, html=True, files=True)
            asked = await stage.ada.command("imagine", prompt="a red fox", count=4)
            message = await asked.until(with_pictures)
            assert [it.filename for it in message.pictures] == ["picture-2.png"]
            assert all(f"]({address})" in message.text for address in large)
            assert message.text.count("too large to be posted here") == 3
            api.addresses = large[:1]
            asked = await stage.ada.command("imagine", prompt="a great fox")
            message = await asked.until(lambda it: large[0] in it.text)
            assert "Again" in message.labels
            assert "Check again" not in message.labels
            await eventually(lambda: not [*(tmp_path / "home").rglob("picture-*")])
        assert upload.hits == 1
        assert Counter(it.path for it in host.seen) == {"/small": 1, "/told": 2, "/untold": 1, "/wrong": 1}


@pytest.mark.parametrize("kind", ["GIF", "AVIF"])
async def test_a_picture_that_discord_shows_is_delivered(tmp_path: Path, kind: str) -> None:
    async def files(request: web.Request) -> Reply:
        return reply(200, painted(kind))

    async with playing(files) as host:
        api = ApiWithFiles(f"http://127.0.0.1:{host.port}/a")
        async with stage_with(api, tmp_path / "home") as stage:
            asked = await stage.ada.command("imagine", prompt="a red fox")
            (picture,) = (await asked.until(with_pictures)).pictures
            assert picture.filename == f"picture-1.{kind.lower()}"
