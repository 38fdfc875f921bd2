"""The question about a draft and its answers, filled as full as they can be: see surfaces.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from discord import ui

from bot.jobs.approvals.approvals import Approval, ApprovalState, AskedPost
from bot.model import ImageRequest, Model, Source
from bot.policy.admission import RequestContext
from bot.ui.approvals import cards as approval_cards
from tests.unit.samples import NOW, TARGET, job

FILE_URL = "https://files.example.com/" + "x" * 370


def approvals(prompt: str, locale: str) -> Iterator[ui.LayoutView]:
    request = ImageRequest(prompt[:4000], Model("m" * 64), count=4, sources=tuple(Source(FILE_URL) for _ in range(3)))
    whole = job(request=request, id="f" * 32, user_id=9 * 10**18, target=replace(TARGET, locale=locale))
    pictures = [f"picture-{number}.webp" for number in range(1, 5)]
    sources = [f"source-{number}.webp" for number in range(1, 4)]
    asked = AskedPost(replace(TARGET, channel_id=9 * 10**18), locale, RequestContext(9 * 10**18, 9 * 10**18))
    for state in ApprovalState:
        approval = Approval(
            whole.id, 9 * 10**18, 9 * 10**18, 999, state, NOW, locale, 9 * 10**18, 1, asked, 9 * 10**18, NOW, 1, None
        )
        for draft in (whole, None):
            yield approval_cards.decided(approval, draft, draft)
        yield approval_cards.note(approval, asked, whole)
        assert len(approval_cards.note_text(approval, asked, whole)) <= 2000
        for with_words in (True, False):
            yield approval_cards.question(approval, whole, pictures, sources, with_words=with_words)
    yield approval_cards.waiting(9 * 10**18)
