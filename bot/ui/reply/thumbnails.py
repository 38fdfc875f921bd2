"""The sources of an edit, small beside the prompt: as sections with a thumbnail each.

The message keeps them as its own files, so that **Again** finds them as long as the reply stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from discord import ui

from bot.model import Job, PictureFormat
from bot.ui.kit.language import tr
from bot.ui.kit.widgets import Part, text


def source_filename(index: int, kind: PictureFormat) -> str:
    """The name of source number `index` (from 0) in its message."""
    return f"source-{index + 1}.{kind.extension}"


def running(job: Job, *lines: str) -> Sequence[Part]:
    """The head of a running card, with the pictures of a preset that its message holds already."""
    shown = [it.shown_as for it in job.request.sources if it.shown_as]
    if not shown:
        return [text(*lines)]
    return [
        ui.Section(text(*(lines if index == 0 else ()), _of_preset()), accessory=_thumbnail(job, name))
        for index, name in enumerate(shown)
    ]


def finished(job: Job, prompt: str, source_files: Sequence[str]) -> Sequence[Part]:
    """The prompt, with the sources small beside it, covered where the results are.

    A section takes one thumbnail, so each further source has its own.
    """
    if not source_files:
        return [text(prompt)] if prompt else []
    several, sources = len(source_files) > 1, job.request.sources
    # Where a copy could not be had, nobody knows which of them is whose.
    of_preset = [it.preset_picture is not None and len(sources) == len(source_files) for it in sources]
    return [
        ui.Section(
            text(
                prompt if index == 0 else "",
                _of_preset() if of_preset[index] else f"-# {_edited(index + 1 if several else None)}",
            ),
            accessory=_thumbnail(job, name),
        )
        for index, name in enumerate(source_files)
    ]


def _thumbnail(job: Job, name: str) -> ui.Thumbnail[Any]:
    about = tr("The picture that was edited")
    return ui.Thumbnail(f"attachment://{name}", description=about, spoiler=job.request.spoiler)


def _edited(number: int | None) -> str:
    """Which source it is, where there are several."""
    return tr("Edited from this picture") if number is None else tr("Picture {number} that was edited", number=number)


def _of_preset() -> str:
    """Of a source that came with a preset. Which one says the line under the pictures."""
    return f"-# {tr('Picture of the preset')}"
