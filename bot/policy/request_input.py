"""What a person asked for, before anything that holds where they ask has been filled in.

What is left open stays open until the place is known, because a server decides what its members get without choosing.
What a person chose is never changed in silence.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Final

from bot.model import MAX_COUNT, AspectRatio, FollowUp, ImageRequest, Model, PictureFormat, Resolution, Source
from bot.policy.catalog import read_model

#: Spaces, controls and signs without a shape, by Unicode's categories; and letters that look like a space.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})
_FILLERS: Final = frozenset("\u034f\u115f\u1160\u2800\u3164\uffa0")


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a request; None where nothing was said. The fields are named as in ImageRequest."""

    model: Model | None = None
    aspect_ratio: AspectRatio | None = None
    resolution: Resolution | None = None
    count: int | None = None
    format: PictureFormat | None = None
    spoiler: bool | None = None
    private: bool | None = None

    @classmethod
    def of(cls, request: ImageRequest) -> Options:
        """All options of a whole request, each of them explicit."""
        return cls(**{field.name: getattr(request, field.name) for field in fields(cls)})

    def over(self, other: Options) -> Options:
        """These options, and where they say nothing the other ones."""
        return Options(**{**other.said, **self.said})

    def on_offer(self, models: Sequence[Model]) -> Options:
        """These options without a model that is no longer on offer, so that what was kept with one goes on working."""
        return self if self.model is None or self.model in models else replace(self, model=None)

    @property
    def said(self) -> dict[str, Any]:
        """What is not None, by field name. It is also the JSON form."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


def _count(value: Any) -> int:
    if type(value) is bool or not 1 <= int(value) <= MAX_COUNT:
        raise ValueError(value)
    return int(value)


#: Every option of a request, and how its value is read from a choice, a form's field or JSON. Each raises ValueError.
OPTION_READERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "model": read_model,  # any: which are on offer is asked when the request comes in
        "aspect_ratio": AspectRatio,
        "resolution": Resolution,
        "count": _count,
        "format": PictureFormat,
        "spoiler": bool,
        "private": bool,
    }
)


def read_options(raw: Mapping[str, Any], *, strict: bool = False) -> Options:
    """Options from plain values: of a command, a form or JSON. An empty value says nothing.

    A value that this version does not know is left out as well, so that what an earlier or later version wrote can
    still be read; `strict` raises ValueError instead, as for a choice that no form of ours offers.
    """
    known: dict[str, Any] = {}
    for name, read in OPTION_READERS.items():
        value = raw.get(name)
        if value is None or value == "":
            continue
        try:
            known[name] = read(value)
        except (ValueError, TypeError):
            if strict:
                raise
    return Options(**known)


NO_OPTIONS = Options()
#: What holds where neither the person nor the place says anything. The model is the first of those on offer.
BUILT_IN = Options(
    aspect_ratio=AspectRatio.SQUARE,
    resolution=Resolution.ONE_K,
    count=1,
    format=PictureFormat.JPEG,
    spoiler=False,
    private=False,
)
#: An edit keeps the shape of its picture.
BUILT_IN_EDIT = replace(BUILT_IN, aspect_ratio=AspectRatio.AUTO)


@dataclass(frozen=True, slots=True)
class RequestInput:
    """What a person said, options left open. `preset` is the saved style to use: as it was typed, then by its name."""

    prompt: str
    options: Options = Options()
    sources: tuple[Source, ...] = ()
    preset: str | None = None
    follows: FollowUp | None = None
    left_out: int = 0  # pictures of the preset that do not come along

    @classmethod
    def of(cls, request: ImageRequest) -> RequestInput:
        """A request that was whole before, as buttons and forms have it: nothing of it is left open."""
        options = Options.of(request)
        return cls(request.prompt, options, request.sources, request.preset, request.follows, request.left_out)

    def filled(self, *layers: Options) -> ImageRequest:
        """The whole request: what the person said, then each layer in order, then what is built in.

        A covered source is covered in the reply whatever was said: a cover is taken off by whoever put it on, and
        only in their own message.
        """
        options = self.options
        if any(source.is_covered for source in self.sources):
            options = replace(options, spoiler=True)
        for layer in (*layers, BUILT_IN_EDIT if self.sources else BUILT_IN):
            options = options.over(layer)
        # An earlier reply showed a preset's picture as a file of its own; that is not kept with the request.
        sources = tuple(replace(source, shown_as="") for source in self.sources)
        return ImageRequest(
            prompt=self.prompt,
            sources=sources,
            preset=self.preset,
            follows=self.follows,
            left_out=self.left_out,
            **options.said,
        )


def shows_anything(prompt: str) -> bool:
    """Whether a prompt has a sign that can be seen: one of nothing but spaces and fillers would be paid for."""
    return any(it not in _FILLERS and unicodedata.category(it) not in _UNSEEN for it in prompt)
