"""The line on which requests reach Discord: as fast as the machine, or as slow as a test or a measurement wants."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

#: What a connection may have on its way, and what may lie here unread, in bytes. Linux would take in 30 MB on loopback,
#: a whole upload, however slowly it is read, and the sender would never notice a slow line.
WINDOW_BYTES = 64 * 1024
#: How much of one request passes before it is another's turn, in bytes: requests on a slow line share it evenly.
PIECE_BYTES = 16 * 1024


class SlowLine:
    """Carries the bodies of all requests, one piece after the other, at `bytes_per_s()` together; 0: at once."""

    def __init__(self, bytes_per_s: Callable[[], float]) -> None:
        self._bytes_per_s = bytes_per_s
        self._free_at = 0.0  # when the line has carried all that it was given, on the loop's clock

    @property
    def is_slow(self) -> bool:
        return self._bytes_per_s() > 0

    async def carry(self, size: int) -> None:
        """Take so many bytes over the line; returns when they are here."""
        if not self.is_slow:
            return
        now = asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now) + size / self._bytes_per_s()
        await asyncio.sleep(self._free_at - now)


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket whose connections have no more than WINDOW_BYTES on their way. Raises OSError if the port is taken."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW_BYTES)
        listening.bind((host, port))
    except OSError:
        listening.close()
        raise
    return listening
