"""JSON from outside, taken as what it should be."""

from __future__ import annotations

from typing import Any, cast

Json = dict[str, Any]


def as_object(value: Any) -> Json:
    """The value if it is a JSON object, else an empty one."""
    return cast("Json", value) if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """The value if it is a JSON array, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def with_ids_as_text(part: Json) -> Json:
    """A component whose default values have their ids as Discord sends them, whatever form the bot gave them."""
    if not part.get("default_values"):
        return part
    return part | {"default_values": [one | {"id": str(one.get("id"))} for one in as_objects(part["default_values"])]}


def as_objects(value: Any) -> list[Json]:
    """A JSON array of objects; whatever is no object in it becomes an empty one."""
    return [as_object(one) for one in as_list(value)]
