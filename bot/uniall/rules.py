"""What may be asked of the image API: its page's sections 4 and 6 as checks with a sentence for the user each."""

from __future__ import annotations

from collections.abc import Iterable

from bot.errors import InvalidRequest
from bot.model import (
    MAX_COUNT,
    MAX_PROMPT_CHARS,
    MAX_SOURCES,
    AspectRatio,
    ImageRequest,
    Model,
    PictureFormat,
    Resolution,
    Source,
)

#: The video model of the same API, easily taken for an image model.
VIDEO_MODEL = "grok-imagine"


def validate(request: ImageRequest) -> None:
    """Raise InvalidRequest, whose message is a sentence for the user, where the image API would refuse the request."""
    _check_prompt(request.prompt)
    _check_model(request.model)
    _check_choices(request)
    _check_count(request.count)
    _check_sources(request)


def _check_prompt(prompt: str) -> None:
    if not prompt.strip():
        raise InvalidRequest("Please describe the picture you would like: the prompt is empty.")
    if len(prompt) > MAX_PROMPT_CHARS:
        raise InvalidRequest(
            f"The prompt is {len(prompt)} characters long; up to {MAX_PROMPT_CHARS} are possible. Please shorten it."
        )


def _check_model(model: str) -> None:
    if model == VIDEO_MODEL:
        raise InvalidRequest(
            f"The model {VIDEO_MODEL} makes videos. For pictures please choose {Model.STANDARD} or {Model.QUALITY}."
        )
    if model not in set(Model):
        raise InvalidRequest(f"Please choose one of the models {_listed(Model)}.")


def _check_choices(request: ImageRequest) -> None:
    shapes = [ratio for ratio in AspectRatio if request.is_edit or ratio is not AspectRatio.AUTO]
    if request.aspect_ratio == AspectRatio.AUTO and not request.is_edit:
        raise InvalidRequest(
            "The aspect ratio auto follows a source picture, so it works for edits only. "
            f"Please choose {_listed(shapes)}."
        )
    if request.aspect_ratio not in shapes:
        raise InvalidRequest(f"Please choose one of the aspect ratios {_listed(shapes)}.")
    if request.resolution not in set(Resolution):
        raise InvalidRequest(f"Please choose one of the resolutions {_listed(Resolution)}.")
    if request.format not in set(PictureFormat):
        raise InvalidRequest(f"Please choose one of the formats {_listed(PictureFormat)}.")


def _check_count(count: object) -> None:
    if type(count) is not int or not 1 <= count <= MAX_COUNT:
        raise InvalidRequest(f"Between 1 and {MAX_COUNT} pictures are possible at once.")


def _check_sources(request: ImageRequest) -> None:
    if len(request.sources) > MAX_SOURCES:
        raise InvalidRequest(f"An edit takes at most {MAX_SOURCES} source pictures.")
    if not all(_can_be_fetched(source) for source in request.sources):
        raise InvalidRequest("One of the source pictures has no address it could be fetched from.")


def _can_be_fetched(source: Source) -> bool:
    """By its address, or by a fresh one from the reply that keeps it."""
    return source.url.lower().startswith(("http://", "https://")) or (source.url == "" and source.kept is not None)


def _listed(choices: Iterable[str]) -> str:
    *most, last = (str(choice) for choice in choices)
    return f"{', '.join(most)} or {last}"
