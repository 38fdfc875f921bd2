"""What the local Discord refuses in components, forms and commands."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from tests.integration.sandbox_discord import V2, Interaction, Json, Studio, gallery, post, studio, text


@pytest.fixture(name="easel")
async def easel_fixture() -> AsyncGenerator[Studio]:
    async with studio() as running:
        yield running


def button(custom_id: str | None = "a", **more: Any) -> Json:
    return {"type": 2, "style": 1, "label": "Press", "custom_id": custom_id} | more


def row(*parts: Json) -> Json:
    return {"type": 1, "components": list(parts)}


def select(count: int, **more: Any) -> Json:
    options = [{"label": str(number), "value": str(number)} for number in range(count)]
    return {"type": 3, "custom_id": "s", "options": options} | more


@pytest.mark.parametrize(
    ("components", "where"),
    [
        ([text(), text("x" * 4000)], "DISPLAYABLE_TEXT_SIZE"),
        ([text() for _ in range(41)], "MAX_TOTAL_COMPONENTS"),
        ([{"type": 17, "components": [text() for _ in range(40)]}], "MAX_TOTAL_COMPONENTS"),
        ([row(button(), button())], "CUSTOM_ID_DUPLICATED"),
        ([row(button("x" * 101))], "BAD_LENGTH"),
        ([row(button(label="x" * 81))], "BAD_LENGTH"),
        ([row(button(custom_id=None))], "REQUIRED"),
        ([row({"type": 2, "style": 1, "custom_id": "a"})], "LABEL_OR_EMOJI"),
        ([row(*[button(str(number)) for number in range(6)])], "BAD_LENGTH"),
        ([row(select(2), button())], "LAYOUT_WIDTH"),
        ([row(select(26))], "BAD_LENGTH"),
        ([row(select(0))], "REQUIRED|BAD_LENGTH"),
        ([row(select(2, max_values=3))], "MAX_LENGTH"),
        ([row()], "BAD_LENGTH"),
        ([gallery()], "BAD_LENGTH"),
        ([gallery(*["https://example.com/a.png"] * 11)], "BAD_LENGTH"),
        ([gallery("attachment://gone.png")], "ATTACHMENT_NOT_FOUND"),
        ([gallery("ftp://example.com/a.png")], "INVALID_SCHEME"),
        ([{"type": 9, "components": [text()]}], "REQUIRED"),
        ([{"type": 9, "components": [text() for _ in range(4)], "accessory": button()}], "BAD_LENGTH"),
        ([{"type": 9, "components": [text()], "accessory": text()}], "CHOICES"),
        ([{"type": 13, "file": {"url": "https://example.com/a.png"}}], "INVALID_REFERENCE"),
        ([{"type": 17, "components": [{"type": 17, "components": [text()]}]}], "CHOICES"),
        ([button()], "CHOICES"),
        ([text("")], "REQUIRED"),
    ],
)
async def test_components_that_discord_refuses_are_refused(easel: Studio, components: list[Json], where: str) -> None:
    answer = await post(easel, {"flags": V2, "components": components})
    assert (answer.status, answer.code) == (400, 50035)
    assert any(code in str(answer.body["errors"]) for code in where.split("|")), answer.body
    assert easel.ada.sees() == []


async def test_components_v2_need_their_flag_and_bear_no_content(easel: Studio) -> None:
    without = await post(easel, {"components": [text()]})
    assert without.code == 50035
    for more in ({"content": "x"}, {"embeds": [{"title": "x"}]}):
        answer = await post(easel, {"flags": V2, "components": [text()], **more})
        assert (answer.status, answer.code) == (400, 50035)
        assert "LEGACY_FIELDS" in str(answer.body["errors"])
    plain = await post(easel, {"content": "x"})
    path = f"/channels/{plain.body['channel_id']}/messages/{plain.body['id']}"
    refused = await easel.rest("PATCH", path, {"flags": V2, "components": [text()]})
    assert refused.code == 50035
    switched = await easel.rest("PATCH", path, {"flags": V2, "components": [text()], "content": None})
    assert switched.status == 200
    back = await easel.rest("PATCH", path, {"flags": 0, "content": "x", "components": []})
    assert back.code == 50035


async def test_empty_and_too_long_messages_are_refused(easel: Studio) -> None:
    assert (await post(easel, {"content": ""})).code == 50006
    assert (await post(easel, {"content": "x" * 2001})).code == 50035
    assert (await post(easel, {"embeds": [{"title": "x" * 257}]})).code == 50035
    assert (await post(easel, {"content": "x" * 2000})).status == 200


def label(component: Json, name: str = "a") -> Json:
    return {"type": 18, "label": name, "component": component}


def modal(*components: Json, title: str = "t") -> Json:
    return {"title": title, "custom_id": "m", "components": list(components)}


LINE: Json = {"type": 4, "custom_id": "a", "style": 1}


@pytest.mark.parametrize(
    "refused",
    [
        modal(label(LINE), title="x" * 46),
        modal(),
        modal(*[text()] * 6),
        modal(LINE),
        modal(label(LINE, "x" * 46)),
        modal(label({"type": 21, "custom_id": "r", "options": [{"label": "a", "value": "a"}]})),
        modal(label({"type": 19, "custom_id": "f", "max_values": 11})),
        modal(label(LINE), label(LINE)),
    ],
)
async def test_modals_that_discord_refuses_are_refused_and_can_be_answered_otherwise(
    easel: Studio, refused: Json
) -> None:
    async def do(interaction: Interaction) -> None:
        path = f"/interactions/{interaction.id}/{interaction.token}/callback"
        answer = await easel.rest("POST", path, {"type": 9, "data": refused}, token=None)
        await interaction.response.send_message(f"{answer.status}/{answer.code}")

    easel.when("do", do)
    assert (await easel.ada.command("do", prompt="a fox")).text == "400/50035"


async def test_commands_that_discord_refuses_are_refused(easel: Studio) -> None:
    path = f"/applications/{easel.discord.world.application_id}/commands"
    option: Json = {"type": 3, "name": "prompt", "description": "words"}
    good: Json = {"name": "imagine", "description": "x"}
    long: Json = option | {"choices": [{"name": "c" * 100, "value": "v" * 100}] * 25}
    for bad in (
        {"name": "Imagine"},
        {"name": "a b"},
        {"description": ""},
        {"description": "x" * 101},
        {"options": [option, option]},
        {"options": [option | {"name": str(number)} for number in range(26)]},
        {"options": [option, option | {"name": "z", "required": True}]},
        {"options": [long, long | {"name": "z"}]},
        {"contexts": [2], "integration_types": [0]},
    ):
        command = good | bad
        answer = await easel.rest("PUT", path, [command])
        assert (answer.status, answer.code) == (400, 50035), command
    assert "do" in [command["name"] for command in easel.ada.commands()]
