"""The other verbs of the command line, and what it says of itself."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

import pytest

from bot.config.version import VERSION
from sandbox.serving import free_port
from tests.acceptance.little_discord import TOKEN, LittleDiscord
from tests.acceptance.processes import easel, forked_easel, make_home, variables
from tests.acceptance.starts import AT_WORK, START_S, failed_start


async def test_check_says_one_line_each_and_what_to_do(tmp_path: Path) -> None:
    async with LittleDiscord().open() as discord, easel(tmp_path, "check", **variables(discord.api_url)) as bot:
        assert await bot.wait(START_S) == 1  # no image API there
    assert sorted(line[:14].rstrip() for line in bot.out[:-1]) == [
        *("FAIL image API", "ok   Discord", "ok   database", "ok   settings")
    ]
    assert bot.out[-1].startswith("1 to mend first")
    assert "Traceback" not in bot.output


async def test_check_beside_a_running_bot_finds_the_database_in_good_hands(tmp_path: Path) -> None:
    async with LittleDiscord().open() as discord:
        given = variables(discord.api_url)
        async with forked_easel(tmp_path, **given) as bot:
            await bot.line(AT_WORK)
            async with forked_easel(tmp_path, "check", **given) as check:
                await check.wait(START_S)
    assert "ok   database   in use by a running bot" in check.out


async def test_check_names_every_wrong_setting(tmp_path: Path) -> None:
    async with forked_easel(tmp_path, "check", LOG_LEVEL="loud") as bot:
        code, sentences = await failed_start(bot)
    assert code == 2
    assert len(sentences) == 4


async def test_check_of_what_answers_nothing_ends_in_time(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        others = {"UNIALL_BASE_URL": f"http://{address}", "DATABASE_URL": f"postgresql://easel:word@{address}/easel"}
        async with forked_easel(tmp_path, "check", **variables(f"http://{address}/api/v10") | others) as bot:
            assert await bot.wait(START_S) == 1
    assert [line.split()[0] for line in bot.out[:-1]] == ["ok", "FAIL", "FAIL", "FAIL"]
    assert "Traceback" not in bot.output


async def test_sync_registers_the_commands_and_says_how_many(tmp_path: Path) -> None:
    async with LittleDiscord().open() as discord, easel(tmp_path, "sync", **variables(discord.api_url)) as bot:
        assert await bot.wait(START_S) == 0
        assert "PUT applications/1/commands" in discord.calls
    assert bot.out[-1].endswith("commands registered.")


async def test_sync_without_discord_is_one_sentence(tmp_path: Path) -> None:
    async with forked_easel(tmp_path, "sync", **variables(f"http://127.0.0.1:{free_port()}/api/v10")) as bot:
        code, sentences = await failed_start(bot)
    assert code == 1
    assert len(sentences) == 1


async def test_help_names_every_verb(tmp_path: Path) -> None:
    async with easel(tmp_path, "--help") as bot:
        assert await bot.wait(START_S) == 0
    assert all(f"    {verb} " in bot.output for verb in ("run", "check", "sync", "sandbox"))


async def test_without_any_setting_the_first_line_names_the_ways_in(tmp_path: Path) -> None:
    async with easel(tmp_path) as bot:
        code, sentences = await failed_start(bot)
    assert code == 2
    assert "python -m bot setup" in sentences[0]
    assert "python -m bot sandbox" in sentences[0]
    assert len(sentences) == 4


async def test_a_file_of_settings_is_named_before_or_after_the_verb(tmp_path: Path) -> None:
    (tmp_path / "mine.env").write_text("LOG_LEVEL=loud\n")
    for arguments in (
        ("--env-file", "mine.env", "check"),
        ("check", "--env-file", "mine.env"),
        ("--env-file", "gone.env", "sync"),
        ("work", "--env-file", "gone.env"),
        ("sandbox", "--env-file", "gone.env", "--port", "0"),
    ):
        async with easel(tmp_path, *arguments) as bot:
            code, sentences = await failed_start(bot)
        assert code == 2
        told = "There is no file gone.env" if "gone.env" in arguments else "LOG_LEVEL is no word"
        assert any(sentence.startswith(told) for sentence in sentences), sentences


async def test_the_version_is_printed(tmp_path: Path) -> None:
    async with easel(tmp_path, "--version") as bot:
        assert await bot.wait(START_S) == 0
    assert bot.out == [f"Easel {VERSION}"]


async def test_invite_needs_the_token_alone(tmp_path: Path) -> None:
    async with LittleDiscord(application={"id": "123456789012345678"}).open() as discord:
        given = {"DISCORD_TOKEN": TOKEN, "DISCORD_API_URL": discord.api_url}
        async with forked_easel(tmp_path, "invite", **given) as bot:
            assert await bot.wait(START_S) == 0
    addresses = [line.split()[-1] for line in bot.out]
    assert all("client_id=123456789012345678" in address for address in addresses)
    assert "scope=bot+applications.commands" in addresses[0]
    assert "permissions=274878008320" in addresses[0]
    assert "integration_type=1" in addresses[1]
    assert TOKEN not in bot.output


async def test_without_the_sandbox_everything_else_works_and_its_verb_says_what_is_missing(tmp_path: Path) -> None:
    async with easel(tmp_path, "sandbox", "--say", "/help") as bot:  # in a folder with bot/ and cogs/ alone
        assert await bot.wait() == 1
    assert bot.out == []
    assert bot.err == ["The sandbox is not installed here: it is in Easel's folder and in its wheel."]


async def test_output_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    clean = {"PATH": os.environ["PATH"], "DISCORD_TOKEN": "x y"}
    for line, code, told in (
        ("check > /dev/full", 1, b"What this verb says cannot be written (No space left on device).\n"),
        ("setup > /dev/full", 1, b"What this verb says cannot be written (No space left on device).\n"),
        ("run 2> /dev/full", 2, b""),
    ):
        shell = await asyncio.create_subprocess_shell(
            f"exec {sys.executable} -m bot {line}", cwd=home, env=clean, stdin=asyncio.subprocess.DEVNULL, stderr=-1
        )
        _, err = await asyncio.wait_for(shell.communicate(), START_S)
        assert (shell.returncode, err) == (code, told), line


@pytest.mark.parametrize("verb", ["check", "sync", "invite"])
async def test_a_verb_that_is_broken_off_is_no_success(tmp_path: Path, verb: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with forked_easel(tmp_path, verb, **variables(f"{url}/api/v10", UNIALL_BASE_URL=url)) as bot:
            asked, _ = await asyncio.to_thread(silent.accept)
            with asked:
                bot.interrupt()
                assert await bot.wait(START_S) == 1
    assert bot.err == ["Broken off."]
