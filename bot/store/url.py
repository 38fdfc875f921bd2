"""What DATABASE_URL may say."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from bot.errors import StartError

_POSTGRESQL = frozenset({"postgresql", "postgres", "postgresql+psycopg"})


def read_url(text: str) -> URL:
    """The address in `text`, with the driver that Easel uses. Raises StartError, which never repeats `text`."""
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError):
        raise StartError(
            "DATABASE_URL is not a database address: it reads sqlite:///data/easel.db or"
            " postgresql://user:password@host/name, with special characters of the password written as %XX."
        ) from None
    if url.drivername in _POSTGRESQL:
        return _read_postgresql(url)
    if url.drivername == "sqlite":
        return _read_sqlite(url)
    raise StartError("DATABASE_URL begins with neither sqlite:/// nor postgresql://, the two databases Easel knows.")


def is_sqlite(url: URL) -> bool:
    """Whether this is a file that one process holds alone."""
    return url.get_backend_name() == "sqlite"


def file_of(url: URL) -> Path:
    """The SQLite file behind `url`, as an absolute path."""
    return Path(url.database or "").absolute()


def place_of(url: URL) -> str:
    """How a sentence names the database: without user, password and options."""
    if is_sqlite(url):
        return str(file_of(url))
    host = url.host or _text(url.query.get("host")) or "the local socket"
    return f"{host}:{url.port}" if url.port else host


def _read_postgresql(url: URL) -> URL:
    if not url.database and "dbname" not in url.query:
        raise StartError(
            "DATABASE_URL names no database: it ends in /name, as in postgresql://user:password@host/name."
        )
    return url.set(drivername="postgresql+psycopg")


def _read_sqlite(url: URL) -> URL:
    if url.host:
        raise StartError(
            "DATABASE_URL has a slash too few: sqlite:///data/easel.db is a file below the current folder,"
            " sqlite:////var/lib/easel.db one from the root."
        )
    if not url.database or url.database == ":memory:":
        raise StartError("DATABASE_URL names no file, and jobs in memory would be lost: use sqlite:///data/easel.db.")
    if url.query:
        raise StartError("DATABASE_URL has options after the file's name; sqlite:/// addresses take none.")
    return url.set(drivername="sqlite+pysqlite")


def _text(value: str | tuple[str, ...] | None) -> str:
    return value if isinstance(value, str) else ",".join(value or ())
