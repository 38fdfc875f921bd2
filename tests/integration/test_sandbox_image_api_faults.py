"""The local image API on its bad days: every scenario, by prompt and from Python."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout

from sandbox.image_api.behaviour import strip_markers
from sandbox.image_api.latency import Latency
from sandbox.image_api.scenarios import SCENARIOS
from sandbox.image_api.script import Act, Fate, Fault, Moment, Phrasing, ProgressForm, Stage
from sandbox.image_api.server import LocalImageApi
from sandbox.image_api.studio import PaintMode

MODEL = "grok-imagine-image"
TASKS = "/v1/images/tasks"
PATIENCE = ClientTimeout(total=5, sock_read=0.25)  # seconds; whatever hangs sends nothing for longer
NEVER_ANSWERED = {Act.DROP, Act.HANG}


@pytest.fixture
async def api() -> AsyncIterator[LocalImageApi]:
    async with LocalImageApi(latency=Latency.zero(), paint=PaintMode.TINY) as running:
        yield running


@pytest.fixture
async def http(api: LocalImageApi) -> AsyncIterator[ClientSession]:
    headers = {"Authorization": "Bearer sandbox"}
    async with ClientSession(api.base_url, headers=headers, timeout=PATIENCE) as session:
        yield session


async def submit(http: ClientSession, prompt: str, count: int = 1) -> tuple[int, str]:
    order = {"model": MODEL, "prompt": prompt, "num_images": count}
    async with http.post(TASKS, json=order, allow_redirects=False) as response:
        return response.status, await response.text()


async def submitted(http: ClientSession, prompt: str, count: int = 1) -> str:
    """The id of a task whose submission is answered honestly."""
    status, text = await submit(http, prompt, count)
    assert status in {200, 202}
    body = json.loads(text)
    body = body.get("data", body)
    return body.get("task_id") or body["id"]


async def ask(http: ClientSession, task_id: str) -> tuple[int, str]:
    async with http.get(f"{TASKS}/{task_id}") as response:
        return response.status, await response.text()


async def finished(api: LocalImageApi, http: ClientSession, prompt: str, count: int = 1) -> dict[str, Any]:
    """The data of an answer about a task that is over."""
    task_id = await submitted(http, prompt, count)
    await asyncio.wait_for(api.tasks[task_id].done.wait(), 30)
    _, text = await ask(http, task_id)
    body = json.loads(text)
    return body.get("data", body)


def of_stage(stage: Stage) -> list[str]:
    return [
        name
        for name, scenario in SCENARIOS.items()
        if isinstance(scenario.effect, Fault) and scenario.effect.stage is stage
    ]


@pytest.mark.parametrize("name", of_stage(Stage.SUBMIT))
async def test_a_submission_fault_buys_something_only_after_accepting(
    api: LocalImageApi, http: ClientSession, name: str
) -> None:
    effect = SCENARIOS[name].effect
    assert isinstance(effect, Fault)
    api.behaviour.switch_on(name)
    try:
        status, text = await submit(http, "a fox")
    except (ClientError, TimeoutError):
        assert effect.act in NEVER_ANSWERED
    else:
        assert effect.act not in NEVER_ANSWERED
        assert status == effect.status
        if effect.act is Act.TRUNCATE:
            with pytest.raises(ValueError, match=r"."):
                json.loads(text)
    assert len(api.accepted) == (1 if effect.moment is Moment.AFTER_ACCEPTING else 0)
    assert len(api.requests) == 1


@pytest.mark.parametrize("name", of_stage(Stage.STATUS))
async def test_a_status_fault_ends_where_it_says_and_the_task_is_still_there(
    api: LocalImageApi, http: ClientSession, name: str
) -> None:
    effect, times = SCENARIOS[name].effect, SCENARIOS[name].times
    assert isinstance(effect, Fault)
    task_id = await submitted(http, f"a fox [[{name}]]")
    # aiohttp repeats a GET once by itself when its connection breaks, so one question meets two drops
    for _ in range(1 if effect.act is Act.DROP else times or 1):
        try:
            status, text = await ask(http, task_id)
        except (ClientError, TimeoutError):
            assert effect.act in NEVER_ANSWERED
        else:
            assert status == effect.status
            assert ("result_urls" in text) == (effect.act is Act.TRICKLE)
    if times:
        status, text = await ask(http, task_id)
        assert (status, json.loads(text)["data"]["status"]) == (200, "succeeded")


@pytest.mark.parametrize("name", of_stage(Stage.DOWNLOAD))
async def test_a_download_fault_gives_no_whole_picture(api: LocalImageApi, http: ClientSession, name: str) -> None:
    address = (await finished(api, http, f"a fox [[{name}]]"))["result_url"]
    whole = next(iter(api.tasks.values())).pictures[0].read()
    got = bytearray()
    try:
        async with http.get(address) as response:
            async for chunk in response.content.iter_chunked(65536):
                got += chunk
                if len(got) > 1_000_000:
                    break
    except (ClientError, TimeoutError):
        pass
    assert (bytes(got) == whole) == (name == "download-trickle")
    if SCENARIOS[name].times:
        async with http.get(address) as response:
            assert await response.read() == whole


@pytest.mark.parametrize("name", [name for name, it in SCENARIOS.items() if isinstance(it.effect, Phrasing)])
async def test_every_wording_still_tells_the_result(api: LocalImageApi, http: ClientSession, name: str) -> None:
    data = await finished(api, http, f"a fox [[{name}]]", 2)
    assert str(data["status"]).lower() in {"succeeded", "success", "completed", "done"}
    if name == "results-b64":
        assert len(data["result"]["data"]) == 2
    else:
        assert json.dumps(data).count("result-2.jpeg") == 1


@pytest.mark.parametrize(
    ("name", "status", "told"),
    [
        ("fail", "failed", "upstream failed"),
        ("fail-text", "failed", "did not answer"),
        ("fail-reason", "failed", "timed out"),
        ("fail-silent", "failed", ""),
        ("fail-in-metadata", "failed", "no capacity"),
        ("refuse", "failed", "content-moderated"),
        ("refuse-text", "failed", "content moderation"),
        ("cancelled", "cancelled", ""),
        ("expired", "expired", ""),
    ],
)
async def test_a_sad_ending_is_told_at_100_percent_and_refunded_unless_moderated(
    api: LocalImageApi, http: ClientSession, name: str, status: str, told: str
) -> None:
    data = await finished(api, http, f"a fox [[{name}]]")
    assert (data["status"], data["progress"]) == (status, "100%")
    assert told in json.dumps(data)
    assert api.charged_micros == (20_000 if name == "refuse" else 0)


async def test_a_task_can_vanish_and_another_can_stay_unfinished(api: LocalImageApi, http: ClientSession) -> None:
    stuck = await submitted(http, "[[stuck]] a fox")
    gone = await submitted(http, "[[vanish]] a fox")
    await asyncio.wait_for(api.tasks[gone].done.wait(), 30)
    assert json.loads((await ask(http, gone))[1])["code"] == "task_not_exist"
    assert json.loads((await ask(http, stuck))[1])["data"]["progress"] == "30%"


async def test_results_can_be_fewer_late_twice_or_none(api: LocalImageApi, http: ClientSession) -> None:
    assert (await finished(api, http, "[[fewer]]", 3))["metadata"]["result_count"] == 2
    assert (await finished(api, http, "[[no-pictures]]", 3))["metadata"]["result_urls"] == []
    twice = (await finished(api, http, "[[duplicate]]", 2))["metadata"]["result_urls"]
    assert len(twice) == 4
    assert len(set(twice)) == 2
    task_id = await submitted(http, "[[late-addresses]]")
    counts = [json.loads((await ask(http, task_id))[1])["data"]["metadata"]["result_count"] for _ in range(3)]
    assert counts == [0, 0, 1]


async def test_addresses_can_be_relative_elsewhere_or_hold_the_picture(api: LocalImageApi, http: ClientSession) -> None:
    assert (await finished(api, http, "[[relative-address]]"))["result_url"].startswith("/files/")
    assert (await finished(api, http, "[[data-address]]"))["result_url"].startswith("data:image/jpeg;base64,")
    elsewhere = (await finished(api, http, "[[other-origin]]"))["result_url"]
    assert elsewhere.startswith(api.files_url)
    async with ClientSession() as keyless, keyless.get(elsewhere) as response:
        assert response.status == 200
    assert (api.requests[-1].origin, api.requests[-1].authorization) == ("files", None)


async def test_an_expired_address_is_replaced_when_asked_again(api: LocalImageApi, http: ClientSession) -> None:
    task_id = await submitted(http, "[[expired-address]]")
    statuses: list[int] = []
    for _ in range(2):
        address = json.loads((await ask(http, task_id))[1])["data"]["result_url"]
        async with http.get(address) as response:
            statuses.append(response.status)
    assert statuses == [403, 200]


async def test_addresses_expire_with_time(api: LocalImageApi, http: ClientSession) -> None:
    api.behaviour.fate = Fate(address_life_s=0.05)
    data = await finished(api, http, "a fox")
    await asyncio.sleep(0.06)
    async with http.get(data["result_url"]) as response:
        assert response.status == 403
    task_id = data["task_id"]
    fresh = json.loads((await ask(http, task_id))[1])["data"]["result_url"]
    async with http.get(fresh) as response:
        assert response.status == 200


async def test_markers_are_left_out_of_the_caption_and_unknown_ones_do_nothing(http: ClientSession) -> None:
    assert strip_markers("[[slow, fewer]] a red [[busy 2]] fox") == "a red fox"
    assert (await submit(http, "a fox [[no-such-thing]] [[]]"))[0] == 200


async def test_a_marker_can_strike_the_first_submissions_only_and_begins_anew_afterwards(http: ClientSession) -> None:
    statuses = [(await submit(http, "[[busy 2]] a fox"))[0] for _ in range(6)]
    assert statuses == [429, 429, 200, 429, 429, 200]


async def test_a_pause_is_named_in_seconds_as_a_date_or_not_at_all(http: ClientSession) -> None:
    pauses: list[str | None] = []
    for name in ("busy", "busy-date", "busy-bare"):
        async with http.post(TASKS, json={"model": MODEL, "prompt": f"[[{name}]]"}) as response:
            pauses.append(response.headers.get("Retry-After"))
    assert pauses[0] == "2"
    assert str(pauses[1]).endswith("GMT")
    assert pauses[2] is None


async def test_a_fault_for_everybody_counts_its_requests(api: LocalImageApi, http: ClientSession) -> None:
    api.behaviour.switch_on("error-500", times=2)
    assert [(await submit(http, "a fox"))[0] for _ in range(3)] == [500, 500, 200]
    assert api.behaviour.active == {}
    with pytest.raises(KeyError):
        api.behaviour.switch_on("no-such-thing")
    with pytest.raises(ValueError, match="at least one"):
        api.behaviour.switch_on("busy", times=0)


async def test_several_wishes_of_one_prompt_hold_together(api: LocalImageApi, http: ClientSession) -> None:
    api.behaviour.phrasing = Phrasing(progress=ProgressForm.INTEGER)
    data = await finished(api, http, "[[fewer, other-origin]] [[words-video]] a fox", 3)
    assert data["status"] == "completed"
    assert data["progress"] == 100
    assert data["metadata"]["result_count"] == 2
    assert data["result_url"].startswith(api.files_url)


@pytest.mark.parametrize("refused", [True, False])
async def test_in_an_outage_nothing_answers_but_the_control_address(
    api: LocalImageApi, http: ClientSession, refused: bool
) -> None:
    task_id = await submitted(http, "a fox")
    api.go_away(0.4, refused=refused)
    await asyncio.sleep(0.2)  # an outage begins after a moment, and the server settles before it stops listening
    with pytest.raises(ClientConnectorError if refused else ClientError):
        await ask(http, task_id)
    async with http.get(f"{api.files_url}/_sandbox/log") as response:
        assert len((await response.json())["accepted"]) == 1
    async with asyncio.timeout(30):
        while True:
            try:
                assert (await ask(http, task_id))[0] == 200
                break
            except ClientError:
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("later", [0.06, 0.08, 0.2])
async def test_an_outage_that_begins_while_another_does_ends_like_any(
    api: LocalImageApi, http: ClientSession, later: float
) -> None:
    task_id = await submitted(http, "a fox")
    api.go_away(5.0)
    await asyncio.sleep(later)  # the server is about to stop listening, or has stopped
    api.go_away(0.0, refused=False)
    await asyncio.sleep(0.2)
    async with asyncio.timeout(5):
        assert (await ask(http, task_id))[0] == 200


async def test_an_outage_that_begins_while_another_ends_is_over_like_any() -> None:
    async def answers_after(turns: int) -> bool:
        """The second one begins so many turns of the event loop after the first has begun to listen again."""
        async with LocalImageApi() as api:
            runner = api._runner  # pyright: ignore[reportPrivateUsage]
            assert runner is not None
            api.go_away(0.0)
            for addresses in (2, 1):  # that of the API is closed, and opened again; that of the files stays
                while len(runner.sites) == addresses:
                    await asyncio.sleep(0)
            for _ in range(turns):
                await asyncio.sleep(0)
            api.go_away(0.0, refused=False)
            await asyncio.sleep(0.3)
            async with ClientSession(api.base_url) as http, http.get("/") as response:
                return response.status > 0

    assert all(await asyncio.gather(*map(answers_after, range(8))))


async def test_a_prompt_can_begin_an_outage_after_it_was_accepted(api: LocalImageApi, http: ClientSession) -> None:
    await submitted(http, "a fox [[offline]]")
    await asyncio.sleep(0.15)
    with pytest.raises(ClientConnectorError):
        await submit(http, "another fox")
    assert len(api.accepted) == 1


async def test_the_synchronous_route_has_the_same_bad_days(api: LocalImageApi, http: ClientSession) -> None:
    async def generate(prompt: str) -> tuple[int, dict[str, Any]]:
        async with http.post("/v1/images/generations", json={"model": MODEL, "prompt": prompt, "n": 2}) as response:
            return response.status, await response.json()

    assert (await generate("[[busy]]"))[0] == 429
    status, body = await generate("[[refuse]]")
    assert (status, body["error"]["code"]) == (400, "imagine:content-moderated")
    assert (await generate("[[fail]]"))[0] == 500
    assert len((await generate("[[fewer]]"))[1]["data"]) == 1
    with pytest.raises(ClientError):
        await generate("[[drop-after-accept]]")
    assert len(api.accepted) == 4
