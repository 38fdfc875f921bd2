"""Every card, panel and form in every language, with the longest and worst texts, within Discord's limits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from discord import ui

from bot.ui.kit.language import Language, speaking
from sandbox.discord.components import component_faults
from sandbox.discord.modals import check_modal
from tests.discord_spec import MISSING, SentFile, check_requests, spec_path
from tests.unit.surfaces import SURFACES, Surface
from tools.catalogues.gather import payloads

PROMPTS = {
    "a word": "fox",
    "hostile markdown": "@everyone <@1> **bold** `code` ```\nblock\n``` [link](https://x.example) ||x|| # head\n> q "
    * 40,
    "all escaped": "*" * 4000,
    "mentions of everyone": "@everyone " * 400,
    "right to left": "שלום \u202e עולם " * 270,
    "emoji": "🦊👩‍🚀" * 800,
    "Japanese": "桜の木の下で眠る狐" * 440,
    "one line break": "\n" * 3999 + "x",
}
LANGUAGES = list(Language)
NAME = re.compile(r"[-_'\w]{1,32}")
MAX_COMMAND_CHARS = 8000  # of one command, each field counted in its longest language

Json = dict[str, Any]
Fill = Callable[[str, str], Iterator[Surface]]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("fill", SURFACES)
def test_everything_shown_keeps_discords_limits_and_no_text_of_a_user_does_more_than_stand_there(
    fill: Fill, language: Language
) -> None:
    for name, prompt in PROMPTS.items():
        with speaking(language.value):
            for surface in fill(prompt, language.value):
                assert faults_of(surface) == [], name
                if isinstance(surface, ui.LayoutView):
                    shown = _outside_code("\n".join(_texts(surface.to_components())))
                    assert "@everyone" not in shown, name
                    assert "<@1>" not in shown.replace("\\<@1\\>", ""), name
                    assert "[link](" not in shown.replace("\\[link\\](", ""), name


@pytest.mark.parametrize("fill", SURFACES)
async def test_the_library_keeps_nothing_of_what_is_shown(fill: Fill) -> None:
    """discord.py keeps a view that still listens, and one without an end for ever."""
    views = [it for it in fill("a red fox", Language.ENGLISH.value) if isinstance(it, ui.LayoutView)]
    assert [view for view in views if not view.is_finished()] == []


@pytest.mark.parametrize("language", [Language.ENGLISH, Language.JAPANESE])
@pytest.mark.parametrize("fill", SURFACES)
def test_everything_shown_is_as_discord_specifies(fill: Fill, language: Language) -> None:
    """In two languages: what differs between them is words, which the test above holds to their lengths."""
    if spec_path() is None:
        pytest.skip(MISSING)
    with speaking(language.value):
        check_requests(_request(surface) for surface in fill(PROMPTS["hostile markdown"], language.value))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_commands_keep_discords_limits_in_every_language(language: Language) -> None:
    for command in await payloads(translated=True):
        is_menu = command.get("type", 1) != 1
        for part in _parts(command):
            name = _localised(part, "name", language)
            assert 1 <= len(name) <= 32
            if not is_menu:
                assert NAME.fullmatch(name), name
                assert name == name.lower()
                assert 1 <= len(_localised(part, "description", language)) <= 100
            names = [_localised(one, "name", language) for one in part.get("options", [])]
            assert len(set(names)) == len(names), names
            assert len(names) <= 25
            choices = [_localised(one, "name", language) for one in part.get("choices", [])]
            assert len(set(choices)) == len(choices) <= 25
            assert all(1 <= len(one) <= 100 for one in choices)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_no_two_commands_have_the_same_name_in_a_language(language: Language) -> None:
    commands = await payloads(translated=True)
    names = [(command.get("type", 1), _localised(command, "name", language)) for command in commands]
    assert len(set(names)) == len(names)


async def test_a_command_is_not_too_long_in_all() -> None:
    for command in await payloads(translated=True):
        assert _length(command) <= MAX_COMMAND_CHARS, command["name"]


async def test_commands_are_registered_in_sister_languages_too_and_english_is_what_discord_falls_back_on() -> None:
    for command in await payloads(translated=True):
        names = command["name_localizations"]
        assert names["es-419"] == names["es-ES"]
        assert not {"en-US", "en-GB", "zh-TW"} & set(names)


def test_the_limits_find_what_breaks_them() -> None:
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.TextDisplay("x" * 4001))
    assert faults_of(view)
    assert faults_of(ui.Modal(title="x" * 46, custom_id="a"))


def faults_of(surface: Surface) -> list[object]:
    if isinstance(surface, ui.LayoutView):
        return list(component_faults(surface.to_components(), v2=True))
    try:
        check_modal(surface.to_dict())
    except Exception as refusal:  # noqa: BLE001 - whatever it is, it is a fault
        return [refusal]
    return []


@dataclass
class _Sent:
    """A surface as the request that would show it."""

    method: str
    path: str
    json: Json
    files: list[SentFile] = field(default_factory=list[SentFile])


def _request(surface: Surface) -> _Sent:
    if isinstance(surface, ui.LayoutView):
        body = {"flags": 1 << 15, "components": surface.to_components()}
        return _Sent("PATCH", "/webhooks/1/token/messages/2", body)
    return _Sent("POST", "/interactions/1/token/callback", {"type": 9, "data": surface.to_dict()})


def _texts(parts: list[Any]) -> Iterator[str]:
    for part in parts:
        if part["type"] == 10:
            yield part["content"]
        yield from _texts(part.get("components", []))


def _outside_code(text: str) -> str:
    return re.sub(r"```.*?```|`` .*? ``", "", text, flags=re.DOTALL)


def _localised(part: Json, key: str, language: Language) -> str:
    return part.get(f"{key}_localizations", {}).get(language.value, part[key])


def _parts(part: Json) -> Iterator[Json]:
    yield part
    for option in part.get("options", []):
        yield from _parts(option)


def _length(part: Json) -> int:
    own = sum(
        max(len(text) for text in (part[key], *part.get(f"{key}_localizations", {}).values()))
        for key in ("name", "description")
        if part.get(key)
    )
    inner = sum(_length(one) for key in ("options", "choices") for one in part.get(key, []))
    return own + inner + len(str(part.get("value", "")))
