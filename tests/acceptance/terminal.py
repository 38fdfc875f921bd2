"""A verb of the bot at a pseudo-terminal, where a person reads and types."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.acceptance.processes import make_home

WHOLE_S = 30.0
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Terminal:
    """`python -m bot ARGUMENTS` in `home`, with these variables and no others. Killed at the end if it still runs."""

    def __init__(self, home: Path, *arguments: str, environment: Mapping[str, str]) -> None:
        self._home, self._arguments, self._environment = home, arguments, environment
        self.seen = ""

    @property
    def words(self) -> str:
        """What was seen, without colours."""
        return _ESCAPES.sub("", self.seen)

    async def __aenter__(self) -> Terminal:
        self._master, slave = pty.openpty()
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", *self._arguments),
            cwd=make_home(self._home),
            env=self._environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        os.close(self._master)

    async def until(self, words: str) -> None:
        """Read until these words have come."""
        async with asyncio.timeout(WHOLE_S):
            while words not in self.seen:
                self.seen += (await asyncio.to_thread(self._read)).decode("utf-8", "replace")

    def _read(self) -> bytes:
        try:
            return os.read(self._master, 4096)
        except OSError:  # the other side has closed it
            raise AssertionError(self.seen) from None

    async def answers(self, question: str, answer: str) -> None:
        await self.until(question)
        await asyncio.sleep(0.2)  # a person reads first
        os.write(self._master, f"{answer}\n".encode())

    def interrupt(self) -> None:
        """SIGINT, as Ctrl-C sends it."""
        self._process.send_signal(2)

    async def ended(self) -> int:
        return await asyncio.wait_for(self._process.wait(), WHOLE_S)
