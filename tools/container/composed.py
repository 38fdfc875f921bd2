"""compose.yaml as it stands, brought up by a compose implementation; the boxes of docs/upgrading.md are typed.

The sandbox's servers answer on this machine's end of the network that compose makes, whose address is given. Besides
that only names of images are replaced: by the one that was just built, and by a PostgreSQL of Debian's packages.
"""

from __future__ import annotations

import asyncio
import os
import pty
import shlex
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sandbox.discord.server import LocalDiscord
from sandbox.discord.sight import Message
from sandbox.image_api.latency import Latency
from sandbox.image_api.server import LocalImageApi
from sandbox.image_api.studio import PaintMode
from tools.container.engine import Container, Engine
from tools.container.trial import DELIVERY_S, IMAGE, Failed, Trial, expect, told
from tools.docs.follow import boxes

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "docs" / "upgrading.md"
NAME = "easel-trial"
DATABASE_IMAGE = "easel-trial-database"
PATIENCE_S = 240.0
#: A contact in which every character means something to one of the readers of `.env`.
CONTACT = 'Jörg\'s "desk" #1, $5'
#: This machine in the network of the containers.
HOST = "10.231.77.1"
IN_PLACE = f"""\
services:
  bot: {{image: {IMAGE}}}
  worker: {{image: {IMAGE}}}
  database: {{image: {DATABASE_IMAGE}}}
networks:
  default: {{ipam: {{config: [{{subnet: 10.231.77.0/24, gateway: {HOST}}}]}}}}
"""
#: What the official image does at its first start, with Debian's PostgreSQL.
ENTRYPOINT = """\
#!/bin/sh
set -eu
data=/var/lib/postgresql/data
if [ "$(id -u)" = 0 ]; then
    install -d -o postgres -m 700 "$data"
    install -d -o postgres /var/run/postgresql
    chown -R postgres "$data"
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0"
fi
if [ ! -s "$data/PG_VERSION" ]; then
    echo "$POSTGRES_PASSWORD" >/tmp/password
    initdb -D "$data" --username="$POSTGRES_USER" --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256
    rm /tmp/password
    echo "host all all all scram-sha-256" >>"$data/pg_hba.conf"
    pg_ctl -D "$data" -o "-c listen_addresses=''" -w start
    createdb --username="$POSTGRES_USER" "$POSTGRES_DB"
    pg_ctl -D "$data" -w stop
fi
exec postgres -D "$data" -c listen_addresses='*'
"""
DATABASE = """\
FROM {debian}
RUN mkdir -p /etc/postgresql-common && echo create_main_cluster=false >/etc/postgresql-common/createcluster.conf
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \\
    -o Dpkg::Options::=--force-confold postgresql
RUN for program in /usr/lib/postgresql/*/bin/*; do ln -sf "$program" /usr/local/bin/; done
COPY entrypoint /usr/local/bin/entrypoint
STOPSIGNAL SIGINT
ENTRYPOINT ["sh", "/usr/local/bin/entrypoint"]
"""


async def build_database(engine: Engine, folder: Path, debian: str) -> None:
    """An image that does what compose.yaml asks of PostgreSQL's official one."""
    (folder / "entrypoint").write_text(ENTRYPOINT, "utf-8")
    (folder / "Dockerfile").write_text(DATABASE.format(debian=debian), "utf-8")
    await engine.build(str(folder), DATABASE_IMAGE)


class Project:
    """A folder with compose.yaml and `.env`, in which the lines of the guide are typed."""

    def __init__(self, engine: Engine, compose: Sequence[str], folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self._compose = shlex.join([*compose, "-p", NAME, "-f", "compose.yaml", "-f", "trial.yaml"])
        self.settings = folder / ".env"
        folder.mkdir()
        (folder / "compose.yaml").write_bytes((PROJECT / "compose.yaml").read_bytes())
        (folder / "trial.yaml").write_text(IN_PLACE, "utf-8")

    async def type(self, line: str) -> str:
        """Type a line or a box as it stands; what was said. Raises Failed where it does not go well."""
        script = line.replace("docker compose", self._compose)
        process = await asyncio.create_subprocess_exec(
            *("bash", "-ec", script),
            cwd=self.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        if process.returncode:
            raise Failed(f"{line}\n{said.decode(errors='replace')[-3000:]}")
        return said.decode(errors="replace")

    async def answer(self, line: str, answers: Sequence[str]) -> None:
        """Type a line that asks at a terminal, and give one answer to each question."""
        options = shlex.join(["--network=host", *self.engine.run_options])
        script = line.replace("docker run", f"{self.engine.program} run {options}").replace(" easel ", f" {IMAGE} ")
        master, slave = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *("bash", "-ec", script), cwd=self.folder, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        seen, left = "", list(answers)
        async with asyncio.timeout(PATIENCE_S):
            while piece := await asyncio.to_thread(_read, master):
                seen += piece
                if left and seen.rstrip("\x1b[0m").endswith(": "):
                    os.write(master, f"{left.pop(0)}\n".encode())
            code = await process.wait()
        os.close(master)
        if code:
            raise Failed(f"{line}\n{seen[-3000:]}")

    def set(self, name: str, value: str) -> None:
        """Write a setting into `.env` in the place of the one that is there."""
        lines = self.settings.read_text("utf-8").splitlines()
        kept = [line for line in lines if not line.startswith(f"{name}=")]
        self.settings.write_text("\n".join([*kept, f"{name}={value}", ""]), "utf-8")

    async def container(self, service: str) -> Container:
        """The service's container of this moment."""
        labels = (f"com.docker.compose.project={NAME}", f"com.docker.compose.service={service}")
        found = await self.engine.do("ps", "--all", "--quiet", *(f"--filter=label={it}" for it in labels))
        if not found:
            raise Failed(f"there is no container of {service}")
        return Container(self.engine, found.split()[0])


def _read(master: int) -> str:
    try:
        return os.read(master, 4096).decode(errors="replace")
    except OSError:  # the other side has closed it
        return ""


async def composed(engine: Engine, compose: Sequence[str], folder: Path) -> None:
    """From setup to a restored backup. Raises Failed with what does not hold."""
    project = Project(engine, compose, folder / "composed")
    begin, backing_up, restoring = boxes(PAGE.read_text("utf-8"), "In a container")
    _, setup, password, start = begin.splitlines()
    try:
        await set_up(project, setup, password)
        await project.type("docker compose up -d database")
        await well(project, "database")
        async with (
            LocalDiscord(host=HOST) as discord,
            LocalImageApi(host=HOST, latency=Latency.fixed(2.0), paint=PaintMode.NOISE) as image_api,
        ):
            project.set("DISCORD_API_URL", discord.api_url)
            project.set("UNIALL_BASE_URL", image_api.base_url)
            project.set("MAX_JOBS_PER_USER", "20")
            project.set("MAX_PICTURES_PER_USER_PER_DAY", "1000")
            trial = ComposedTrial(engine, discord, image_api, project)
            try:
                await trial.starts(start)
                await trial.holds()
                await trial.survives()
                await trial.comes_back(start, backing_up, restoring)
                await trial.grows()
            except (Failed, TimeoutError):
                print(await project.type("docker compose logs --tail 60 2>&1 || true"))
                raise
    finally:
        await project.type("docker compose down -v")


async def set_up(project: Project, setup: str, password: str) -> None:
    """The guide's lines that write `.env`, against the sandbox's servers on 127.0.0.1."""
    async with LocalDiscord() as discord, LocalImageApi() as image_api:
        project.settings.write_text(f"DISCORD_API_URL={discord.api_url}\n", "utf-8")
        await project.answer(setup, [discord.token, image_api.base_url, "sandbox", "all", "", "", "", CONTACT])
    await project.type(password)
    expect(project.settings.stat().st_mode & 0o777 == 0o600, "setup in a container writes .env, for its owner alone")


async def well(project: Project, service: str) -> None:
    """Wait until the health check of a service says so, whoever's task it is to ask it."""
    container = await project.container(service)
    async with asyncio.timeout(DELIVERY_S):
        while True:
            try:
                await container.health()
            except Exception as fault:  # noqa: BLE001 asked again until it is well or the time is up
                last = fault
            else:
                return
            await asyncio.sleep(0.5)
    raise Failed(f"{service} is not well: {last}")


class ComposedTrial(Trial):
    """The whole of compose.yaml, and the people in front of it."""

    def __init__(self, engine: Engine, discord: LocalDiscord, image_api: LocalImageApi, project: Project) -> None:
        super().__init__(engine, discord, image_api)
        self.project = project

    async def starts(self, start: str) -> None:
        began = time.monotonic()
        await self.project.type(start)
        await self.discord.wait_for_bot(DELIVERY_S)
        self.bot = await self.project.container("bot")
        told(f"compose brings it up, and Discord knows it after {time.monotonic() - began:.1f} s")
        await well(self.project, "bot")
        told("the health checks of bot and database say that all is well")
        said = await self.project.type("docker compose run --rm -T bot check")
        expect("FAIL" not in said, "check answers in a container beside it")

    async def holds(self) -> None:
        """What compose.yaml says of its rights and limits."""
        message = await self.delivers("/imagine prompt:a red fox count:2")
        expect(len(message.pictures) == 2, "it delivers, with PostgreSQL beside it")
        await self.confinement()
        status = await self.bot.inside("cat", "/proc/self/status")
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        expect(int(fields["CapEff"], 16) == 0 and fields["NoNewPrivs"] == "1", "it has no right, and can get none")
        contact = await self.bot.inside("printenv", "OPERATOR_CONTACT")
        expect(contact == CONTACT, "what setup wrote arrives as it was typed, whatever stands in it")
        expect(int(await self.bot.told(".HostConfig.Memory")) == 460 * 2**20, "its memory is limited to 460 MB")
        await self.load(3)
        database = await self.project.container("database")
        told(f"PostgreSQL beside it took at most {await database.most_memory() / 1e6:.0f} MB")

    async def in_the_middle(self) -> tuple[asyncio.Task[Message], int]:
        """Somebody's request that was just bought, and how many had been before."""
        await self.discord.wait_for_bot(DELIVERY_S)
        before = self.bought()
        reply = await self.discord.person("Ada").say("/imagine prompt:a lighthouse at dusk count:2")
        async with asyncio.timeout(DELIVERY_S):
            while self.bought() == before:
                await asyncio.sleep(0.05)
        there = reply.until(lambda it: bool(it.pictures) and not it.loading, DELIVERY_S)
        return asyncio.create_task(there), before

    async def survives(self) -> None:
        """Crashes of either, and an end in order."""
        for service in ("bot", "database"):
            coming, before = await self.in_the_middle()
            await (await self.project.container(service)).crash()
            expect(len((await coming).pictures) == 2, f"{service} killed with kill -9: back by itself, it delivers")
            expect(self.bought() == before + 1, "and has bought once")
        coming, before = await self.in_the_middle()
        began = time.monotonic()
        await self.project.type("docker compose stop bot")
        took = time.monotonic() - began
        expect(await self.bot.exit_code() == 0, f"compose stop ends it in order, with exit code 0 after {took:.1f} s")
        await self.project.type("docker compose up -d")
        expect(len((await coming).pictures) == 2, "what was under way is delivered after the next start")
        expect(self.bought() == before + 1, "and was bought once")

    async def comes_back(self, start: str, backing_up: str, restoring: str) -> None:
        """Everything is there after `down` and `up`, and after a backup was put into an empty database."""
        await self.discord.wait_for_bot(DELIVERY_S)
        old = await self.delivers("/imagine prompt:an old one")
        await self.project.type("docker compose down")
        await self.project.type(start)
        await self.remembers(old, "after down and up it knows what it delivered before")
        await self.project.type(backing_up)
        with closing(sqlite3.connect(self.project.folder / "easel-copy.db")) as copy:
            ((jobs,),) = copy.execute("SELECT COUNT(*) FROM jobs WHERE state = 'delivered'").fetchall()
        expect(jobs > 5, f"the backup out of the volume is a whole database, with {jobs} requests")
        coming, before = await self.in_the_middle()
        await self.project.type(restoring)
        await self.remembers(old, "restored into an empty database, it knows them too")
        coming.cancel()  # it was asked for after the backup, and is not in it
        expect(self.bought() == before + 1, "and buys nothing of its own accord")

    async def remembers(self, old: Message, what: str) -> None:
        await self.discord.wait_for_bot(DELIVERY_S)
        details = await self.discord.person("Ada").press(old, "Details")
        expect("an old one" in details.text, what)

    async def grows(self) -> None:
        await self.project.type("docker compose up -d --scale worker=1")
        await well(self.project, "worker")
        coming, before = await self.in_the_middle()
        await self.project.type("docker compose stop bot")
        expect(len((await coming).pictures) == 2, "a worker beside it delivers what the bot leaves behind")
        expect(self.bought() == before + 1, "and buys nothing anew")
