"""How the page reaches the bot's process, if whoever started it lets it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class BotControl(Protocol):
    """The bot's child process, as the developer panel drives it."""

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        ...

    def set(self, **variables: str | None) -> Mapping[str, str | None]:
        """Change settings for the next start; returns what they were. None is a variable that is not there."""
        ...

    async def start(self) -> None:
        """Start it; nothing happens if it runs."""
        ...

    async def stop(self) -> None:
        """End it with SIGTERM, as a deploy does."""
        ...

    async def kill(self) -> None:
        """`kill -9`: end it at once, with no chance to write anything down."""
        ...
