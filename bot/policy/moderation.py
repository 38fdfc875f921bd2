"""An OpenAI-compatible moderation route that judges prompts before anything is bought; the operator's choice.

The key goes to the origin of the address that the operator named and nowhere else: redirects are not followed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
import structlog

from bot.errors import ModerationDown

log = structlog.stdlib.get_logger(__name__)

PATIENCE_S = 5.0
FAULT_PATIENCE_S = 4.0  # sooner than whoever asks for the fault gives up
TRIES = 2  # a kept-alive connection may have died just now
HARMLESS = "a lighthouse at dusk"
MAX_ANSWER_BYTES = 1_000_000


class Moderation:
    """Asks POST {base}/v1/moderations about each prompt. Made by `open_moderation`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        api_key: str | None,
        model: str | None,
        *,
        lenient: bool,
        proxy: str | None = None,
    ) -> None:
        self._session = session
        self._url = f"{base_url}/v1/moderations"
        self._key = api_key
        self._model = model
        self._lenient = lenient
        self._proxy = proxy

    async def allows(self, prompt: str) -> bool:
        """Whether a prompt may be painted. Where the route is down: yes if `lenient`, else raises ModerationDown."""
        for tries_left in reversed(range(TRIES)):
            try:
                return not await self._flagged(prompt)
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as exc:
                log.warning("the moderation route gave no usable answer", error=f"{type(exc).__name__}: {_status(exc)}")
                if not tries_left or isinstance(exc, TimeoutError):
                    break
        if self._lenient:
            return True
        raise ModerationDown

    async def fault(self) -> str | None:
        """What the operator has to know of the route, as the end of a sentence; None where it judges."""
        try:
            async with asyncio.timeout(FAULT_PATIENCE_S):
                await self._flagged(HARMLESS)
        except aiohttp.ClientResponseError as exc:
            return f"answers with HTTP {exc.status}: {_mend(exc.status)}"
        except TimeoutError:
            return f"does not answer within {FAULT_PATIENCE_S:g} s: look whether it runs, and at MODERATION_BASE_URL"
        except ValueError:
            return "does not answer as an OpenAI-compatible one does: look at MODERATION_BASE_URL"
        except (aiohttp.ClientError, OSError):
            return "cannot be reached: look at MODERATION_BASE_URL and at the network of this machine"
        return None

    async def _flagged(self, prompt: str) -> bool:
        headers = {"Accept": "application/json"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key}"
        asked = {"input": prompt} | ({"model": self._model} if self._model else {})
        async with self._session.post(
            self._url, json=asked, headers=headers, allow_redirects=False, proxy=self._proxy
        ) as response:
            if response.status != 200:
                raise aiohttp.ClientResponseError(response.request_info, (), status=response.status)
            return _verdict(await _read(response))


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for piece in response.content.iter_chunked(64 * 1024):
        body += piece
        if len(body) > MAX_ANSWER_BYTES:
            raise ValueError("too long an answer")
    return body


@asynccontextmanager
async def open_moderation(
    base_url: str | None, api_key: str | None, model: str | None, *, lenient: bool, proxy: str | None
) -> AsyncGenerator[Moderation | None]:
    """The route at `base_url` (without /v1), if there is one. `lenient` lets prompts pass while it is down.

    `proxy` is the address to reach it through, if it is not reached directly.
    """
    if base_url is None:
        yield None
        return
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with aiohttp.ClientSession(
        timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), headers={"User-Agent": "Easel"}, trust_env=False
    ) as session:
        yield Moderation(session, base_url, api_key, model, lenient=lenient, proxy=proxy)


def _verdict(body: bytes) -> bool:
    """Whether any result is flagged. Raises ValueError for an answer that says nothing of it."""
    try:
        answer: Any = json.loads(body)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    results = cast("dict[str, Any]", answer).get("results") if isinstance(answer, dict) else None
    if not isinstance(results, list) or not results:
        raise ValueError("no results")
    objects = [cast("dict[str, Any]", one) for one in cast("list[Any]", results) if isinstance(one, dict)]
    flags = [one.get("flagged") for one in objects]
    if not flags or not all(isinstance(flag, bool) for flag in flags):
        raise ValueError("no verdict")
    return any(flags)


def _mend(status: int) -> str:
    if status in {401, 403}:
        return "look at MODERATION_API_KEY"
    if status in {402, 429}:
        return "look at the limits and the balance of your account there"
    if status >= 500:
        return "it is out of order, so ask again later"
    return "look at MODERATION_BASE_URL and MODERATION_MODEL"


def _status(exc: Exception) -> str:
    # Not the error's own text, which may hold what was asked.
    return str(exc.status) if isinstance(exc, aiohttp.ClientResponseError) else ""
