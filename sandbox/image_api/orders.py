"""Reads an order to the local image API: JSON into frozen values, by what their fields are annotated with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from enum import StrEnum
from types import UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from sandbox.image_api.latency import Latency
from sandbox.image_api.scenarios import SCENARIOS
from sandbox.image_api.script import Fate, Outage, Phrasing

T = TypeVar("T")


class OrderFault(ValueError):
    """An order that cannot be followed. The message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What a POST to the control address asks for. What is None stays as it is."""

    reset: bool = False
    on: tuple[str, ...] | Mapping[str, int | None] = ()
    off: tuple[str, ...] = ()
    strict: bool | None = None
    models: tuple[str, ...] | None = None
    lists_models: bool | None = None
    fate: Fate | None = None
    phrasing: Phrasing | None = None
    latency: Latency | None = None
    outage: Outage | None = None

    def __post_init__(self) -> None:
        if unknown := [name for name in (*self.switches, *self.off) if name not in SCENARIOS]:
            raise ValueError(f"no such scenario: {', '.join(unknown)}")
        if any(times is not None and times < 1 for times in self.switches.values()):
            raise ValueError("a scenario is for at least one request")

    @property
    def switches(self) -> Mapping[str, int | None]:
        """The scenarios to switch on, each for so many requests, or for all."""
        return self.on if isinstance(self.on, Mapping) else dict.fromkeys(self.on)


def read_order(text: bytes) -> Order:
    """The order in a text of JSON. Raises OrderFault."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise OrderFault("this is no JSON") from None
    return _object(Order, given, "order")


def _object(kind: type[T], given: object, name: str) -> T:
    """A dataclass from JSON's object, in which what has a default may be missing."""
    if not isinstance(given, dict):
        raise OrderFault(f"{name}: has to be an object")
    values, hints = cast("dict[str, object]", given), get_type_hints(kind)
    if unknown := values.keys() - hints.keys():
        raise OrderFault(f"{name}: knows no {', '.join(sorted(unknown))}")
    read = {key: _value(hints[key], value, f"{name}.{key}") for key, value in values.items()}
    try:
        return kind(**read)
    except (TypeError, ValueError) as error:  # a value is missing, or they do not go together
        raise OrderFault(f"{name}: {error}") from None


def _value(annotation: Any, given: object, name: str) -> Any:
    """JSON's value as a field with this annotation has it. A whole number is a float, too; true is no number."""
    for kind in get_args(annotation) if isinstance(annotation, UnionType) else (annotation,):
        match given:
            case dict() if is_dataclass(kind):
                return _object(cast("type[Any]", kind), cast("object", given), name)
            case dict() if get_origin(kind) is Mapping:
                inner = get_args(kind)[1]
                entries = cast("dict[str, object]", given).items()
                return {key: _value(inner, value, f"{name}.{key}") for key, value in entries}
            case list() if get_origin(kind) is tuple:
                return tuple(_value(get_args(kind)[0], it, name) for it in cast("list[object]", given))
            case str() if isinstance(kind, type) and issubclass(kind, StrEnum) and given in set(kind):
                return kind(given)
            case int() if kind is float and not isinstance(given, bool):
                return float(given)
            case _ if kind in {object, type(given)}:
                return given
            case _:
                pass
    raise OrderFault(f"{name}: cannot be {json.dumps(given)[:60]}")
