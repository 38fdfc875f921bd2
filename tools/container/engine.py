"""The container engine: builds images, runs containers, and says what became of them."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

BUILD_PATIENCE_S = 900.0
PATIENCE_S = 60.0


class EngineFault(Exception):
    """The engine refused. The message is what it said last."""


@dataclass(frozen=True, slots=True)
class Engine:
    """`podman`, and the options that this machine needs for building and for running."""

    build_options: Sequence[str] = ()
    run_options: Sequence[str] = ()

    async def do(self, *arguments: str, within: float = PATIENCE_S, errors_too: bool = False) -> str:
        """Run one command of the engine; its output, where wanted that of standard error too. Raises EngineFault."""
        process = await asyncio.create_subprocess_exec(
            "podman", *arguments, stdin=asyncio.subprocess.DEVNULL, stdout=-1, stderr=-1
        )
        out, err = await asyncio.wait_for(process.communicate(), within)
        if process.returncode:
            raise EngineFault(f"podman {shlex.join(arguments)}: {err.decode(errors='replace').strip()[-1500:]}")
        return (out + err if errors_too else out).decode(errors="replace").strip()

    async def build(self, folder: str, image: str, *options: str) -> None:
        """Build `folder` into `image`. In Docker's format, which alone keeps the health check."""
        await self.do(
            *("build", "--quiet", "--format=docker", "--network=host", "--tag", image),
            *self.build_options,
            *options,
            folder,
            within=BUILD_PATIENCE_S,
        )

    async def has(self, image: str) -> bool:
        """Whether the image is here, or can be had of a registry."""
        try:
            await self.do("image", "exists", image)
        except EngineFault:
            try:
                await self.do("pull", "--quiet", image, within=BUILD_PATIENCE_S)
            except (EngineFault, TimeoutError):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Container:
    """One container by its name. It shares the network of this machine, where the sandbox answers on 127.0.0.1."""

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
        await self.engine.do("rm", "--force", "--ignore", "--time=0", self.name)

    async def start(self) -> None:
        await self.engine.do("start", self.name)

    async def kill(self) -> None:
        """`kill -9`."""
        await self.engine.do("kill", "--signal=KILL", self.name)
        await self.engine.do("wait", self.name)

    async def stop(self, grace_s: int) -> None:
        """SIGTERM, and SIGKILL where it has not ended after the grace."""
        await self.engine.do("stop", f"--time={grace_s}", self.name)

    async def exit_code(self) -> int:
        return int(await self.engine.do("inspect", "--format={{.State.ExitCode}}", self.name))

    async def killed_for_memory(self) -> bool:
        return await self.engine.do("inspect", "--format={{.State.OOMKilled}}", self.name) == "true"

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
