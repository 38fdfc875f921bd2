"""Whether address and key are good, as the image API client finds out without buying."""

from __future__ import annotations

import pytest
from aiohttp import web

from bot.errors import BadKey, ImageApiError, Unexpected, Unreachable
from bot.model import Charged
from tests.integration.uniall_servers import (
    Reply,
    always,
    client,
    playing,
    reply,
)


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
