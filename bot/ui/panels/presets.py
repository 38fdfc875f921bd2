"""Presets as people meet them: suggested while they type, put into their request, and kept in one panel.

Autocomplete answers while a person types, so it reads once and waits for the database a moment only: no suggestion is
better than a late one.
"""

from __future__ import annotations

from dataclasses import replace

import structlog
from discord import ui
from discord.app_commands import Choice

from bot.errors import PresetFault, PresetNameTaken, StoreUnavailable, TooManyPresets
from bot.jobs.records.presets import PresetBook, applied
from bot.jobs.service import JobService
from bot.policy.preset import NONE, Preset
from bot.policy.request_input import Options, RequestInput
from bot.ui.kit import texts
from bot.ui.kit.dispatch import Click
from bot.ui.kit.interactions import Interaction, say
from bot.ui.kit.language import mark, speaking, tr, trn
from bot.ui.kit.permissions import manages_server
from bot.ui.panels import preset_cards as cards
from bot.ui.panels import preset_forms as forms
from bot.ui.panels.preset_forms import MINE, PANEL, SERVER

log = structlog.stdlib.get_logger(__name__)

MAX_CHOICES = 25  # Discord's limit of an autocomplete
MAX_CHOICE_CHARS = 100

GONE = mark("This preset is no longer there.")
NOT_A_MANAGER = mark("Only members with the permission Manage Server can change the presets of this server.")


class PresetPanel:
    """The panel `presets`, and the option of that name."""

    name = PANEL

    def __init__(self, book: PresetBook, service: JobService) -> None:
        self._book = book
        self._service = service

    async def suggest(self, interaction: Interaction, typed: str) -> list[Choice[str]]:
        """The presets whose names begin with or contain what was typed so far; the user's own first."""
        with speaking(interaction.locale.value):
            try:
                there = await self._book.visible(interaction.user.id, interaction.guild_id)
                preferred = await self._book.preferred(interaction.user.id, interaction.guild_id)
            except StoreUnavailable:
                log.warning("the database has no presets to suggest in time")
                return []
            wanted = typed.strip().casefold()
            fitting = [preset for preset in there if wanted in preset.name.casefold()]
            fitting.sort(key=lambda preset: not preset.name.casefold().startswith(wanted))
            choices = [Choice(name=suggested(preset), value=preset.id) for preset in fitting]
            without = tr("No preset this time")
            if preferred is not None and (wanted in NONE or wanted in without.casefold()):
                choices.insert(0, Choice(name=without, value=NONE))
            return choices[:MAX_CHOICES]

    async def apply(self, interaction: Interaction, wish: RequestInput) -> RequestInput | None:
        """The wish with the preset that it names, or else with the one that the person prefers.

        None where a sentence said why that can't be. A preferred preset that is gone, or another server's, is passed
        over: `/preferences` says so.
        """
        named = wish.preset
        if named is None:
            preset = await self._book.preferred(interaction.user.id, interaction.guild_id)
            if preset is None:
                return wish
        elif named.strip().casefold() == NONE:
            return replace(wish, preset=None)
        else:
            preset = await self._book.find(named, interaction.user.id, interaction.guild_id)
            if preset is None:
                name = texts.plain(texts.shortened(named, MAX_CHOICE_CHARS))
                await say(
                    interaction, tr("There is no preset **{name}** for you here. `/presets` shows them.", name=name)
                )
                return None
        if over := preset.too_long_for(wish.prompt):
            await say(interaction, _too_long(preset, over))
            return None
        return applied(wish, preset)

    async def open(self, interaction: Interaction) -> None:
        """The panel, for the one who asked only."""
        await interaction.response.send_message(view=await self._list(interaction, MINE, 0), ephemeral=True)

    async def act(self, interaction: Interaction, click: Click) -> None:
        """List, show, make, change, share or delete presets. Every right is asked anew at each click."""
        match click.words, click.fields:
            case ["list", whose, page], None:
                await self._answer(interaction, await self._list(interaction, whose, _number(page)))
            case ["pick", _, page], None if click.values:
                await self._show(interaction, click.values[0], page)
            case ["show", preset_id, page], None:
                await self._show(interaction, preset_id, page)
            case ["new", whose], None if await self._may_add(interaction, whose):
                await interaction.response.send_modal(forms.making_form(whose, self._book.models))
            case ["make", whose], _ if await self._may_add(interaction, whose):
                await self._make(interaction, whose, click)
            case ["save", job_id], _:
                await self._save(interaction, job_id, click)
            case [("edit" | "ask" | "delete" | "change" | "share" | "copy") as verb, preset_id, page], _:
                await self._handle(interaction, verb, preset_id, page, click)
            case _:
                if not interaction.response.is_done():
                    await say(interaction, tr(texts.FORM_TOO_OLD))

    async def _handle(self, interaction: Interaction, verb: str, preset_id: str, page: str, click: Click) -> None:
        """What is done to one preset: looked up and asked anew whether it may be, whatever the click says."""
        preset = await self._preset(interaction, preset_id)
        if preset is None:
            return
        changes = verb not in {"share", "copy"}
        if (verb == "share" or (changes and preset.of_guild)) and not manages_server(interaction):
            await say(interaction, tr(NOT_A_MANAGER))
        elif verb == "edit":
            await interaction.response.send_modal(forms.changing_form(preset, _number(page), self._book.models))
        elif verb == "ask":
            await self._answer(interaction, cards.asking(preset, _number(page)))
        elif verb == "delete":
            await self._book.delete(preset)
            whose = SERVER if preset.of_guild else MINE
            await self._answer(interaction, await self._list(interaction, whose, _number(page)))
        elif verb == "change" and click.fields is not None:
            await self._change(interaction, preset, page, click)
        elif verb in {"share", "copy"}:
            await self._copy(interaction, preset, to_guild=verb == "share")

    async def _list(self, interaction: Interaction, whose: str, page: int) -> ui.LayoutView:
        """A page of one's own presets or of the server's."""
        in_guild = interaction.guild_id is not None
        whose = SERVER if whose == SERVER and in_guild else MINE
        there = await self._book.visible(interaction.user.id, interaction.guild_id)
        shown = [preset for preset in there if preset.of_guild is (whose == SERVER)]
        return cards.listing(shown, whose, page, in_guild=in_guild, manages=manages_server(interaction))

    async def _show(self, interaction: Interaction, preset_id: str, page: str) -> None:
        """One preset with its buttons."""
        preset = await self._preset(interaction, preset_id)
        if preset is not None:
            await self._answer(interaction, _shown(interaction, preset, _number(page)))

    async def _make(self, interaction: Interaction, whose: str, click: Click) -> None:
        """Make a preset out of a form."""
        guild_id = interaction.guild_id if whose == SERVER else None
        preset = await self._added(interaction, click, forms.read_options(click, Options()), guild_id)
        if preset is not None:
            await self._answer(interaction, _shown(interaction, preset, 0))

    async def _save(self, interaction: Interaction, job_id: str, click: Click) -> None:
        """Make a preset out of a finished picture: first the form, then what it says."""
        job = await self._service.get(job_id)
        if job is None:
            await say(interaction, tr(texts.NO_SUCH_JOB))
        elif click.fields is None:
            await interaction.response.send_modal(forms.saving_form(job, for_server=manages_server(interaction)))
        elif click.first(forms.WHOSE) == SERVER and not manages_server(interaction):
            await say(interaction, tr(NOT_A_MANAGER))
        else:
            guild_id = interaction.guild_id if click.first(forms.WHOSE) == SERVER else None
            preset = await self._added(interaction, click, forms.kept_options(click, job.request), guild_id)
            if preset is not None:
                view = _shown(interaction, preset, 0)
                await interaction.response.send_message(view=view, ephemeral=True)

    async def _added(
        self, interaction: Interaction, click: Click, options: Options, guild_id: int | None
    ) -> Preset | None:
        """Write a new preset; None where it can't be kept, which the person has been told."""
        name, words = click.first(forms.NAME), click.first(forms.WORDS)
        try:
            return await self._book.add(
                name=name, words=words, options=options, user_id=interaction.user.id, guild_id=guild_id
            )
        except PresetFault as exc:
            await say(interaction, _fault(exc))
            return None

    async def _change(self, interaction: Interaction, preset: Preset, page: str, click: Click) -> None:
        """Write what a form says over a preset."""
        options = forms.read_options(click, preset.options)
        name, words = click.first(forms.NAME), click.first(forms.WORDS)
        try:
            changed = await self._book.change(preset, name=name, words=words, options=options)
        except PresetFault as exc:
            await say(interaction, _fault(exc))
            return
        if changed is None:
            await say(interaction, tr(GONE))
        else:
            await self._answer(interaction, _shown(interaction, changed, _number(page)))

    async def _copy(self, interaction: Interaction, preset: Preset, *, to_guild: bool) -> None:
        """Copy one's own preset to the server, or one of the server's to oneself."""
        guild_id = interaction.guild_id if to_guild else None
        try:
            copy = await self._book.add(
                name=preset.name,
                words=preset.words,
                options=preset.options,
                user_id=interaction.user.id,
                guild_id=guild_id,
            )
        except PresetFault as exc:
            await say(interaction, _fault(exc))
        else:
            await self._answer(interaction, _shown(interaction, copy, 0))

    async def _preset(self, interaction: Interaction, preset_id: str) -> Preset | None:
        """The preset that a click means; None where it is gone, which the person has been told."""
        preset = await self._book.get(preset_id, interaction.user.id, interaction.guild_id)
        if preset is None:
            await say(interaction, tr(GONE))
        return preset

    async def _may_add(self, interaction: Interaction, whose: str) -> bool:
        """Whether this person may make presets there; says so where not."""
        if whose == MINE or manages_server(interaction):
            return True
        await say(interaction, tr(NOT_A_MANAGER))
        return False

    async def _answer(self, interaction: Interaction, view: ui.LayoutView) -> None:
        """Change the panel, where the click was on it; a form of the panel is answered in it, too."""
        await interaction.response.edit_message(view=view)


def _shown(interaction: Interaction, preset: Preset, page: int) -> ui.LayoutView:
    """The card of one preset, with what this person may do."""
    manages = manages_server(interaction)
    return cards.showing(
        preset,
        page,
        may_change=manages or not preset.of_guild,
        may_share=manages and not preset.of_guild,
    )


def suggested(preset: Preset) -> str:
    """How autocomplete shows a preset."""
    name = tr("{name} (this server)", name=preset.name) if preset.of_guild else preset.name
    return texts.shortened(name, MAX_CHOICE_CHARS)


def _number(text: str) -> int:
    """The page that a custom id names; a forged one counts as the first."""
    return int(text) if text.isdecimal() and len(text) < 4 else 0


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


def _fault(exc: PresetFault) -> str:
    """The sentence for a preset that can't be kept."""
    if isinstance(exc, TooManyPresets):
        return tr(
            "There are {limit} presets already, which is as many as are kept. Please delete one first.",
            limit=exc.limit,
        )
    if isinstance(exc, PresetNameTaken):
        return tr("There is a preset **{name}** already. Please choose another name.", name=texts.plain(str(exc)))
    return tr("A preset needs a name. Please open the form once more.")
