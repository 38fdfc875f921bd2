"""What the tests of admission share: a place, and the ways to ask in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.errors import Barred, NotAdmitted, RequestError
from bot.model import QUALITY, STANDARD, ImageRequest, Model
from bot.policy.admission import Admitted, RequestContext, admit
from bot.policy.preferences import EditChoice
from bot.policy.prices import parse
from bot.policy.quotas import Ceilings
from bot.policy.request_input import RequestInput
from bot.policy.rules import RuleBook, Rules

MODELS = (STANDARD, QUALITY)
PRICES = parse("grok-imagine-image:1k=0.02", MODELS)
GUILD, CHANNEL, THREAD = 13, 12, 14
PLACE = RequestContext(user_id=1, channel_id=CHANNEL, guild_id=GUILD, role_ids=frozenset({5}))
IN_THREAD = replace(PLACE, channel_id=THREAD, parent_id=CHANNEL)


NOW = datetime(2026, 11, 28, tzinfo=UTC)


async def admitted(
    place: RequestContext,
    asked: RequestInput,
    book: RuleBook | None,
    ceilings: Ceilings | None = None,
    choices: Mapping[int, EditChoice] | None = None,
    models: Sequence[Model] = MODELS,
) -> Admitted:
    return await admit(
        place,
        asked,
        book,
        models=models,
        prices=PRICES,
        ceilings=ceilings or Ceilings(),
        choices=choices or {},
        now=NOW,
    )


async def made(rules: Rules, asked: RequestInput | None = None, place: RequestContext = PLACE) -> ImageRequest:
    return (await admitted(place, asked or RequestInput("a red fox"), RuleBook(GUILD, "v", rules))).request


async def refused(rules: Rules, asked: RequestInput | None = None, place: RequestContext = PLACE) -> list[RequestError]:
    with pytest.raises(NotAdmitted) as caught:
        await made(rules, asked, place)
    return list(caught.value.reasons)


async def barred(rules: Rules, asked: RequestInput | None = None, place: RequestContext = PLACE) -> Barred:
    [reason] = await refused(rules, asked, place)
    assert isinstance(reason, Barred)
    return reason
