"""Forms opened on a message: kept in the database, so that one that was open during a restart still works.

A form's answer does not say which message the form was opened on, and what other people wrote can't be read later
without a privileged intent. So the addresses of the pictures are kept while the form may be open.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from bot.errors import StoreUnavailable
from bot.jobs.clock import now
from bot.model import Source
from bot.policy.patience import ANSWER_WITHIN_S
from bot.policy.request_input import Options
from bot.store.queries.openings import Opening, Openings
from bot.store.queries.preferences import PreferenceStore

__all__ = ["Opened", "Opening", "OpeningBook"]

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """A form to open: the key it carries, and what the user chose in it the last time."""

    key: str
    remembered: Options


class OpeningBook:
    """The door between message menus and the kept openings."""

    def __init__(self, openings: Openings, preferences: PreferenceStore) -> None:
        self._openings = openings
        self._preferences = preferences

    async def open(self, user_id: int, sources: Sequence[Source], link: str | None) -> Opened:
        """Keep what a form is about. Raises StoreUnavailable, soon."""
        key = secrets.token_hex(8)
        opening = Opening(key, user_id, tuple(sources), link)
        return Opened(key, await self._openings.add(opening, now=now(), patience=ANSWER_WITHIN_S))

    async def get(self, key: str, user_id: int) -> Opening | None:
        """What the form was opened on; None where that is too old, or another user's."""
        return await self._openings.get(key, user_id)

    async def remember(self, user_id: int, options: Options) -> None:
        """Keep the choices of an edit for the next form. Their loss harms nobody."""
        chosen = Options(
            model=options.model,
            aspect_ratio=options.aspect_ratio,
            resolution=options.resolution,
            format=options.format,
        )
        try:
            await self._preferences.change(user_id, lambda own: replace(own, edit=chosen))
        except StoreUnavailable:
            log.info("the choices of an edit form were not written down")
