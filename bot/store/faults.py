"""What went wrong with the database, as a sentence for the operator.

The sentences are ours alone: a driver's own text may repeat the address, and with it the password.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, OperationalError

from bot.store.url import is_sqlite, place_of

_NO_FILE = "DATABASE_URL names {place}, which is a folder or a device; write the name of a file."
_FULL = "The disk that holds the database {place} is full; make room."
_NOT_WRITABLE = (
    "The database {place} cannot be written; give the user that runs Easel write access to the file and its"
    " folder, or set DATABASE_URL to a file elsewhere."
)

_MISFIT = (
    "The tables in the database {place} are not as Easel left them; restore a backup, or set DATABASE_URL to a new"
    " database."
)

_SQLITE: Mapping[int, str] = {
    sqlite3.SQLITE_BUSY: "Another program keeps the database {place} locked; close it.",
    sqlite3.SQLITE_LOCKED: "Another program keeps the database {place} locked; close it.",
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _NOT_WRITABLE,
    sqlite3.SQLITE_CANTOPEN: _NOT_WRITABLE,
    sqlite3.SQLITE_PERM: _NOT_WRITABLE,
    sqlite3.SQLITE_IOERR: "Reading or writing the database {place} failed; check its disk.",
    sqlite3.SQLITE_CORRUPT: "The database {place} is damaged; restore a backup.",
    sqlite3.SQLITE_NOTADB: (
        "The file {place} is not a SQLite database; move it away, or set DATABASE_URL to another file."
    ),
}

_NO_ANSWER = "The database server at {place} does not answer; check that it runs and that DATABASE_URL names it."
_REFUSED = "The database server at {place} refuses the user or the password in DATABASE_URL."
_MISSING = "The database server at {place} has no database of the name in DATABASE_URL; create it."
_CROWDED = "The database server at {place} has no connection left; raise its limit or stop other programs."
_NOT_ALLOWED = (
    "The database user in DATABASE_URL may not create or change tables at {place}; grant it CREATE on the schema."
)
_LOCKED = "Another program keeps the tables at {place} locked; close it."
_READ_ONLY = "The database server at {place} is read-only at the moment; DATABASE_URL must name the primary."

# SQLSTATE codes by their beginnings; PostgreSQL's manual, appendix A.
_SQLSTATES: Mapping[str, str] = {
    "08": _NO_ANSWER,
    "57P": _NO_ANSWER,
    "28": _REFUSED,
    "3D000": _MISSING,
    "53300": _CROWDED,
    "53100": _FULL,
    "25006": _READ_ONLY,
    "42501": _NOT_ALLOWED,
    "55P03": _LOCKED,
}

# A refused connection carries no SQLSTATE, only libpq's words. The first that fit count.
_WORDS: Mapping[str, str] = {
    "too many": _CROWDED,
    "connection slots": _CROWDED,
    "authentication failed": _REFUSED,
    "no password supplied": _REFUSED,
    'role "': _REFUSED,
    "pg_hba.conf": "The database server at {place} does not admit this user from here; see its pg_hba.conf.",
    "does not exist": _MISSING,
    "resolve host": "The host name {place} in DATABASE_URL is not known; check its spelling.",
    "SSL": "The database server at {place} and DATABASE_URL do not agree on encryption; see sslmode.",
    "invalid connection option": "DATABASE_URL has an option after the ? that PostgreSQL does not know.",
    "permission denied": _NOT_ALLOWED,
}

_NO_LOCKS = (
    "The disk of the database {place} has no file locks, as network disks without their lock service have none; start "
    "that service (on NFS: lockd), or let DATABASE_URL name a file on a local disk."
)
_OS_ERRORS: Mapping[int, str] = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.ENOLCK: _NO_LOCKS,
    errno.ENOSYS: _NO_LOCKS,
    errno.EOPNOTSUPP: _NO_LOCKS,
}


def outage_of(url: URL, error: DBAPIError) -> str | None:
    """The sentence, when the database as a whole is at fault; None when it is only the one statement."""
    if is_sqlite(url):
        template = _SQLITE.get(_sqlite_code(error))
    else:
        template = _by_sqlstate(error) or (_NO_ANSWER if _is_server_trouble(error) else None)
    return template and template.format(place=place_of(url))


def locked_out(url: URL) -> str:
    """The sentence where another session at a PostgreSQL server holds a lock for too long."""
    return _LOCKED.format(place=place_of(url))


def start_fault(url: URL, error: DBAPIError | OSError) -> str:
    """The sentence for a database that cannot be opened or brought up to date."""
    if isinstance(error, OSError):
        template = _OS_ERRORS.get(error.errno or 0, _NOT_WRITABLE)
    elif is_sqlite(url):
        template = _SQLITE.get(_sqlite_code(error), _MISFIT)
    elif error.statement is None:  # there is no connection yet
        template = _by_sqlstate(error) or _by_words(error) or _NO_ANSWER
    else:
        template = _by_sqlstate(error) or (_NO_ANSWER if _is_server_trouble(error) else _MISFIT)
    return template.format(place=place_of(url))


def copy_fault(source: Path, copy: Path, error: sqlite3.Error) -> str:
    """The sentence for a SQLite file that cannot be copied. What is full is the disk of the copy."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return _SQLITE.get(code, _MISFIT).format(place=copy if code == sqlite3.SQLITE_FULL else source)


def no_file(url: URL) -> str:
    """The sentence where a folder or a device has the name of the SQLite file."""
    return _NO_FILE.format(place=place_of(url))


def no_answer(url: URL) -> str:
    """The sentence for a database that keeps the start waiting."""
    template = _SQLITE[sqlite3.SQLITE_BUSY] if is_sqlite(url) else _NO_ANSWER
    return template.format(place=place_of(url))


def _sqlite_code(error: DBAPIError) -> int:
    # The low byte is the primary code; the rest says more than a sentence needs.
    return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF


def _by_sqlstate(error: DBAPIError) -> str | None:
    state = getattr(error.orig, "sqlstate", None) or ""
    return next((template for beginning, template in _SQLSTATES.items() if state.startswith(beginning)), None)


def _by_words(error: DBAPIError) -> str | None:
    text = str(error.orig)
    return next((template for words, template in _WORDS.items() if words in text), None)


def _is_server_trouble(error: DBAPIError) -> bool:
    # Class 40 (deadlock, serialization) ends the transaction, not the server: the same work may be done again.
    state = getattr(error.orig, "sqlstate", None) or ""
    return error.connection_invalidated or (isinstance(error, OperationalError) and not state.startswith("40"))
