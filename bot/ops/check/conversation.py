"""What was said to the image API and what it answered, printed word for word and without secrets.

An owner sends these lines along with a bug report, so nothing may stand in them that opens anything: the keys and
tokens of the settings, what looks like a key, and the signed part of every address are cut out.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from bot.config.redaction import HIDDEN, Redaction
from bot.image_api.listener import ApiListener
from bot.image_api.wire.answers import ApiAnswer, Unreadable, as_object, read_json
from bot.ops.terminal import say

#: The only headers that are shown. What others hold is not known, and may be somebody's.
HEADERS = ("content-type", "content-length", "location", "retry-after", "x-request-id", "x-oneapi-request-id", "server")
MAX_TEXT_CHARS = 300
MAX_HEADER_CHARS = 2000
MAX_LINES = 60
MAX_DEPTH = 20
CUT = "[cut]"

_QUERY = re.compile(r"(?<=[^\s?#])[?#](?=[^\s\"'<>]*[=%])[^\s\"'<>)\]]*")
_USER = re.compile(r"(?<=://)[^/@\s]+@")
#: Parts of a path that are too long for a name: a signature or a token stands there.
_LONG_PART = re.compile(r"(?<=/)[^/?#\s\"'<>]{65,}")
_KEY = re.compile(r"\b(?:sk|pk|ak|key|eyJ)[-_.][\w.*+/=-]{6,}|\beyJ[\w-]{10,}(?:\.[\w-]+)*")
_SECRET_NAME = re.compile(
    r"key$|token$|secret|password|authori[sz]ation|cookie|signature|credential|e-?mail|^user(name)?$", re.IGNORECASE
)
_HELD = re.compile(r"held:[0-9a-f]{32}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(slots=True)
class Turn:
    """One request and what became of it: an answer, or the cause why there is none. Times are in seconds."""

    method: str
    url: str
    answer: ApiAnswer | None = None
    cause: str = ""
    took_s: float = 0.0


class Conversation(ApiListener):
    """Prints each request and answer as it happens, and keeps the turns."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self.turns: list[Turn] = []
        self._redact = Redaction(secrets)
        self._began = 0.0
        self._last_shown: tuple[str, str] | None = None  # an address, and what was shown for its answer

    def sends(self, method: str, url: str, body: Mapping[str, object] | None = None) -> None:
        """A request goes out."""
        self.turns.append(Turn(method, url))
        self._began = time.monotonic()
        self._say(f"  > {method} {url}")
        if body is not None:
            self._say_json(body)

    def hears(self, answer: ApiAnswer) -> None:
        """Its answer is here; one like the last is told in a line."""
        turn = self.turns[-1]
        turn.answer, turn.took_s = answer, time.monotonic() - self._began
        head = f"  < HTTP {answer.status}, after {turn.took_s:.1f} s"
        shown = (turn.url, f"{answer.status} {answer.body!r}")
        if answer.body and shown == self._last_shown:
            self._say(f"{head}: the same as before")
            return
        self._last_shown = shown
        self._say(head)
        for name in HEADERS:
            if name in answer.headers:
                self._say(f"    {name}: {answer.headers[name][:MAX_HEADER_CHARS]}")
        if answer.body:
            self._say_body(answer.body)

    def breaks(self, cause: str) -> None:
        """No whole answer came."""
        turn = self.turns[-1]
        turn.cause, turn.took_s = cause, time.monotonic() - self._began
        self._say(f"  < no whole answer ({cause}), after {turn.took_s:.1f} s")

    def clean(self, text: str) -> str:
        """A text without secrets, and on one line."""
        text = _USER.sub(f"{CUT}@", text)
        text = _LONG_PART.sub(CUT, _QUERY.sub(f"?{CUT}", text))
        text = _HELD.sub("[a long text, kept in a file]", text)
        return _CONTROL.sub(" ", _KEY.sub(HIDDEN, self._redact(text)))

    def _say(self, line: str) -> None:
        say(self.clean(line))

    def _say_body(self, body: bytes) -> None:
        try:
            value = read_json(body)
        except Unreadable:
            text = body[: MAX_TEXT_CHARS * 4].decode("utf-8", "replace")
            self._say(f"    {' '.join(self.clean(text).split())[:MAX_TEXT_CHARS]}")
            return
        self._say_json(value)

    def _say_json(self, value: object) -> None:
        lines = json.dumps(self._without_secrets(value), indent=2, ensure_ascii=False).splitlines()
        for line in lines[:MAX_LINES]:
            say(f"    {_CONTROL.sub(' ', line)}")
        if len(lines) > MAX_LINES:
            say(f"    … {len(lines) - MAX_LINES} more lines")

    def _without_secrets(self, value: object, depth: int = 0) -> object:
        """The same with every text made clean, and nothing below MAX_DEPTH."""
        if depth == MAX_DEPTH:
            return CUT
        if isinstance(value, str):
            text = self.clean(value[: MAX_TEXT_CHARS * 20])
            return text if len(value) <= MAX_TEXT_CHARS else f"{text[:MAX_LINES]}… ({len(value)} characters)"
        if isinstance(value, list):
            return [self._without_secrets(item, depth + 1) for item in cast("list[object]", value)]
        if isinstance(value, Mapping):
            return {
                self.clean(name)[:MAX_TEXT_CHARS]: HIDDEN
                if _SECRET_NAME.search(name) and isinstance(item, str) and item
                else self._without_secrets(item, depth + 1)
                for name, item in as_object(cast("object", value)).items()
            }
        return value
