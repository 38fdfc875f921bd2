"""Pictures that arrive inside a JSON answer are held in files, not in memory.

Servers may answer with base64 instead of addresses: four pictures are easily 40 MB in one string. While an answer is
read, every string longer than 64 KiB goes straight into a file and leaves a short name `held:…` in the text; only
the small rest is parsed. A download of that name decodes the file piece by piece.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import errno
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from bot.errors import DownloadGone, NotAPicture
from bot.image_api.wire.answers import MAX_TEXT_BYTES

PREFIX = "held:"
#: Strings up to this many bytes stay in the text.
SHORT_STRING_BYTES = 64 * 1024
#: All of one answer: four pictures of 24 MB each in base64.
MAX_ANSWER_BYTES = 128 * 1024 * 1024
#: As long as results of this kind of API usually live at addresses.
KEPT_FOR_S = 86_400.0
#: So long a string is taken for one that a job may need in the next moment.
SETTLED_S = 3600.0
#: Of all held strings together: about 750 pictures of 2 MB, a third larger in base64.
MAX_KEPT_BYTES = 2_000_000_000
#: Of the disk, for the database above all: below it no more strings are taken.
MIN_FREE_BYTES = 100_000_000

_NAME = re.compile(r"[0-9a-f]{32}")
#: An escape that JSON does not know is passed on: the parser will say so. One at the end may go on in the next piece.
_ESCAPED = rb"\\(?:u[0-9a-fA-F]{4}|[^u]|u(?=.{5}))"
_IN_STRING = re.compile(rb'[^"\\]*+(?:' + _ESCAPED + rb'[^"\\]*+)*+', re.DOTALL)
#: Whole strings and what stands between them, in one go: a hostile text has a million of them.
_WHOLE_STRINGS = re.compile(rb'(?>[^"]*+"[^"\\]*+(?:' + _ESCAPED + rb'[^"\\]*+)*+")*+', re.DOTALL)
_LONGEST_ESCAPE = 6  # \u003d
_READ_BYTES = 64 * 1024


class AnswerTooLong(ValueError):
    """More came than an answer may have."""


class BlobFolder:
    """A folder of held strings. `folder` outlives the process where it is given; otherwise it is a temporary one.

    A string leaves it with its job (`discard`). What nobody asked for, or a job left behind, goes with `sweep`.
    """

    def __init__(self, folder: Path | None = None, *, max_bytes: int = MAX_KEPT_BYTES) -> None:
        self._given = folder
        self._folder: Path | None = None
        self._max_bytes = max_bytes

    @property
    def folder(self) -> Path:
        """Where the files lie, made when the first is kept."""
        if self._folder is None:
            if self._given is None:
                self._folder = Path(tempfile.mkdtemp(prefix="easel-held-"))
            else:
                self._given.mkdir(parents=True, exist_ok=True)
                self._folder = self._given
        return self._folder

    @property
    def is_empty(self) -> bool:
        """Whether nothing lies here."""
        return next(self._files(), None) is None

    def sweep(self, needed: Collection[str], known: Collection[str]) -> int:
        """Remove what no job names, what is older than KEPT_FOR_S, and the oldest of more than `max_bytes`.

        Returns how many went. `needed` are addresses of unfinished jobs: what they name stays. `known` are those of
        all jobs that may have any. Whatever is younger than SETTLED_S stays, as its job may not be written yet.
        """
        wanted, named = _tokens(needed), _tokens(known)
        left, gone, now = self._max_bytes, 0, time.time()
        for path, stat in sorted(self._files(), key=lambda it: it[1].st_mtime, reverse=True):
            left -= stat.st_size
            age_s = now - stat.st_mtime
            surplus = (left < 0 or path.name not in named) and age_s > SETTLED_S
            if path.name not in wanted and (age_s > KEPT_FOR_S or surplus):
                path.unlink(missing_ok=True)
                gone += 1
        return gone

    def discard(self, names: Iterable[str]) -> None:
        """Remove the strings of a job that needs them no more. Addresses of any other kind are passed over."""
        for name in names:
            token = name.removeprefix(PREFIX)
            if name.startswith(PREFIX) and _NAME.fullmatch(token):
                self._path(token).unlink(missing_ok=True)

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        folder = self._folder or self._given
        for path in folder.iterdir() if folder is not None and folder.is_dir() else ():
            with contextlib.suppress(FileNotFoundError):  # another process sweeps here too
                if _NAME.fullmatch(path.name):
                    yield path, path.stat()

    def _path(self, token: str) -> Path:
        return (self._folder or self._given or self.folder) / token

    def close(self) -> None:
        """Remove the folder if it was a temporary one."""
        if self._given is None and self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = None

    def create(self) -> Path:
        """A new, unguessable name."""
        return self.folder / secrets.token_hex(16)

    def open(self, name: str) -> BinaryIO:
        """The string behind a `held:` name. Raises DownloadGone."""
        token = name.removeprefix(PREFIX)
        if not _NAME.fullmatch(token):
            raise DownloadGone("no name of a held picture")
        try:
            return (self.folder / token).open("rb")
        except FileNotFoundError as error:
            raise DownloadGone("the held picture is not here any more") from error


class LongStrings:
    """Takes the long strings out of JSON text that comes in pieces.

    Use as a context manager: files of an answer that was not finished are removed. Anything that is no JSON passes
    through as it is.
    """

    def __init__(self, holding: BlobFolder, *, max_bytes: int = MAX_ANSWER_BYTES) -> None:
        self._holding = holding
        self._left = max_bytes
        self._text = bytearray()
        self._carry = b""
        self._short: bytearray | None = bytearray()  # the whole text, as long as it is no longer than a string may be
        self._string_at: int | None = None
        self._file: BinaryIO | None = None
        self._paths: list[Path] = []

    def __enter__(self) -> LongStrings:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self._file is not None:
            self._file.close()
        if kind is not None:
            self.discard()

    @property
    def names(self) -> tuple[str, ...]:
        """The `held:` names of what was taken out."""
        return tuple(f"{PREFIX}{path.name}" for path in self._paths)

    def discard(self) -> None:
        """Remove the files: nobody will ask for them."""
        for path in self._paths:
            path.unlink(missing_ok=True)
        self._paths.clear()

    def feed(self, data: bytes) -> None:
        """Take the next piece. Raises AnswerTooLong."""
        self._left -= len(data)
        if self._left < 0:
            raise AnswerTooLong
        for start in range(0, len(data), SHORT_STRING_BYTES):
            self._feed(data[start : start + SHORT_STRING_BYTES])
            if len(self._text) > MAX_TEXT_BYTES:
                raise AnswerTooLong

    def _feed(self, data: bytes) -> None:
        """Take a piece that is no longer than a string may be."""
        if self._short is not None:
            if len(self._short) + len(data) <= SHORT_STRING_BYTES:
                self._short += data  # nearly every answer: there is nothing to look for
                return
            before, self._short = bytes(self._short), None
            self._look_through(before)
        self._look_through(data)

    def _look_through(self, data: bytes) -> None:
        """Take a piece in which no string that begins and ends there is long."""
        data, self._carry = self._carry + data, b""
        at = 0
        while at < len(data):
            at = self._outside(data, at) if self._string_at is None else self._inside(data, at)

    def finish(self) -> bytes:
        """The text, long strings replaced by their names."""
        self._text += self._carry if self._short is None else self._short
        return bytes(self._text)

    def _outside(self, data: bytes, at: int) -> int:
        if found := _WHOLE_STRINGS.match(data, at):
            self._text += data[at : found.end()]
            at = found.end()
        quote = data.find(b'"', at)
        end = len(data) if quote < 0 else quote + 1
        self._text += data[at:end]
        if quote >= 0:
            self._string_at = len(self._text)
        return end

    def _inside(self, data: bytes, at: int) -> int:
        found = _IN_STRING.match(data, at)
        end = found.end() if found else at
        if end < len(data) and data[end] == ord("\\"):
            if len(data) - end < _LONGEST_ESCAPE:
                self._keep(data[at:end])
                self._carry = data[end:]
                return len(data)
            end += 1  # an escape JSON does not know: the parser will say so
        self._keep(data[at:end])
        if end < len(data) and data[end] == ord('"'):
            self._close_string()
            return end + 1
        return end

    def _keep(self, piece: bytes) -> None:
        if self._file is not None:
            self._file.write(_unescaped(piece))
            return
        self._text += piece
        start = self._string_at
        if start is not None and len(self._text) - start > SHORT_STRING_BYTES:
            path = self._holding.create()
            if shutil.disk_usage(path.parent).free < MIN_FREE_BYTES:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._file = path.open("xb")
            self._paths.append(path)
            self._file.write(_unescaped(bytes(self._text[start:])))
            del self._text[start:]
            self._text += f"{PREFIX}{path.name}".encode()

    def _close_string(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        self._string_at = None
        self._text += b'"'


def _tokens(addresses: Iterable[str]) -> set[str]:
    """The files that held addresses name."""
    return {it.removeprefix(PREFIX) for it in addresses if it.startswith(PREFIX)}


def _unescaped(piece: bytes) -> bytes:
    """The escapes that can stand in base64: a slash, the padding, and line ends, which mean nothing there."""
    if b"\\" not in piece:
        return piece
    for escape, plain in ((b"\\/", b"/"), (b"\\n", b""), (b"\\r", b""), (b"\\u003d", b"="), (b"\\u002b", b"+")):
        piece = piece.replace(escape, plain)
    return piece


def decoded(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of a base64 text, with or without a `data:…;base64,` head, piece by piece. Raises NotAPicture."""
    rest = b""
    head = True
    for piece in pieces:
        rest += piece
        if head:
            rest = _without_head(rest)
            head = False
        rest = rest.translate(bytes.maketrans(b"-_", b"+/"), b" \t\r\n").rstrip(b"=")
        whole = len(rest) - len(rest) % 4
        yield _decode(rest[:whole])
        rest = rest[whole:]
    if rest:
        yield _decode(rest + b"=" * (-len(rest) % 4))


def _without_head(text: bytes) -> bytes:
    if not text.startswith(b"data:"):
        return text
    head, comma, rest = text[:1024].partition(b",")
    if not comma or not head.endswith(b";base64"):
        raise NotAPicture("a data: URI without base64")
    return rest + text[1024:]


def _decode(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise NotAPicture("the base64 text is damaged") from error


def pieces_of(file: BinaryIO) -> Iterator[bytes]:
    """A file in pieces of 64 KiB."""
    while piece := file.read(_READ_BYTES):
        yield piece
