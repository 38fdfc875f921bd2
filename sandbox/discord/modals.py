"""Discord's rules for a modal."""

from __future__ import annotations

from typing import Any

from sandbox.discord.components import SELECTS, STRING_SELECT, TEXT, Faults, Path
from sandbox.discord.payloads import Json, as_object, as_objects, with_ids_as_text
from sandbox.discord.refusals import check

TEXT_INPUT, LABEL, FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX = 4, 18, 19, 21, 22, 23
ROW = 1
MAX_TOP_LEVEL = 5
_IN_LABEL = SELECTS | {TEXT_INPUT, FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX}


def check_modal(data: Any) -> Json:
    """The modal as given, if Discord would open it. Raises Refusal."""
    modal = as_object(data)
    faults = _Inspection()
    faults.modal(modal)
    check(faults.faults)
    return modal | {"components": [_complete(part) for part in as_objects(modal.get("components"))]}


def _complete(part: Json) -> Json:
    return part | {"component": with_ids_as_text(as_object(part["component"]))} if "component" in part else part


class _Inspection(Faults):
    def modal(self, modal: Json) -> None:
        self.length(("data", "title"), modal.get("title"), 1, 45)
        self.custom_id(("data",), modal.get("custom_id"))
        parts = as_objects(modal.get("components"))
        self.length(("data", "components"), parts, 1, MAX_TOP_LEVEL)
        for index, part in enumerate(parts):
            self._top(("data", "components", index), part)

    def _top(self, path: Path, part: Json) -> None:
        kind = part.get("type")
        if not self.choice((*path, "type"), kind, frozenset({ROW, TEXT, LABEL})):
            return
        if kind == TEXT:
            self.length((*path, "content"), part.get("content"), 1, 4000)
        elif kind == ROW:
            inner = as_objects(part.get("components"))
            self.length((*path, "components"), inner, 1, 1)
            for one in inner:
                self._text_input((*path, "components", 0), one, needs_label=True)
        else:
            self._label(path, part)

    def _label(self, path: Path, part: Json) -> None:
        self.length((*path, "label"), part.get("label"), 1, 45)
        self.optional((*path, "description"), part.get("description"), 100)
        inner = as_object(part.get("component"))
        path = (*path, "component")
        if not self.choice((*path, "type"), inner.get("type"), _IN_LABEL):
            return
        kind = int(inner["type"])
        if kind == TEXT_INPUT:
            self._text_input(path, inner, needs_label=False)
            return
        self.custom_id(path, inner.get("custom_id"))
        if kind == FILE_UPLOAD:
            self.number((*path, "min_values"), inner.get("min_values"), 0, 10)
            self.number((*path, "max_values"), inner.get("max_values"), 1, 10)
        elif kind == RADIO_GROUP:
            self.options(path, inner, 2, 10)
        elif kind == CHECKBOX_GROUP:
            self.options(path, inner, 1, 10)
        elif kind in SELECTS:
            self._select(path, inner)

    def _select(self, path: Path, part: Json) -> None:
        self.optional((*path, "placeholder"), part.get("placeholder"), 150)
        self.number((*path, "min_values"), part.get("min_values"), 0, 25)
        self.number((*path, "max_values"), part.get("max_values"), 1, 25)
        if part["type"] == STRING_SELECT:
            self.options(path, part)
        else:
            self.defaults(path, part)

    def _text_input(self, path: Path, part: Json, *, needs_label: bool) -> None:
        if not self.choice((*path, "type"), part.get("type"), frozenset({TEXT_INPUT})):
            return
        self.custom_id(path, part.get("custom_id"))
        self.choice((*path, "style"), part.get("style"), frozenset({1, 2}))
        if needs_label:
            self.length((*path, "label"), part.get("label"), 1, 45)
        self.optional((*path, "placeholder"), part.get("placeholder"), 100)
        self.optional((*path, "value"), part.get("value"), 4000)
        self.number((*path, "min_length"), part.get("min_length"), 0, 4000)
        self.number((*path, "max_length"), part.get("max_length"), 1, 4000)
