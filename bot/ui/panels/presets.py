"""The panel of `/presets`: made, shown, changed, shared and deleted.

Pictures come from elsewhere and go to Discord, which takes time. So an answer that fetches or shows some is begun
first, and filled when they are there.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import discord
import structlog
from discord import ui

from bot.errors import BadSource, DownloadError, PresetFault, PresetNameTaken, TooManyPresets
from bot.jobs.policies import Policies
from bot.jobs.records.preset_pictures import PresetPictures
from bot.jobs.records.presets import PresetBook
from bot.jobs.service import JobService
from bot.model import Job, PictureFormat, Source
from bot.policy.preset import PictureData, Preset
from bot.policy.request_input import Options
from bot.ui.kit import texts
from bot.ui.kit.dispatch import Click
from bot.ui.kit.interactions import Interaction, regret, say
from bot.ui.kit.language import mark, tr
from bot.ui.kit.permissions import manages_server, may_see
from bot.ui.panels import preset_cards as cards
from bot.ui.panels import preset_forms as forms
from bot.ui.panels.preset_forms import MINE, PANEL, SERVER

log = structlog.stdlib.get_logger(__name__)

GONE = mark("This preset is no longer there.")
NOT_A_MANAGER = mark("Only members with the permission Manage Server can change the presets of this server.")


class PresetPanel:
    """The panel `presets`. Every right is asked anew at each click."""

    name = PANEL

    def __init__(self, book: PresetBook, service: JobService, policies: Policies, pictures: PresetPictures) -> None:
        self._book = book
        self._service = service
        self._prices = policies.prices
        self._pictures = pictures

    async def open(self, interaction: Interaction) -> None:
        """The panel, for the one who asked only."""
        await interaction.response.send_message(view=await self._list(interaction, MINE, 0), ephemeral=True)

    async def act(self, interaction: Interaction, click: Click) -> None:
        """List, show, make, change, share or delete presets."""
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
            case [verb, preset_id, page], _ if verb in cards.VERBS:
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
        elif verb == "pictures" and click.fields is None:
            await interaction.response.send_modal(forms.pictures_form(preset, _number(page)))
        elif verb == "pictures":
            await self._put_pictures(interaction, preset, page, click.uploads(forms.PICTURES))
        elif verb == "bare":
            await self._put_pictures(interaction, preset, page, ())
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
        else:
            await say(interaction, tr(texts.FORM_TOO_OLD))

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
            await self._answer_with(interaction, preset, page)

    async def _make(self, interaction: Interaction, whose: str, click: Click) -> None:
        """Make a preset out of a form."""
        guild_id = interaction.guild_id if whose == SERVER else None
        preset = await self._added(interaction, click, forms.read_options(click, Options()), guild_id)
        if preset is not None:
            await self._answer_with(interaction, preset)

    async def _save(self, interaction: Interaction, job_id: str, click: Click) -> None:
        """Make a preset out of a finished picture: first the form, then what it says."""
        job = await self._service.get(job_id)
        if job is None or not may_see(interaction, job):
            await say(interaction, tr(texts.NO_SUCH_JOB))
        elif click.fields is None:
            await interaction.response.send_modal(forms.saving_form(job, for_server=manages_server(interaction)))
        elif click.first(forms.WHOSE) == SERVER and not manages_server(interaction):
            await say(interaction, tr(NOT_A_MANAGER))
        else:
            await interaction.response.defer(ephemeral=True, thinking=True)
            await self._saved(interaction, job, click)

    async def _saved(self, interaction: Interaction, job: Job, click: Click) -> None:
        """Keep what the form says, with the pictures that were chosen in it. The answer has begun."""
        guild_id = interaction.guild_id if click.first(forms.WHOSE) == SERVER else None
        try:
            pictures = await self._pictures.of_job(job, forms.chosen_pictures(click, job), interaction.user.id)
        except (BadSource, DownloadError, OSError) as exc:
            await regret(interaction, _unusable(exc))
            return
        options = forms.kept_options(click, job.request)
        preset = await self._added(interaction, click, options, guild_id, pictures)
        if preset is not None:
            await self._answer_with(interaction, preset)

    async def _added(
        self,
        interaction: Interaction,
        click: Click,
        options: Options,
        guild_id: int | None,
        pictures: Sequence[PictureData] = (),
    ) -> Preset | None:
        """Write a new preset; None where it can't be kept, which the person has been told."""
        name, words = click.first(forms.NAME), click.first(forms.WORDS)
        try:
            return await self._book.add(
                name=name,
                words=words,
                options=options,
                user_id=interaction.user.id,
                guild_id=guild_id,
                pictures=pictures,
            )
        except PresetFault as exc:
            await regret(interaction, _fault(exc))
            return None

    async def _change(self, interaction: Interaction, preset: Preset, page: str, click: Click) -> None:
        """Write what a form says over a preset."""
        options = forms.read_options(click, preset.options)
        name, words = click.first(forms.NAME), click.first(forms.WORDS)
        try:
            changed = await self._book.change(preset, name=name, words=words, options=options)
        except PresetFault as exc:
            await regret(interaction, _fault(exc))
            return
        if changed is None:
            await regret(interaction, tr(GONE))
        else:
            await self._answer_with(interaction, changed, page)

    async def _put_pictures(self, interaction: Interaction, preset: Preset, page: str, files: Sequence[Source]) -> None:
        """Let a preset have these pictures and no others; those that it has stay where one of the files is unusable."""
        await interaction.response.defer()
        try:
            pictures = await self._pictures.uploaded(files, interaction.user.id)
            changed = await self._book.put_pictures(preset, pictures)
        except (BadSource, DownloadError, OSError) as exc:
            await regret(interaction, _unusable(exc))
        except PresetFault as exc:
            await regret(interaction, _fault(exc))
        else:
            if changed is None:
                await say(interaction, tr(GONE))
            else:
                await self._answer_with(interaction, changed, page)

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
                pictures=await self._book.files(preset),
            )
        except PresetFault as exc:
            await regret(interaction, _fault(exc))
        else:
            await self._answer_with(interaction, copy)

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
        await interaction.response.edit_message(view=view, attachments=[])

    async def _answer_with(self, interaction: Interaction, preset: Preset, page: str = "0") -> None:
        """Show one preset with its pictures, and what this person may do with it."""
        files = await self._book.files(preset)
        names = [_filename(number, it) for number, it in enumerate(files, start=1)]
        manages = manages_server(interaction)
        view = cards.showing(
            preset,
            _number(page),
            names,
            price=self._prices.input_micros(preset.options.model or self._book.models[0]),
            may_change=manages or not preset.of_guild,
            may_share=manages and not preset.of_guild,
        )
        if not files and not interaction.response.is_done():
            await self._answer(interaction, view)
            return
        if not interaction.response.is_done():
            await interaction.response.defer()
        uploads = [discord.File(io.BytesIO(it.data), name) for name, it in zip(names, files, strict=True)]
        await interaction.edit_original_response(view=view, attachments=uploads)


def _filename(number: int, file: PictureData) -> str:
    kind = PictureFormat.of(file.data[:12]) or PictureFormat.JPEG
    return f"preset-{number}.{kind.extension}"


def _number(text: str) -> int:
    """The page that a custom id names; a forged one counts as the first."""
    return int(text) if text.isdecimal() and len(text) < 4 else 0


def _fault(exc: PresetFault) -> str:
    """The sentence for a preset that can't be kept."""
    if isinstance(exc, TooManyPresets) and exc.of_pictures:
        return tr(
            "These presets can hold {limit} pictures together, and this would be more. Please take some away first.",
            limit=exc.limit,
        )
    if isinstance(exc, TooManyPresets):
        return tr(
            "There are already {limit} presets, and no more can be kept. Please delete one first.",
            limit=exc.limit,
        )
    if isinstance(exc, PresetNameTaken):
        return tr("There is a preset **{name}** already. Please choose another name.", name=texts.plain(str(exc)))
    return tr("A preset needs a name. Please open the form once more.")


def _unusable(exc: Exception) -> str:
    """The sentence for a picture that can't be kept; nothing was changed."""
    if isinstance(exc, BadSource):
        return texts.source_fault(f"{exc.fault} {exc.amount}")
    return tr("The picture could not be fetched, so nothing was kept. Please try again, or upload it.")
