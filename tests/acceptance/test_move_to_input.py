"""`move-to -` reads the address from standard input, so that its password stands in no list of processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bot.store.store import Store
from tests.acceptance.processes import ENVIRONMENT, make_home
from tests.bots import MEASURED
from tests.databases import rows, sqlite_url

SETTINGS = {"DISCORD_TOKEN": "token", "UNIALL_API_KEY": "key", "UNIALL_BASE_URL": "https://api.example"}


def moved(home: Path, database: str, typed: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "move-to", "-"],
        cwd=make_home(home),
        env={**ENVIRONMENT, **MEASURED, **SETTINGS, "DATABASE_URL": database},
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def a_database(folder: Path) -> str:
    folder.mkdir()
    url = sqlite_url(folder)
    store = await Store.open(url)
    await store.meta.put("a name", "a value")
    await store.close()
    return url


async def test_the_address_comes_from_standard_input(tmp_path: Path) -> None:
    old = await a_database(tmp_path / "old")
    (tmp_path / "new").mkdir()
    new = sqlite_url(tmp_path / "new")
    for typed, code in ((f"  {new}\n", 0), (f"{new}\n", 1)):  # the second time something is there already
        done = moved(tmp_path / "home", old, typed)
        assert done.returncode == code, done.stderr
    assert rows(new, "SELECT value FROM meta WHERE name = 'a name'") == [("a value",)]


async def test_nothing_typed_is_a_sentence_and_no_password_is_repeated(tmp_path: Path) -> None:
    old = await a_database(tmp_path / "old")
    for typed in ("", "\n", "mysql://me:secret@host/easel\n", "postgresql://me:secret@127.0.0.1:1/easel\n"):
        done = moved(tmp_path / "home", old, typed)
        assert done.returncode in {1, 2}
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert "secret" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
