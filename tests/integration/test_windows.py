"""What can be tried of Windows on another system: it imports without POSIX, its locks and its signals.

There is no Windows in these tests. pyright reads the whole program as Windows sees it (`make lint`); here the parts run
whose mechanism is another one there.
"""

from __future__ import annotations

import ast
import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.config.env_file import read_env_file
from bot.config.settings import load
from bot.ops.setup.env_writer import write_settings
from bot.ops.shutdown import END_SIGNALS, catch, catch_no_more

ROOT = Path(__file__).parents[2]

#: Takes from this process what no Windows has, stands in for the one thing that only Windows has, and imports it all.
BARE = """
import asyncio.unix_events, ctypes, importlib, os, pkgutil, signal, subprocess, sys, tempfile, types
import aiohttp, alembic.command, discord.ext.commands, discord.ui, PIL.Image, prometheus_client, psycopg
import re2, sqlalchemy.orm, structlog, multiprocessing, concurrent.futures.process, logging.handlers
import fcntl
flock, LOCK_EX, LOCK_NB = fcntl.flock, fcntl.LOCK_EX, fcntl.LOCK_NB
for name in ("fcntl", "grp", "pwd", "resource", "termios", "tty", "pty", "_posixsubprocess"):
    sys.modules[name] = None
for name in ("nice", "fork", "getuid", "geteuid", "getpgid", "killpg", "setsid", "O_CLOEXEC", "O_NOFOLLOW", "O_PATH",
             "O_DIRECTORY", "statvfs", "chown", "sched_getaffinity", "uname"):
    delattr(os, name)
for name in ("SIGKILL", "SIGHUP", "SIGXCPU", "SIGUSR1", "SIGALRM", "SIGCHLD", "SIGQUIT", "pthread_sigmask"):
    delattr(signal, name)
signal.SIGBREAK = signal.SIGTERM
sys.platform = "win32"
def locking(descriptor, mode, count):
    assert count == 1 and os.lseek(descriptor, 0, os.SEEK_CUR) > 1_000_000
    try:
        flock(descriptor, LOCK_EX if mode == 1 else LOCK_EX | LOCK_NB)
    except BlockingIOError as error:
        raise PermissionError(13, "Permission denied") from error
sys.modules["msvcrt"] = types.SimpleNamespace(LK_LOCK=1, LK_NBLCK=2, locking=locking)
import bot, cogs, sandbox
for package in (bot, cogs, sandbox):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if ".migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
import bot.__main__
"""
LOCKS = """
from pathlib import Path
from bot.errors import StoreInUse
from bot.jobs.spool import SharedSpools
from bot.store.sync.file_lock import FileLock
guarded = Path("easel.db")
first, second = FileLock(guarded), FileLock(guarded)
first.take()
try:
    second.take()
except StoreInUse as error:
    print(error)
first.release()
second.take()
second.release()
spools = SharedSpools(Path("spool"))
spools.claim("one").mkdir()
other = SharedSpools(Path("spool"))
other.claim("two")
assert Path("spool/one").exists()
spools.give_up("one")
other.give_up("two")
assert not list(Path("spool").iterdir())
"""


def ran(program: str, folder: Path) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def test_every_module_is_imported_and_files_are_locked_without_posix(tmp_path: Path) -> None:
    told = ran(BARE + LOCKS, tmp_path)
    assert re.search(r"^Another process \(pid \d+\) already uses easel\.db;", told), told


class WindowsLoop(asyncio.SelectorEventLoop):
    """Takes no signal handlers, as every event loop of Windows."""

    def add_signal_handler(self, sig: int, callback: Callable[..., Any], *args: Any) -> None:
        raise NotImplementedError

    def remove_signal_handler(self, sig: int) -> bool:
        raise NotImplementedError


@pytest.mark.parametrize("number", END_SIGNALS)
def test_signals_come_where_the_event_loop_takes_no_handlers(number: signal.Signals) -> None:
    async def wait_for_it() -> None:
        came = asyncio.Event()
        catch(number, came.set)
        os.kill(os.getpid(), number)
        async with asyncio.timeout(30):
            await came.wait()
        catch_no_more(number)

    before = signal.getsignal(number)
    try:
        with asyncio.Runner(loop_factory=WindowsLoop) as runner:
            runner.run(wait_for_it())
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_every_text_file_is_opened_with_its_encoding() -> None:
    """Windows takes another one than UTF-8 where none is named."""
    needs = {"read_text": 1, "write_text": 2}  # arguments, of which the last is the encoding
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for room in ("bot", "cogs", "sandbox")
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if len(node.args) + len(node.keywords) < needs.get(node.func.attr, 0)
    ]
    assert not found, found


def test_a_file_of_settings_as_editors_of_windows_write_it_is_read_and_changed(tmp_path: Path) -> None:
    """Lines end in CR LF, a mark stands before the first, and `>>` of an old PowerShell adds UTF-16."""
    file = tmp_path / ".env"
    file.write_bytes(b"\xef\xbb\xbf# mine\r\nDISCORD_TOKEN='a.b'\r\nMAX_JOBS_PER_USER=2\r\n")
    required = {"UNIALL_API_KEY": "sk", "UNIALL_BASE_URL": "https://api.example.com"}
    settings = load(file, required)
    assert (settings.discord_token.get_secret_value(), settings.max_jobs_per_user) == ("a.b", 2)
    write_settings(file, {"MAX_JOBS_PER_USER": "3", "OPERATOR_CONTACT": "ask in #help"})
    text = file.read_text("utf-8")
    assert text == "# mine\nDISCORD_TOKEN='a.b'\nMAX_JOBS_PER_USER=3\nOPERATOR_CONTACT='ask in #help'\n"
    with file.open("ab") as added:
        added.write("MAX_QUEUE_LENGTH=7\r\n".encode("utf-16-le"))
    slips = " ".join(read_env_file(file).slips({"MAX_QUEUE_LENGTH"}))
    assert f"Line 6 of {file} is not of the form NAME=value and is left out." in slips


def test_a_console_that_knows_few_characters_ends_nothing(tmp_path: Path) -> None:
    program = (
        "from bot.ops.terminal import Mark, _frames, marked, prepare_streams, say\n"
        "prepare_streams()\n"
        "say(f'{Mark.GOOD} “{chr(0x1F3A8)}” {marked(Mark.WRONG, chr(0x25B0))} … ü')\n"
        "print(_frames())\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"},
        capture_output=True,
        check=True,
    ).stdout.decode("cp1252")
    assert shown.splitlines() == ["? “?” ? … ü", "|/-\\"]


def test_what_is_told_to_be_typed_in_powershell_is_what_it_can_run() -> None:
    """No `&&`, which PowerShell 5 does not know, no path with `/`, and `py`, which its Python brings."""
    readme = (ROOT / "README.md").read_text("utf-8")
    (box,) = re.findall(r"```powershell\n(.*?)```", readme, re.DOTALL)
    install, start = box.splitlines()
    assert "&&" not in box
    assert install.startswith(
        "py -m venv .venv; .venv\\Scripts\\python -m pip install --require-hashes -r requirements.txt"
    )
    assert start == ".venv\\Scripts\\python -m bot sandbox"
