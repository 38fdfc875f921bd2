"""What may be asked of the image API: its page's sections 4 and 6 as checks with a sentence for the user each."""

from __future__ import annotations

from collections.abc import Iterable

from bot.errors import InvalidRequest
from bot.model import (
    MAX_COUNT,
    MAX_PROMPT_CHARS,
    MAX_SOURCES,
    OFFERED_FORMATS,
    AspectRatio,
    ImageRequest,
    Resolution,
    Source,
)
from bot.policy.catalog import VIDEO_MODEL


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
            "The prompt is {length} characters long; up to {most} are possible. Please shorten it.",
            length=len(prompt),
            most=MAX_PROMPT_CHARS,
        )


def _check_model(model: str) -> None:
    if model == VIDEO_MODEL:
        raise InvalidRequest(
            "The model {model} makes videos. Please choose one that makes pictures.", model=VIDEO_MODEL
        )


def _check_choices(request: ImageRequest) -> None:
    shapes = [ratio for ratio in AspectRatio if request.is_edit or ratio is not AspectRatio.AUTO]
    if request.aspect_ratio == AspectRatio.AUTO and not request.is_edit:
        raise InvalidRequest(
            "The aspect ratio auto follows a source picture, so it works for edits only. "
            "Please choose one of: {choices}.",
            choices=_listed(shapes),
        )
    if request.aspect_ratio not in shapes:
        raise InvalidRequest("Please choose one of the aspect ratios: {choices}.", choices=_listed(shapes))
    if request.resolution not in set(Resolution):
        raise InvalidRequest("Please choose one of the resolutions: {choices}.", choices=_listed(Resolution))
    if request.format not in set(OFFERED_FORMATS):
        raise InvalidRequest("Please choose one of the formats: {choices}.", choices=_listed(OFFERED_FORMATS))


def _check_count(count: object) -> None:
    if type(count) is not int or not 1 <= count <= MAX_COUNT:
        raise InvalidRequest("Between 1 and {most} pictures are possible at once.", most=MAX_COUNT)


def _check_sources(request: ImageRequest) -> None:
    if len(request.sources) > MAX_SOURCES:
        raise InvalidRequest("An edit takes at most {most} source pictures.", most=MAX_SOURCES)
    if not all(_can_be_fetched(source) for source in request.sources):
        raise InvalidRequest("One of the source pictures has no address it could be fetched from.")


def _can_be_fetched(source: Source) -> bool:
    """By its address, by a fresh one from the reply that keeps it, or from the preset that does."""
    is_kept = source.kept is not None or source.preset_picture is not None
    return source.url.lower().startswith(("http://", "https://")) or (source.url == "" and is_kept)


def _listed(choices: Iterable[str]) -> str:
    return ", ".join(map(str, choices))
