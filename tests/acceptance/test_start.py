"""Starts and stops of the real process: what an operator sees, and how long it takes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.serving import free_port
from tests.acceptance.little_discord import LittleDiscord
from tests.acceptance.processes import easel, forked_easel, make_home, variables
from tests.acceptance.starts import AT_WORK, START_S, failed_start

LINUX = sys.platform == "linux"
STOP_S = 40.0  # twenty seconds are promised, on a machine that does nothing else


async def test_every_wrong_variable_is_told_at_once_in_one_sentence_each(tmp_path: Path) -> None:
    wrong = {
        "DISCORD_TOKEN": "Bot hidden-token",
        "DATABASE_URL": "mysql://root:hidden-word@db/x",
        "UNIALL_MODE": "?",
        "MAX_JOBS_PER_USER": "0",
        "JOB_TIMEOUT_S": "soon",
        "PRICE_LIST": "free",
        "LOG_FORMAT": "xml",
    }
    async with easel(tmp_path, **wrong) as bot:
        code, sentences = await failed_start(bot)
    assert code == 2
    assert sorted(it.split()[0] for it in sentences) == sorted({*wrong, "UNIALL_API_KEY", "UNIALL_BASE_URL"})
    assert "hidden" not in "".join(sentences)


async def test_settings_come_from_the_file_beside_the_project_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LOG_LEVEL=loud\nLOG_FORMAT=xml\n")
    async with easel(tmp_path, "check", LOG_FORMAT="json") as bot:
        code, sentences = await failed_start(bot)
    assert code == 2
    assert any(it.startswith("LOG_LEVEL") for it in sentences)
    assert not any(it.startswith("LOG_FORMAT") for it in sentences)


@pytest.mark.skipif(not (LINUX and shutil.which("cc")), reason="there is no C compiler to stand for such a disk")
async def test_a_disk_without_file_locks_ends_the_start_with_one_sentence(tmp_path: Path) -> None:
    """As a network disk does whose lock service does not run."""
    source, library = tmp_path / "no-locks.c", tmp_path / "no-locks.so"
    source.write_text("#include <errno.h>\nint flock(int file, int how) { errno = ENOLCK; return -1; }\n")
    await asyncio.to_thread(subprocess.run, ["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    async with (
        LittleDiscord().open() as discord,
        easel(tmp_path, **variables(discord.api_url, LD_PRELOAD=str(library))) as bot,
    ):
        code, sentences = await failed_start(bot)
    assert code == 1
    (sentence,) = sentences
    assert sentence.startswith("The disk of the database ")
    assert "has no file locks" in sentence


async def test_a_refused_token_ends_the_start_with_one_sentence(tmp_path: Path) -> None:
    async with (
        LittleDiscord(refuse=401).open() as discord,
        forked_easel(tmp_path, **variables(discord.api_url)) as bot,
    ):
        code, sentences = await failed_start(bot)
    assert code == 1
    (sentence,) = sentences
    assert sentence.startswith("Discord does not accept DISCORD_TOKEN: ")


async def test_a_token_that_discord_stops_accepting_ends_the_bot_with_one_sentence(tmp_path: Path) -> None:
    async with (
        LittleDiscord(close_with=4004).open() as discord,
        forked_easel(tmp_path, **variables(discord.api_url)) as bot,
    ):
        code, sentences = await failed_start(bot)
    assert code == 1
    assert sentences[-1].startswith("Discord does not accept DISCORD_TOKEN: ")


@pytest.mark.parametrize(("code", "part"), [(4014, "does not allow this bot"), (4011, "more shards")])
async def test_a_connection_closed_for_good_says_why(tmp_path: Path, code: int, part: str) -> None:
    async with (
        LittleDiscord(close_with=code).open() as discord,
        forked_easel(tmp_path, **variables(discord.api_url)) as bot,
    ):
        exit_code, sentences = await failed_start(bot)
    assert exit_code == 1
    assert part in sentences[-1]


async def test_while_discord_is_unreachable_the_bot_tries_on_and_says_so_line_by_line(tmp_path: Path) -> None:
    discord = LittleDiscord(port=free_port())
    async with forked_easel(tmp_path, **variables(discord.api_url)) as bot:
        first = await bot.line("Discord cannot be reached (connection refused); next try in ")
        second = await bot.line("Discord cannot be reached", count=2)
        pauses = [float(line.split("next try in ")[1].removesuffix(" s")) for line in (first, second)]
        assert pauses[0] <= pauses[1]
        async with discord.open():
            await bot.line(AT_WORK)
            assert "Traceback" not in bot.output
            bot.terminate()
            assert await bot.wait(STOP_S) == 0


async def test_the_wait_for_discord_ends_at_once_when_asked(tmp_path: Path) -> None:
    async with forked_easel(tmp_path, **variables(f"http://127.0.0.1:{free_port()}/api/v10")) as bot:
        await bot.line("Discord cannot be reached", count=2)
        bot.terminate()
        assert await bot.wait(10.0) == 0
    assert "Traceback" not in bot.output


@pytest.mark.parametrize("status", [500, 502, 403, 404])
async def test_a_discord_that_answers_with_trouble_is_waited_for(tmp_path: Path, status: int) -> None:
    async with (
        LittleDiscord(refuse=status).open() as discord,
        forked_easel(tmp_path, **variables(discord.api_url)) as bot,
    ):
        await bot.line(f"Discord cannot be reached (status {status})")
        assert bot.running
        discord.refuse = 0
        await bot.line(AT_WORK)


async def test_a_websocket_that_cannot_be_reached_is_waited_for_one_line_per_try(tmp_path: Path) -> None:
    discord = LittleDiscord(gateway_url=f"ws://127.0.0.1:{free_port()}")
    async with discord.open(), forked_easel(tmp_path, **variables(discord.api_url)) as bot:
        await bot.line("Discord cannot be reached (connection refused); next try in ")
        assert "Traceback" not in bot.output
        bot.terminate()
        assert await bot.wait(STOP_S) == 0


async def test_a_lost_connection_is_one_line_per_try_and_comes_back(tmp_path: Path) -> None:
    discord = LittleDiscord(port=free_port())
    async with forked_easel(tmp_path, **variables(discord.api_url)) as bot:
        async with discord.open():
            await bot.line("has connected to Gateway")
        await bot.line("Discord cannot be reached (connection refused); next try in ")
        assert "Traceback" not in bot.output
        async with discord.open():
            await bot.line("has connected to Gateway", count=2)
            bot.terminate()
            assert await bot.wait(STOP_S) == 0


async def test_a_bot_at_work_ends_in_order_when_told(tmp_path: Path) -> None:
    async with LittleDiscord().open() as discord, easel(tmp_path, **variables(discord.api_url)) as bot:
        await bot.line(AT_WORK)
        bot.terminate()
        assert await bot.wait(STOP_S) == 0
    assert "Traceback" not in bot.output


async def test_ctrl_c_ends_it_too(tmp_path: Path) -> None:
    async with LittleDiscord().open() as discord, easel(tmp_path, **variables(discord.api_url)) as bot:
        await bot.line(AT_WORK)
        bot.interrupt()
        assert await bot.wait(STOP_S) == 0
    assert "Traceback" not in bot.output


def takes_sigterm(pid: int) -> bool:
    """Whether the process has a handler for SIGTERM, by its mask of caught signals."""
    caught = re.search(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize("at_work", [False, True], ids=["in the first moments", "at work"])
async def test_one_signal_after_the_other_ends_it_in_order(tmp_path: Path, at_work: bool) -> None:
    async with LittleDiscord().open() as discord, easel(tmp_path, **variables(discord.api_url)) as bot:
        if at_work:
            await bot.line(AT_WORK)
        while not takes_sigterm(bot.pid):
            await asyncio.sleep(0.002)
        while bot.running:  # to the last moment of the interpreter's own end
            with contextlib.suppress(ProcessLookupError):  # gone, and not yet known to be
                os.kill(bot.pid, signal.SIGTERM)
            await asyncio.sleep(0.005)
        assert await bot.wait(STOP_S) == 0
    assert "Traceback" not in bot.output


async def test_a_second_process_on_the_same_file_is_refused(tmp_path: Path) -> None:
    async with LittleDiscord().open() as discord:
        given = variables(discord.api_url)
        async with forked_easel(tmp_path, **given) as first:
            await first.line(AT_WORK)
            async with forked_easel(tmp_path, **given) as second:
                code, sentences = await failed_start(second)
            assert code == 1
            assert "already uses" in sentences[-1]
            assert first.running


async def test_a_database_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    async with easel(tmp_path, **variables(f"http://127.0.0.1:{free_port()}/api/v10")) as bot:
        code, sentences = await failed_start(bot)
    assert code == 1
    assert len(sentences) == 1


async def test_a_database_server_that_is_not_there_is_one_sentence_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql://easel:hidden-word@127.0.0.1:{free_port()}/easel"
    async with forked_easel(tmp_path, **variables(f"http://127.0.0.1:{free_port()}/api/v10", DATABASE_URL=url)) as bot:
        code, sentences = await failed_start(bot)
    assert code == 1
    assert len(sentences) == 1
    assert "hidden-word" not in bot.output


async def test_a_database_server_that_says_nothing_does_not_hold_the_start_up(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()  # the kernel takes connections; nobody ever reads them
        url = f"postgresql://easel:hidden-word@127.0.0.1:{silent.getsockname()[1]}/easel"
        async with forked_easel(
            tmp_path, **variables(f"http://127.0.0.1:{free_port()}/api/v10", DATABASE_URL=url)
        ) as bot:
            code, sentences = await failed_start(bot)
    assert code == 1
    assert len(sentences) == 1


async def test_given_shards_are_started_and_no_other_discord_is_asked(tmp_path: Path) -> None:
    async with LittleDiscord(shards=9).open() as discord:
        given = variables(discord.api_url, DISCORD_SHARD_IDS="2", DISCORD_SHARD_COUNT="3")
        async with forked_easel(tmp_path, **given) as bot:
            await bot.line("has connected to Gateway")
        assert [it["shard"] for it in discord.identified] == [[2, 3]]


async def test_while_no_session_is_left_none_is_begun(tmp_path: Path) -> None:
    discord = LittleDiscord(sessions_left=0, sessions_renewed_in_ms=3000)
    async with discord.open(), forked_easel(tmp_path, **variables(discord.api_url)) as bot:
        await bot.line("Discord allows this bot no further session until 3 s from now; waiting")
        assert discord.identified == []
        discord.sessions_left = 999
        await bot.line(AT_WORK)
        await bot.line("has connected to Gateway")
        assert len(discord.identified) == 1


async def test_a_lost_connection_begins_no_session_that_is_not_left(tmp_path: Path) -> None:
    async with LittleDiscord().open() as discord, forked_easel(tmp_path, **variables(discord.api_url)) as bot:
        await bot.line("has connected to Gateway")
        discord.sessions_left, discord.sessions_renewed_in_ms = 0, 60_000
        for socket_ in discord.sockets:
            await socket_.send_json({"op": 9, "d": False, "s": None, "t": None})  # a session that cannot be resumed
        await bot.line("Discord allows this bot no further session", within=30)
        assert len(discord.identified) == 1
        assert bot.running


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"message": "Too many commands today", "code": 30034}),
        (429, {"message": "You are being rate limited.", "retry_after": 3600.0, "global": False}),
        (403, {"message": "Missing Access", "code": 50001}),
    ],
)
async def test_a_refusal_to_register_commands_is_no_end(tmp_path: Path, status: int, body: dict[str, object]) -> None:
    discord = LittleDiscord(registration=(status, body))
    async with discord.open():
        async with forked_easel(tmp_path, **variables(discord.api_url)) as bot:
            await bot.line("the slash commands could not be registered")
            await bot.line(AT_WORK)
            assert bot.running
        async with forked_easel(tmp_path, "sync", **variables(discord.api_url)) as sync:
            code, sentences = await failed_start(sync)
    assert code == 1
    said = "again in 3600 s" if status == 429 else str(body["message"])
    assert said in sentences[-1]


async def test_an_entry_point_command_is_kept_by_a_registration(tmp_path: Path) -> None:
    entry_point = {"id": "77", "type": 4, "name": "launch", "handler": 2, "version": "1", "application_id": "1"}
    discord = LittleDiscord(commands=[entry_point])
    async with discord.open(), forked_easel(tmp_path, "sync", **variables(discord.api_url)) as bot:
        assert await bot.wait(START_S) == 0, bot.output
    kept = [it for it in discord.registered if it["type"] == 4]
    assert kept == [{"id": "77", "type": 4, "name": "launch", "handler": 2}]
    assert bot.out[-1] == f"{len(discord.registered) - 1} commands registered."


async def test_a_reader_who_goes_away_and_a_terminal_without_utf8_get_no_traceback(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    clean = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    for line in ("--help | true", "check | true", "--version | head -c 0", "check --env-file ä.env"):
        shell = await asyncio.create_subprocess_shell(
            f"{sys.executable} -m bot {line}", cwd=home, env=clean, stdout=-1, stderr=-1
        )
        _, err = await asyncio.wait_for(shell.communicate(), START_S)
        assert b"Traceback" not in err
        assert b"BrokenPipe" not in err
