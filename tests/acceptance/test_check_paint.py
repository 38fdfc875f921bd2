"""`python -m bot check --paint` as an owner runs it: asked at a pipe, answered, refused, broken off."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.image_api.latency import Latency
from sandbox.image_api.server import LocalImageApi
from sandbox.image_api.studio import PaintMode
from tests.acceptance.little_discord import TOKEN, LittleDiscord
from tests.acceptance.processes import ENVIRONMENT, KEY, make_home, variables
from tests.bots import MEASURED

WHOLE_S = 60.0
PRICES = "grok-imagine-image:1k=0.02"


@pytest.fixture
async def api() -> AsyncIterator[LocalImageApi]:
    async with LocalImageApi(api_key=KEY, latency=Latency.zero(), paint=PaintMode.TINY) as started:
        yield started


class Owner:
    """A check that is run in a pipe."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.out = ""

    async def ends(self, answer: bytes | None = None) -> int:
        """Give an answer, or none at all, and wait for the exit code."""
        rest, err = await asyncio.wait_for(self.process.communicate(answer), WHOLE_S)
        self.out += rest.decode()
        assert b"Traceback" not in err
        assert not [secret for secret in (TOKEN, KEY) if secret in self.out + err.decode()]
        self.out += err.decode()
        assert self.process.returncode is not None
        return self.process.returncode

    async def shows(self, part: str) -> None:
        assert self.process.stdout is not None
        while part not in self.out:
            piece = await asyncio.wait_for(self.process.stdout.read(4096), WHOLE_S)
            assert piece, self.out
            self.out += piece.decode()

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)


async def owner(home: Path, api: LocalImageApi, discord: LittleDiscord, *arguments: str, **others: str) -> Owner:
    settings = variables(discord.api_url, **{"UNIALL_BASE_URL": api.base_url, **others})
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "check", "--paint", *arguments),
        cwd=make_home(home),
        env={**ENVIRONMENT, **MEASURED, **settings},
        stdin=-1,
        stdout=-1,
        stderr=-1,
    )
    return Owner(process)


async def test_yes_buys_one_picture_and_says_what_it_costs(tmp_path: Path, api: LocalImageApi) -> None:
    async with LittleDiscord().open() as discord:
        run = await owner(tmp_path, api, discord, PRICE_LIST=PRICES)
        assert await run.ends(b"yes\n") == 0, run.out
    assert "By PRICE_LIST it costs 0.02 US dollars." in run.out
    assert "ok   painting   The picture came: " in run.out
    assert run.out.index("ok   image API") < run.out.index("Type yes") < run.out.index("> POST ")
    assert run.out.rstrip().splitlines()[-1] == "All is well: python -m bot starts it."
    assert len(api.accepted) == 1


async def test_a_script_says_yes_beforehand_and_sync_mode_is_followed_too(tmp_path: Path, api: LocalImageApi) -> None:
    async with LittleDiscord().open() as discord:
        run = await owner(tmp_path, api, discord, "--yes", UNIALL_MODE="sync")
        assert await run.ends() == 0, run.out
    assert "Type yes" not in run.out
    assert "/v1/images/generations" in run.out
    assert len(api.accepted) == 1


@pytest.mark.parametrize("answer", [b"", b"no\n", b"\n", b"yes please\n", b"y", b"\xff\xfe\n"])
async def test_anything_but_yes_buys_nothing(tmp_path: Path, api: LocalImageApi, answer: bytes) -> None:
    async with LittleDiscord().open() as discord:
        run = await owner(tmp_path, api, discord)
        assert await run.ends(answer) == 0, run.out
    assert "PRICE_LIST has no price for it" in run.out
    assert "warn painting   Nothing was bought: only the answer yes buys." in run.out
    assert api.accepted == []


async def test_a_wrong_key_buys_nothing_and_asks_nothing(tmp_path: Path, api: LocalImageApi) -> None:
    async with LittleDiscord().open() as discord:
        run = await owner(tmp_path, api, discord, "--yes", UNIALL_API_KEY="sk-another")
        assert await run.ends() == 1
    assert "FAIL painting   Nothing was bought: mend what stands above about the image API first." in run.out
    assert not [request for request in api.requests if request.method == "POST"]


async def test_ctrl_c_at_the_question_buys_nothing(tmp_path: Path, api: LocalImageApi) -> None:
    async with LittleDiscord().open() as discord:
        run = await owner(tmp_path, api, discord)
        await run.shows("Type yes")
        run.interrupt()
        assert await run.ends(b"") == 1
    assert "Broken off; nothing was bought." in run.out
    assert api.accepted == []


async def test_ctrl_c_while_it_is_painted_says_that_it_was_bought(tmp_path: Path, api: LocalImageApi) -> None:
    api.behaviour.switch_on("stuck")
    async with LittleDiscord().open() as discord:
        run = await owner(tmp_path, api, discord, "--yes")
        await run.shows("> GET ")
        run.interrupt()
        assert await run.ends() == 1
    assert f"FAIL painting   Broken off. The picture was bought as task {next(iter(api.tasks))}." in run.out
    assert len(api.accepted) == 1


async def test_ctrl_c_while_the_request_is_out_says_that_nobody_knows(tmp_path: Path, api: LocalImageApi) -> None:
    api.behaviour.switch_on("hang-after-accept")
    async with LittleDiscord().open() as discord:
        run = await owner(tmp_path, api, discord, "--yes")
        await run.shows("> POST ")
        run.interrupt()
        assert await run.ends() == 1
    assert "Broken off. Nobody knows whether the picture was bought" in run.out
