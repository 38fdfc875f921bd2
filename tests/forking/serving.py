"""Starts a process that serves forks, for as long as somebody needs it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROJECT = Path(__file__).parents[2]
END_S = 30.0


@contextmanager
def serving(
    module: str, addresses: Sequence[Path], arguments: Sequence[str] = (), *, environment: Mapping[str, str]
) -> Generator[None]:
    """Run this module, which serves forks at these Unix sockets until the block ends.

    On its command line stand the numbers of the listening sockets, that of a pipe that is closed at the end, and the
    arguments.
    """
    alive, held = os.pipe()
    with ExitStack() as listening:
        inherited: list[int] = []
        for address in addresses:
            at = listening.enter_context(socket.socket(socket.AF_UNIX))
            at.bind(str(address))
            at.listen(128)
            inherited.append(at.fileno())
        inherited.append(alive)
        server = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, inherited), *arguments],
            pass_fds=inherited,
            cwd=PROJECT,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
        )
    os.close(alive)
    try:
        yield
    finally:
        os.close(held)
        server.wait(END_S)  # it writes down what it measured
