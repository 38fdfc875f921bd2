"""A verb of the bot at a pseudo-terminal, where a person reads and types."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import re
import select
import sys
import termios
from collections.abc import Mapping
from pathlib import Path

from tests.acceptance.processes import make_home
from tests.bots import MEASURED

WHOLE_S = 60.0
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Terminal:
    """`python -m bot ARGUMENTS` in `home`, with these variables and no others. Killed at the end if it still runs."""

    def __init__(self, home: Path, *arguments: str, environment: Mapping[str, str], columns: int = 80) -> None:
        self._home, self._arguments, self._environment, self._columns = home, arguments, environment, columns
        self.seen = ""

    @property
    def words(self) -> str:
        """What was seen, without colours."""
        return _ESCAPES.sub("", self.seen)

    async def __aenter__(self) -> Terminal:
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, self._columns))
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", *self._arguments),
            cwd=make_home(self._home),
            env={**MEASURED, **self._environment},
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

    async def until(self, words: str, within: float = WHOLE_S) -> None:
        """Read until these words have come. Raises TimeoutError."""
        async with asyncio.timeout(within):
            while words not in self.seen:
                self.seen += (await asyncio.to_thread(self._read)).decode("utf-8", "replace")

    def _read(self) -> bytes:
        """What has come; nothing where that takes longer than a moment, so that no thread waits for ever."""
        try:
            return os.read(self._master, 4096) if select.select([self._master], [], [], 0.2)[0] else b""
        except OSError:  # the other side has closed it
            raise AssertionError(self.seen) from None

    async def answers(self, question: str, answer: str) -> None:
        await self.until(question)
        await asyncio.sleep(0.2)  # a person reads first
        os.write(self._master, f"{answer}\n".encode())

    async def breaks_off(self, words: str) -> None:
        """Press Ctrl-C until these words have come, as a person does: one in the moment before a read is not seen."""
        while words not in self.seen:
            self._process.send_signal(2)
            with contextlib.suppress(TimeoutError):
                await self.until(words, 2.0)

    async def ended(self) -> int:
        return await asyncio.wait_for(self._process.wait(), WHOLE_S)
