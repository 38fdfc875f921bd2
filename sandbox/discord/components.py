"""Discord's rules for the components of a message, checked as its API checks them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from sandbox.discord.payloads import Json, as_object, as_objects
from sandbox.discord.refusals import FormFault

ROW, BUTTON, STRING_SELECT, SECTION, TEXT, THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER = (1, 2, 3, *range(9, 15), 17)
SELECTS = frozenset({3, 5, 6, 7, 8})
_NAMED = {5: {"user"}, 6: {"role"}, 7: {"user", "role"}, 8: {"channel"}}  # what the default of a select may be
INTERACTIVE = SELECTS | {BUTTON}

MAX_COMPONENTS = 40
MAX_TEXT = 4000  # characters of all text displays together
MAX_ROWS = 5  # without Components V2

_TOP_LEVEL = frozenset({ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR, CONTAINER})
_LINK, _PREMIUM = 5, 6

Path = tuple[str | int, ...]


def component_faults(components: Any, *, v2: bool) -> list[FormFault]:
    """Everything wrong with a message's components; empty when Discord would take them."""
    inspection = _Inspection()
    inspection.message(components, v2=v2)
    return inspection.faults


class Faults:
    """Collects faults, with the checks that forms have in common."""

    def __init__(self) -> None:
        self.faults: list[FormFault] = []
        self._custom_ids: set[str] = set()

    def fault(self, path: Path, code: str, message: str) -> None:
        self.faults.append(FormFault(path, code, message))

    def length(self, path: Path, value: Any, low: int, high: int) -> None:
        """A string (or list) of `low` to `high` characters (or items)."""
        if value is None or (value == "" and low):
            self.fault(path, "BASE_TYPE_REQUIRED", "This field is required")
        elif not isinstance(value, str | list):
            self.fault(path, "BASE_TYPE_BAD_TYPE", "The value has a wrong type.")
        elif not low <= len(cast("str | list[Any]", value)) <= high:
            self.fault(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")

    def optional(self, path: Path, value: Any, high: int) -> None:
        if value is not None:
            self.length(path, value, 0, high)

    def number(self, path: Path, value: Any, low: int, high: int) -> None:
        if value is None:
            return
        if not isinstance(value, int) or not low <= value <= high:
            self.fault(path, "NUMBER_TYPE_RANGE", f"int value should be between {low} and {high}.")

    def custom_id(self, path: Path, value: Any) -> None:
        path = (*path, "custom_id")
        self.length(path, value, 1, 100)
        if isinstance(value, str):
            if value in self._custom_ids:
                self.fault(path, "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
            self._custom_ids.add(value)

    def options(self, path: Path, part: Json, low: int = 1, high: int = 25) -> None:
        """The options of a select, radio or checkbox group, and how many may be taken."""
        options = as_objects(part.get("options"))
        self.length((*path, "options"), options, low, high)
        values: set[str] = set()
        for index, option in enumerate(options):
            at = (*path, "options", index)
            self.length((*at, "label"), option.get("label"), 1, 100)
            self.length((*at, "value"), option.get("value"), 1, 100)
            self.optional((*at, "description"), option.get("description"), 100)
            if option.get("value") in values:
                text = "The specified option value is already used"
                self.fault((*at, "value"), "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", text)
            values.add(str(option.get("value")))
        maximum = part.get("max_values")
        if isinstance(maximum, int) and options and maximum > len(options):
            self.fault((*path, "max_values"), "BASE_TYPE_MAX_LENGTH", "Must be no more than the number of options.")

    def defaults(self, path: Path, part: Json) -> None:
        """What a select of people, roles or channels shows as chosen."""
        given = as_objects(part.get("default_values"))
        low, high = part.get("min_values"), part.get("max_values")
        least, most = 1 if low is None else low, 1 if high is None else high
        if given and not least <= len(given) <= most:
            text = "The number of default values must be in the range of min_values and max_values"
            self.fault((*path, "default_values"), "SELECT_COMPONENT_DEFAULT_VALUES_COUNT", text)
        for index, one in enumerate(given):
            if one.get("type") not in _NAMED.get(int(part["type"]), set()):
                text = "The default value has a wrong type"
                self.fault((*path, "default_values", index, "type"), "BASE_TYPE_CHOICES", text)

    def choice(self, path: Path, value: Any, allowed: frozenset[int]) -> bool:
        if value in allowed:
            return True
        self.fault(path, "UNION_TYPE_CHOICES", f"Value of field must be one of {tuple(sorted(allowed))}.")
        return False


class _Inspection(Faults):
    """One message's components: counts them, adds up their text, and looks into each kind."""

    def __init__(self) -> None:
        super().__init__()
        self._count = 0
        self._text = 0
        self._kinds: dict[int, Callable[[Path, Json], None]] = {
            ROW: self._row,
            BUTTON: self._button,
            SECTION: self._section,
            TEXT: self._text_display,
            THUMBNAIL: self._thumbnail,
            GALLERY: self._gallery,
            FILE: self._file,
            SEPARATOR: self._separator,
            CONTAINER: self._container,
        }

    def message(self, components: Any, *, v2: bool) -> None:
        path: Path = ("components",)
        if not isinstance(components, list):
            self.fault(path, "BASE_TYPE_BAD_TYPE", "Only iterables may be used in a ListType")
            return
        parts = as_objects(components)
        allowed = _TOP_LEVEL if v2 else frozenset({ROW})
        if not v2 and len(parts) > MAX_ROWS:
            self.fault(path, "BASE_TYPE_BAD_LENGTH", f"Must be {MAX_ROWS} or fewer in length.")
        self._children(path, parts, allowed)
        if self._count > MAX_COMPONENTS:
            text = f"The total number of components cannot exceed {MAX_COMPONENTS}"
            self.fault(path, "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", text)
        if self._text > MAX_TEXT:
            text = f"Components displayable text size exceeds maximum size of {MAX_TEXT}"
            self.fault(path, "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", text)

    def _children(self, path: Path, parts: list[Json], allowed: frozenset[int]) -> None:
        for index, part in enumerate(parts):
            self._one((*path, index), part, allowed)

    def _one(self, path: Path, part: Json, allowed: frozenset[int]) -> None:
        self._count += 1
        kind = part.get("type")
        if self.choice((*path, "type"), kind, allowed):
            handle = self._select if kind in SELECTS else self._kinds[int(kind or 0)]
            handle(path, part)

    def _row(self, path: Path, part: Json) -> None:
        parts = as_objects(part.get("components"))
        path = (*path, "components")
        self.length(path, parts, 1, 5)
        has_select = any(one.get("type") in SELECTS for one in parts)
        if has_select and len(parts) > 1:
            self.fault(path, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The specified component exceeds the maximum width")
        self._children(path, parts, INTERACTIVE)

    def _button(self, path: Path, part: Json) -> None:
        self.optional((*path, "label"), part.get("label"), 80)
        style = part.get("style")
        if not self.choice((*path, "style"), style, frozenset(range(1, 7))):
            return
        if style == _LINK:
            self.length((*path, "url"), part.get("url"), 1, 512)
        elif style == _PREMIUM:
            self.length((*path, "sku_id"), part.get("sku_id"), 1, 20)
        else:
            self.custom_id(path, part.get("custom_id"))
        if style != _PREMIUM and not part.get("label") and not part.get("emoji"):
            self.fault(path, "BUTTON_COMPONENT_INVALID_LABEL_OR_EMOJI", "A button needs a label or an emoji")

    def _select(self, path: Path, part: Json) -> None:
        self.custom_id(path, part.get("custom_id"))
        self.optional((*path, "placeholder"), part.get("placeholder"), 150)
        self.number((*path, "min_values"), part.get("min_values"), 0, 25)
        self.number((*path, "max_values"), part.get("max_values"), 1, 25)
        if part.get("type") == STRING_SELECT:
            self.options(path, part)
        else:
            self.defaults(path, part)

    def _section(self, path: Path, part: Json) -> None:
        texts = as_objects(part.get("components"))
        self.length((*path, "components"), texts, 1, 3)
        self._children((*path, "components"), texts, frozenset({TEXT}))
        accessory: Json | None = part.get("accessory")
        if accessory is None:
            self.fault((*path, "accessory"), "BASE_TYPE_REQUIRED", "This field is required")
        else:
            self._one((*path, "accessory"), accessory, frozenset({BUTTON, THUMBNAIL}))

    def _text_display(self, path: Path, part: Json) -> None:
        content = part.get("content")
        self.length((*path, "content"), content, 1, MAX_TEXT)
        self._text += len(content) if isinstance(content, str) else 0

    def _thumbnail(self, path: Path, part: Json) -> None:
        self._media((*path, "media"), part.get("media"))
        self.optional((*path, "description"), part.get("description"), 1024)

    def _gallery(self, path: Path, part: Json) -> None:
        items = as_objects(part.get("items"))
        self.length((*path, "items"), items, 1, 10)
        for index, item in enumerate(items):
            at = (*path, "items", index)
            self._media((*at, "media"), item.get("media"))
            self.optional((*at, "description"), item.get("description"), 1024)

    def _file(self, path: Path, part: Json) -> None:
        media = part.get("file")
        self._media((*path, "file"), media)
        if not str(as_object(media).get("url", "attachment://")).startswith("attachment://"):
            text = "File components take attachment:// references only"
            self.fault((*path, "file", "url"), "UNFURLED_MEDIA_ITEM_INVALID_REFERENCE", text)

    def _separator(self, path: Path, part: Json) -> None:
        if part.get("spacing") is not None:
            self.choice((*path, "spacing"), part["spacing"], frozenset({1, 2}))

    def _container(self, path: Path, part: Json) -> None:
        parts = as_objects(part.get("components"))
        self.length((*path, "components"), parts, 1, MAX_COMPONENTS)
        self.number((*path, "accent_color"), part.get("accent_color"), 0, 0xFFFFFF)
        self._children((*path, "components"), parts, _TOP_LEVEL - {CONTAINER})

    def _media(self, path: Path, media: Any) -> None:
        url = as_object(media).get("url")
        if not isinstance(url, str) or not url:
            self.fault((*path, "url"), "BASE_TYPE_REQUIRED", "This field is required")
        elif not url.startswith(("attachment://", "http://", "https://")):
            text = "Not a well formed URL."
            self.fault((*path, "url"), "URL_TYPE_INVALID_SCHEME", text)
