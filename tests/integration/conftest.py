"""Databases for tests: a SQLite file of its own for each, a real PostgreSQL server for all, and jobs in them."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Unpack

import psycopg
import pytest

from bot.model import ImageRequest, Job, JobState, NewJob, ReplyTarget
from bot.store.jobs import JobChanges, Received
from bot.store.store import Store

START_TRIES = 3  # somebody else may take the free port between asking for it and using it


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A server of the tests' own on 127.0.0.1. `owner` may do anything, without a password."""

    port: int
    pid: int
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, name: str) -> str:
        return f"postgresql://owner@127.0.0.1:{self.port}/{name}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def create_database(self) -> str:
        name = f"easel_{next(self.numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("there are no PostgreSQL programs (initdb, pg_ctl) on this machine")
    # A short path, because a socket's name has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="easel-pg-"))
    try:
        _run([initdb, "-D", str(folder / "data"), "-U", "owner", "-A", "trust", "-E", "UTF8", "--no-sync"], folder)
        # A client that comes over TCP as anybody but the owner needs a password.
        rules = "host all owner 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        (folder / "data" / "pg_hba.conf").write_text(rules)
        yield _started(pg_ctl, folder)
        _run([pg_ctl, "stop", "-D", str(folder / "data"), "-m", "immediate"], folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/easel.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create_database()


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = await Store.open(database_url)
    yield opened
    await opened.close()


@dataclass(slots=True)
class Scene:
    """Brings jobs to where a test begins, by the public way and at a set time."""

    store: Store
    now: datetime = datetime(2026, 11, 23, 12, tzinfo=UTC)
    lease: timedelta = timedelta(seconds=30)
    owner: str = "here"
    made: int = 0

    def new(self, user_id: int = 1) -> NewJob:
        self.made += 1
        target = ReplyTarget(
            application_id=11,
            token=f"token-{self.made}",
            token_expires_at=self.now + timedelta(minutes=15),
            channel_id=12,
            guild_id=13,
            message_id=None,
            ephemeral=False,
            bot_member=True,
            upload_limit=10_485_760,
        )
        return NewJob(f"job-{self.made}", 10_000 + self.made, user_id, ImageRequest("a red fox"), target)

    async def receive(self, new: NewJob, *, limit: int = 100, patience: float = 20.0) -> Received:
        return await self.store.jobs.receive(
            new, owner=self.owner, limit=limit, now=self.now, lease=self.lease, patience=patience
        )

    async def job(self, state: JobState = JobState.RECEIVED, *, user_id: int = 1) -> Job:
        job = (await self.receive(self.new(user_id))).job
        for step in _WAYS[state]:
            job = await self.move(job, step)
        return job

    async def move(self, job: Job, to: JobState, **changes: Unpack[JobChanges]) -> Job:
        return await self.store.jobs.move(job, to, now=self.now, **changes)

    async def claim(self, room: int = 100, *, owner: str | None = None) -> list[Job]:
        return await self.store.jobs.claim(owner or self.owner, room=room, now=self.now, lease=self.lease)

    async def adopt(self, owner: str | None = None, *, include_own: bool = False) -> list[Job]:
        return await self.store.jobs.adopt(owner or self.owner, now=self.now, lease=self.lease, include_own=include_own)


@pytest.fixture
def scene(store: Store) -> Scene:
    return Scene(store)


_LINE = (JobState.WAITING, JobState.SUBMITTING, JobState.PAINTING)
_WAYS: dict[JobState, tuple[JobState, ...]] = {
    JobState.RECEIVED: (),
    JobState.WAITING: _LINE[:1],
    JobState.SUBMITTING: _LINE[:2],
    JobState.PAINTING: _LINE,
    JobState.READY: (*_LINE, JobState.READY),
    JobState.DELIVERING: (*_LINE, JobState.READY, JobState.DELIVERING),
    JobState.DELIVERED: (*_LINE, JobState.READY, JobState.DELIVERING, JobState.DELIVERED),
    JobState.FAILED: (JobState.FAILED,),
    JobState.CANCELLED: (JobState.CANCELLED,),
    JobState.TIMED_OUT: (*_LINE, JobState.TIMED_OUT),
    JobState.UNCERTAIN: (*_LINE[:2], JobState.UNCERTAIN),
}


def _started(pg_ctl: str, folder: Path) -> PostgresServer:
    for tries_left in reversed(range(START_TRIES)):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync=off -c max_connections=30"
        try:
            _run([pg_ctl, "start", "-w", "-D", str(folder / "data"), "-l", str(folder / "log"), "-o", options], folder)
        except subprocess.CalledProcessError:
            if not tries_left:
                raise
        else:
            return PostgresServer(port, int((folder / "data" / "postmaster.pid").read_text().split()[0]))
    raise AssertionError("unreachable")


def _program(name: str) -> str | None:
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    return str(installed[0]) if installed else shutil.which(name)


def _run(command: list[str], folder: Path) -> None:
    # The server refuses to run as root.
    user = None
    if os.geteuid() == 0:
        user = pwd.getpwnam("nobody").pw_uid
        os.chown(folder, user, -1)
    # Not captured: the server that pg_ctl leaves behind would keep the pipe open.
    with (folder / "output").open("ab") as output:
        subprocess.run(command, check=True, cwd=folder, user=user, stdout=output, stderr=output, timeout=60)
