"""Databases that cannot be used: a start and `check` say so in one sentence, and the file stays as it was."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.little_discord import LittleDiscord
from tests.acceptance.processes import Easel, easel, forked_easel, variables
from tests.acceptance.starts import failed_start

HEAD = 100  # bytes of SQLite's own at the beginning of a file: how it was opened last stands there
#: Takes the table-valued functions, `json_each` among them, out of every SQLite database that is opened.
BARE_SQLITE = """
#include <dlfcn.h>
int sqlite3_open_v2(const char *name, void **database, int flags, const char *vfs) {
    void *sqlite = dlopen("libsqlite3.so.0", RTLD_LAZY | RTLD_NOLOAD);
    int (*open)(const char *, void **, int, const char *) = dlsym(sqlite, "sqlite3_open_v2");
    int (*drop_modules)(void *, const char **) = dlsym(sqlite, "sqlite3_drop_modules");
    int code = open(name, database, flags, vfs);
    if (code == 0) drop_modules(*database, 0);
    return code;
}
"""


async def refused(bot: Easel) -> str:
    code, lines = await failed_start(bot)
    assert code == 1
    (sentence,) = lines
    return sentence


@pytest.mark.parametrize("place", ["folder.db", "/dev/null"])
async def test_what_is_no_file_is_told_as_such(tmp_path: Path, place: str) -> None:
    (tmp_path / "folder.db").mkdir()
    settings = variables("http://127.0.0.1:9/api/v10", DATABASE_URL=f"sqlite:///{tmp_path / place}")
    async with forked_easel(tmp_path, **settings) as bot:
        said = await refused(bot)
    assert said == f"DATABASE_URL names {tmp_path / place}, which is a folder or a device; write the name of a file."
    assert not Path("/dev/null.lock").exists()


def from_the_future(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.executescript(
            "CREATE TABLE alembic_version (version_num); INSERT INTO alembic_version VALUES ('9999')"
        )


def damaged(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.executescript("CREATE TABLE jobs (id); CREATE TABLE ledger (id)")
    whole = file.read_bytes()
    file.write_bytes(whole[:100] + bytes(4000))


def of_another_program(file: Path) -> None:
    file.write_bytes(b"This is a letter, and no database.\n" * 50)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (from_the_future, "was written by a later version of Easel; update Easel, or restore an older backup."),
        (damaged, "is damaged; restore a backup."),
        (of_another_program, "is not a SQLite database; move it away"),
    ],
)
async def test_a_file_that_cannot_be_used_stays_as_it_was(tmp_path: Path, made: object, told: str) -> None:
    assert callable(made)
    file = tmp_path / "easel.db"
    made(file)
    before = file.read_bytes()[HEAD:]
    async with LittleDiscord().open() as discord:
        settings = variables(discord.api_url, DATABASE_URL=f"sqlite:///{file}")
        async with forked_easel(tmp_path, **settings) as bot:
            assert told in await refused(bot)
        async with forked_easel(tmp_path, "check", **settings) as bot:
            assert await bot.wait() == 1
            (fault,) = [line for line in bot.out if line.startswith("FAIL database")]
            assert told in fault
    assert file.read_bytes()[HEAD:] == before


async def test_a_sqlite_without_json_functions_is_told_before_anything_is_lost(tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None or "libsqlite3.so" not in Path("/proc/self/maps").read_text():
        pytest.skip("there is no C compiler, or Python has its SQLite inside")
    source, library = tmp_path / "bare.c", tmp_path / "bare.so"
    source.write_text(BARE_SQLITE, "utf-8")
    made = await asyncio.create_subprocess_exec(
        *(compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl")
    )
    assert await made.wait() == 0
    async with LittleDiscord(application={}).open() as discord:
        settings = variables(discord.api_url, LD_PRELOAD=str(library))
        async with easel(tmp_path, **settings) as bot:
            said = await refused(bot)
        assert "was built without JSON functions, which Easel needs: take the Python of your system" in said
        async with easel(tmp_path, "check", **settings) as bot:
            assert await bot.wait() == 1
            assert f"FAIL database   {said}" in bot.out
    assert not (tmp_path / "data").exists()
