"""The container engine: builds images, runs containers, and says what became of them."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

BUILD_PATIENCE_S = 900.0
PATIENCE_S = 60.0


class EngineFault(Exception):
    """The engine refused. The message is what it said last."""


@dataclass(frozen=True, slots=True)
class Engine:
    """`podman` or `docker`, and the options that this machine needs for building and for running."""

    program: str = "podman"
    build_options: Sequence[str] = ()
    run_options: Sequence[str] = ()

    async def do(self, *arguments: str, within: float = PATIENCE_S, errors_too: bool = False) -> str:
        """Run one command of the engine; its output, where wanted that of standard error too. Raises EngineFault."""
        process = await asyncio.create_subprocess_exec(
            self.program, *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=-1, stderr=-1
        )
        out, err = await asyncio.wait_for(process.communicate(), within)
        if process.returncode:
            raise EngineFault(f"{self.program} {shlex.join(arguments)}: {err.decode(errors='replace').strip()[-1500:]}")
        return (out + err if errors_too else out).decode(errors="replace").strip()

    async def build(self, folder: str, image: str, *options: str) -> None:
        """Build `folder` into `image`. In Docker's format, which alone keeps the health check."""
        docker_format = ("--format=docker",) if self.program == "podman" else ()
        await self.do(
            *("build", "--quiet", *docker_format, "--network=host", "--tag", image),
            *self.build_options,
            *options,
            folder,
            within=BUILD_PATIENCE_S,
        )

    async def has(self, image: str) -> bool:
        """Whether the image is here, or can be had of a registry."""
        try:
            await self.do("image", "inspect", image)
        except EngineFault:
            try:
                await self.do("pull", "--quiet", image, within=BUILD_PATIENCE_S)
            except (EngineFault, TimeoutError):
                return False
        return True


#: Kills what the first process of a container has started. The engine did not ask for it, so it is a crash.
_CRASH = """
for stat in /proc/[0-9]*/stat; do
    set -- $(cat "$stat" 2>/dev/null)
    [ "${4:-}" != 1 ] || kill -9 "$1"
done
"""


@dataclass(frozen=True, slots=True)
class Container:
    """One container by its name or id. One that `create` made shares the network of this machine."""

    engine: Engine
    name: str

    async def create(
        self, image: str, *command: str, variables: Mapping[str, str], options: Sequence[str], memory: str
    ) -> None:
        """Make it and start it, with a limit on its memory and none on swap besides."""
        await self.remove()
        given = [f"--env={name}={value}" for name, value in variables.items()]
        limits = (f"--memory={memory}", f"--memory-swap={memory}")
        everywhere = ("--detach", "--network=host", f"--name={self.name}")
        await self.engine.do("run", *everywhere, *limits, *given, *options, *self.engine.run_options, image, *command)

    async def remove(self) -> None:
        """Delete it, running or not."""
        at_once = ("--time=0",) if self.engine.program == "podman" else ()
        with suppress(EngineFault):  # there is none
            await self.engine.do("rm", "--force", *at_once, self.name)

    async def start(self) -> None:
        await self.engine.do("start", self.name)

    async def kill(self) -> None:
        """`kill -9`."""
        await self.engine.do("kill", "--signal=KILL", self.name)
        await self.engine.do("wait", self.name)

    async def crash(self) -> None:
        """`kill -9` of the program in it. What happens then is up to its restart policy."""
        await self.inside("sh", "-c", _CRASH)

    async def stop(self, grace_s: int) -> None:
        """SIGTERM, and SIGKILL where it has not ended after the grace."""
        await self.engine.do("stop", f"--time={grace_s}", self.name)

    async def exit_code(self) -> int:
        return int(await self.told(".State.ExitCode"))

    async def killed_for_memory(self) -> bool:
        return await self.told(".State.OOMKilled") == "true"

    async def told(self, what: str) -> str:
        """One of the facts that the engine tells of it, as a Go template names it: `.State.Pid`."""
        return await self.engine.do("inspect", f"--format={{{{{what}}}}}", self.name)

    async def health(self) -> str:
        """What the image's own health check says. Raises EngineFault where the program is not well."""
        _, *command = json.loads(await self.told("json .Config.Healthcheck.Test"))
        await self.inside(*command)
        return "well"

    async def inside(self, *command: str) -> str:
        """Run a command in it; its output. Raises EngineFault."""
        return await self.engine.do("exec", self.name, *command)

    async def logs(self) -> str:
        """What it has written, both streams."""
        return await self.engine.do("logs", self.name, errors_too=True)

    async def most_memory(self) -> int:
        """The most that its processes and their files took together so far, in bytes, by the kernel's own count."""
        read = "cat /sys/fs/cgroup/memory.peak 2>/dev/null || cat /sys/fs/cgroup/memory/memory.max_usage_in_bytes"
        return int(await self.inside("sh", "-c", read))
