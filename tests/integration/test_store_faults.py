"""Databases that cannot be opened: one sentence for the operator each, and never the password in it."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bot.errors import StartError, StoreError, StoreInUse
from bot.store import faults
from bot.store.store import Store
from bot.store.url import read_url
from sandbox.serving import free_port

if TYPE_CHECKING:
    from tests.integration.conftest import PostgresServer

HOSTILE = "a!b@c$d()e*_,/:;=?@ff[]22"


async def sentence_of(url: str, patience: float = 7.0) -> str:
    with pytest.raises((StartError, StoreError)) as caught:
        await (await Store.open(url, patience)).close()
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "geheim" not in sentence
    return sentence


async def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "easel.db"
    file.write_text("These are notes, not tables. " * 100)

    assert "is not a SQLite database" in await sentence_of(f"sqlite:///{file}")
    assert file.read_text().startswith("These are notes")


async def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "easel.db").mkdir()

    assert "is a folder" in await sentence_of(f"sqlite:///{tmp_path}/easel.db")


async def test_a_file_in_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").touch()

    assert "cannot be written" in await sentence_of(f"sqlite:///{tmp_path}/data/easel.db")


@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o555, 0o666), (0o777, 0o444)])
def test_a_place_without_write_access_is_told(folder_mode: int, file_mode: int) -> None:
    with tempfile.TemporaryDirectory() as name:  # not tmp_path, which only root may enter when we are root
        folder = Path(name)
        file = folder / "easel.db"
        sqlite3.connect(file).close()
        file.chmod(file_mode)
        folder.chmod(folder_mode)
        done = subprocess.run(
            [sys.executable, "-c", OPEN_UNPRIVILEGED, f"sqlite:///{file}"],
            check=True,
            capture_output=True,
            text=True,
            timeout=20,
        )
        folder.chmod(0o700)

    assert done.stdout.startswith("StartError")
    assert "cannot be written" in done.stdout


OPEN_UNPRIVILEGED = """
import asyncio, os, pwd, sys
from sqlalchemy.dialects import sqlite
from bot.store.store import Store
if os.geteuid() == 0:
    os.setuid(pwd.getpwnam("nobody").pw_uid)  # only now: the interpreter may lie where nobody else can read
try:
    asyncio.run(Store.open(sys.argv[1]))
except Exception as error:
    print(type(error).__name__, error)
"""


async def test_a_database_of_a_later_version_is_not_touched(database_url: str) -> None:
    store = await Store.open(database_url)
    await store.run(
        lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9'")) and None
    )
    await store.close()

    assert "later version of Easel" in await sentence_of(database_url)
    assert "later version of Easel" in await sentence_of(database_url)


def test_a_file_that_another_program_keeps_locked_is_told(tmp_path: Path) -> None:
    holder = sqlite3.connect(tmp_path / "easel.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    other = sqlite3.connect(tmp_path / "easel.db", isolation_level=None, timeout=0)
    with pytest.raises(sqlite3.OperationalError) as caught:
        other.execute("BEGIN IMMEDIATE")
    holder.close()
    other.close()

    fault = OperationalError("BEGIN IMMEDIATE", None, caught.value)
    assert "keeps the database" in faults.start_fault(read_url("sqlite:///easel.db"), fault)


def test_a_full_disk_is_told() -> None:
    assert "is full" in faults.start_fault(read_url("sqlite:///easel.db"), OSError(28, "No space left on device"))


async def test_a_second_process_is_refused_until_the_first_is_killed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/easel.db"
    program = (
        "import asyncio, sys\n"
        "from bot.store.store import Store\n"
        "async def main():\n"
        f"    store = await Store.open('{url}')\n"
        "    print('open', flush=True)\n"
        "    await asyncio.to_thread(sys.stdin.read)\n"
        "asyncio.run(main())\n"
    )
    first = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert first.stdout is not None
    assert await first.stdout.readline() == b"open\n"
    with pytest.raises(StoreInUse) as caught:
        await Store.open(url)
    assert f"pid {first.pid}" in str(caught.value)

    first.kill()
    await first.wait()
    await (await Store.open(url)).close()


async def test_one_process_cannot_open_a_file_twice(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/easel.db"
    store = await Store.open(url)
    with pytest.raises(StoreInUse):
        await Store.open(url)
    await store.close()

    await (await Store.open(url)).close()


async def test_a_port_where_nobody_listens_is_told() -> None:
    port = free_port()
    sentence = await sentence_of(f"postgresql://ann:geheim@127.0.0.1:{port}/easel")

    assert f"server at 127.0.0.1:{port} does not answer" in sentence


@pytest.mark.parametrize("limit", ["driver's", "ours"])
async def test_a_host_that_accepts_but_never_answers_does_not_hold_up_the_start(limit: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        url = f"postgresql://ann:geheim@127.0.0.1:{port}/easel?connect_timeout={2 if limit != 'ours' else 600}"
        async with asyncio.timeout(60):
            sentence = await sentence_of(url, patience=0.3 if limit == "ours" else 600.0)

    assert "does not answer" in sentence


async def test_a_host_name_that_does_not_exist_is_told() -> None:
    assert "not known" in await sentence_of("postgresql://ann:geheim@no-such-host.invalid/easel")


async def test_a_wrong_password_is_told(postgres: PostgresServer) -> None:
    url = with_role(postgres, "careless", "PASSWORD 'right'")

    assert "refuses the user or the password" in await sentence_of(url.replace("@", ":geheim@"))
    assert "refuses the user or the password" in await sentence_of(url)


async def test_an_unknown_user_is_told(postgres: PostgresServer) -> None:
    url = postgres.create_database().replace("owner@", "stranger:geheim@")

    assert "refuses the user or the password" in await sentence_of(url)


async def test_a_missing_database_is_told(postgres: PostgresServer) -> None:
    assert "no database of the name" in await sentence_of(postgres.url("nowhere"))


async def test_a_user_who_may_not_create_tables_is_told(postgres: PostgresServer) -> None:
    url = with_role(postgres, "reader", "PASSWORD 'geheim'").replace("@", ":geheim@")

    assert "may not create" in await sentence_of(url)


async def test_a_server_without_a_free_connection_is_told(postgres: PostgresServer) -> None:
    url = with_role(postgres, "crowded", "PASSWORD 'geheim' CONNECTION LIMIT 0").replace("@", ":geheim@")

    assert "no connection left" in await sentence_of(url)


async def test_a_read_only_database_is_told(postgres: PostgresServer) -> None:
    url = postgres.create_database()
    postgres.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET default_transaction_read_only = on")

    assert "read-only" in await sentence_of(url)


async def test_encryption_that_the_server_does_not_offer_is_told(postgres: PostgresServer) -> None:
    assert "encryption" in await sentence_of(postgres.create_database() + "?sslmode=require")


async def test_an_option_that_does_not_exist_is_told(postgres: PostgresServer) -> None:
    assert "an option after the ?" in await sentence_of(postgres.create_database() + "?pgbouncer=true")


async def test_a_hostile_password_opens_the_door(postgres: PostgresServer) -> None:
    url = with_role(postgres, "hostile", f"PASSWORD '{HOSTILE}' SUPERUSER")
    store = await Store.open(url.replace("@", f":{quote(HOSTILE, safe='')}@").replace("postgresql:", "postgres:"))
    who = await store.run(lambda connection: connection.execute(text("SELECT current_user")).scalar_one())
    await store.close()

    assert who == "hostile"
    assert HOSTILE not in await sentence_of(url.replace("@", f":{HOSTILE}@"))


def with_role(postgres: PostgresServer, name: str, options: str) -> str:
    postgres.execute(f"CREATE ROLE {name} LOGIN {options}")
    return postgres.create_database().replace("owner@", f"{name}@")
