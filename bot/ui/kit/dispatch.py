"""One way in for everything that people click and fill in, and one place for whatever goes wrong in an answer.

Each button, menu and form says in its custom id what it is for. There is one grammar:

    easel:<action>:<job id>            the buttons under a reply
    easel-<panel>:<word>:<word>…       everything else, forms included

Both have been in use since the first version and stay readable for ever: messages that carry them never go away. A
click is read from the raw interaction, never from the object that was sent, so it works after a restart too, and
nothing is kept in memory for it. Nothing that a custom id or a choice says is trusted: who may do what is asked at
each click (`kit/permissions.py`). A panel answers by changing the message of the click, so a click on a message that
others read must be one that this message offers: a forged one would put anything in its place.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol, cast, runtime_checkable

import aiohttp
import discord
import structlog

from bot.errors import StoreUnavailable
from bot.model import Source
from bot.policy.door import Door
from bot.policy.patience import is_hopeless, left_s, somebody_waits
from bot.ui.kit import entrance, texts
from bot.ui.kit.interactions import Interaction, form_fields, regret, say
from bot.ui.kit.language import speak, tr
from bot.ui.kit.media import components_of, uploaded_source

log = structlog.stdlib.get_logger(__name__)

PREFIX = "easel"
REQUEST_PANEL = "form"  # the panel of the forms behind Remix and Edit
JOB_PANEL = "job"  # the panel of the buttons under a reply; its custom ids leave its name out
MAX_CUSTOM_ID_CHARS = 100  # Discord's limit
#: In a redeploy the new process may have the same interaction. It gets so long to answer it first, as it should.
GIVE_WAY_S = 1.2

TELL_RUSH_EVERY_S = 10.0  # in the log

_CLICKS = {discord.InteractionType.component, discord.InteractionType.modal_submit}


@dataclass(frozen=True, slots=True)
class Click:
    """One press, choice or filled-in form. `words` is what the custom id says after the panel's name.

    `values` is what was picked in a select menu; `fields` what a form holds, by the custom ids of its fields, None
    where it was no form; `attachments` the files that were uploaded in a form, by Discord's ids.
    """

    words: Sequence[str]
    values: Sequence[str] = ()
    fields: Mapping[str, Sequence[str]] | None = None
    attachments: Mapping[str, Source] = field(default_factory=dict[str, Source])

    def first(self, name: str) -> str:
        """The text or the only choice of a form's field; empty where it was left empty."""
        values = (self.fields or {}).get(name, ())
        return values[0] if values else ""

    def uploads(self, name: str) -> Sequence[Source]:
        """The files that a form's field holds."""
        return [it for key in (self.fields or {}).get(name, ()) if (it := self.attachments.get(key)) is not None]


class Panel(Protocol):
    """Answers the clicks on its own components and forms."""

    @property
    def name(self) -> str: ...

    async def act(self, interaction: Interaction, click: Click) -> None: ...


@runtime_checkable
class Openable(Panel, Protocol):
    """A panel that a command opens."""

    async def open(self, interaction: Interaction) -> None: ...


def custom_id(panel: str, *words: object) -> str:
    """The custom id of a component or form. Raises ValueError where it would be too long for Discord."""
    head = PREFIX if panel == JOB_PANEL else f"{PREFIX}-{panel}"
    made = ":".join((head, *map(str, words)))
    if len(made) > MAX_CUSTOM_ID_CHARS:
        raise ValueError(f"the custom id {made} is too long")
    return made


def parsed(custom_id: str) -> tuple[str, Sequence[str]] | None:
    """The panel and the words of a custom id; None where it is none of Easel's."""
    head, *words = custom_id.split(":")
    if head == PREFIX:
        return JOB_PANEL, words
    prefix, _, panel = head.partition("-")
    return (panel, words) if prefix == PREFIX and panel else None


def read(interaction: Interaction) -> tuple[str, Click] | None:
    """The panel that a click is for, and the click; None where it is for none of Easel's."""
    data = cast("Mapping[str, Any]", interaction.data or {})
    found = parsed(str(data.get("custom_id", ""))) if interaction.type in _CLICKS else None
    if found is None:
        return None
    panel, words = found
    if interaction.type is discord.InteractionType.component:
        return panel, Click(words, tuple(data.get("values", ())))
    uploaded = cast("Mapping[str, Mapping[str, Any]]", data.get("resolved", {}).get("attachments", {}))
    author_id = interaction.user.id
    attachments = {key: replace(uploaded_source(it), author_id=author_id) for key, it in uploaded.items()}
    return panel, Click(words, fields=dict(form_fields(data.get("components", ()))), attachments=attachments)


def _is_offered(interaction: Interaction, panel: str, click: Click) -> bool:
    """Whether a click may come from the message that it names. In private messages people may forge what they like.

    It may have changed since its button was pressed, so any button of the same panel about the same thing will do. Of
    the forms only those of requests are opened on messages that others read.
    """
    message = interaction.message
    if message is None or message.flags.ephemeral:
        return True
    if click.fields is not None:
        return panel == REQUEST_PANEL
    offered = [parsed(getattr(part, "custom_id", None) or "") for part in components_of(message)]
    return any(it is not None and it[0] == panel and list(it[1][-1:]) == list(click.words[-1:]) for it in offered)


class Dispatcher:
    """Hands each click to its panel, and begins and guards every answer, that to a command included."""

    def __init__(self, door: Door) -> None:
        """`door` says whom the operator lets in; another one may take its place at any time."""
        self.door = door
        self._panels: dict[str, Panel] = {}
        self._closing = False
        self._told_rush = -TELL_RUSH_EVERY_S
        self._answering: set[asyncio.Task[Any]] = set()

    def add(self, *panels: Panel) -> None:
        """Let these panels answer the clicks that carry their names."""
        self._panels |= {panel.name: panel for panel in panels}

    async def open(self, interaction: Interaction, name: str) -> None:
        """Answer a command with the panel of this name. Raises LookupError where there is none that opens."""
        panel = self._panels[name]
        if not isinstance(panel, Openable):
            raise LookupError(name)
        await panel.open(interaction)

    async def click(self, interaction: Interaction) -> None:
        """Answer a click; one on a message or form that is none of Easel's is passed over.

        A panel that is not there is one of another version: messages outlive a version and its successor.
        """
        found = read(interaction)
        if found is None or not await self.begin(interaction):
            return
        panel = self._panels.get(found[0])
        if panel is None or not _is_offered(interaction, *found):
            await regret(interaction, tr(texts.FORM_TOO_OLD))
            return
        try:
            await panel.act(interaction, found[1])
        except Exception as exc:  # noqa: BLE001 - reported and told by explain
            # The person who clicked must not be left with "the application did not respond" over a fault of ours.
            await self.explain(interaction, exc)

    async def begin(self, interaction: Interaction) -> bool:
        """Begin an answer in the task that is running: from here on it speaks the person's language.

        A stop waits for the task. False where the operator does not let the person in here, or where the process is
        about to stop: then the answer must not be begun.
        """
        speak(interaction.locale.value)
        somebody_waits(interaction.response.is_done, (datetime.now(UTC) - interaction.created_at).total_seconds())
        if why := entrance.closed_to(interaction, self.door):
            if interaction.type is not discord.InteractionType.autocomplete:
                await say(interaction, entrance.sentence(why))
            return False
        if (left := left_s()) is not None and left <= 0:
            await self._turn_away(interaction)
            return False
        if self._closing:
            if interaction.type is not discord.InteractionType.autocomplete:
                await asyncio.sleep(GIVE_WAY_S)
                await regret(interaction, tr(texts.RESTARTING))
            return False
        return self.enter()

    async def _turn_away(self, interaction: Interaction) -> None:
        """In a rush beyond this machine's strength some come too late. They cost nothing more, so the others do not."""
        now = time.monotonic()
        if now - self._told_rush >= TELL_RUSH_EVERY_S:
            self._told_rush = now
            log.warning("more people ask at once than can be answered in time; some are turned away")
        if not is_hopeless() and interaction.type is not discord.InteractionType.autocomplete:
            await regret(interaction, tr(texts.RUSH))

    def enter(self) -> bool:
        """Make close() wait for the running task. False when the process is already closing."""
        task = asyncio.current_task()
        if task is not None and not self._closing:
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
        return not self._closing

    async def explain(self, interaction: Interaction, exc: BaseException) -> None:
        """Tell the person in a sentence what went wrong in an answer, and the log what it was."""
        if isinstance(exc, StoreUnavailable):
            log.error("the database does not answer", error=str(exc))
            await regret(interaction, tr(texts.DATABASE_BUSY))
        elif isinstance(exc, (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError)):
            log.warning("Discord did not take an answer", error=f"{type(exc).__name__}: {getattr(exc, 'code', '')}")
            await regret(interaction, tr(texts.ANSWER_NOT_TAKEN))  # which may go through all the same
        else:
            log.error("unhandled exception in an interaction", exc_info=exc)
            await regret(interaction, tr(texts.INTERNAL_FAULT))

    async def close(self, patience_s: float) -> None:
        """Begin no new answer, and let those under way finish."""
        self._closing = True
        if self._answering:
            await asyncio.wait(self._answering, timeout=patience_s)
