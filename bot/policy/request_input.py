"""What a person asked for before anything that holds in the place has been filled in."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from bot.model import AspectRatio, FollowUp, ImageRequest, Model, PictureFormat, Resolution, Source


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

    def over(self, other: Options) -> Options:
        """These options, and where they say nothing the other ones."""
        return Options(**{**other.said, **self.said})

    @property
    def said(self) -> dict[str, Any]:
        """What is not None, by field name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


#: What holds where neither the person nor the place says anything.
BUILT_IN = Options(
    model=Model.STANDARD,
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
    """A request as a command gave it. `preset` is the saved style that comes in: as it was typed, then by name."""

    prompt: str
    options: Options = Options()
    sources: tuple[Source, ...] = ()
    preset: str | None = None
    follows: FollowUp | None = None

    def filled(self, *layers: Options) -> ImageRequest:
        """The whole request: what the person said, then each layer in order, then what is built in.

        Whoever edits a covered picture and says nothing gets a covered result.
        """
        options = self.options
        if options.spoiler is None and any(source.is_covered for source in self.sources):
            options = replace(options, spoiler=True)
        for layer in (*layers, BUILT_IN_EDIT if self.sources else BUILT_IN):
            options = options.over(layer)
        return ImageRequest(
            prompt=self.prompt, sources=self.sources, preset=self.preset, follows=self.follows, **options.said
        )
