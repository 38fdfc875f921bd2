"""Trouble on the bot's own machine: a locked or full disk, a broken spool, a clock that steps back. No job is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.image_api.latency import Latency
from sandbox.image_api.server import LocalImageApi
from tests.acceptance.conftest import final, house_in, says, with_pictures
from tests.acceptance.disks import small_disk
from tests.acceptance.little_discord import LittleDiscord
from tests.acceptance.processes import KEY, forked_easel, variables

EDITS = "PATCH /webhooks/*/messages/*"


async def test_a_spool_file_that_was_spoilt_while_the_bot_was_down_is_fetched_again(tmp_path: Path) -> None:
    async with house_in(tmp_path) as house:
        fault = house.discord.faults.hang(EDITS, files=True)
        reply = await house.ada.command("imagine", prompt="a red fox", count=2)
        await fault.struck.wait()
        await house.kill_bot()
        spoilt = list((tmp_path / "easel.db.spool").rglob("picture-*"))
        assert len(spoilt) == 2
        for file in spoilt:
            file.write_bytes(bytes(1000))
        house.discord.faults.clear()
        await house.start_bot()
        message = await reply.until(with_pictures)
        assert all(picture.width for picture in message.pictures)


async def test_a_spool_that_is_gone_is_fetched_again(tmp_path: Path) -> None:
    async with house_in(tmp_path) as house:
        fault = house.discord.faults.hang(EDITS, files=True)
        reply = await house.ada.command("imagine", prompt="a red fox")
        await fault.struck.wait()
        await house.kill_bot()
        for file in sorted((tmp_path / "easel.db.spool").rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        house.discord.faults.clear()
        await house.start_bot()
        await reply.until(with_pictures)


async def test_a_locked_database_gives_an_honest_refusal_in_time_and_running_jobs_go_on_afterwards(
    tmp_path: Path,
) -> None:
    async with house_in(tmp_path, latency=Latency.fixed(2.0)) as house:
        running = await house.ada.command("imagine", prompt="running")
        await running.until(says("painting"))
        with contextlib.closing(sqlite3.connect(tmp_path / "easel.db", isolation_level=None)) as other_program:
            other_program.execute("BEGIN EXCLUSIVE")
            refused = await house.ben.command("imagine", prompt="refused")
            assert refused.error is None
            assert refused.ephemeral
            assert says("nothing was started")(refused.message)
            other_program.execute("ROLLBACK")
        await running.until(with_pictures)
        await (await house.ben.command("imagine", prompt="taken")).until(with_pictures)
        assert sorted(it.submission.prompt for it in house.image_api.accepted) == ["running", "taken"]


@pytest.mark.skipif(os.name != "posix", reason="mount is a command of Unix")
async def test_a_full_disk_delays_jobs_and_loses_none(tmp_path: Path) -> None:
    async with small_disk(tmp_path / "disk") as disk, house_in(disk, latency=Latency.fixed(2.0)) as house:
        reply = await house.ada.command("imagine", prompt="a red fox")
        await reply.until(says("painting"))
        ballast = disk / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb") as file:
            while True:
                file.write(bytes(4096))
        await asyncio.sleep(3.0)
        assert house.bot.is_running
        assert not reply.message.pictures
        ballast.unlink()
        await reply.until(with_pictures)
        assert len(house.submissions()) == 1


async def test_a_clock_that_stepped_back_neither_ends_nor_stalls_a_job(tmp_path: Path) -> None:
    async with house_in(tmp_path, latency=Latency.fixed(4.0)) as house:
        reply = await house.ada.command("imagine", prompt="a red fox")
        await reply.until(says("painting"))
        await house.kill_bot()
        ahead = (datetime.now(UTC) + timedelta(hours=3)).strftime("%Y-%m-%d %H:%M:%S.%f")
        with contextlib.closing(sqlite3.connect(tmp_path / "easel.db", isolation_level=None)) as database:
            database.execute("UPDATE jobs SET submitted_at = ?, received_at = ?, lease_until = ?", (ahead,) * 3)
        await house.start_bot()
        message = await reply.until(final)
        assert message.pictures
        assert len(house.submissions()) == 1


@pytest.mark.skipif(os.name != "posix", reason="mount is a command of Unix")
async def test_check_looks_at_the_disk_of_the_data_and_not_at_that_of_temporary_files(tmp_path: Path) -> None:
    """In a container /tmp is a few megabytes of memory, and the data lie on a volume."""
    async with LittleDiscord().open() as discord, LocalImageApi(api_key=KEY) as api, small_disk(tmp_path / "d") as disk:
        settings = variables(discord.api_url, UNIALL_BASE_URL=api.base_url)
        for moved, fault in (
            ({"TMPDIR": str(disk)}, None),
            ({"DATABASE_URL": f"sqlite:///{disk}/easel.db"}, f"The disk of {disk} has 2 MB left"),
        ):
            async with forked_easel(tmp_path, "check", **settings | moved) as check:
                assert await check.wait() == (1 if fault else 0), check.output
            assert ("The disk of" in check.output) is bool(fault)
            assert (fault or "") in check.output
