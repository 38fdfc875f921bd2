"""Refusals with everything in the way at once, filled as full as they can be: see surfaces.py."""

from __future__ import annotations

from collections.abc import Iterator

from discord import ui

from bot.errors import Barred, InvalidRequest, NotAdmitted, RequestError, SourceRefused
from bot.model import Model
from bot.policy.bars import Bar
from bot.policy.catalog import MAX_ID_CHARS, MAX_MODELS
from bot.ui.requests.refusals import refusal_card

MANY = tuple(9 * 10**18 + number for number in range(12))
DRAFT_ID = "f" * 32


def refusals(prompt: str, locale: str) -> Iterator[ui.LayoutView]:
    models = [Model(f"{number}" * MAX_ID_CHARS) for number in range(MAX_MODELS)]
    faults: list[RequestError] = [
        Barred(Bar.CHANNEL, *MANY),
        Barred(Bar.AGE),
        Barred(Bar.ROLE, *MANY),
        Barred(Bar.NEW_MEMBER, 9 * 10**9),
        InvalidRequest("An edit takes at most {most} source pictures.", most=3),
        SourceRefused(10**9),
        Barred(Bar.MODEL, *models, roles=MANY),
        Barred(Bar.RESOLUTION, "1k", roles=MANY),
        Barred(Bar.COUNT, 3, roles=MANY),
        Barred(Bar.NOT_YOUR_PICTURE),
        Barred(Bar.UNPRICED),
        Barred(Bar.UNCHECKED),
    ]
    for draft_id in (None, DRAFT_ID):
        yield refusal_card(NotAdmitted(faults), prompt, draft_id)
        yield refusal_card(NotAdmitted(faults[6:9]), prompt, draft_id)
        yield refusal_card(NotAdmitted(faults[:1]), prompt, draft_id)
