"""The buttons under a reply. They carry the job's id themselves, so they work for ever, restarts included."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, Protocol, Self, cast

import discord

from bot.ui.kit.language import mark, tr


class Action(StrEnum):
    """What a button does; also the word in its custom id."""

    CANCEL = "cancel"
    AGAIN = "again"
    REMIX = "remix"
    EDIT = "edit"
    DETAILS = "details"
    DELETE = "delete"
    CHECK = "check"
    SHOW = "show"


LABELS = {
    Action.CANCEL: mark("Cancel"),
    Action.AGAIN: mark("Again"),
    Action.REMIX: mark("Remix"),
    Action.EDIT: mark("Edit"),
    Action.DETAILS: mark("Details"),
    Action.DELETE: mark("Delete"),
    Action.CHECK: mark("Check again"),
    Action.SHOW: mark("Show pictures"),
}
STYLES = {Action.SHOW: discord.ButtonStyle.primary, Action.DELETE: discord.ButtonStyle.danger}

#: `easel:<action>:<job id>`: short of Discord's 100 characters whatever the id is.
CUSTOM_ID = rf"easel:(?P<action>{'|'.join(Action)}):(?P<job>[0-9a-z]{{1,32}})"


class Pressable(Protocol):
    """Takes the clicks."""

    async def press(self, interaction: discord.Interaction[Any], action: Action, job_id: str) -> None: ...


class PressableClient(Protocol):
    """A client whose buttons work."""

    handler: Pressable


class JobButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=CUSTOM_ID):
    """One button of one job."""

    def __init__(self, action: Action, job_id: str) -> None:
        self.action = action
        self.job_id = job_id
        button: discord.ui.Button[Any] = discord.ui.Button(
            label=tr(LABELS[action]),
            style=STYLES.get(action, discord.ButtonStyle.secondary),
            custom_id=f"easel:{action}:{job_id}",
        )
        super().__init__(button)

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        return cls(Action(match["action"]), match["job"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await cast(PressableClient, interaction.client).handler.press(interaction, self.action, self.job_id)
