"""What DATABASE_URL may say.

The address may hold a password, so no error repeats it: faults are told by naming the part that is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, unquote

from sqlalchemy import URL
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from bot.errors import StartError

_POSTGRESQL = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
#: Where the server begins in an address, after the "@" of the password: host, port, "/" and name, or options instead.
_SERVER = re.compile(r"(?:[^@/?#\s:]*|\[[^\]@]*\])(?::\d+)?(?:/[^@/\s]+(?:\?\S*)?|/?\?\S*dbname=\S*)$")
_UNKNOWN_VARIABLE = re.compile(r"\$\{?[A-Za-z_]")


class UrlFault(StartError):
    """The address of a database is wrong. `reason` is the end of a sentence about it; it repeats nothing of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"DATABASE_URL {reason}: it reads sqlite:///data/easel.db or postgresql://user:password@host/name, with "
            "special characters of the password written as %XX."
        )
        self.reason = reason


def normal_url(text: str) -> str:
    """The address in `text` with its home folder filled in and its password escaped. Raises UrlFault."""
    text = text.strip()
    scheme, separator, rest = text.partition("://")
    if scheme == "sqlite" and rest.startswith("/"):
        text = f"{scheme}:///{_with_home(rest[1:])}"
    elif scheme in _POSTGRESQL:
        text = f"{scheme}{separator}{_with_escapes(rest)}"
    read_url(text)
    return text


def read_url(text: str) -> URL:
    """The address in `text`, with the driver that Easel uses. Raises UrlFault."""
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError):
        raise UrlFault("is not a database address") from None
    if "@" in (url.host or ""):  # the end of a password, which no sentence may name as a host
        raise UrlFault("has a password whose special characters are not written as %XX")
    if url.drivername in _POSTGRESQL:
        if not url.database and "dbname" not in url.query:
            raise UrlFault("names no database after the server")
        return url.set(drivername="postgresql+psycopg")
    if url.drivername == "sqlite":
        return _read_sqlite(url)
    raise UrlFault("names no kind of database that Easel knows")


def is_sqlite(url: URL) -> bool:
    """Whether this is a file that one process holds alone."""
    return url.get_backend_name() == "sqlite"


def file_of(url: URL) -> Path:
    """The SQLite file behind `url`, as an absolute path."""
    return Path(url.database or "").absolute()


def passwords_of(text: str) -> Sequence[str]:
    """The password in an address that `read_url` takes, as it is and as it is written there."""
    url = read_url(text)
    password = url.password or _text(url.query.get("password"))
    return [password, quote(password, safe="")] if password else []


def place_of(url: URL) -> str:
    """How a sentence names the database: without user, password and options."""
    if is_sqlite(url):
        return str(file_of(url))
    host = url.host or _text(url.query.get("host")) or "the local socket"
    return f"{host}:{url.port}" if url.port else host


def _with_home(path: str) -> str:
    """A file's path with `~`, `$HOME` and `${HOME}` at its beginning filled in."""
    for home in ("$HOME", "${HOME}"):
        if path == home or path.startswith(f"{home}/"):
            path = f"~{path.removeprefix(home)}"
    if _UNKNOWN_VARIABLE.search(path):
        raise UrlFault("holds a $NAME that nothing fills in")
    try:
        return str(Path(path).expanduser()) if path.startswith("~") else path
    except RuntimeError:
        raise UrlFault("names the home folder of somebody whom this machine does not know") from None


def _with_escapes(rest: str) -> str:
    """What stands after `postgresql://`, with a password of any signs escaped, so that it ends at its own "@"."""
    ends = [place for place, sign in enumerate(rest) if sign == "@" and _SERVER.match(rest, place + 1)]
    if not ends:
        return rest
    if len(ends) > 1:
        raise UrlFault("holds an @ too many: write those of the password as %40")
    user, colon, password = rest[: ends[0]].partition(":")
    return f"{quote(unquote(user), safe='')}{colon}{quote(unquote(password), safe='')}{rest[ends[0] :]}"


def _read_sqlite(url: URL) -> URL:
    if url.host:
        raise UrlFault(
            "has a slash too few after sqlite: (sqlite:///data/easel.db is a file below the current folder, "
            "sqlite:////var/lib/easel.db one from the root)"
        )
    names_folder = Path(url.database or "").name in {"", ".."} or (url.database or "").endswith(("/", "/."))
    if names_folder or url.database == ":memory:":
        raise UrlFault("names no file to keep the jobs in")
    if "\0" in (url.database or ""):
        raise UrlFault("is not a database address")
    if url.query:
        raise UrlFault("has options after the name of the file")
    return url.set(drivername="sqlite+pysqlite")


def _text(value: str | tuple[str, ...] | None) -> str:
    return value if isinstance(value, str) else ",".join(value or ())
