"""The control address of the local image API, and its table of scenarios."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.model import PictureFormat
from sandbox.image_api.latency import Latency
from sandbox.image_api.scenarios import SCENARIOS
from sandbox.image_api.script import Address, Fate, Fault, Outage, Phrasing
from sandbox.image_api.server import LocalImageApi
from sandbox.image_api.studio import PaintMode


@pytest.fixture
async def api() -> AsyncIterator[LocalImageApi]:
    async with LocalImageApi(latency=Latency.zero(), paint=PaintMode.TINY) as running:
        yield running


@pytest.fixture
async def http(api: LocalImageApi) -> AsyncIterator[ClientSession]:
    async with ClientSession(api.base_url, headers={"Authorization": "Bearer sandbox"}) as session:
        yield session


async def test_the_switch_board_can_be_turned_over_http(api: LocalImageApi, http: ClientSession) -> None:
    board = "/_sandbox/behaviour"
    order: dict[str, Any] = {
        "on": {"busy": 1, "slow": None},
        "latency": {"median": 1, "p95": 2},
        "fate": {"missing": 1, "address": "relative", "error": {"code": 7}, "format": "webp", "slowness": 2},
        "strict": False,
        "models": ["painter-1"],
    }
    async with http.post(board, json=order) as response:
        told = await response.json()
    assert told["active"] == {"busy": 1, "slow": None}
    assert api.latency == Latency(1, 2)
    assert api.behaviour.fate == Fate(
        missing=1, address=Address.RELATIVE, error={"code": 7}, format=PictureFormat.WEBP, slowness=2.0
    )
    assert not api.behaviour.strict
    async with http.get("/v1/models") as response:
        assert [model["id"] for model in (await response.json())["data"]] == ["painter-1"]
    async with http.post(board, json={"lists_models": False}), http.get("/v1/models") as response:
        assert response.status == 404
    assert {scenario["name"] for scenario in told["scenarios"]} == set(SCENARIOS)
    async with http.post(board, json={"reset": True}) as response:
        assert (await response.json())["active"] == {}
    assert api.behaviour.fate == Fate()


@pytest.mark.parametrize(
    "order",
    [
        7,
        {"unknown": 1},
        {"on": ["no-such-thing"]},
        {"on": "busy"},
        {"on": [7]},
        {"on": {"busy": 0}},
        {"on": {"busy": True}},
        {"on": {"busy": 1.5}},
        {"off": ["no-such-thing"]},
        {"strict": 1},
        {"models": "painter-1"},
        {"latency": {"median": 3, "p95": 1}},
        {"latency": {"median": 3}},
        {"latency": {"median": "3", "p95": 4}},
        {"fate": {"missing": "1"}},
        {"fate": {"address": "nowhere"}},
        {"fate": []},
        {"phrasing": {"words": None}},
        {"outage": {"seconds": True}},
    ],
)
async def test_a_wrong_order_to_the_switch_board_changes_nothing(
    api: LocalImageApi, http: ClientSession, order: object
) -> None:
    async with http.post("/_sandbox/behaviour", json=order) as response:
        assert response.status == 400
        assert (await response.json())["fault"]
    assert api.behaviour.active == {}


async def test_the_switch_board_takes_no_form_of_a_foreign_page(http: ClientSession) -> None:
    async with http.post("/_sandbox/behaviour", data={"reset": "true"}) as response:
        assert response.status == 415


async def test_the_log_tells_what_happened_without_the_key(api: LocalImageApi, http: ClientSession) -> None:
    async with http.post("/v1/images/tasks", json={"model": "grok-imagine-image", "prompt": "a fox"}) as response:
        task_id = (await response.json())["task_id"]
    await asyncio.wait_for(api.tasks[task_id].done.wait(), 30)
    async with http.get(f"/v1/images/tasks/{task_id}") as response:
        assert response.status == 200
    async with http.get("/_sandbox/log") as response:
        text = await response.text()
    log = json.loads(text)
    assert [(line["method"], line["status"], line["has_key"]) for line in log["requests"]] == [
        ("POST", 200, True),
        ("GET", 200, True),
    ]
    assert log["accepted"][0]["prompt"] == "a fox"
    assert log["tasks"][0]["ready_at"] <= log["tasks"][0]["told_at"] <= time.monotonic()
    assert "Bearer" not in text


def test_every_scenario_has_a_sentence_for_the_page_and_a_name_that_markers_can_hold() -> None:
    for name, scenario in SCENARIOS.items():
        assert scenario.name == name
        assert not scenario.summary[0].islower()
        assert scenario.group in {"submission", "painting", "status", "download", "wording", "connection"}
        assert name.replace("-", "").isalnum()
        assert isinstance(scenario.effect, Fault | Fate | Phrasing | Outage)
