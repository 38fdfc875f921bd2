"""Whether address and key are good, as the image API client finds out without buying."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web

from bot.errors import BadKey, ImageApiError, Unexpected, Unreachable
from bot.image_api.client import ImageApi
from bot.model import Charged
from tests.integration.uniall_servers import HURRY, KEY, Reply, always, client, names, playing, reply


@pytest.mark.parametrize(
    "body", [{"object": "list", "data": []}, {"success": True, "data": None}, {"models": []}, [{"id": "m"}]]
)
async def test_a_list_of_models_says_that_address_and_key_are_good(body: object) -> None:
    async with playing(always(200, body)) as server, client(server.url) as image_api:
        await image_api.probe()
    assert [request.path for request in server.seen] == ["/v1/models"]


async def test_a_server_without_a_list_of_models_is_asked_about_a_task_that_does_not_exist() -> None:
    async def api(request: web.Request) -> Reply:
        if request.path == "/v1/models":
            return reply(404, {"error": {"message": "Invalid URL", "type": "invalid_request_error"}})
        return reply(400, {"code": "task_not_exist", "message": "task_not_exist", "data": None})

    async with playing(api) as server, client(server.url) as image_api:
        await image_api.probe()
    assert server.count("POST") == 0


@pytest.mark.parametrize(
    ("status", "body", "kind", "hint"),
    [
        (401, {"error": {"message": "x", "code": "invalid_api_key"}}, BadKey, "key"),
        (403, {"success": False, "message": "x"}, BadKey, "key"),
        (200, b"<!doctype html><html>", Unexpected, "UNIALL_BASE_URL"),
        (404, b"<!doctype html><html>", Unexpected, "UNIALL_BASE_URL"),
        (302, b"", Unexpected, "UNIALL_BASE_URL"),
        (200, {"hello": "world"}, Unexpected, "UNIALL_BASE_URL"),
        (200, {"success": False, "message": "无效的令牌"}, BadKey, "key"),
        (502, b"<html>", Unreachable, "trouble"),
        (503, {"error": {"message": "busy"}}, ImageApiError, "too much"),
    ],
)
async def test_a_wrong_address_or_key_is_told_apart(
    status: int, body: object, kind: type[ImageApiError], hint: str
) -> None:
    async with playing(always(status, body)) as server, client(server.url) as image_api:
        with pytest.raises(kind, match=hint) as caught:
            await image_api.probe()
    assert caught.value.charged is Charged.NO
    assert server.count("POST") == 0


@pytest.mark.parametrize("limit", [b"1e400", b"1" + b"0" * 400, b"-1e300", b'"Infinity"', b"NaN", b"true", b"{}"])
@pytest.mark.parametrize("page", ["subscription", "usage"])
async def test_a_balance_that_is_no_sum_of_money_is_not_told(limit: bytes, page: str) -> None:
    async def api(request: web.Request) -> Reply:
        number = limit if request.path.endswith(page) else b"100"
        return reply(200, b'{"hard_limit_usd": %b, "total_usage": %b}' % (number, number))

    async with playing(api) as server, client(server.url) as image_api:
        assert await image_api.balance() is None


async def test_of_answers_that_hold_no_pictures_no_long_string_is_kept(tmp_path: Path) -> None:
    """An empty list of models, or a balance, beside a string that would fill the disk if it came each minute."""
    answer = b'{"data": [], "hard_limit_usd": 5, "total_usage": 100, "note": "%b"}' % (b"A" * 200_000)
    held = tmp_path / "held"
    async with (
        playing(always(200, answer)) as server,
        ImageApi(base_url=server.url, api_key=KEY, limits=HURRY, held_folder=held) as image_api,
    ):
        await image_api.probe()
        assert await image_api.models() is None
        assert await image_api.balance() == 4
        assert image_api.holds_nothing
        assert names(held) == []


async def test_answers_that_hold_no_pictures_are_read_to_the_end_of_their_text_at_most() -> None:
    async with (
        playing(always(200, b'{"data": [], "note": "%b"}' % (b"A" * 3_000_000))) as server,
        client(server.url) as image_api,
    ):
        with pytest.raises(Unreachable):
            await image_api.probe()
