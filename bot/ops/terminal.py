"""What the verbs print: lines for a person, with colours and signs of life at a terminal, and plain text in a pipe."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from typing import TextIO

from bot.errors import StartError

_RESET = "\x1b[0m"
_CLEAR_LINE = "\r\x1b[K"
#: What takes less than this says nothing of itself.
QUIET_S = 1.0
_PAGE_COLUMNS, _MIN_COLUMNS = 110, 20  # longer lines are hard to read, shorter ones hold no word
_FRAME_S = 0.15
_FRAMES, _PLAIN_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\"


class Colour(StrEnum):
    """The escape sequences of a terminal."""

    GREEN = "\x1b[32m"
    YELLOW = "\x1b[33m"
    RED = "\x1b[31m"
    BOLD = "\x1b[1m"


class Mark(StrEnum):
    """What stands before a line that a person reads: how it went."""

    GOOD = "✓"
    LOOK = "!"
    WRONG = "✗"


_COLOURS = {Mark.GOOD: Colour.GREEN, Mark.LOOK: Colour.YELLOW, Mark.WRONG: Colour.RED}


def is_terminal() -> bool:
    """Whether standard output is read by a person."""
    return sys.stdout is not None and sys.stdout.isatty()


def _understands_escapes() -> bool:
    return is_terminal() and os.environ.get("TERM") != "dumb"


def coloured(text: str, colour: Colour) -> str:
    """`text` in a colour where a terminal shows it and nobody has said NO_COLOR (https://no-color.org)."""
    return f"{colour}{text}{_RESET}" if _understands_escapes() and not os.environ.get("NO_COLOR") else text


def marked(mark: Mark, text: str) -> str:
    """`text` with a mark before it at a terminal, alone in a pipe."""
    return f"{coloured(f'{mark} ', _COLOURS[mark])}{text}" if is_terminal() else text


def say(text: str = "", *, end: str = "\n") -> None:
    """Print for the person who typed the verb. Raises StartError where the output cannot be written."""
    with _screen.lock:
        try:
            _screen.clear()
            print(text, end=end, flush=True)  # noqa: T201  # the verbs answer on standard output
        except BrokenPipeError:  # whoever read it has gone, and need not be told
            raise
        except OSError as error:
            drop_output(sys.stdout)
            raise StartError(f"What this verb says cannot be written ({error.strerror}).") from None


def say_paragraph(text: str) -> None:
    """Print a text: at a terminal in lines that end between words, in a pipe as one line."""
    if not is_terminal():
        say(text)
        return
    columns = shutil.get_terminal_size((_PAGE_COLUMNS, 0)).columns
    width = max(_MIN_COLUMNS, min(columns - 1, _PAGE_COLUMNS))
    for line in textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False):
        say(line)


class _Screen:
    """The line at the bottom of a terminal that says what is waited for. Others print through the same lock."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._shown = False

    def show(self, text: str) -> None:
        with self.lock:
            width = os.get_terminal_size(sys.stdout.fileno()).columns or 80
            sys.stdout.write(f"{_CLEAR_LINE}{text[: width - 1]}")
            sys.stdout.flush()
            self._shown = True

    def clear(self) -> None:
        if self._shown:
            sys.stdout.write(_CLEAR_LINE)
            sys.stdout.flush()
            self._shown = False


_screen = _Screen()


class Waiting:
    """What is waited for. `detail` may change meanwhile, such as to how far it is."""

    def __init__(self, what: str) -> None:
        self._what = what
        self.detail = ""
        self._begun = time.monotonic()

    def __str__(self) -> str:
        seconds = int(time.monotonic() - self._begun)
        return f"{self._what} … {f'{self.detail}, ' if self.detail else ''}{seconds} s"


@contextmanager
def waiting(what: str) -> Generator[Waiting]:
    """Show at a terminal what is waited for and how long, once it takes longer than a second. Nothing in a pipe."""
    line, ended = Waiting(what), threading.Event()
    if not is_terminal():
        yield line
        return
    shower = threading.Thread(target=_show_until, args=(line, ended), daemon=True, name="waiting")
    shower.start()
    try:
        yield line
    finally:
        ended.set()
        shower.join()


def _show_until(line: Waiting, ended: threading.Event) -> None:
    if ended.wait(QUIET_S):
        return
    if not _understands_escapes():
        say(f"{line} …")
        return
    frames, frame = _frames(), 0
    with contextlib.suppress(OSError, ValueError):  # a terminal that has gone needs no sign of life
        while not ended.wait(_FRAME_S):
            _screen.show(f"{frames[frame % len(frames)]} {line}")
            frame += 1
        with _screen.lock:
            _screen.clear()


def _frames() -> str:
    try:
        _FRAMES.encode(sys.stdout.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return _PLAIN_FRAMES
    return _FRAMES


def prepare_streams() -> None:
    """Let a terminal without UTF-8 show a replacement for what it cannot show, instead of ending the program.

    A console of Windows is told that escape sequences come: it shows them as they stand otherwise.
    """
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            with contextlib.suppress(OSError, ValueError):  # A stream that cannot be flushed keeps its own errors.
                reconfigure(errors="replace")
    if sys.platform == "win32" and is_terminal():
        subprocess.run("", shell=True, check=False)  # noqa: S602, S607  # the shell switches them on, and leaves them on


def drop_output(stream: TextIO | None) -> None:
    """Nobody takes what is written there: let nothing more be written, so that the end is quiet."""
    if stream is not None:  # as where it was closed before the start
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
