"""The synchronous routes of the local image API, judged by the official OpenAI client."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import AsyncIterator
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from sandbox.image_api.latency import Latency
from sandbox.image_api.server import LocalImageApi
from sandbox.image_api.studio import PaintMode

if TYPE_CHECKING:
    from openai import AsyncOpenAI

MODEL = "grok-imagine-image"


@pytest.fixture
async def api() -> AsyncIterator[LocalImageApi]:
    async with LocalImageApi(latency=Latency.zero(), paint=PaintMode.TINY) as running:
        yield running


@pytest.fixture
async def client(api: LocalImageApi) -> AsyncIterator[AsyncOpenAI]:
    from openai import AsyncOpenAI  # a second's work, which every process that only gathers tests is spared

    async with AsyncOpenAI(api_key="sandbox", base_url=f"{api.base_url}/v1", max_retries=0, timeout=30) as opened:
        yield opened


def a_file(color: str = "teal") -> tuple[str, bytes, str]:
    with BytesIO() as buffer:
        Image.new("RGB", (20, 20), color).save(buffer, "PNG")
        return f"{color}.png", buffer.getvalue(), "image/png"


async def test_pictures_are_generated_by_address(client: AsyncOpenAI) -> None:
    answer = await client.images.generate(model=MODEL, prompt="a red fox", n=2, response_format="url")
    assert answer.data is not None
    assert len({picture.url for picture in answer.data}) == 2


async def test_pictures_are_generated_as_base_64(client: AsyncOpenAI) -> None:
    answer = await client.images.generate(model=MODEL, prompt="a red fox", response_format="b64_json")
    assert answer.data is not None
    assert Image.open(BytesIO(b64decode(answer.data[0].b64_json or ""))).format == "JPEG"


async def test_extra_fields_of_the_page_are_taken(api: LocalImageApi, client: AsyncOpenAI) -> None:
    extra = {"resolution": "2k", "aspect_ratio": "16:9", "output_format": "webp"}
    await client.images.generate(model=MODEL, prompt="a red fox", extra_body=extra)
    assert (api.accepted[0].submission.resolution, api.accepted[0].submission.format) == ("2k", "webp")


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_files_are_edited(api: LocalImageApi, client: AsyncOpenAI, count: int) -> None:
    files = [a_file(color) for color in ("teal", "gold", "navy")[:count]]
    answer = await client.images.edit(model=MODEL, prompt="as ink", image=files[0] if count == 1 else files)
    assert answer.data
    assert answer.data[0].url
    assert [len(source) for source in api.accepted[0].submission.sources] == [len(file[1]) for file in files]


async def test_errors_reach_the_client_as_its_own(client: AsyncOpenAI) -> None:
    import openai

    with pytest.raises(openai.RateLimitError):
        await client.images.generate(model=MODEL, prompt="a fox [[busy]]")
    with pytest.raises(openai.BadRequestError) as refused:
        await client.images.generate(model=MODEL, prompt="a fox [[refuse]]")
    assert refused.value.code == "imagine:content-moderated"
    with pytest.raises(openai.InternalServerError) as unknown:
        await client.images.generate(model="dall-e-3", prompt="a fox")
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.APIConnectionError):
        await client.images.generate(model=MODEL, prompt="a fox [[drop]]")


async def test_a_wrong_key_is_an_authentication_error(api: LocalImageApi, client: AsyncOpenAI) -> None:
    import openai

    with pytest.raises(openai.AuthenticationError):
        await client.with_options(api_key="other").images.generate(model=MODEL, prompt="a fox")


async def test_the_models_can_be_listed(client: AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == [MODEL, f"{MODEL}-quality"]
