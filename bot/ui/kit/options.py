"""The choices that commands offer, the names of models, and what attachments become.

Discord sends the values of choices as texts. They are turned into the words of the model here, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Choice, locale_str

from bot.model import OFFERED_FORMATS, AspectRatio, Model, PictureFormat, Resolution, Source
from bot.policy.catalog import DEFAULT_CATALOG, ModelCatalog
from bot.policy.request_input import Options
from bot.ui.kit.command_words import AS_IT_IS
from bot.ui.kit.language import mark, tr
from bot.ui.kit.media import source_of

#: Labels that are translated. Any other is the operator's own and shown as it is.
_TRANSLATED = frozenset({mark("Standard"), mark("Quality")})
#: What the models are called, as `name_models` set it.
_labels: ContextVar[Mapping[Model, str]] = ContextVar("labels of models", default=DEFAULT_CATALOG.labels)

#: Where Easel does not know how the models differ.
_ABOUT_MODELS = mark("Which model paints it")
RATIOS = [Choice(name=ratio.value, value=ratio.value) for ratio in AspectRatio if ratio is not AspectRatio.AUTO]
EDIT_RATIOS = [Choice(name=ratio.value, value=ratio.value) for ratio in AspectRatio]
RESOLUTIONS = [Choice(name=resolution.value, value=resolution.value) for resolution in Resolution]
FORMATS = [Choice(name=kind.value, value=kind.value) for kind in OFFERED_FORMATS]


def name_models(labels: Mapping[Model, str]) -> None:
    """Call the models by these labels from here on, and in whatever is begun here, as `speak` sets the language."""
    _labels.set(labels)


def model_label(model: Model) -> str:
    """What people read for a model, in the language of the moment, for a menu; in a text it has to be escaped.

    A model that is no longer on offer is called by its id.
    """
    label = _labels.get().get(model, model)
    return tr(label) if label in _TRANSLATED else label


def model_choices(catalog: ModelCatalog) -> list[Choice[str]]:
    """The models on offer, as the choices of a command."""
    labels = [
        locale_str(it.label) if it.label in _TRANSLATED else locale_str(it.label, **{AS_IT_IS: True})
        for it in catalog.offers
    ]
    return [Choice(name=label, value=it.model) for label, it in zip(labels, catalog.offers, strict=True)]


def offer_models(command: app_commands.Command[Any, ..., Any], catalog: ModelCatalog) -> None:
    """Give the option `model` of a command its choices, which are known only once the settings are read."""
    app_commands.choices(model=model_choices(catalog))(command)
    if catalog != DEFAULT_CATALOG:
        # discord.py describes all options of a command at once.
        known = {it.name: it.locale_description or it.description for it in command.parameters}
        app_commands.describe(**known | {"model": locale_str(_ABOUT_MODELS)})(command)


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
        model=Model(model) if model else None,  # an outdated command may name one that is gone
        aspect_ratio=AspectRatio(aspect_ratio) if aspect_ratio else None,
        resolution=Resolution(resolution) if resolution else None,
        count=count,
        format=PictureFormat(file_format) if file_format else None,
        spoiler=spoiler,
        private=private,
    )


def sources(author_id: int, *attachments: discord.Attachment | None) -> tuple[Source, ...]:
    """The pictures a person attached, in order, the gaps left out."""
    return tuple(replace(source_of(it), author_id=author_id) for it in attachments if it is not None)
