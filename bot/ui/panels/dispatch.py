"""Panels: messages and forms beside the jobs' replies, such as settings, usage or the gallery.

Every component and form of a panel carries its meaning in its custom id, `easel-<panel>:<word>:<word>…`, and each click
is read from the raw interaction: so panels work after a restart too, and nothing is kept in memory for them. Nothing
that a custom id or a choice says is trusted: who may do what is asked anew at each click.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

import discord

from bot.ui.kit.interactions import Interaction
from bot.ui.requests.forms import fields_of

PREFIX = "easel-"
MAX_CUSTOM_ID_CHARS = 100


@dataclass(frozen=True, slots=True)
class Click:
    """One press, choice or filled-in form. `words` is what the custom id says after the panel's name.

    `values` is what was picked in a select menu; `fields` what a form holds, by the custom ids of its fields.
    """

    words: Sequence[str]
    values: Sequence[str] = ()
    fields: Mapping[str, Sequence[str]] | None = None

    def first(self, field: str) -> str:
        """The text or the only choice of a form's field; empty where it was left empty."""
        values = (self.fields or {}).get(field, ())
        return values[0] if values else ""


class Panel(Protocol):
    """Answers the clicks on its own components and forms."""

    @property
    def name(self) -> str: ...

    async def act(self, interaction: Interaction, click: Click) -> None: ...


@runtime_checkable
class Openable(Panel, Protocol):
    """A panel that a command opens."""

    async def open(self, interaction: Interaction) -> None: ...


class Answering(Protocol):
    """Does the answer to an interaction with every fault told in a sentence, in the person's language."""

    async def answer(self, interaction: Interaction, act: Coroutine[Any, Any, None]) -> None: ...


def custom_id(panel: str, *words: object) -> str:
    """The custom id of a panel's component. Raises ValueError where it would be too long for Discord."""
    made = ":".join((f"{PREFIX}{panel}", *map(str, words)))
    if len(made) > MAX_CUSTOM_ID_CHARS:
        raise ValueError(f"the custom id {made} is too long")
    return made


class Panels:
    """All panels by name."""

    def __init__(self, handler: Answering, *panels: Panel) -> None:
        self._handler = handler
        self._panels = {panel.name: panel for panel in panels}

    async def open(self, interaction: Interaction, name: str) -> None:
        """Answer a command with the panel of this name. Raises LookupError where there is none that opens."""
        panel = self._panels[name]
        if not isinstance(panel, Openable):
            raise LookupError(name)
        await self._handler.answer(interaction, panel.open(interaction))

    async def take(self, interaction: Interaction) -> bool:
        """Let the panel that a click belongs to answer it; False where it belongs to none."""
        data = cast("Mapping[str, Any]", interaction.data or {})
        name, *words = str(data.get("custom_id", "")).split(":")
        panel = self._panels.get(name.removeprefix(PREFIX)) if name.startswith(PREFIX) else None
        if panel is None:
            return False
        is_form = interaction.type is discord.InteractionType.modal_submit
        click = Click(words, tuple(data.get("values", ())), fields_of(data) if is_form else None)
        await self._handler.answer(interaction, panel.act(interaction, click))
        return True
