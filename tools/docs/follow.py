"""Follows docs/operators.md word by word on a bare Debian, from nothing to a picture, and on to a second process.

    debootstrap --include=systemd,systemd-sysv,dbus,ca-certificates bookworm TREE
    python -m tools.docs.follow TREE

A throw-away copy of TREE is booted by systemd-nspawn (as root), beside the sandbox's Discord and image API on this
machine. Every box of the sections is typed as it stands; what a person does besides (answers, the address of the
repository, the second place of the backup) is in this file. `--bind` and `--pass` let the tree reach packages as this
machine does.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import subprocess
import tempfile
import textwrap
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.discord.reply import Reply
from sandbox.discord.server import LocalDiscord
from sandbox.discord.sight import Message
from sandbox.image_api.server import LocalImageApi

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "operators.md"
SECTIONS = (
    *("From nothing to the first picture", "Backing up", "Restoring", "Losing less than a day"),
    *("Upgrading, and going back", "Moving to PostgreSQL", "Growing"),
)
BOOT_S, BOX_S, PICTURE_S = 90.0, 900.0, 120.0
#: Litestream copies once a second.
LITESTREAM_S = 3.0
SSH_PORT = 2299
_BOX = re.compile(r"^( *)```sh\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def boxes(page: str, section: str) -> Sequence[str]:
    """What is to be typed in a section, box by box."""
    found = re.search(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"{PAGE.name} has no section {section}")
    return [textwrap.dedent(box) for _, box in _BOX.findall(found[1])]


def commands(box: str) -> int:
    return sum(bool(line.strip()) for line in box.replace("\\\n", "").splitlines())


class Machine:
    """A booted Debian, and where somebody who is logged in stands in it."""

    def __init__(self, leader: int, passed: Mapping[str, str]) -> None:
        self._leader = leader
        self._passed = passed
        self._folder = "/root"
        self.typed = 0

    async def type(self, box: str, answers: str = "") -> str:
        """Type a box as it stands; returns what was said. Raises SystemExit where a line of it fails."""
        self.typed += commands(box)
        print(textwrap.indent(box.rstrip(), "  $ "), flush=True)
        said = await self.run(f"set -e\n{box}\npwd > /run/stands", answers)
        self._folder = (await self.run("cat /run/stands")).strip()
        return said

    async def run(self, script: str, answers: str = "") -> str:
        command = ["nsenter", "--target", str(self._leader), "--mount", "--uts", "--ipc", "--pid", "--", "env", "-i"]
        command += ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"]
        command += [f"{name}={value}" for name, value in self._passed.items()]
        command += ["bash", "-c", f"cd {self._folder}\n{script}"]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT
        )
        async with asyncio.timeout(BOX_S):
            said, _ = await process.communicate(answers.encode())
        text = said.decode(errors="replace")
        if process.returncode:
            raise SystemExit(f"It ended with {process.returncode}:\n{text[-3000:]}")
        return text


@asynccontextmanager
async def machine(tree: Path, binds: Sequence[str], passed: Mapping[str, str]) -> AsyncGenerator[Machine]:
    """Boot a copy of the tree, which is thrown away afterwards."""
    command = ["systemd-nspawn", "--quiet", "--directory", str(tree), "--ephemeral", "--boot", "--register=no"]
    command += ["--keep-unit", "--machine=easel-guide", *(f"--bind-ro={it}" for it in binds)]
    with tempfile.TemporaryFile() as console:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=subprocess.DEVNULL, stdout=console, stderr=console
        )
        try:
            booted = Machine(await leader_of(process.pid), passed)
            # "degraded" is what a container is where something of no use in it did not start
            await booted.run(
                "timeout 60 sh -c 'until systemctl is-system-running | grep -Eq \"running|degraded\"; do sleep 0.2; '"
                "'done'"
            )
            yield booted
        finally:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), BOOT_S)
            except TimeoutError:
                process.kill()
                await process.wait()


async def leader_of(nspawn: int) -> int:
    """The first process of the container: it is there once nspawn has a child that is a systemd."""
    async with asyncio.timeout(BOOT_S):
        while True:
            for child in Path(f"/proc/{nspawn}/task/{nspawn}/children").read_text().split():
                if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
                    return int(child)
            await asyncio.sleep(0.1)


async def follow(tree: Path, binds: Sequence[str], passed: Mapping[str, str]) -> None:
    page = PAGE.read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "easel.git"
        clone = await asyncio.create_subprocess_exec("git", "clone", "--quiet", "--bare", str(ROOT), str(copy))
        if await clone.wait():
            raise SystemExit("git could not copy this repository.")
        binds = [*binds, f"{copy}:/srv/easel.git"]
        async with LocalDiscord() as discord, LocalImageApi() as image_api, machine(tree, binds, passed) as debian:
            await debian.run(
                "git config --system safe.directory '*' 2>/dev/null || echo '[safe]\n\tdirectory = *' > /etc/gitconfig"
            )
            began = time.monotonic()
            answers = "\n".join(
                (discord.token, image_api.base_url, "sandbox", *[""] * 20)
            )  # Enter takes what is proposed
            for box in boxes(page, SECTIONS[0]):
                typed = box.replace("YOUR_COPY_OF_THIS_REPOSITORY", "/srv/easel.git")
                if "bot setup" in typed:
                    await debian.run(
                        f"echo DISCORD_API_URL={discord.api_url} > /opt/easel/.env"
                    )  # the stand-in's place
                said = await debian.type(typed, answers if "bot setup" in typed else "")
                print(textwrap.indent(said.rstrip()[-600:], "    "), flush=True)
            await picture(await asked(discord))
            minutes = (time.monotonic() - began) / 60
            print(f"From nothing to the first picture: {debian.typed} commands, {minutes:.1f} minutes.", flush=True)
            await back_up(debian, page)
            await restore(debian, page, Outside(discord, image_api))
            for section in SECTIONS[4:]:
                for box in boxes(page, section):
                    await debian.type(box.replace("YOUR_PASSWORD", "letters1and2digits"))
            await debian.run("systemctl is-active easel easel-worker@1")
            await picture(await asked(discord))
            print(
                f"Backed up, restored, upgraded, moved, grown; the next picture came. {debian.typed} commands in all."
            )


@dataclass(frozen=True, slots=True)
class Outside:
    """What lies outside of the machine, and stays when that is lost."""

    discord: LocalDiscord
    image_api: LocalImageApi

    def bought(self) -> int:
        return sum(it.method == "POST" for it in self.image_api.requests)

    async def asked_and_bought(self) -> Reply:
        """A request of which only the pictures are missing."""
        before = self.bought()
        reply = await asked(self.discord)
        async with asyncio.timeout(PICTURE_S):
            while self.bought() == before:
                await asyncio.sleep(0.05)
        return reply


async def asked(discord: LocalDiscord) -> Reply:
    """Somebody on the server asks for a picture, once the bot is there."""
    async with asyncio.timeout(PICTURE_S):
        while not discord.gateway.connected:
            await discord.gateway.changed.wait()
    return await discord.person("Ada").command("imagine", prompt="a lighthouse at dusk")


async def picture(reply: Reply) -> None:
    def has_picture(message: Message) -> bool:
        """Whether the reply shows what was asked for."""
        return bool(message.pictures)

    await reply.until(has_picture, PICTURE_S)
    print("Ada has her picture.", flush=True)


async def back_up(debian: Machine, page: str) -> None:
    """Back up to a second place, a user of another sshd."""
    key, nightly = boxes(page, SECTIONS[1])
    await debian.run("apt-get install -y -qq openssh-server openssh-client >/dev/null && useradd --create-home store")
    said = await debian.type(key)
    public = next(line for line in said.splitlines() if line.startswith("ssh-ed25519"))
    await debian.run(
        f"install -d -m 700 -o store /home/store/.ssh && echo '{public}' > /home/store/.ssh/authorized_keys && "
        "chown store /home/store/.ssh/authorized_keys && "
        f"printf 'Port {SSH_PORT}\\nListenAddress 127.0.0.1\\n' >> /etc/ssh/sshd_config && ssh-keygen -A && "
        "systemctl restart ssh"
    )
    await debian.run(
        f"printf 'Host storage\\n HostName 127.0.0.1\\n Port {SSH_PORT}\\n' > /etc/ssh/ssh_config.d/storage.conf"
    )
    host_key = (await debian.run("cut -d' ' -f1,2 /etc/ssh/ssh_host_ecdsa_key.pub")).strip()
    place = f"sftp://store@127.0.0.1:{SSH_PORT}/home/store/followed"
    await debian.run(
        f"printf '%s\\n' BACKUP_TO=store@storage: FOLLOW_TO={place} 'FOLLOW_HOST_KEY=\"{host_key}\"' "
        "> /opt/easel/backup.env"
    )
    await debian.type(nightly)
    there = await debian.run(
        "ls -l /home/store/easel-*.db && cmp /home/store/easel-*.db /var/lib/easel/backups/easel-*.db"
    )
    print(f"In the second place: {there.strip()}", flush=True)


async def restore(debian: Machine, page: str, outside: Outside) -> None:
    """Lose the machine's disk with a request under way, twice: the nightly copy and Litestream's bring it back."""
    put_back, fetch = boxes(page, SECTIONS[2])
    reply = await outside.asked_and_bought()
    await debian.run("systemctl start easel-backup")
    bought = outside.bought()
    await lose_the_disk(debian)
    await debian.type(fetch)
    await debian.type(put_back)
    await picture(reply)
    follow, restore_followed = boxes(page, SECTIONS[3])
    print(textwrap.indent((await debian.type(follow)).rstrip()[-900:], "    "), flush=True)
    reply = await outside.asked_and_bought()
    await asyncio.sleep(LITESTREAM_S)
    await lose_the_disk(debian)
    await debian.type(restore_followed)
    await picture(reply)
    if outside.bought() != bought + 1:
        raise SystemExit(f"{outside.bought() - bought - 1} requests were bought a second time.")
    print("Both copies brought back what was under way, and nothing was bought twice.", flush=True)


async def lose_the_disk(debian: Machine) -> None:
    """`kill -9` of all that is Easel's, and nothing is left of what it wrote but the key."""
    await debian.run(
        "systemctl kill --signal=KILL easel 'easel-litestream*'; systemctl stop easel 'easel-litestream*'; "
        "find /var/lib/easel -mindepth 1 ! -name 'backup-key*' -delete"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Follow docs/operators.md on a bare Debian.")
    parser.add_argument("tree", type=Path, help="a tree made by debootstrap; it is not changed")
    parser.add_argument("--bind", action="append", default=[], metavar="PATH", help="is there in the tree, read-only")
    parser.add_argument(
        "--pass", action="append", default=[], metavar="NAME=VALUE", dest="passed", help="a variable of the login"
    )
    given = parser.parse_args()
    if shutil.which("systemd-nspawn") is None:
        raise SystemExit("There is no systemd-nspawn: on Debian it is in the package systemd-container.")
    asyncio.run(follow(given.tree, given.bind, dict(it.split("=", 1) for it in given.passed)))


if __name__ == "__main__":
    main()
