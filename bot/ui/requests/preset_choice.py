"""Which preset comes into a request: the one that is named, or else what the person or the place prefers.

The order is: what the person named, their own choice in `/preferences`, the channel's preset, the server's. `none`
leaves all of them out for once. Autocomplete answers while a person types, so it reads once and waits for the database
a moment only: no suggestion is better than a late one.
"""

from __future__ import annotations

from dataclasses import replace

import structlog
from discord.app_commands import Choice

from bot.errors import StoreUnavailable
from bot.jobs.policies import Policies
from bot.jobs.records.presets import PresetBook, applied
from bot.policy.preset import NONE, Preset
from bot.policy.request_input import RequestInput
from bot.policy.rules import EditRule
from bot.ui.kit import texts
from bot.ui.kit.interactions import Interaction, context_of, regret
from bot.ui.kit.language import speaking, tr, trn

log = structlog.stdlib.get_logger(__name__)

MAX_CHOICES = 25  # Discord's limit of an autocomplete
MAX_CHOICE_CHARS = 100


class PresetChoice:
    """The option `preset` of commands."""

    def __init__(self, book: PresetBook, policies: Policies) -> None:
        self._book = book
        self._policies = policies

    async def suggest(self, interaction: Interaction, typed: str) -> list[Choice[str]]:
        """The presets whose names begin with or contain what was typed so far; the user's own first."""
        with speaking(interaction.locale.value):
            try:
                there = await self._book.visible(interaction.user.id, interaction.guild_id)
                usual, _ = await self._usual(interaction)
            except StoreUnavailable:
                log.warning("the database has no presets to suggest in time")
                return []
            wanted = typed.strip().casefold()
            fitting = [preset for preset in there if wanted in preset.name.casefold()]
            fitting.sort(key=lambda preset: not preset.name.casefold().startswith(wanted))
            choices = [Choice(name=suggested(preset), value=preset.id) for preset in fitting]
            without = tr("No preset this time")
            if usual is not None and (wanted in NONE or wanted in without.casefold()):
                choices.insert(0, Choice(name=without, value=NONE))
            return choices[:MAX_CHOICES]

    async def apply(self, interaction: Interaction, wish: RequestInput) -> RequestInput | None:
        """The wish with the preset that it names, or else with the usual one.

        None where a sentence said why that can't be, and gave the prompt back. A usual preset that is gone, or another
        server's, is passed over: `/preferences` and `/settings` say so. So are its pictures where no pictures may be
        edited, for nobody has asked for an edit; a preset that was named is refused there with all its pictures.
        """
        named, with_pictures = (wish.preset or "").strip(), True
        if not named:
            preset, with_pictures = await self._usual(interaction)
            if preset is None:
                return wish
        elif named.casefold() == NONE:
            return replace(wish, preset=None)
        else:
            preset = await self._book.find(named, interaction.user.id, interaction.guild_id)
            if preset is None:
                name = texts.plain(texts.shortened(named, MAX_CHOICE_CHARS))
                await regret(
                    interaction, tr("There is no preset **{name}** for you here. `/presets` shows them.", name=name)
                )
                return None
        if over := preset.too_long_for(wish.prompt):
            await regret(interaction, _too_long(preset, over))
            return None
        return applied(wish, preset, with_pictures=with_pictures)

    async def _usual(self, interaction: Interaction) -> tuple[Preset | None, bool]:
        """What is used where none is named, and whether pictures may be edited there.

        The person's own choice goes before that of the channel, and that before the server's.
        """
        context = context_of(interaction)
        preset, version = await self._book.preferred(context.user_id, context.guild_id)
        if context.guild_id is None:
            return preset, True
        book = await self._policies.book_of_version(context.guild_id, version)
        rules = book.at(context.channel_id, context.parent_id)
        if preset is None and rules.preset is not None and rules.preset.id != NONE:
            preset = await self._book.get(rules.preset.id, context.user_id, context.guild_id)
        return preset, rules.edits is not EditRule.NONE or not context.bot_member


def suggested(preset: Preset) -> str:
    """How autocomplete shows a preset."""
    name = tr("{name} (this server)", name=preset.name) if preset.of_guild else preset.name
    return texts.shortened(name, MAX_CHOICE_CHARS)


def _too_long(preset: Preset, over: int) -> str:
    """The sentence for a prompt that the style's words make too long."""
    name = texts.plain(preset.name)
    return trn(
        "With the words of the preset **{name}** the prompt is {count} character too long. Please shorten it; "
        "nothing was started.",
        "With the words of the preset **{name}** the prompt is {count} characters too long. Please shorten it; "
        "nothing was started.",
        over,
        name=name,
    )
