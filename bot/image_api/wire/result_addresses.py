"""Where the pictures of an answer are: what every dialect keeps in a field of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bot.image_api.wire.address_text import ADDRESS_FIELDS, HELD, addresses_in, data_uri
from bot.image_api.wire.answers import as_list, as_object

#: One Discord message holds ten files, and a job asks for four pictures at most.
MAX_RESULTS = 10
_MAX_LOOKED_AT = 100
_MAX_DEPTH = 4
_MAX_ENVELOPES = 200
_LISTS = (
    "urls", "image_urls", "images", "outputs", "output", "data", "result", "results", "metadata", "pictures", "files",
    "artifacts", "generated_images", "choices", "message", "content",
)  # fmt: skip
#: What lies here is what was sent, or an error about it: its addresses are no results.
_NO_RESULTS = frozenset(
    {
        "detail",
        "error",
        "errors",
        "input",
        "inputs",
        "links",
        "parameters",
        "params",
        "reference",
        "references",
        "request",
        "source",
        "sources",
        "usage",
    }
)


def result_addresses(body: object, task: Mapping[str, object], sources: Iterable[str] = ()) -> tuple[str, ...]:
    """The pictures' addresses in the API's order, each once; those of the request's `sources` are left out.

    Http addresses, addresses relative to the API (`/…`), `data:` URIs and `held:` names. The documented fields are
    taken together; fields of other dialects count only where those are empty.
    """
    own = {address for source in sources for address in addresses_in(source)}
    ways = (
        lambda: _documented(task),
        lambda: _elsewhere(task, 0),
        lambda: _elsewhere(as_object(body), 0),
        lambda: addresses_in(_text(task.get("fail_reason"))),  # older servers keep a finished task's address here
        lambda: _in_envelopes(body),
    )
    for way in ways:
        found = _once(address for address in way() if address not in own)
        if found:
            return found
    return ()


def _documented(task: Mapping[str, object]) -> Iterator[str]:
    metadata = as_object(task.get("metadata"))
    for value in (
        metadata.get("result_urls"),
        task.get("result_urls"),
        metadata.get("result_url"),
        task.get("result_url"),
    ):
        yield from _addresses(value)


def _elsewhere(part: Mapping[str, object], depth: int) -> Iterator[str]:
    """Addresses in the fields of other dialects: a picture's own, then lists of pictures, then deeper ones."""
    yield from _own_address(part)
    for key in _LISTS:
        value = part.get(key)
        if isinstance(value, str):
            yield from addresses_in(value)
        else:
            inner = as_object(value)
            yield from _pictures([inner] if inner else as_list(value)[:_MAX_LOOKED_AT], depth)


def _pictures(items: Iterable[object], depth: int) -> Iterator[str]:
    for item in items:
        if isinstance(item, str):
            yield from addresses_in(item)
        elif depth < _MAX_DEPTH:
            yield from _elsewhere(as_object(item), depth + 1)


def _in_envelopes(body: object) -> Iterator[str]:
    """The first part of an unknown envelope that has pictures in fields that are known."""
    parts: list[object] = [body]
    for part in parts:
        if len(parts) > _MAX_ENVELOPES:
            return
        found = [*_documented(as_object(part)), *_elsewhere(as_object(part), 0)]
        if found:
            yield from found
            return
        parts += [value for key, value in as_object(part).items() if key.lower() not in _NO_RESULTS]
        parts += as_list(part)[:_MAX_LOOKED_AT]


def _own_address(part: Mapping[str, object]) -> Iterator[str]:
    """One picture's address, or its bytes where it has none. "" counts as absent."""
    for key in ADDRESS_FIELDS:
        value = part.get(key)
        found = list(addresses_in(_text(value) or _text(as_object(value).get("url"))))
        if found:
            yield from found
            return
    for key in ("b64_json", "image_base64", "base64"):
        text = _text(part.get(key)).strip("<>()\"'` ")
        if text:
            # whatever it begins with, this field is said to be base64
            yield from list(addresses_in(text) if _has_head(text) else ()) or [data_uri(text)]
            return


def _has_head(text: str) -> bool:
    return HELD.fullmatch(text) is not None or text[:4].lower() == "data"


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _addresses(value: object) -> Iterator[str]:
    """Addresses in a string, or in a list of strings and of pictures."""
    yield from addresses_in(_text(value))
    for item in as_list(value)[:_MAX_LOOKED_AT]:
        yield from addresses_in(_text(item)) if isinstance(item, str) else _own_address(as_object(item))


def _once(addresses: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for address in addresses:
        found[address] = None
        if len(found) == MAX_RESULTS:
            break
    return tuple(found)


def has_blocked_picture(body: object, depth: int = 0) -> bool:
    """True where the answer says that moderation kept a picture back: `respect_moderation: false`."""
    top = as_object(body)
    if top.get("respect_moderation") is False:
        return True
    if depth >= _MAX_DEPTH:
        return False
    parts = [part for key in ("data", "images", "result", "metadata", "outputs") for part in _as_parts(top.get(key))]
    return any(has_blocked_picture(part, depth + 1) for part in parts[:_MAX_LOOKED_AT])


def _as_parts(value: object) -> list[object]:
    return [value] if isinstance(value, dict) else as_list(value)[:_MAX_LOOKED_AT]
