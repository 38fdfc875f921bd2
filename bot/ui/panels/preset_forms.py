"""The forms that make and change presets, and what comes back in them.

A form holds at most five fields, so options that are rarely kept in a style come along from the picture it is made
from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import discord
from discord import ui

from bot.model import AspectRatio, ImageRequest, Job, Model, Resolution
from bot.policy.preset import MAX_NAME_CHARS, MAX_PICTURES, MAX_WORDS_CHARS, PROMPT_PLACE, Preset
from bot.policy.request_input import Options
from bot.ui.kit import texts, widgets
from bot.ui.kit.dispatch import Click, custom_id
from bot.ui.kit.language import tr
from bot.ui.kit.options import model_label
from bot.ui.requests.forms import RATIO_LABELS

PANEL = "presets"
NAME, WORDS, MODEL, RATIO, RESOLUTION, KEEP, WHOSE = "name", "words", "model", "ratio", "resolution", "keep", "whose"
PICTURES = "pictures"
MINE, SERVER = "mine", "server"
ANY = "any"  # the choice that leaves an option to the person or the place


def making_form(whose: str, models: Sequence[Model]) -> ui.Modal:
    """A new preset, of the user or of the server."""
    title = tr("New preset for the server") if whose == SERVER else tr("New preset")
    return _full_form(title, custom_id(PANEL, "make", whose), "", "", Options(), models)


def changing_form(preset: Preset, page: int, models: Sequence[Model]) -> ui.Modal:
    """Name, words and the options that most styles set. A form holds five fields; the other options are kept."""
    made = custom_id(PANEL, "change", preset.id, page)
    return _full_form(tr("Change preset"), made, preset.name, preset.words, preset.options, models)


def saving_form(job: Job, *, for_server: bool) -> ui.Modal:
    """A preset out of a finished job. `for_server` offers to keep it for the server, too."""
    fields = [_name(""), _words(_style_of(job.request.prompt), of_a_prompt=True), _kept_options(job.request)]
    if pictures := savable_pictures(job):
        fields.append(_kept_pictures(pictures))
    if for_server:
        choices = [(tr("Me, everywhere"), MINE), (tr("Everyone in this server"), SERVER)]
        fields.append(_select(tr("For whom"), WHOSE, choices, MINE))
    return widgets.form(tr("Save as preset"), custom_id(PANEL, "save", job.id), *fields)


def pictures_form(preset: Preset, page: int) -> ui.Modal:
    """Upload the pictures of a preset, in place of those that it has."""
    upload: ui.FileUpload[ui.Modal] = ui.FileUpload(
        custom_id=PICTURES, required=True, min_values=1, max_values=MAX_PICTURES
    )
    field: ui.Label[ui.Modal] = ui.Label(
        text=tr("Pictures"),
        description=tr("One or two: JPEG, PNG or WebP. Easel keeps small copies of them."),
        component=upload,
    )
    return widgets.form(tr("Pictures of the preset"), custom_id(PANEL, "pictures", preset.id, page), field)


def savable_pictures(job: Job) -> int:
    """How many of a job's results may be kept with a preset: none where a person has deleted the reply."""
    return 0 if job.reply_deleted else min(len(job.result_urls), job.request.count)


def chosen_pictures(click: Click, job: Job) -> Sequence[int]:
    """The numbers, from 0, of the results that were chosen; forged ones are passed over."""
    offered = {str(index) for index in range(savable_pictures(job))}
    return [int(value) for value in (click.fields or {}).get(PICTURES, ()) if value in offered]


def read_options(click: Click, base: Options) -> Options:
    """The options of `base` with what was chosen. Raises ValueError for a forged choice."""
    model, ratio, resolution = click.first(MODEL), click.first(RATIO), click.first(RESOLUTION)
    return replace(
        base,
        model=None if model in ("", ANY) else Model(model),
        aspect_ratio=None if ratio in ("", ANY) else AspectRatio(ratio),
        resolution=None if resolution in ("", ANY) else Resolution(resolution),
    )


def kept_options(click: Click, request: ImageRequest) -> Options:
    """Those of the request's options whose names were ticked."""
    ticked = set((click.fields or {}).get(KEEP, ()))
    return Options(**{name: getattr(request, name) for name in _keepable(request) if name in ticked})


def described(options: Options) -> str:
    """Options in one line, not escaped; empty where nothing is said."""
    return " · ".join(_named(options))


def _keepable(request: ImageRequest) -> Sequence[str]:
    """Which options of a request may become part of a style."""
    names = ["model", "aspect_ratio", "resolution", "count", "format"]
    return [*names, "spoiler"] if request.spoiler else names


def _named(options: Options) -> Sequence[str]:
    """The options that are set, as people read them."""
    parts = [
        model_label(options.model) if options.model else "",
        options.aspect_ratio.value if options.aspect_ratio else "",
        options.resolution.value if options.resolution else "",
        texts.pictures(options.count) if options.count else "",
        options.format.value.upper() if options.format else "",
        tr("covered as a spoiler") if options.spoiler else "",
    ]
    return [part for part in parts if part]


def _full_form(title: str, made: str, name: str, words: str, options: Options, models: Sequence[Model]) -> ui.Modal:
    """The form with everything that a preset holds."""
    offered = [(model_label(model), model) for model in models]
    ratios = [(tr(RATIO_LABELS[ratio]), ratio.value) for ratio in AspectRatio]
    resolutions = [(resolution.value, resolution.value) for resolution in Resolution]
    return widgets.form(
        title,
        made,
        _name(name),
        _words(words),
        _open_choice(tr("Model"), MODEL, offered, options.model),
        _open_choice(tr("Aspect ratio"), RATIO, ratios, options.aspect_ratio),
        _open_choice(tr("Resolution"), RESOLUTION, resolutions, options.resolution),
    )


def _name(text: str) -> ui.Label[ui.Modal]:
    """The field for the name."""
    field: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id=NAME, default=text or None, min_length=1, max_length=MAX_NAME_CHARS
    )
    return ui.Label(text=tr("Name"), component=field)


def _style_of(prompt: str) -> str:
    """The part of a prompt that is likely its style: what follows the first comma. The rest is what it shows."""
    return prompt.partition(",")[2].strip()[:MAX_WORDS_CHARS]


def _kept_pictures(count: int) -> ui.Label[ui.Modal]:
    """The menu of results that are kept with the preset. None is chosen, because each makes requests edits."""
    options = [
        discord.SelectOption(label=tr("Picture {number}", number=number + 1), value=str(number))
        for number in range(count)
    ]
    select: ui.Select[ui.Modal] = ui.Select(
        custom_id=PICTURES, options=options, min_values=0, max_values=min(count, MAX_PICTURES), required=False
    )
    about = tr("Up to two, sent along with each request: it becomes an edit of them")
    return ui.Label(text=tr("Pictures to keep"), description=about, component=select)


def _words(text: str, *, of_a_prompt: bool = False) -> ui.Label[ui.Modal]:
    """The field for the words of the style."""
    field: ui.TextInput[ui.Modal] = ui.TextInput(
        custom_id=WORDS,
        style=discord.TextStyle.paragraph,
        default=text or None,
        required=False,
        max_length=MAX_WORDS_CHARS,
        placeholder=tr("watercolour on rough paper, soft light"),
    )
    about = (
        tr("Only the style, not what the picture shows: it is added to every prompt")
        if of_a_prompt
        else tr("Added to the prompt after a comma, or around it where {place} stands", place=PROMPT_PLACE)
    )
    return ui.Label(text=tr("Words"), description=about, component=field)


def _kept_options(request: ImageRequest) -> ui.Label[ui.Modal]:
    """The menu of options that come along into a preset made from a picture."""
    whole = Options(**{name: getattr(request, name) for name in _keepable(request)})
    options = [
        discord.SelectOption(label=label, value=name, default=name != "count")
        for name, label in zip(_keepable(request), _named(whole), strict=True)
    ]
    select: ui.Select[ui.Modal] = ui.Select(
        custom_id=KEEP, options=options, min_values=0, max_values=len(options), required=False
    )
    return ui.Label(
        text=tr("Options to keep"), description=tr("What you say yourself always goes before"), component=select
    )


def _open_choice(label: str, name: str, choices: Sequence[tuple[str, str]], chosen: str | None) -> ui.Label[ui.Modal]:
    """A menu whose first choice leaves the option open."""
    return _select(label, name, [(tr("As asked or as usual here"), ANY), *choices], chosen or ANY)


def _select(label: str, name: str, choices: Sequence[tuple[str, str]], chosen: str) -> ui.Label[ui.Modal]:
    """A menu with one choice, `chosen` beforehand."""
    options = [discord.SelectOption(label=text, value=value, default=value == chosen) for text, value in choices]
    return ui.Label(text=label, component=ui.Select(custom_id=name, options=options))
