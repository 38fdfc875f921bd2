"""A modal as a person fills it in: its fields, and what is sent when it is submitted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.discord.cdn import Upload
from sandbox.discord.clients import InvalidCommand
from sandbox.discord.modals import CHECKBOX, CHECKBOX_GROUP, FILE_UPLOAD, LABEL, RADIO_GROUP, ROW, TEXT_INPUT
from sandbox.discord.named import MENU_KINDS, Named
from sandbox.discord.payloads import Json
from sandbox.discord.sight import chosen_in

File = Path | Upload
FieldValue = str | bool | File | Sequence[str] | Sequence[File]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form. `kind` is Discord's component type; `value` is what it holds when the form opens."""

    label: str
    custom_id: str
    kind: int
    description: str = ""
    placeholder: str = ""
    value: str | bool | tuple[str, ...] = ""
    options: tuple[tuple[str, str], ...] = ()  # label and value
    required: bool = True
    least: int = 0  # characters, choices or files
    most: int = 4000
    multiline: bool = False
    channel_types: tuple[int, ...] = ()


def fields_of(modal: Json) -> list[Field]:
    """The fields of a modal, from top to bottom."""
    fields: list[Field] = []
    for part in modal["components"]:
        if part["type"] == LABEL:
            fields.append(_field(part["label"], part.get("description") or "", part["component"]))
        elif part["type"] == ROW:
            inner = part["components"][0]
            fields.append(_field(inner["label"], "", inner))
    return fields


def submission(
    modal: Json, given: Mapping[str, FieldValue], attach: Callable[[Upload], Json], named: Named
) -> list[Json]:
    """The components to send; what they mean is gathered in `named`. `attach` uploads a file. Raises InvalidCommand.

    Keys are labels (in any case, `_` for a blank) or custom ids. Fields not named keep what they hold.
    """
    fields = {field.custom_id: field for field in fields_of(modal)}
    values = {_find(fields.values(), key).custom_id: value for key, value in given.items()}

    def sent(number: int, part: Json) -> Json:
        field = fields[part["custom_id"]]
        shape: Json = {"type": field.kind, "id": part.get("id") or number, "custom_id": field.custom_id}
        value = values.get(field.custom_id, field.value)
        if field.kind != FILE_UPLOAD:
            return shape | _entered(field, value, named)
        uploads = [attach(one) for one in _files(field, value)]
        if uploads:
            named.resolved.setdefault("attachments", {}).update({one["id"]: one for one in uploads})
        return shape | {"values": [one["id"] for one in uploads]}

    components: list[Json] = []
    for number, part in enumerate(modal["components"], 1):
        outer: Json = {"type": part["type"], "id": part.get("id") or number * 10}
        if part["type"] == LABEL:
            outer["component"] = sent(number * 10 + 1, part["component"])
        elif part["type"] == ROW:
            outer["components"] = [sent(number * 10 + 1, part["components"][0])]
        components.append(outer)
    return components


def _field(label: str, description: str, part: Json) -> Field:
    kind = part["type"]
    options: list[Json] = part.get("options") or []
    chosen = chosen_in(part)
    value: str | bool | tuple[str, ...] = chosen
    if kind == TEXT_INPUT:
        value = part.get("value") or ""
    elif kind == RADIO_GROUP:
        value = chosen[0] if chosen else ""
    elif kind == CHECKBOX:
        value = bool(part.get("default"))
    low, high = ("min_length", "max_length") if kind == TEXT_INPUT else ("min_values", "max_values")
    least, most = part.get(low), part.get(high)
    if kind == CHECKBOX_GROUP and most is None:
        most = len(options)
    return Field(
        label=label,
        custom_id=part["custom_id"],
        kind=kind,
        description=description,
        placeholder=part.get("placeholder") or "",
        value=value,
        options=tuple((option["label"], option["value"]) for option in options),
        required=part.get("required") is not False and kind != CHECKBOX,
        least=least if least is not None else (0 if kind == TEXT_INPUT else 1),
        most=most if most is not None else (4000 if kind == TEXT_INPUT else 1),
        multiline=kind == TEXT_INPUT and part.get("style") == 2,
        channel_types=tuple(part.get("channel_types") or ()),
    )


def _listed(value: FieldValue) -> list[object]:
    """Several values, one, or none."""
    if isinstance(value, str | bool | Path | Upload):
        return [value] if value else []
    return list(value)


def _find(fields: Collection[Field], key: str) -> Field:
    wanted = key.replace("_", " ").casefold()
    for field in fields:
        if key == field.custom_id or wanted in (field.label.casefold(), field.label.replace("_", " ").casefold()):
            return field
    labels = ", ".join(field.label for field in fields)
    raise InvalidCommand(f"The form has no field {key}; it has {labels}.")


def _entered(field: Field, value: FieldValue, named: Named) -> Json:
    """The value of a field as it is sent."""
    if field.kind == CHECKBOX:
        return {"value": bool(value)}
    if field.kind == TEXT_INPUT:
        return {"value": _text(field, value)}
    picked = _picked(field, value)
    if field.kind in MENU_KINDS:
        picked = [named.find(MENU_KINDS[field.kind], one, field.channel_types) for one in picked]
    if field.kind == RADIO_GROUP:
        return {"value": picked[0] if picked else None}
    return {"values": picked}


def _text(field: Field, value: FieldValue) -> str:
    if not isinstance(value, str):
        raise InvalidCommand(f"{field.label} takes text.")
    if field.required and not value:
        raise InvalidCommand(f"{field.label} is required.")
    if value and not field.least <= len(value) <= field.most:
        raise InvalidCommand(f"{field.label} takes {field.least} to {field.most} characters.")
    return value


def _picked(field: Field, value: FieldValue) -> list[str]:
    wanted = [str(one) for one in _listed(value)]
    by_name = {name: option for label, option in field.options for name in (label, option)}
    unknown = [one for one in wanted if field.options and one not in by_name]
    if unknown:
        raise InvalidCommand(f"{field.label} has no choice {unknown[0]}; it has {', '.join(dict(field.options))}.")
    if not wanted and not field.required:
        return []
    if not max(field.least, int(field.required)) <= len(wanted) <= field.most:
        raise InvalidCommand(f"{field.label} takes {field.least} to {field.most} choices.")
    return [by_name.get(one, one) for one in wanted]


def _files(field: Field, value: FieldValue) -> list[Upload]:
    uploads = [Upload.read(one) if isinstance(one, Path) else one for one in _listed(value)]
    files = [one for one in uploads if isinstance(one, Upload)]
    if len(files) != len(uploads):
        raise InvalidCommand(f"{field.label} takes files.")
    if not files and not field.required:
        return []
    if not max(field.least, int(field.required)) <= len(files) <= field.most:
        raise InvalidCommand(f"{field.label} takes {field.least} to {field.most} files.")
    return files
