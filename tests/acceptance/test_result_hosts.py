"""Pictures that are paid for and cannot be fetched or shown as they are: none of them is told as lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web

from bot.model import Charged, FailureKind
from tests.acceptance.conftest import final, with_pictures
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
