"""The local image API on its ordinary days: the documented routes, over real sockets, held to the documented page."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, FormData
from PIL import Image

from sandbox.image_api.latency import PUBLISHED, Latency
from sandbox.image_api.server import LocalImageApi
from sandbox.image_api.studio import PaintMode

MODEL = "grok-imagine-image"
FOX = {"model": MODEL, "prompt": "a red fox"}
TASKS, GENERATIONS, EDITS = "/v1/images/tasks", "/v1/images/generations", "/v1/images/edits"


@pytest.fixture
async def api() -> AsyncIterator[LocalImageApi]:
    async with LocalImageApi(api_key="sk-test", latency=Latency.zero(), paint=PaintMode.TINY) as running:
        yield running


@pytest.fixture
async def http(api: LocalImageApi) -> AsyncIterator[ClientSession]:
    async with client_of(api) as session:
        yield session


def client_of(api: LocalImageApi) -> ClientSession:
    return ClientSession(api.base_url, headers={"Authorization": "Bearer sk-test"})


async def post(http: ClientSession, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
    async with http.post(path, json=body) as response:
        return response.status, await response.json()


async def finished(http: ClientSession, task_id: str) -> dict[str, Any]:
    """The data of the first answer that says the task is over."""
    async with asyncio.timeout(20):
        while True:
            async with http.get(f"{TASKS}/{task_id}") as response:
                data = (await response.json())["data"]
            if data["status"] not in {"queued", "in_progress"}:
                return data
            await asyncio.sleep(0.01)


async def picture_at(http: ClientSession, address: str) -> Image.Image:
    async with http.get(address) as response:
        assert response.status == 200
        picture = Image.open(BytesIO(await response.read()))
        assert response.content_type == f"image/{(picture.format or '').lower()}"
        return picture


def a_png() -> bytes:
    with BytesIO() as buffer:
        Image.new("RGB", (40, 20), "teal").save(buffer, "PNG")
        return buffer.getvalue()


async def test_a_submission_is_answered_bare_as_the_page_shows_it(http: ClientSession) -> None:
    status, body = await post(http, TASKS, FOX | {"task_type": "text2image", "num_images": 1})
    assert status == 200
    assert body.pop("task_id").startswith("task_")
    assert body == {
        "status": "queued",
        "progress": "0%",
        "result_url": "",
        "metadata": {"task_type": "text2image"},
        "error": None,
    }


async def test_a_finished_task_is_answered_wrapped_as_the_page_shows_it(http: ClientSession) -> None:
    _, submitted = await post(http, TASKS, FOX | {"num_images": 2, "output_format": "webp"})
    await finished(http, submitted["task_id"])
    async with http.get(f"{TASKS}/{submitted['task_id']}") as response:
        body = await response.json()
    urls = body["data"]["metadata"]["result_urls"]
    assert [url.rsplit("/", 1)[1] for url in urls] == ["result-1.webp", "result-2.webp"]
    assert body == {
        "code": "success",
        "message": "",
        "data": {
            "task_id": submitted["task_id"],
            "status": "succeeded",
            "progress": "100%",
            "result_url": urls[0],
            "metadata": {"task_type": "text2image", "result_count": 2, "result_urls": urls},
            "error": None,
        },
    }


async def test_every_picture_of_a_task_is_another_one_in_the_format_asked_for(http: ClientSession) -> None:
    _, submitted = await post(http, TASKS, FOX | {"num_images": 4, "output_format": "png"})
    data = await finished(http, submitted["task_id"])
    pictures = [await picture_at(http, url) for url in data["metadata"]["result_urls"]]
    assert {picture.format for picture in pictures} == {"PNG"}
    assert len({picture.tobytes() for picture in pictures}) == 4


async def test_progress_rises_from_0_to_100_while_a_task_is_painted(api: LocalImageApi, http: ClientSession) -> None:
    api.latency = Latency.fixed(1.5)
    _, submitted = await post(http, TASKS, FOX)
    told: list[tuple[str, str]] = []
    while not told or told[-1][1] != "100%":
        async with http.get(f"{TASKS}/{submitted['task_id']}") as response:
            data = (await response.json())["data"]
        told.append((data["status"], data["progress"]))
        await asyncio.sleep(0.01)
    steps = list(dict.fromkeys(told))
    assert steps[0][0] == "queued"
    assert steps[-1] == ("succeeded", "100%")
    assert len(steps) > 4
    assert [int(progress[:-1]) for _, progress in steps] == sorted(int(progress[:-1]) for _, progress in steps)


async def test_the_moment_of_the_result_is_recorded_though_nobody_asked(
    api: LocalImageApi, http: ClientSession
) -> None:
    api.latency = Latency.fixed(0.05)
    _, submitted = await post(http, TASKS, FOX)
    task = api.tasks[submitted["task_id"]]
    await asyncio.wait_for(task.done.wait(), 30)
    assert task.ready_at is not None
    assert task.ready_at - task.accepted.at >= 0.05
    assert task.told_at is None
    data = await finished(http, task.task_id)
    await picture_at(http, data["result_url"])
    assert task.told_at is not None
    assert task.ready_at < task.told_at < task.fetched_at[0]


async def test_the_published_latency_has_its_median_and_its_tail() -> None:
    drawn = sorted(PUBLISHED.draw(random.Random(number)) for number in range(4000))
    assert drawn[2000] == pytest.approx(7.7, rel=0.05)
    assert drawn[3800] == pytest.approx(11.9, rel=0.05)
    assert PUBLISHED.scaled(0.5).median == pytest.approx(3.85)
    assert Latency.fixed(3).draw(random.Random(1)) == 3
    assert Latency.zero().draw(random.Random(1)) == 0


@pytest.mark.parametrize("key", [None, "Bearer sk-other", "sk-test"])
async def test_without_the_right_key_every_route_answers_401(api: LocalImageApi, key: str | None) -> None:
    headers = {"Authorization": key} if key else {}
    async with ClientSession(api.base_url, headers=headers) as http:
        answers = [await post(http, path, FOX) for path in (TASKS, GENERATIONS, EDITS)]
        async with http.get("/v1/models") as response:
            answers.append((response.status, await response.json()))
    assert {status for status, _ in answers} == {401}
    assert {body["error"]["message"] for _, body in answers} == {"Invalid token"}
    assert not api.accepted


async def test_the_models_are_listed(http: ClientSession) -> None:
    async with http.get("/v1/models") as response:
        assert [model["id"] for model in (await response.json())["data"]] == [MODEL, f"{MODEL}-quality"]


async def test_an_unknown_task_and_an_unknown_route_are_told_as_the_family_does(http: ClientSession) -> None:
    async with http.get(f"{TASKS}/task_nothing") as response:
        assert (response.status, (await response.json())["code"]) == (400, "task_not_exist")
    status, body = await post(http, "/v1/images/variations", FOX)
    assert (status, body["error"]["message"]) == (404, "Invalid URL (POST /v1/images/variations)")


URL = "http://127.0.0.1:9/a.png"
WRONG: list[tuple[str, Mapping[str, object], int, str]] = [
    (TASKS, {"model": MODEL}, 400, "prompt is required"),
    (TASKS, {"prompt": "a fox"}, 400, "model is required"),
    (TASKS, {"model": "grok-imagine", "prompt": "a fox"}, 400, "/v1/videos"),
    (TASKS, {"model": "dall-e-3", "prompt": "a fox"}, 503, "No available channel"),
    (TASKS, FOX | {"n": 1}, 400, "num_images"),
    (GENERATIONS, FOX | {"num_images": 1}, 400, "use n"),
    (TASKS, FOX | {"num_images": 5}, 400, "between 1 and 4"),
    (TASKS, FOX | {"num_images": "two"}, 400, "between 1 and 4"),
    (TASKS, FOX | {"aspect_ratio": "2:3"}, 400, "aspect_ratio must be one of"),
    (TASKS, FOX | {"aspect_ratio": "auto"}, 400, "image editing only"),
    (TASKS, FOX | {"resolution": "4k"}, 400, "resolution must be one of"),
    (TASKS, FOX | {"output_format": "gif"}, 400, "output_format must be one of"),
    (TASKS, FOX | {"response_format": "file"}, 400, "response_format must be one of"),
    (TASKS, FOX | {"task_type": "image2image"}, 400, "image or images is required"),
    (TASKS, FOX | {"task_type": "text2image", "image": URL}, 400, "does not take an image"),
    (TASKS, FOX | {"image": URL, "images": [URL]}, 400, "only one of"),
    (TASKS, FOX | {"image": [URL]}, 400, "image must be a string"),
    (TASKS, FOX | {"images": URL}, 400, "must be a list"),
    (TASKS, FOX | {"images": [URL] * 4}, 400, "at most 3"),
    (TASKS, FOX | {"image": "data:image/png;base64,AAAA"}, 400, "http or https"),
    (TASKS, FOX | {"size": "1024x1024"}, 400, "Argument not supported: size"),
    (GENERATIONS, FOX | {"image": URL}, 400, "Argument not supported: image"),
    (EDITS, FOX, 400, "image or images is required"),
]


@pytest.mark.parametrize(("path", "body", "status", "words"), WRONG)
async def test_a_wrong_request_is_refused_in_words_and_buys_nothing(
    api: LocalImageApi, http: ClientSession, path: str, body: Mapping[str, object], status: int, words: str
) -> None:
    answered, answer = await post(http, path, body)
    message = answer["error"]["message"] if "error" in answer else answer["message"]
    assert (answered, words in message) == (status, True), message
    assert ("error" in answer) == (path != TASKS or status == 503)
    assert not api.accepted


async def test_fields_that_no_page_names_are_taken_when_strictness_is_off(
    api: LocalImageApi, http: ClientSession
) -> None:
    api.behaviour.strict = False
    assert (await post(http, TASKS, FOX | {"n": 1, "seed": 7}))[0] == 200


async def test_a_body_that_is_no_json_is_refused(http: ClientSession) -> None:
    async with http.post(TASKS, data=b"{", headers={"Content-Type": "application/json"}) as response:
        assert (response.status, (await response.json())["code"]) == (400, "invalid_request")


async def test_what_was_bought_is_recorded_with_its_price(api: LocalImageApi, http: ClientSession) -> None:
    await post(http, TASKS, FOX | {"num_images": 3})
    quality = FOX | {"model": f"{MODEL}-quality", "resolution": "2k", "image": f"{api.files_url}/files/x"}
    _, second = await post(http, TASKS, quality)
    assert [accepted.cost_micros for accepted in api.accepted] == [60_000, 80_000]
    assert (await finished(http, second["task_id"]))["status"] == "failed"
    assert api.charged_micros == 60_000  # the failed one was paid back


async def test_a_source_is_fetched_without_the_key(api: LocalImageApi, http: ClientSession) -> None:
    _, source = await post(http, TASKS, FOX)
    address = (await finished(http, source["task_id"]))["result_url"]
    _, edit = await post(http, TASKS, FOX | {"images": [address, address], "aspect_ratio": "auto"})
    data = await finished(http, edit["task_id"])
    assert (data["status"], data["metadata"]["task_type"]) == ("succeeded", "image2image")
    fetches = [request for request in api.requests if request.path.startswith("/files/")]
    assert len(fetches) == 2
    assert all(request.authorization is None for request in fetches)


async def test_a_source_that_cannot_be_fetched_fails_the_task_and_costs_nothing(
    api: LocalImageApi, http: ClientSession
) -> None:
    _, edit = await post(http, TASKS, FOX | {"image": f"{api.files_url}/files/none/result-1.png"})
    data = await finished(http, edit["task_id"])
    assert (data["status"], data["progress"], data["error"]["code"]) == ("failed", "100%", "invalid_image")
    assert api.charged_micros == 0


async def test_the_synchronous_route_answers_with_addresses_or_base_64(http: ClientSession) -> None:
    _, by_address = await post(http, GENERATIONS, FOX | {"n": 2})
    assert len(by_address["data"]) == 2
    await picture_at(http, by_address["data"][1]["url"])
    _, by_text = await post(http, GENERATIONS, FOX | {"response_format": "b64_json"})
    assert list(by_text["data"][0]) == ["b64_json", "revised_prompt"]


@pytest.mark.parametrize("names", [["image"], ["image[]", "image[]"], ["image[0]", "image[1]", "image[2]"]])
async def test_files_are_taken_under_all_names_that_clients_give_them(
    api: LocalImageApi, http: ClientSession, names: list[str]
) -> None:
    form = FormData({"model": MODEL, "prompt": "as an oil painting", "n": "1"})
    for name in names:
        form.add_field(name, a_png(), filename="a.png", content_type="image/png")
    async with http.post(EDITS, data=form) as response:
        assert response.status == 200
    assert len(api.accepted[0].submission.sources) == len(names)
    assert api.requests[0].form["prompt"] == ("as an oil painting",)


async def test_a_file_that_is_no_picture_is_refused(api: LocalImageApi, http: ClientSession) -> None:
    form = FormData({"model": MODEL, "prompt": "oil"})
    form.add_field("image", b"%PDF-1.7", filename="a.png", content_type="image/png")
    async with http.post(EDITS, data=form) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (400, "invalid_image")
    assert not api.accepted


async def test_real_pictures_are_painted_and_edited_in_a_process_of_their_own() -> None:
    async with LocalImageApi(api_key="sk-test", latency=Latency.zero(), seed=3) as api, client_of(api) as http:
        _, made = await post(http, TASKS, FOX | {"aspect_ratio": "16:9", "output_format": "png"})
        address = (await finished(http, made["task_id"]))["result_url"]
        assert (await picture_at(http, address)).size == (1408, 768)
        _, edit = await post(http, TASKS, FOX | {"prompt": "ink", "image": address, "aspect_ratio": "auto"})
        edited = await picture_at(http, (await finished(http, edit["task_id"]))["result_url"])
        assert edited.width / edited.height == pytest.approx(1408 / 768, rel=0.02)
        _, broken = await post(http, EDITS, FOX | {"image": f"{api.base_url}/v1/models"})
        assert broken["error"]["code"] == "invalid_image"


async def test_stopping_in_the_middle_of_a_picture_leaves_nothing_behind() -> None:
    async with LocalImageApi(api_key="sk-test", latency=Latency.fixed(60)) as api, client_of(api) as http:
        await post(http, TASKS, FOX | {"num_images": 4})
        await asyncio.sleep(0.05)
        await asyncio.wait_for(api.stop(), 30)
    assert next(iter(api.tasks.values())).pictures == ()


async def test_a_painter_that_dies_fails_its_task_and_the_next_picture_has_a_new_one() -> None:
    async with LocalImageApi(api_key="sk-test", latency=Latency.zero()) as api, client_of(api) as http:
        order = FOX | {"num_images": 4, "resolution": "2k"}
        _, first = await post(http, TASKS, order)
        async with asyncio.timeout(10):
            while not (painters := painters_of_this_process()):
                await asyncio.sleep(0.005)
        os.kill(painters[0], signal.SIGKILL)
        assert (await finished(http, first["task_id"]))["status"] == "failed"
        _, second = await post(http, TASKS, FOX)
        assert (await finished(http, second["task_id"]))["status"] == "succeeded"
    assert api.charged_micros == 20_000


def painters_of_this_process() -> list[int]:
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return [int(child) for child in children if b"image_api.worker" in Path(f"/proc/{child}/cmdline").read_bytes()]
