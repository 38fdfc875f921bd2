"""The choices that commands offer, and what attachments become."""

from __future__ import annotations

import discord
from discord.app_commands import Choice

from bot.model import AspectRatio, Model, PictureFormat, Resolution, Source
from bot.ui.texts import MODEL_NAMES

MODELS = [Choice(name=MODEL_NAMES[model], value=model.value) for model in Model]
RATIOS = [Choice(name=ratio.value, value=ratio.value) for ratio in AspectRatio if ratio is not AspectRatio.AUTO]
EDIT_RATIOS = [Choice(name=ratio.value, value=ratio.value) for ratio in AspectRatio]
RESOLUTIONS = [Choice(name=resolution.value, value=resolution.value) for resolution in Resolution]
FORMATS = [Choice(name=kind.value, value=kind.value) for kind in PictureFormat]


def sources(*attachments: discord.Attachment | None) -> tuple[Source, ...]:
    """The pictures a person attached, in order, the gaps left out."""
    return tuple(Source(it.url, it.filename, it.size) for it in attachments if it is not None)
