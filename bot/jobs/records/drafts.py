"""Requests that wait for their user: dear ones for a yes, refused ones for a change.

A request above the price that a place allows without a question is written down before the question is shown. So the
answer finds it after a restart too, and can be given only once.
"""

from __future__ import annotations

import secrets

from bot.jobs.clock import now
from bot.model import ImageRequest
from bot.policy.patience import ANSWER_WITHIN_S
from bot.policy.server_log import LogLine
from bot.store.queries.drafts import Draft, Drafts

__all__ = ["Draft", "DraftBook"]


class DraftBook:
    """Any method may raise StoreUnavailable."""

    def __init__(self, drafts: Drafts) -> None:
        self._drafts = drafts

    async def keep(
        self, user_id: int, request: ImageRequest, parent_id: str | None, link: str | None, line: LogLine | None = None
    ) -> str:
        """Write a request down until its user comes back to it, with a `line` for the server's log; returns its id."""
        draft = Draft(secrets.token_hex(8), user_id, request, parent_id, link)
        await self._drafts.keep(draft, line, now=now(), patience=ANSWER_WITHIN_S)
        return draft.id

    async def take(self, draft_id: str, user_id: int) -> Draft | None:
        """The request, for its user and for the first who asks: two clicks start one job."""
        return await self._drafts.take(draft_id, user_id, patience=ANSWER_WITHIN_S)

    async def get(self, draft_id: str, user_id: int) -> Draft | None:
        """The request, for its user, as often as they ask: whoever is refused again has not lost what they typed."""
        return await self._drafts.get(draft_id, user_id, patience=ANSWER_WITHIN_S)
