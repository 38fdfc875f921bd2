"""The key goes to the API's own origin and nowhere else, whatever the API or anybody else answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web

from bot.errors import DownloadError, ImageApiError
from bot.image_api.client import Mode
from bot.model import AspectRatio, ImageRequest, Source
from tests.integration.uniall_servers import HURRY, KEY, MANY, PNG, Played, Reply, always, client, playing, reply


def leaked(server: Played) -> bool:
    """Did any part of any request hold the key?"""
    return any(KEY in str(request.headers) + request.path or KEY.encode() in request.body for request in server.seen)


async def test_results_on_another_port_of_the_same_host_never_see_the_key(tmp_path: Path) -> None:
    async with playing(always(200, PNG)) as other, playing(always(200, PNG)) as api, client(api.url) as image_api:
        await image_api.download(f"{api.url}/own", tmp_path / "own", max_bytes=MANY)
        await image_api.download(f"{other.url}/a", tmp_path / "a", max_bytes=MANY)
        await image_api.download(f"//127.0.0.1:{other.port}/b", tmp_path / "b", max_bytes=MANY)
    assert leaked(api)
    assert len(other.seen) == 2
    assert not leaked(other)


async def test_another_scheme_on_the_same_host_is_another_origin(tmp_path: Path) -> None:
    async with playing(always(200, PNG)) as plain, client(f"https://127.0.0.1:{plain.port}") as image_api:
        await image_api.download(f"{plain.url}/a", tmp_path / "a", max_bytes=MANY)
    assert not leaked(plain)


async def test_the_key_goes_along_at_the_apis_own_origin_only_also_after_a_way_round(tmp_path: Path) -> None:
    async def elsewhere(request: web.Request) -> Reply:
        return reply(302, Location=f"{api.url}/back")

    async def own(request: web.Request) -> Reply:
        return reply(200, PNG) if request.path == "/back" else reply(302, Location=f"{other.url}/away")

    async with playing(elsewhere) as other, playing(own) as api, client(api.url) as image_api:
        await image_api.download("/v1/content", tmp_path / "a", max_bytes=MANY)
    assert not leaked(other)
    first, back = api.seen
    assert first.headers["authorization"] == f"Bearer {KEY}"
    assert back.headers["authorization"] == f"Bearer {KEY}"


async def test_a_redirect_within_the_api_keeps_the_key(tmp_path: Path) -> None:
    async def own(request: web.Request) -> Reply:
        return reply(200, PNG) if request.path == "/moved" else reply(307, Location="/moved")

    async with playing(own) as api, client(api.url) as image_api:
        await image_api.download("/v1/content", tmp_path / "a", max_bytes=MANY)
    assert all(request.headers["authorization"] == f"Bearer {KEY}" for request in api.seen)


async def test_questions_follow_redirects_at_home_only() -> None:
    async with playing(always(200, {"status": "queued"})) as other:

        async def own(request: web.Request) -> Reply:
            if request.path.endswith("/moved"):
                return reply(200, {"status": "in_progress"})
            away = f"{other.url}/v1/images/tasks/1" if request.path.endswith("/away") else "/moved"
            return reply(301, Location=away)

        async with playing(own) as api, client(api.url) as image_api:
            assert (await image_api.report("home")).state == "running"
            with pytest.raises(ImageApiError):
                await image_api.report("away")
    assert other.seen == []


async def test_submissions_and_the_check_never_follow_a_redirect_elsewhere() -> None:
    async def away(request: web.Request) -> Reply:
        return reply(308, Location=f"{other.url}/v1/x")

    good = always(200, {"task_id": "t", "data": []})
    async with playing(good) as other, playing(away) as api, client(api.url) as image_api:
        with pytest.raises(ImageApiError):
            await image_api.submit(ImageRequest("a red fox"))
        with pytest.raises(ImageApiError):
            await image_api.probe()
    assert other.seen == []


async def test_sources_never_see_the_key_not_even_at_the_api_itself(tmp_path: Path) -> None:
    async with playing(always(200, PNG)) as api, client(api.url, Mode.TASKS, HURRY, "127.0.0.1") as image_api:
        await image_api.fetch_source(f"{api.url}/attachments/1.png", tmp_path / "a", max_bytes=MANY)
    assert len(api.seen) == 1
    assert not leaked(api)


async def test_sources_that_are_fetched_for_an_upload_never_see_the_key() -> None:
    async with playing(always(200, PNG)) as cdn:
        made = {"data": [{"url": "https://cdn.example/1.png"}]}
        async with playing(always(200, made)) as api, client(api.url, Mode.SYNC, HURRY, "127.0.0.1") as image_api:
            sources = tuple(Source(f"{cdn.url}/{number}.png") for number in range(2))
            await image_api.submit(ImageRequest("bluer", aspect_ratio=AspectRatio.AUTO, sources=sources))
    assert len(cdn.seen) == 2
    assert not leaked(cdn)


async def test_cookies_and_referrers_are_not_carried_along(tmp_path: Path) -> None:
    async with playing(always(200, PNG, Set_Cookie="session=1; Path=/")) as cdn, client(cdn.url) as image_api:
        for name in ("a", "b"):
            await image_api.download(f"{cdn.url}/{name}", tmp_path / name, max_bytes=MANY)
    assert all("cookie" not in request.headers and "referer" not in request.headers for request in cdn.seen)


async def test_no_error_tells_the_key(tmp_path: Path) -> None:
    refusal = {"error": {"message": f"Incorrect API key provided: {KEY}", "code": KEY, "type": KEY}}
    async with playing(always(401, refusal)) as api, client(api.url) as image_api:
        with pytest.raises(ImageApiError) as submitted:
            await image_api.submit(ImageRequest("a red fox"))
        with pytest.raises(ImageApiError) as asked:
            await image_api.report("task_1")
        with pytest.raises(DownloadError) as downloaded:
            await image_api.download(f"/{KEY}", tmp_path / "a", max_bytes=MANY)
    for caught in (submitted, asked, downloaded):
        assert KEY not in str(caught.value)
