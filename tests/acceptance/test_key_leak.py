"""The API key goes to the API's own origin and nowhere else: to no host of pictures, not to Discord, not to the log."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from aiohttp import web

from tests.acceptance.conftest import final, picture, with_pictures
from tests.acceptance.outcomes import KEY, Stage, painted, stage_with
from tests.integration.uniall_servers import Played, Seen, playing, reply
from tests.integration.uniall_servers import Reply as Answer

#: The half of the key that no other word holds: a log that cuts or re-spells the key would still show it.
TELLING = KEY.rpartition("-")[2]


def telling(requests: Iterable[Seen]) -> list[str]:
    """The requests in which any part of the key stood, wherever."""
    return [
        f"{it.method} {it.path}"
        for it in requests
        if TELLING in f"{it.path} {it.headers}" or TELLING.encode() in it.body
    ]


class Wanderer:
    """An image API that sends its client everywhere, and repeats the key it was given in all it says.

    The prompt names where the result lies. `elsewhere` is another origin on the same host.
    """

    def __init__(self, elsewhere: Played) -> None:
        self.elsewhere = elsewhere

    async def __call__(self, request: web.Request) -> Answer:
        path = request.path
        if path.startswith("/files/"):
            return self._file(path.removeprefix("/files/"))
        if request.method == "GET":
            return self._task(path.rpartition("/")[2], f"http://{request.host}")
        if path.endswith("/edits"):
            return reply(200, {"created": 1, "data": [{"url": "/files/own"}]})
        prompt = str((await request.json())["prompt"])
        if prompt == "echo":
            words = f"Incorrect API key provided: {KEY}. Header was {request.headers['Authorization']}"
            return reply(401, {"error": {"message": words, "code": KEY, "type": KEY}})
        if prompt == "post":
            return reply(307, Location=f"{self.elsewhere.url}{path}")
        if prompt == "out of reach":
            return reply(400, {"code": "invalid_request", "message": "failed to download image", "data": None})
        return reply(200, {"task_id": prompt, "status": "queued", "note": KEY})

    def _task(self, name: str, home: str) -> Answer:
        if name == "asked":  # every question about this task is sent elsewhere
            return reply(302, Location=f"{self.elsewhere.url}/v1/images/tasks/asked")
        away = {"port": f"{self.elsewhere.url}/port", "back": f"{self.elsewhere.url}/back?to={home}/files/after"}
        address = away.get(name, f"/files/{name}")
        return reply(200, {"task_id": name, "status": "succeeded", "result_urls": [address], "note": KEY})

    def _file(self, name: str) -> Answer:
        if name == "away":
            return reply(302, Location=f"{self.elsewhere.url}/away")
        if name == "host":  # the same address under another name is another host
            return reply(302, Location=self.elsewhere.url.replace("127.0.0.1", "localhost") + "/host")
        return reply(200, painted(), Content_Type="image/png")


async def host_of_pictures(request: web.Request) -> Answer:
    """The other origin: it has pictures, and sends the reader of one of them back to the API."""
    if request.path == "/back":
        return reply(302, Location=request.query["to"])
    return reply(200, painted(), Content_Type="image/png")


DELIVERED = ("own", "port", "back", "away")
NOT_DELIVERED = ("host", "echo", "post", "asked")


@pytest.mark.parametrize("style", ["text", "json"])
async def test_the_key_is_seen_by_the_api_alone(tmp_path: Path, style: str) -> None:
    variables = {"LOG_LEVEL": "DEBUG", "LOG_FORMAT": style, "JOB_TIMEOUT_S": "4"}
    async with playing(host_of_pictures) as elsewhere:
        async with stage_with(Wanderer(elsewhere), tmp_path / "home", **variables) as stage:
            await play_everything(stage, tmp_path)
            stage.bot.terminate()
            assert await stage.bot.wait() == 0
        assert {it.path.partition("?")[0] for it in elsewhere.seen} == {"/port", "/back", "/away"}
        assert telling(elsewhere.seen) == []
        with_key = {it.path for it in stage.api.seen if it.headers.get("authorization") == f"Bearer {KEY}"}
        assert with_key >= {"/v1/images/tasks", "/v1/images/edits", "/v1/images/tasks/own", "/files/own"}
        assert "/files/after" in with_key  # it came back by way of a stranger, which saw nothing
        assert TELLING not in repr([(it.path, it.query, it.json) for it in stage.discord.requests])
        assert [line for line in (*stage.bot.out, *stage.bot.err) if TELLING in line] == []
        # what was hidden had been there to hide
        assert any("[hidden]" in line for line in stage.bot.err)


async def play_everything(stage: Stage, folder: Path) -> None:
    """One job for each way in which the key could get out."""
    source = picture(folder / "a.png")
    asked = {name: await stage.ada.command("imagine", prompt=name) for name in (*DELIVERED, *NOT_DELIVERED)}
    asked["upload"] = await stage.ada.command("edit", prompt="out of reach", image=source)
    asked["source"] = await stage.ada.command("edit", prompt="own", image=source)
    for name, one in asked.items():
        message = await one.until(final)
        assert bool(with_pictures(message)) == (name not in NOT_DELIVERED), (name, message.text)
        assert TELLING not in repr([state.json for state in one.states])
        details = await stage.ada.press(one, "Details")
        assert TELLING not in repr(details.message.json)


async def test_sources_are_fetched_without_the_key_in_the_mode_that_uploads_them(tmp_path: Path) -> None:
    files = [picture(tmp_path / name) for name in ("a.png", "b.png")]
    async with (
        playing(host_of_pictures) as elsewhere,
        stage_with(Wanderer(elsewhere), tmp_path / "home", UNIALL_MODE="sync", LOG_LEVEL="DEBUG") as stage,
    ):
        asked = await stage.ada.command("edit", prompt="own", image=files[0], image2=files[1])
        await asked.until(with_pictures)
        fetched = [it for it in stage.discord.requests if it.method == "GET" and "attachments" in it.path]
        assert len(fetched) >= 2
        assert not any(it.authorized for it in fetched)
        assert [line for line in (*stage.bot.out, *stage.bot.err) if TELLING in line] == []
        assert telling(stage.api.seen)
