"""Reads a submission as strictly as the documented routes do, and words refusals as this family of gateways does."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar, cast

from bot.model import (
    MAX_COUNT,
    MAX_SOURCES,
    OFFERED_FORMATS,
    QUALITY,
    STANDARD,
    AspectRatio,
    Model,
    PictureFormat,
    Resolution,
)
from sandbox.image_api.records import Route, Submission

VIDEO_MODEL = "grok-imagine"
_IMAGE_FIELDS = ("image", "images", "image_url", "image_urls")
_COMMON = {"model", "prompt", "aspect_ratio", "resolution", "output_format", "response_format"}
_FIELDS: Mapping[Route, frozenset[str]] = {
    Route.TASKS: frozenset({*_COMMON, *_IMAGE_FIELDS, "task_type", "num_images"}),
    Route.GENERATIONS: frozenset({*_COMMON, "n"}),
    Route.EDITS: frozenset({*_COMMON, *_IMAGE_FIELDS, "n"}),
}
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
_Choice = TypeVar("_Choice", bound=StrEnum)


class Refusal(Exception):
    """A submission that is not accepted: an HTTP status, a code and a message for the caller."""

    def __init__(self, message: str, code: str = "invalid_request", status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status


def is_picture(content: bytes) -> bool:
    """Whether bytes begin like a JPEG, PNG or WebP."""
    return content.startswith(_SIGNATURES) or (content[:4] == b"RIFF" and content[8:12] == b"WEBP")


def read_submission(
    route: Route,
    fields: Mapping[str, object],
    files: Sequence[bytes] = (),
    *,
    models: Collection[str] = (STANDARD, QUALITY),
    strict: bool = True,
) -> Submission:
    """Turn JSON or form fields, and uploaded files, into a submission for one of `models`. Raises Refusal."""
    model = _model(fields, models)
    if strict:
        _refuse_unknown(route, fields)
    prompt = _text(fields, "prompt")
    if not prompt.strip():
        raise Refusal("prompt is required")
    sources = _sources(route, fields, files)
    return Submission(
        route=route,
        model=model,
        prompt=prompt,
        sources=sources,
        aspect_ratio=_ratio(fields, is_edit=bool(sources)),
        resolution=_choice(fields, "resolution", Resolution.ONE_K),
        format=_format(fields),
        count=_count(fields, "num_images" if route is Route.TASKS else "n"),
        as_base64=_wants_base64(fields),
    )


def _model(fields: Mapping[str, object], models: Collection[str]) -> Model:
    name = _text(fields, "model")
    if not name:
        raise Refusal("model is required")
    if name == VIDEO_MODEL:
        raise Refusal(f"{name} is a video model, please call /v1/videos; for images use {STANDARD}")
    if name not in models:
        message = f"No available channel for model {name} under group default (distributor)"
        raise Refusal(message, "model_not_found", 503)
    return Model(name)


def _refuse_unknown(route: Route, fields: Mapping[str, object]) -> None:
    if route is Route.TASKS and "n" in fields:
        raise Refusal("n is not supported here, use num_images")
    if route is not Route.TASKS and "num_images" in fields:
        raise Refusal("num_images is not supported here, use n, or /v1/images/tasks")
    for name in fields:
        if name not in _FIELDS[route]:
            raise Refusal(f"Argument not supported: {name}")


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refusal(f"{name} must be a string")
    return value


def _choice(fields: Mapping[str, object], name: str, default: _Choice) -> _Choice:
    value = _text(fields, name) or default
    try:
        return type(default)(value)
    except ValueError:
        allowed = ", ".join(type(default))
        raise Refusal(f"{name} must be one of {allowed}") from None


def _format(fields: Mapping[str, object]) -> PictureFormat:
    asked = _text(fields, "output_format") or PictureFormat.JPEG
    if asked not in OFFERED_FORMATS:
        raise Refusal(f"output_format must be one of {', '.join(OFFERED_FORMATS)}")
    return PictureFormat(asked)


def _ratio(fields: Mapping[str, object], *, is_edit: bool) -> AspectRatio:
    ratio = _choice(fields, "aspect_ratio", AspectRatio.AUTO if is_edit else AspectRatio.SQUARE)
    if ratio is AspectRatio.AUTO and not is_edit:
        raise Refusal("aspect_ratio auto is for image editing only")
    return ratio


def _count(fields: Mapping[str, object], name: str) -> int:
    value = fields.get(name, 1)
    if isinstance(value, str) and value.isdecimal():  # form fields are texts
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_COUNT:
        raise Refusal(f"{name} must be an integer between 1 and {MAX_COUNT}")
    return value


def _wants_base64(fields: Mapping[str, object]) -> bool:
    value = _text(fields, "response_format") or "url"
    if value not in {"url", "b64_json"}:
        raise Refusal("response_format must be one of url, b64_json")
    return value == "b64_json"


def _sources(route: Route, fields: Mapping[str, object], files: Sequence[bytes]) -> tuple[str | bytes, ...]:
    named = [name for name in _IMAGE_FIELDS if fields.get(name)]
    if len(named) + bool(files) > 1:
        raise Refusal("use only one of image, images, image_url, image_urls")
    if not all(is_picture(content) for content in files):
        raise Refusal("image must be a JPEG, PNG or WebP file", "invalid_image")
    sources = tuple(files) or (_addresses(named[0], fields[named[0]]) if named else ())
    if len(sources) > MAX_SOURCES:
        raise Refusal(f"at most {MAX_SOURCES} images are supported")
    _match_task_type(route, _text(fields, "task_type"), has_sources=bool(sources))
    return sources


def _match_task_type(route: Route, task_type: str, *, has_sources: bool) -> None:
    if task_type not in {"", "text2image", "image2image"}:
        raise Refusal("task_type must be one of text2image, image2image")
    if task_type == "text2image" and has_sources:
        raise Refusal("text2image does not take an image")
    if not has_sources and (task_type == "image2image" or route is Route.EDITS):
        raise Refusal("image or images is required for image editing")


def _addresses(name: str, value: object) -> tuple[str, ...]:
    single = not name.endswith("s")
    if single and not isinstance(value, str):
        raise Refusal(f"{name} must be a string")
    if not single and not isinstance(value, list):
        raise Refusal(f"{name} must be a list of strings")
    addresses = cast(Sequence[object], [value] if single else value)
    for address in addresses:
        if not isinstance(address, str) or not address.startswith(("http://", "https://")):
            raise Refusal(f"{name} must hold http or https addresses")
    return tuple(str(address) for address in addresses)
