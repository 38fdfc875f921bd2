"""Reads along with whatever a bot writes, and finds in it what must never stand there."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterable

from sandbox.discord.calls import Recorded
from sandbox.image_api.records import AcceptedTask

ENDED_S = 30.0
MIN_CHARS = 8  # a shorter prompt may be an ordinary word of a log line
_TOKEN = re.compile(r"^/(?:webhooks|interactions)/\d+/([^/]{20,})")


class Overheard:
    """The writing end of a pipe, to be given to processes. What they write is shown where a test fails."""

    def __init__(self) -> None:
        self._reading, self.writing = os.pipe()
        self._heard = bytearray()
        self._shown = 0
        _LISTENING.append(self)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self) -> str:
        """All that was written. The processes must have ended."""
        os.close(self.writing)
        self._thread.join(ENDED_S)
        assert not self._thread.is_alive(), "a process that a test started still runs"
        os.close(self._reading)
        self.show()
        _LISTENING.remove(self)
        return self._heard.decode("utf-8", "replace")

    def show(self) -> None:
        """Write what is new to standard error, which pytest keeps and shows for a test that fails."""
        new, self._shown = self._heard[self._shown :], len(self._heard)
        sys.stderr.write(new.decode("utf-8", "replace"))

    def _read(self) -> None:
        while piece := os.read(self._reading, 65536):
            self._heard += piece


_LISTENING: list[Overheard] = []


def show_all() -> None:
    """Show what all bots that run just now have written since the last call."""
    for overheard in _LISTENING:
        overheard.show()


def private_words(requests: Iterable[Recorded], accepted: Iterable[AcceptedTask], *more: str) -> set[str]:
    """Prompts of what was painted, tokens of interactions that went over the wire, and `more`."""
    tokens = {found[1] for it in requests if (found := _TOKEN.match(it.path))}
    prompts = {it.submission.prompt for it in accepted}
    return {word for word in (*tokens, *prompts, *more) if len(word) >= MIN_CHARS}


def leaks(text: str, words: Iterable[str]) -> list[str]:
    """The lines that hold a word which must not stand there, as it is or as JSON writes it."""
    said = {word for word in words if word in text or word.replace("\n", "\\n") in text}
    return [line[:500] for line in text.splitlines() if any(word.splitlines()[0] in line for word in said)]
