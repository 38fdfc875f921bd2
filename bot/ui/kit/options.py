"""The choices that commands offer, and what attachments become.

Discord sends the values of choices as texts. They are turned into the words of the model here, once.
"""

from __future__ import annotations

import discord
from discord.app_commands import Choice

from bot.model import OFFERED_FORMATS, AspectRatio, Model, PictureFormat, Resolution, Source
from bot.policy.request_input import Options
from bot.ui.kit.media import source_of
from bot.ui.kit.texts import MODEL_NAMES

MODELS = [Choice(name=MODEL_NAMES[model], value=model.value) for model in Model]
RATIOS = [Choice(name=ratio.value, value=ratio.value) for ratio in AspectRatio if ratio is not AspectRatio.AUTO]
EDIT_RATIOS = [Choice(name=ratio.value, value=ratio.value) for ratio in AspectRatio]
RESOLUTIONS = [Choice(name=resolution.value, value=resolution.value) for resolution in Resolution]
FORMATS = [Choice(name=kind.value, value=kind.value) for kind in OFFERED_FORMATS]


def given(
    model: str | None,
    aspect_ratio: str | None,
    resolution: str | None,
    count: int | None,
    file_format: str | None,
    *,
    spoiler: bool | None,
    private: bool | None,
) -> Options:
    """The options of a command as they were given, by the values of the choices above."""
    return Options(
        model=Model(model) if model else None,
        aspect_ratio=AspectRatio(aspect_ratio) if aspect_ratio else None,
        resolution=Resolution(resolution) if resolution else None,
        count=count,
        format=PictureFormat(file_format) if file_format else None,
        spoiler=spoiler,
        private=private,
    )


def sources(*attachments: discord.Attachment | None) -> tuple[Source, ...]:
    """The pictures a person attached, in order, the gaps left out."""
    return tuple(source_of(it) for it in attachments if it is not None)
