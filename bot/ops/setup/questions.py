"""Questions to the person at the terminal, or to the lines of a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

from bot.errors import EaselError, StartError
from bot.ops.terminal import Mark, is_terminal, marked, say, say_paragraph

T = TypeVar("T")


class WrongAnswer(EaselError):
    """The answer cannot be taken, and the question is asked again. The message says why."""


def ask(question: str, read: Callable[[str], T], *, proposal: str = "", secret: bool = False) -> T:
    """Ask until `read` takes the answer; an empty one is the `proposal`. Raises StartError where the lines run out.

    A `secret` is not shown while it is typed, nor as a proposal.
    """
    shown = "as it is now" if secret and proposal else proposal
    while True:
        say(f"{question} [{shown}]: " if shown else f"{question}: ", end="")
        try:
            line, seen = _typed(secret)
        except SystemExit:  # a signal, in whose handler nothing can be printed
            say()
            raise
        if not (seen and line):
            say()  # nobody's Enter has ended the line
        if not line:
            raise StartError(f"The answers ended at the question “{question}”; nothing was written.")
        try:
            return read(line.strip() or proposal)
        except WrongAnswer as fault:
            say_paragraph(marked(Mark.WRONG, str(fault)))


def _typed(secret: bool) -> tuple[str, bool]:
    """The next line, "" where there is none, and whether it was seen on the screen with its end."""
    if sys.stdin is None:  # closed by whoever started this
        return "", False
    person = sys.stdin.isatty()
    if secret and person:
        return _unseen_line(), False
    return sys.stdin.readline(), person and is_terminal()


def _unseen_line() -> str:
    """What is typed at the terminal, which does not show it. What was typed ahead stays."""
    if sys.platform == "win32":
        import getpass

        return f"{getpass.getpass('')}\n"
    import termios

    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    hidden = termios.tcgetattr(number)
    hidden[3] &= ~termios.ECHO
    termios.tcsetattr(number, termios.TCSADRAIN, hidden)
    try:
        return sys.stdin.readline()
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)
