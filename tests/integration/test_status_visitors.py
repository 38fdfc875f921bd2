"""Whoever opens connections to HTTP_PORT and says nothing, or little, takes nothing from the bot or from a watcher."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from bot.errors import StartError
from bot.ops.health.server import LONGEST_S, MOST_CONNECTIONS, serving
from bot.ops.health.status import BotStatus
from tests.acceptance.processes import free_port

QUICK_S = 10.0


async def no_status() -> BotStatus:
    raise AssertionError("nobody asks for the page here")


@asynccontextmanager
async def served(longest_s: float = LONGEST_S) -> AsyncGenerator[int]:
    port, health = free_port(), {"ok": True}
    async with serving(
        "127.0.0.1",
        port,
        health=lambda: (True, health),
        metrics=lambda: b"x 1\n",
        status=no_status,
        longest_s=longest_s,
    ):
        yield port


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def healthy(port: int) -> bool:
    address = f"http://127.0.0.1:{port}/healthz"
    async with asyncio.timeout(QUICK_S), aiohttp.ClientSession() as session, session.get(address) as answer:
        return answer.status == 200 and (await answer.json()) == {"ok": True}


SLOW = {
    "nothing": b"",
    "half a line": b"GET /hea",
    "half a head": b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ",
    "a body that does not come": b"POST /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000000\r\n\r\n",
}


@pytest.mark.parametrize("what", SLOW)
async def test_hundreds_of_silent_connections_leave_room_for_a_watcher(what: str) -> None:
    async with served() as port:
        before = open_files()
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4 * MOST_CONNECTIONS)]
        for _, writer in held:
            writer.write(SLOW[what])
        began = time.monotonic()
        assert all([await healthy(port) for _ in range(5)])
        assert time.monotonic() - began < QUICK_S
        # Our own ends, and no more of the server's than it allows.
        assert open_files() - before < len(held) + MOST_CONNECTIONS + 10
        for _, writer in held:
            writer.close()


async def test_a_connection_that_drips_is_ended() -> None:
    async with served(longest_s=0.3) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.1\r\n")
        async with asyncio.timeout(30):
            while not reader.at_eof():
                writer.write(b"X-Drip: 1\r\n")
                await asyncio.sleep(0.05)
                if reader.at_eof() or writer.is_closing():
                    break
        assert await healthy(port)
        writer.close()


async def test_oversized_heads_and_odd_methods_are_answered_or_ended() -> None:
    async with served() as port:
        for said in (
            b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
            b"GET /healthz HTTP/1.1\r\n" + b"X: " + b"y" * 1_000_000 + b"\r\n\r\n",
            b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00" * 100,
            b"DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /../../etc/passwd HTTP/1.0\r\n\r\n",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(said)
            async with asyncio.timeout(30):
                answer = await reader.read(100)
            assert not answer or answer.split()[1] in {b"400", b"403", b"404", b"405", b"431"}, answer
            writer.close()
        assert await healthy(port)


async def test_a_port_that_is_taken_is_told() -> None:
    async with served() as port:
        with pytest.raises(StartError, match="taken"):
            async with serving("127.0.0.1", port, health=lambda: (True, {}), metrics=bytes, status=no_status):
                pass
