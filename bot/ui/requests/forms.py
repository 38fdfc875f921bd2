"""The forms behind Remix and Edit: built from a job, and read from what Discord sends back.

A form carries the job's id in its own custom id and is read from the raw answer, not from the object that was sent:
so a form that was open during a restart still works.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, cast

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
from bot.ui.kit import texts
from bot.ui.kit.language import mark, tr

CUSTOM_ID = re.compile(r"easel-form:(?P<kind>remix|edit|menu):(?P<key>[0-9a-z]{1,32})")
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
#: Discord forgets nothing by itself: an abandoned form would stay in memory. Its answer is read without it anyway.
FORM_LIFETIME_S = 900

RATIO_LABELS: Mapping[AspectRatio, str] = {
    AspectRatio.SQUARE: mark("1:1 – square"),
    AspectRatio.WIDE: mark("16:9 – wide"),
    AspectRatio.TALL: mark("9:16 – tall"),
    AspectRatio.LANDSCAPE: mark("4:3 – landscape"),
    AspectRatio.PORTRAIT: mark("3:4 – portrait"),
    AspectRatio.AUTO: mark("auto – as the picture is"),
}


class Kind(StrEnum):
    """Which form it is; also the word in its custom id."""

    REMIX = "remix"
    EDIT = "edit"
    MENU = "menu"  # of the message menu Edit image: no job stands behind it


@dataclass(frozen=True, slots=True)
class FormAnswer:
    """A form as it came back: texts and choices by field, and the files that were uploaded.

    `key` is the id of the job the form began with, for MENU that of the message's pictures.
    """

    kind: Kind
    key: str
    fields: Mapping[str, Sequence[str]]
    files: Sequence[Source]

    def first(self, field: str) -> str | None:
        """The text or the only choice of a field; None where it was left empty."""
        values = self.fields.get(field, ())
        return values[0] if values else None


def remix_form(job: Job) -> ui.Modal:
    """Prompt, model, aspect ratio, resolution and count of a job, filled in. A form holds five fields."""
    request = job.request
    form = _form(tr("Remix"), Kind.REMIX, job.id)
    form.add_item(_prompt(request.prompt))
    form.add_item(_model(request))
    form.add_item(_ratio(request, with_auto=request.is_edit))
    form.add_item(_resolution(request))
    counts = [(texts.pictures(count), str(count)) for count in range(1, MAX_COUNT + 1)]
    form.add_item(_choice(tr("Count"), COUNT, counts, str(request.count)))
    return form


def edit_form(kind: Kind, key: str, request: ImageRequest, pictures: int) -> ui.Modal:
    """What to change in one of several pictures, beginning with the settings of `request`. It asks which one."""
    form = _form(tr("Edit"), kind, key)
    form.add_item(_prompt("", placeholder=tr("What should change?")))
    if pictures > 1:
        which = [(tr("Picture {number}", number=number + 1), str(number)) for number in range(pictures)]
        form.add_item(_choice(tr("Picture"), PICTURE, which, "0"))
    upload: ui.FileUpload[Any] = ui.FileUpload(
        custom_id=REFERENCES, required=False, min_values=0, max_values=MAX_SOURCES - 1
    )
    form.add_item(
        ui.Label(
            text=tr("Reference pictures"),
            description=tr("Up to two more pictures: JPEG, PNG or WebP"),
            component=upload,
        )
    )
    if pictures > 1:
        form.add_item(_model_and_resolution(request))
        form.add_item(_ratio(request, with_auto=True))
    else:
        form.add_item(_model(request))
        form.add_item(_ratio(request, with_auto=True))
        form.add_item(_resolution(request))
    return form


def read(interaction: discord.Interaction[Any]) -> FormAnswer | None:
    """What a person filled in; None where this is no form of ours."""
    data = cast("Mapping[str, Any]", interaction.data or {})
    match = CUSTOM_ID.fullmatch(str(data.get("custom_id", "")))
    if match is None:
        return None
    fields = fields_of(data)
    uploaded = data.get("resolved", {}).get("attachments", {})
    files = [
        Source(it["url"], it.get("filename", "picture"), int(it.get("size", 0)))
        for file_id in fields.get(REFERENCES, ())
        if (it := uploaded.get(file_id)) is not None
    ]
    return FormAnswer(Kind(match["kind"]), match["key"], fields, files)


def fields_of(data: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
    """What each field of a form holds, by the fields' custom ids, from the interaction's data."""
    return dict(_fields(data.get("components", ())))


def remixed(request: ImageRequest, answer: FormAnswer) -> ImageRequest:
    """The old request with what was changed in the form; all else is kept. Raises ValueError for a forged choice."""
    changed = _changed(request, answer)
    if changed.prompt != request.prompt:
        changed = replace(changed, preset=None)  # its words may be gone
    return replace(changed, count=int(answer.first(COUNT) or request.count))


def edited(request: ImageRequest, answer: FormAnswer, source: Source) -> ImageRequest:
    """The request for an edit of one finished picture. Raises ValueError for a forged choice."""
    sources = (source, *answer.files)
    covered = request.spoiler or any(it.is_covered for it in sources)
    base = replace(request, count=1, aspect_ratio=AspectRatio.AUTO, sources=sources, preset=None, spoiler=covered)
    return _changed(base, answer)


def _changed(request: ImageRequest, answer: FormAnswer) -> ImageRequest:
    model, resolution = answer.first(MODEL), answer.first(RESOLUTION)
    if both := answer.first(MODEL_AND_RESOLUTION):
        model, _, resolution = both.partition(" ")
    return replace(
        request,
        prompt=(answer.first(PROMPT) or "").strip(),
        model=Model(model or request.model),
        resolution=Resolution(resolution or request.resolution),
        aspect_ratio=AspectRatio(answer.first(RATIO) or request.aspect_ratio),
    )


def _fields(components: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, Sequence[str]]]:
    for outer in components:
        for part in (outer["component"],) if "component" in outer else outer.get("components", ()):
            values = part.get("values")
            yield str(part.get("custom_id")), values if values is not None else [v] if (v := part.get("value")) else []


def _form(title: str, kind: Kind, key: str) -> ui.Modal:
    return ui.Modal(title=title, custom_id=f"easel-form:{kind}:{key}", timeout=FORM_LIFETIME_S)


def _prompt(text: str, placeholder: str | None = None) -> ui.Label[Any]:
    field: ui.TextInput[Any] = ui.TextInput(
        custom_id=PROMPT,
        style=discord.TextStyle.paragraph,
        default=text or None,
        placeholder=placeholder,
        min_length=1,
        max_length=MAX_PROMPT_CHARS,
    )
    return ui.Label(text=tr("Prompt"), component=field)


def _choice(label: str, custom_id: str, choices: Iterable[tuple[str, str]], chosen: str) -> ui.Label[Any]:
    select: ui.Select[Any] = ui.Select(
        custom_id=custom_id,
        options=[discord.SelectOption(label=name, value=value, default=value == chosen) for name, value in choices],
    )
    return ui.Label(text=label, component=select)


def _model(request: ImageRequest) -> ui.Label[Any]:
    names = [(texts.model_name(model), model.value) for model in Model]
    return _choice(tr("Model"), MODEL, names, request.model.value)


def _resolution(request: ImageRequest) -> ui.Label[Any]:
    names = [(resolution.value, resolution.value) for resolution in Resolution]
    return _choice(tr("Resolution"), RESOLUTION, names, request.resolution.value)


def _ratio(request: ImageRequest, *, with_auto: bool) -> ui.Label[Any]:
    ratios = [it for it in AspectRatio if with_auto or it is not AspectRatio.AUTO]
    names = [(tr(RATIO_LABELS[ratio]), ratio.value) for ratio in ratios]
    return _choice(tr("Aspect ratio"), RATIO, names, request.aspect_ratio.value)


def _model_and_resolution(request: ImageRequest) -> ui.Label[Any]:
    # One field more would be the sixth, so the two share one where the form also asks which picture.
    names = [
        (f"{texts.model_name(model)}, {resolution.value}", f"{model.value} {resolution.value}")
        for model in Model
        for resolution in Resolution
    ]
    return _choice(
        tr("Model and resolution"), MODEL_AND_RESOLUTION, names, f"{request.model.value} {request.resolution.value}"
    )
