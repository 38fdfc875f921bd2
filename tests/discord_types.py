"""Judges what the bot shows by the types of discord.py: a message or form it sends can be built again out of them.

Limits that the official specification does not state, such as the components of a whole message or the characters of
all its texts, stand in discord.py's own classes. Components that were sent are read back into them and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

from discord import ui
from discord.components import Component, _component_factory  # pyright: ignore[reportPrivateUsage]
from discord.ui.view import _component_to_item  # pyright: ignore[reportPrivateUsage, reportUnknownVariableType]

from tests.discord_spec import SentRequest

MAX_COMPONENTS = 40
MAX_TEXT_CHARS = 4000
MAX_FORM_FIELDS = 5

Json = dict[str, Any]


def check_types(requests: Iterable[SentRequest]) -> None:
    """Raise AssertionError at the first message or form that discord.py's types do not allow."""
    for request in requests:
        body = as_object(request.json)
        data = as_object(body.get("data")) or body
        components = cast("list[Json]", data.get("components") or [])
        faults = list(form_faults(components) if "title" in data else layout_faults(components))
        assert not faults, f"{request.method} {request.path}: {'; '.join(faults)}"


def layout_faults(components: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What is wrong with the components of a message."""
    view = ui.LayoutView(timeout=None)
    try:
        for raw in components:
            component = _component_factory(cast("Any", raw))
            if component is None:
                yield f"discord.py knows no component of type {raw.get('type')}"
                continue
            view.add_item(_item(component))
    except (ValueError, TypeError) as error:
        yield f"discord.py does not take it: {error}"
        return
    children = list(view.walk_children())
    if len(children) > MAX_COMPONENTS:
        yield f"{len(children)} components"
    if view.content_length() > MAX_TEXT_CHARS:
        yield f"{view.content_length()} characters"
    ids = [it.custom_id for it in children if isinstance(it, ui.Button | ui.Select) and it.custom_id]
    yield from (f"the custom id {it} stands twice" for it in set(ids) if ids.count(it) > 1)


def _item(component: Component) -> ui.Item[Any]:
    return cast("Callable[[Component], ui.Item[Any]]", _component_to_item)(component)


def form_faults(components: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What is wrong with the fields of a form."""
    fields = list(components)
    if not 1 <= len(fields) <= MAX_FORM_FIELDS:
        yield f"{len(fields)} fields"
    ids = [str(as_object(it.get("component")).get("custom_id")) for it in fields if "component" in it]
    yield from (f"the field {it} stands twice" for it in set(ids) if ids.count(it) > 1)
    for raw in fields:
        if _component_factory(cast("Any", raw)) is None:
            yield f"discord.py knows no component of type {raw.get('type')}"


def as_object(value: Any) -> Json:
    """A JSON object; an empty one for anything else."""
    return cast("Json", value) if isinstance(value, dict) else {}
