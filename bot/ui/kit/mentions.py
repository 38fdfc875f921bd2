"""How a text names a command so that a tap on it begins that command.

Discord shows a mention of a command as a button, in the reader's client but with the English name. The ids come from
the last registration.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Self


class Mentions:
    """Mentions of the registered commands. Discord gives each command an id, which is kept across restarts."""

    def __init__(self, ids: Mapping[str, int]) -> None:
        self._ids = ids

    @classmethod
    def read(cls, written: str) -> Self:
        """What `written` wrote; ids that cannot be read are not known."""
        try:
            return cls({str(name): int(command_id) for name, command_id in json.loads(written).items()})
        except (ValueError, TypeError, AttributeError):
            return cls({})

    def written(self) -> str:
        """The ids as one text."""
        return json.dumps(self._ids)

    def of(self, name: str) -> str:
        """A mention, or the plain name where Discord has not told its id."""
        return f"</{name}:{self._ids[name]}>" if name in self._ids else f"`/{name}`"
