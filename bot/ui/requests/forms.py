"""The forms behind Remix and Edit: built from a job, and read from what Discord sends back.

A form carries the job's id in its own custom id and is read from the raw answer (`kit/dispatch.py`), so one that was
open during a restart still works.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

import discord
from discord import ui

from bot.model import (
    MAX_COUNT,
    MAX_PROMPT_CHARS,
    MAX_SOURCES,
    AspectRatio,
    ImageRequest,
    Job,
    Model,
    Resolution,
    Source,
)
from bot.policy.admission import nearest
from bot.policy.role_limits import MemberLimits
from bot.ui.kit import texts, widgets
from bot.ui.kit.dispatch import REQUEST_PANEL, Click, custom_id
from bot.ui.kit.language import mark, tr
from bot.ui.kit.options import model_label

PANEL = REQUEST_PANEL
PROMPT, MODEL, RATIO, RESOLUTION, COUNT, PICTURE, REFERENCES, MODEL_AND_RESOLUTION = (
    "prompt",
    "model",
    "aspect_ratio",
    "resolution",
    "count",
    "picture",
    "references",
    "model_and_resolution",
)
RATIO_LABELS: Mapping[AspectRatio, str] = {
    AspectRatio.SQUARE: mark("1:1 – square"),
    AspectRatio.WIDE: mark("16:9 – wide"),
    AspectRatio.TALL: mark("9:16 – tall"),
    AspectRatio.LANDSCAPE: mark("4:3 – landscape"),
    AspectRatio.PORTRAIT: mark("3:4 – portrait"),
    AspectRatio.AUTO: mark("auto – as the picture is"),
}


#: Where Discord's clients put each of so many pictures of one message, in the order in which they are counted.
PLACES: Mapping[int, Sequence[str]] = {
    2: (mark("left"), mark("right")),
    3: (mark("left, the large one"), mark("top right"), mark("bottom right")),
    4: (mark("top left"), mark("top right"), mark("bottom left"), mark("bottom right")),
}
MAX_ABOUT_CHARS = 100  # of a choice's second line

MAX_SHARED_CHARS = 96  # of a label that shares its choice, of at most 100 characters, with the resolution


class Kind(StrEnum):
    """Which form it is; also the word in its custom id."""

    REMIX = "remix"
    EDIT = "edit"
    MENU = "menu"  # of the message menu Edit image: no job stands behind it


def remix_form(job: Job, offer: MemberLimits) -> ui.Modal:
    """Prompt, model, aspect ratio, resolution and count of a job, filled in. A form holds five fields."""
    return _filled_in(tr("Remix"), custom_id(PANEL, Kind.REMIX, job.id), job.request, offer)


def change_form(identity: str, request: ImageRequest, offer: MemberLimits) -> ui.Modal:
    """The same for a request that was refused. `identity` is the form's custom id."""
    return _filled_in(tr("Change and try again"), identity, request, offer)


def _filled_in(title: str, identity: str, request: ImageRequest, offer: MemberLimits) -> ui.Modal:
    """Only what the place offers can be chosen; of what it does not, the nearest is chosen beforehand."""
    request = nearest(request, offer)
    counts = [(texts.pictures(count), str(count)) for count in range(1, (offer.max_count or MAX_COUNT) + 1)]
    return widgets.form(
        title,
        identity,
        _prompt(request.prompt),
        _model(request, offer),
        _ratio(request, with_auto=request.is_edit),
        _resolution(request, offer),
        _choice(tr("Count"), COUNT, counts, str(request.count)),
    )


def edit_form(kind: Kind, key: str, request: ImageRequest, names: Sequence[str], offer: MemberLimits) -> ui.Modal:
    """What to change in one of several pictures, beginning with the settings of `request`. It asks which one.

    `names` has the file name of each picture, empty where it tells a person nothing.
    """
    request = nearest(request, offer)
    title, made = tr("Edit"), custom_id(PANEL, kind, key)
    prompt = _prompt("", placeholder=tr("What should change?"))
    upload: ui.FileUpload[Any] = ui.FileUpload(
        custom_id=REFERENCES, required=False, min_values=0, max_values=MAX_SOURCES - 1
    )
    references: ui.Label[Any] = ui.Label(
        text=tr("Reference pictures"),
        description=tr("Up to two more pictures: JPEG, PNG or WebP"),
        component=upload,
    )
    ratio = _ratio(request, with_auto=True)
    if len(names) == 1:
        return widgets.form(title, made, prompt, references, _model(request, offer), ratio, _resolution(request, offer))
    picture: ui.Label[Any] = ui.Label(
        text=tr("Picture"),
        description=tr("Counted from left to right, then from top to bottom"),
        component=_pictures(names),
    )
    return widgets.form(title, made, prompt, picture, references, _model_and_resolution(request, offer), ratio)


def remixed(request: ImageRequest, click: Click) -> ImageRequest:
    """The old request with what was changed in the form; all else is kept. Raises ValueError for a forged choice."""
    changed = _changed(request, click)
    if changed.prompt != request.prompt:
        changed = replace(changed, preset=None)  # its words may be gone
    return replace(changed, count=int(click.first(COUNT) or request.count))


def edited(request: ImageRequest, click: Click, source: Source) -> ImageRequest:
    """The request for an edit of one finished picture. Raises ValueError for a forged choice."""
    sources = (source, *click.uploads(REFERENCES))
    covered = request.spoiler or any(it.is_covered for it in sources)
    base = replace(request, count=1, aspect_ratio=AspectRatio.AUTO, sources=sources, preset=None, spoiler=covered)
    return _changed(base, click)


def _changed(request: ImageRequest, click: Click) -> ImageRequest:
    """The request with what the form says. Raises ValueError for a value that the form did not offer."""
    model, resolution = click.first(MODEL), click.first(RESOLUTION)
    if both := click.first(MODEL_AND_RESOLUTION):
        model, _, resolution = both.partition(" ")
    return replace(
        request,
        prompt=click.first(PROMPT).strip(),
        model=Model(model or request.model),
        resolution=Resolution(resolution or request.resolution),
        aspect_ratio=AspectRatio(click.first(RATIO) or request.aspect_ratio),
    )


def _prompt(text: str, placeholder: str | None = None) -> ui.Label[Any]:
    """The field for the prompt."""
    field: ui.TextInput[Any] = ui.TextInput(
        custom_id=PROMPT,
        style=discord.TextStyle.paragraph,
        default=text[:MAX_PROMPT_CHARS] or None,  # Discord opens no form that holds more than it takes
        placeholder=placeholder,
        min_length=1,
        max_length=MAX_PROMPT_CHARS,
    )
    return ui.Label(text=tr("Prompt"), component=field)


def _pictures(names: Sequence[str]) -> ui.Select[Any]:
    """The menu of pictures. A form can show none, so each choice says which one it is: its name, or where it stands."""
    places = PLACES.get(len(names), [""] * len(names))
    about = [name or (tr(place) if place else "") for name, place in zip(names, places, strict=True)]
    options = [
        discord.SelectOption(
            label=tr("Picture {number}", number=index + 1),
            value=str(index),
            description=texts.shortened(said, MAX_ABOUT_CHARS) or None,
            default=index == 0,
        )
        for index, said in enumerate(about)
    ]
    return ui.Select(custom_id=PICTURE, options=options)


def _choice(label: str, name: str, choices: Iterable[tuple[str, str]], chosen: str) -> ui.Label[Any]:
    """A menu with one choice, `chosen` beforehand. `choices` are pairs of label and value."""
    select: ui.Select[Any] = ui.Select(
        custom_id=name,
        options=[discord.SelectOption(label=word, value=value, default=value == chosen) for word, value in choices],
    )
    return ui.Label(text=label, component=select)


def _model(request: ImageRequest, offer: MemberLimits) -> ui.Label[Any]:
    """The menu of models."""
    names = [(model_label(model), model) for model in offer.models or ()]
    return _choice(tr("Model"), MODEL, names, request.model)


def _resolution(request: ImageRequest, offer: MemberLimits) -> ui.Label[Any]:
    """The menu of resolutions."""
    names = [(resolution.value, resolution.value) for resolution in offer.resolutions or Resolution]
    return _choice(tr("Resolution"), RESOLUTION, names, request.resolution.value)


def _ratio(request: ImageRequest, *, with_auto: bool) -> ui.Label[Any]:
    """The menu of aspect ratios; `auto` is one for edits only."""
    ratios = [it for it in AspectRatio if with_auto or it is not AspectRatio.AUTO]
    names = [(tr(RATIO_LABELS[ratio]), ratio.value) for ratio in ratios]
    return _choice(tr("Aspect ratio"), RATIO, names, request.aspect_ratio.value)


def _model_and_resolution(request: ImageRequest, offer: MemberLimits) -> ui.Label[Any]:
    """One menu for both, because a form has at most five fields."""
    # One field more would be the sixth, so the two share one where the form also asks which picture.
    names = [
        (f"{texts.shortened(model_label(model), MAX_SHARED_CHARS)}, {resolution.value}", f"{model} {resolution.value}")
        for model in offer.models or ()
        for resolution in offer.resolutions or Resolution
    ]
    return _choice(
        tr("Model and resolution"), MODEL_AND_RESOLUTION, names, f"{request.model} {request.resolution.value}"
    )
