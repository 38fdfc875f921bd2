"""Looks again and again at what the bot depends on, so that an answer about it never has to wait for it.

One failed look is no outage: a restart of the database or a lost connection heals by itself within seconds. Only
trouble that lasts is told.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bot.errors import EaselError

Look = Callable[[], Awaitable[Mapping[str, Any]]]


class Trouble(EaselError):
    """Something does not answer. The message is a short cause; `lasts_s` says for how long already, 0 when unknown."""

    def __init__(self, cause: str, lasts_s: float = 0.0) -> None:
        super().__init__(cause)
        self.lasts_s = lasts_s


class Watched:
    """One thing that the bot depends on.

    Until it has answered once it is not well. Later it is well until it has been in trouble for `grace_s`.
    """

    def __init__(self, look: Look, *, every_s: float, patience_s: float, grace_s: float) -> None:
        """`look` returns what is worth telling, or raises an EaselError.

        It is asked every `every_s` seconds and has `patience_s` to answer.
        """
        self._look = look
        self._every_s = every_s
        self._patience_s = patience_s
        self._grace_s = grace_s
        self._seen_well_at: float | None = None
        self._trouble: Trouble | None = Trouble("not yet seen")
        self._details: Mapping[str, Any] = {}

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look_once()
            await asyncio.sleep(self._every_s)

    async def look_once(self) -> None:
        """Look now, and remember what was seen."""
        try:
            async with asyncio.timeout(self._patience_s):
                self._details = await self._look()
        except TimeoutError:
            self._trouble = Trouble(f"no answer within {self._patience_s:g} s")
        except EaselError as error:
            self._trouble = error if isinstance(error, Trouble) else Trouble(str(error))
        else:
            self._trouble = None
            self._seen_well_at = time.monotonic()

    @property
    def is_well(self) -> bool:
        """Whether it works, or has not been in trouble for longer than its time of grace."""
        if self._trouble is None:
            return True
        lasts_s = self._lasts_s
        return lasts_s is not None and lasts_s < self._grace_s

    @property
    def _lasts_s(self) -> float | None:
        """For how long there has been trouble; None where it has never been well."""
        if self._trouble is None:
            return 0.0
        if self._seen_well_at is None:
            return None
        return max(time.monotonic() - self._seen_well_at, self._trouble.lasts_s)

    def told(self) -> dict[str, Any]:
        """What `/healthz` says of it."""
        told: dict[str, Any] = {"ok": self.is_well}
        if self._trouble is not None:
            lasts_s = self._lasts_s
            told |= {"trouble": str(self._trouble)}
            told |= {} if lasts_s is None else {"for_s": round(lasts_s, 1)}
        else:
            told |= self._details
        return told


class Health:
    """All that is watched. `vital` are the things without which the bot cannot serve."""

    def __init__(self, vital: Mapping[str, Watched], others: Mapping[str, Watched]) -> None:
        self._vital = vital
        self._watched = {**vital, **others}

    async def watch(self) -> None:
        """Look at everything until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name, watched in self._watched.items():
                group.create_task(watched.watch(), name=f"watch {name}")

    @property
    def is_well(self) -> bool:
        """Whether all that is vital works."""
        return all(watched.is_well for watched in self._vital.values())

    def well(self) -> dict[str, bool]:
        """Each thing by its name."""
        return {name: watched.is_well for name, watched in self._watched.items()}

    def told(self) -> dict[str, Any]:
        """The body of `/healthz`."""
        parts = {name: watched.told() for name, watched in self._watched.items()}
        return {"status": "ok" if self.is_well else "unavailable", **parts}
