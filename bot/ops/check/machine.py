"""What can be wrong with the machine that the bot is to run on.

It looks at what makes a bot fail weeks later: too little disk, folders that cannot be written, files that others can
read.
"""

from __future__ import annotations

import errno
import json
import shutil
import socket
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

from bot.config.settings import Settings
from bot.store.url import file_of, is_sqlite, read_url

#: Four pictures of the largest kind need about 50 MB between download and upload, and the database must grow.
MIN_FREE_BYTES = 100_000_000
HEALTH_PATIENCE_S = 2.0


def faults_of(settings: Settings) -> Sequence[str]:
    """A sentence for each fault."""
    return [*folder_faults(settings), *_port(settings)]


def folder_faults(settings: Settings) -> Sequence[str]:
    """A sentence where the folder of the data cannot be written, or its disk is nearly full."""
    return list(_folders(settings))


def _folders(settings: Settings) -> Iterator[str]:
    folder = _written(settings)
    there = next(it for it in (folder, *folder.parents) if it.exists())
    if fault := _not_writable(there, folder):
        yield fault
        return
    free = shutil.disk_usage(there).free
    if free < MIN_FREE_BYTES:
        yield f"The disk of {folder} has {free // 1_000_000} MB left: make room, at least 1 GB."


def _written(settings: Settings) -> Path:
    """The folder that a running bot writes into. /tmp is none: it is often a small disk in memory."""
    url = read_url(settings.database_url)
    return file_of(url).parent if is_sqlite(url) else Path("data").absolute()


def _not_writable(there: Path, folder: Path) -> str | None:
    try:
        with tempfile.TemporaryFile(dir=there):
            return None
    except OSError as error:
        return f"The folder {folder} cannot be written ({error.strerror}): give it to the user that runs Easel."


def _port(settings: Settings) -> Iterator[str]:
    host, port = settings.http_host, settings.http_port
    if port is None:
        return
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return
    except OSError as error:
        if not _is_easel(host, port):
            yield why_not_served(host, port, error)


def why_not_served(host: str, port: int, error: OSError) -> str:
    """The sentence for an address that cannot be listened on."""
    match error.errno:
        case errno.EADDRINUSE:
            return f"HTTP_PORT {port} is taken by another program on {host}: write another port, or stop that program."
        case errno.EACCES:
            return f"HTTP_PORT {port} is not for this user: write a port from 1024 on."
        case _:
            return f"HTTP_HOST {host} is no address of this machine: write 127.0.0.1, or 0.0.0.0 for all its addresses."


def _is_easel(host: str, port: int) -> bool:
    """Whether a running bot has the port, as it should."""
    asked = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    try:
        with urllib.request.urlopen(f"http://{asked}:{port}/healthz", timeout=HEALTH_PATIENCE_S) as answer:
            return "database" in json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code == 503
    except (OSError, ValueError):
        return False
