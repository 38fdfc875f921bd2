"""The judge by discord.py's types finds what it is there for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.discord_types import form_faults, layout_faults


def text(content: str) -> dict[str, Any]:
    return {"type": 10, "content": content}


def buttons(*ids: str) -> dict[str, Any]:
    return {"type": 1, "components": [{"type": 2, "style": 2, "label": it, "custom_id": it} for it in ids]}


def test_an_ordinary_card_is_fine() -> None:
    assert list(layout_faults([{"type": 17, "components": [text("a red fox"), buttons("again", "remix")]}])) == []


@pytest.mark.parametrize(
    "components",
    [
        [text("x") for _ in range(41)],
        [{"type": 17, "components": [text("x") for _ in range(41)]}],
        [text("x" * 2001), text("y" * 2000)],
        [buttons("again", "again")],
        [{"type": 999}],
        [buttons(*map(str, range(6)))],
    ],
)
def test_what_is_too_much_is_found(components: list[dict[str, Any]]) -> None:
    assert list(layout_faults(components))


@pytest.mark.parametrize("count", [0, 6])
def test_a_form_has_one_to_five_fields(count: int) -> None:
    field = {"type": 18, "label": "Prompt", "component": {"type": 4, "style": 1, "custom_id": "prompt"}}
    assert list(form_faults([field] * count))
