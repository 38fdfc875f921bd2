"""Judges requests and answers by Discord's official OpenAPI specification.

The specification is no part of the project. It is read from EASEL_DISCORD_SPEC, or from `shared/discord-openapi.json`
beside the project; where it is not at hand, `spec_path` is None and tests that need it skip.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import jsonschema_rs

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from referencing import Registry, Resource

MISSING = "the Discord specification is not at hand (EASEL_DISCORD_SPEC or ../shared/discord-openapi.json)"
_ROOT = Path(__file__).resolve().parent.parent
_REQUESTS, _ANSWERS = "urn:discord:requests", "urn:discord:answers"
_JSON = "application/json"
_MAX_FILES = 10

Json = dict[str, Any]


class SentFile(Protocol):
    """A file of a recorded request."""

    @property
    def index(self) -> int: ...
    @property
    def name(self) -> str: ...


class SentRequest(Protocol):
    """A recorded request: its path without `/api/v10`, and its JSON body (`payload_json` of a multipart one)."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def json(self) -> Any: ...
    @property
    def files(self) -> Sequence[SentFile]: ...


def spec_path() -> Path | None:
    """Where the specification lies, if it is at hand."""
    named = os.environ.get("EASEL_DISCORD_SPEC")
    path = Path(named) if named else _ROOT.parent / "shared" / "discord-openapi.json"
    return path if path.is_file() else None


def check_request(recorded: SentRequest) -> None:
    """Raise AssertionError unless the request is one Discord specifies, body and all."""
    faults = request_faults(recorded)
    assert not faults, f"{recorded.method} {recorded.path} breaks the specification:\n" + "\n".join(faults)


def check_requests(requests: Iterable[SentRequest]) -> None:
    """Check each of them. Raises AssertionError at the first that breaks the specification."""
    for request in requests:
        check_request(request)


def request_faults(recorded: SentRequest) -> list[str]:
    """What the specification says against a request; empty when it agrees."""
    template = template_of(recorded.path)
    operation = _spec()["paths"].get(template or "", {}).get(recorded.method.lower())
    if template is None or operation is None:
        return ["there is no such route"]
    content = operation.get("requestBody", {}).get("content")
    if content is None:
        return ["the route takes no body"] if recorded.json is not None or recorded.files else []
    pointer = _pointer("paths", template, recorded.method.lower(), "requestBody", "content", _JSON, "schema")
    return [*_schema_faults(pointer, recorded.json, _REQUESTS), *_file_faults(recorded, content)]


def check_answer(method: str, path: str, status: int, body: Any) -> None:
    """Raise AssertionError unless the answer is one Discord specifies for the route."""
    faults = answer_faults(method, path, status, body)
    assert not faults, f"the answer to {method} {path} breaks the specification:\n" + "\n".join(faults)


def answer_faults(method: str, path: str, status: int, body: Any) -> list[str]:
    """What the specification says against an answer; empty when it agrees."""
    template = template_of(path)
    if template is None:
        return ["there is no such route"]
    responses: Json = _spec()["paths"][template][method.lower()]["responses"]
    key = str(status) if str(status) in responses else f"{status // 100}XX"
    if key not in responses:
        return [f"there is no status {status}; there are {', '.join(responses)}"]
    if "$ref" in responses[key]:
        pointer = f"{responses[key]['$ref']}/content/{_escape(_JSON)}/schema"
    elif _JSON in responses[key].get("content", {}):
        pointer = _pointer("paths", template, method.lower(), "responses", key, "content", _JSON, "schema")
    else:
        return [] if body is None else [f"status {status} has no body"]
    return _schema_faults(pointer, body, _ANSWERS)


def template_of(path: str) -> str | None:
    """The specification's path template for a path; one with fewer parameters goes first."""
    fitting = [template for template, pattern in _templates() if pattern.fullmatch(path)]
    return min(fitting, key=lambda template: template.count("{"), default=None)


def _file_faults(recorded: SentRequest, content: Json) -> Iterator[str]:
    if recorded.files and "multipart/form-data" not in content:
        yield "the route takes no files"
    if len(recorded.files) > _MAX_FILES:
        yield f"more than {_MAX_FILES} files"
    sent: Any = recorded.json
    body: Json = cast("Json", sent) if isinstance(sent, dict) else {}
    entries: list[Json] = (body.get("data") or body).get("attachments") or []
    listed = {str(entry.get("id")) for entry in entries}
    for file in recorded.files:
        if listed and str(file.index) not in listed:
            yield f"files[{file.index}] ({file.name}) is not listed in attachments"


def _schema_faults(pointer: str, instance: Any, uri: str) -> list[str]:
    """One library judges a thousand times quicker; the other has all the words for what is wrong."""
    schema = f"{uri}{pointer}"
    if _judge(schema).is_valid(instance):
        return []
    from jsonschema import Draft202012Validator  # nearly always needless, and slow to import

    validator = Draft202012Validator({"$ref": schema}, registry=_registry())
    errors = cast("Iterable[ValidationError]", validator.iter_errors(instance))  # pyright: ignore[reportUnknownMemberType] untyped library
    return [line for error in errors for line in _lines(error)] or ["(body): one of two libraries does not take it"]


def _lines(error: ValidationError) -> list[str]:
    """The error, or those of the alternative that was meant: the one of the right type, else with the fewest faults."""
    branches: dict[Any, list[ValidationError]] = {}
    for inner in cast("Sequence[ValidationError]", error.context or ()):
        branches.setdefault(inner.schema_path[0], []).append(inner)
    if not branches:
        where = ".".join(map(str, error.absolute_path)) or "(body)"
        return [f"{where}: {error.message[:300]}"]
    closest = min(branches.values(), key=lambda inner: (any(map(_is_of_another_type, inner)), len(inner)))
    return [line for inner in closest for line in _lines(inner)]


def _is_of_another_type(error: ValidationError) -> bool:
    at_root = not error.path and error.validator == "type"
    return at_root or list(error.path) == ["type"]


@cache
def _spec() -> Json:
    path = spec_path()
    assert path is not None, MISSING
    return json.loads(path.read_text(encoding="utf-8"))


@cache
def _contents() -> dict[str, Json]:
    """The specification as requests and as answers are judged by it."""
    specification = _spec()
    components: Json = specification["components"]
    schemas: Json = components["schemas"]
    # Discord takes ids as numbers too, as its own examples send them ("attachments": [{"id": 0}])
    any_id = {"anyOf": [schemas["SnowflakeType"], {"type": "integer", "minimum": 0}]}
    lenient = {**specification, "components": {**components, "schemas": {**schemas, "SnowflakeType": any_id}}}
    return {_REQUESTS: lenient, _ANSWERS: specification}


@cache
def _judge(schema: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({"$ref": schema}, validate_formats=False, registry=_quick_registry())


@cache
def _quick_registry() -> jsonschema_rs.Registry:
    return jsonschema_rs.Registry(list(_contents().items()), draft=jsonschema_rs.Draft202012)


@cache
def _registry() -> Registry[Any]:
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT202012

    registry: Registry[Any] = Registry()
    for uri, contents in _contents().items():
        resource: Resource[Any] = Resource(contents=contents, specification=DRAFT202012)
        registry = registry.with_resource(uri, resource)
    return registry


@cache
def _templates() -> list[tuple[str, re.Pattern[str]]]:
    return [(template, re.compile(re.sub(r"\{[^}]+\}", "[^/]+", template))) for template in _spec()["paths"]]


def _pointer(*steps: str) -> str:
    return "#/" + "/".join(_escape(step) for step in steps)


def _escape(step: str) -> str:
    """A step of a JSON pointer inside a URI fragment."""
    pointer = step.replace("~", "~0").replace("/", "~1")
    return pointer.replace("{", "%7B").replace("}", "%7D")
