"""Finds the addresses of pictures in one string, however it is wrapped.

A field may hold a plain address, several, a list in JSON, Markdown, HTML, prose around an address, a `data:` URI in
any spelling, or base64 with nothing before it. The same picture always comes out in the same spelling, so that one
that is named twice can be told to be one.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import cast
from urllib.parse import unquote, unquote_to_bytes

from bot.model import PictureFormat

#: Edges add tokens of several kilobytes to signed addresses.
MAX_ADDRESS_CHARS = 32_768
#: Where an object keeps the address of its picture. Its other texts may hold addresses of their own, as a prompt does.
ADDRESS_FIELDS = ("url", "image_url", "result_url")
_MAX_ADDRESSES = 100
_MAX_LIST_CHARS = 400_000

HELD = re.compile(r"held:[0-9a-f]{32}")
_START = re.compile(r"https?://|data(?::|%3a)|held:", re.IGNORECASE)
#: Before an address that follows another one. In front of any other sign it is a part of that one's path or query.
_SEPARATORS = frozenset(" \t\r\n,;|\"'`<>()[]{}")
#: Behind the last address of a sentence or a list.
_BEHIND = " \t\r\n,;|.!"
_CLOSERS = {"(": ")", "<": ">", "[": "]", "{": "}", '"': '"', "'": "'", "`": "`"}
#: First letters of base64 by the format of the picture: JPEG, PNG, GIF, WebP and the `ftyp` of AVIF.
_BASE64_PICTURE = re.compile(r"(?:[/_]9j[/_]|iVBORw0KGgo|R0lGOD|UklGR|AAAA[A-Za-z0-9+/_-]{2}Z0eXB)")
_BASE64_TEXT = re.compile(r"[A-Za-z0-9+/_\-=\s]+")
_DATA_URI = re.compile(r"data:(?P<head>[^,\s\"'<>]{0,300}),", re.IGNORECASE)
_DATA_BODY = re.compile(r"(?:[A-Za-z0-9+/_\-=\s]|%[0-9A-Fa-f]{2})*")
#: Prose may follow: after an empty line, or after the padding.
_BLANK_LINE = re.compile(r"\n\s*\n")
_END_OF_BASE64 = re.compile(r"(?<==)(?![=\s]*\Z)(?!=)")
_PICTURE_TYPE = re.compile(r"(?:image/[\w.+*-]+|application/octet-stream)?(?:;.*)?", re.IGNORECASE)
_LOOKS_COMPLETE = re.compile(r"[^?#]*\.(?:png|jpe?g|jfif|webp|gif|avif|heic|svg)(?:[?#]\S*)?", re.IGNORECASE)
_ADDRESS_PART = re.compile(r"[\w.~%/?&=+:@!$*;,()#-]+")


def addresses_in(text: str) -> Iterator[str]:
    """Every address in a string, in its order, in one spelling each.

    Http addresses, addresses relative to the API (`/…`), `data:…;base64,` URIs and `held:` names.
    """
    text = text.strip().strip("\ufeff\u200b")
    if text[:1] == "[" and (items := _list_in(text)) is not None:
        for item in items:
            yield from addresses_in(item)
        return
    bare = _without_wrapping(text)
    if is_base64_picture(bare):
        yield data_uri(bare)
    elif bare.startswith("/"):
        yield from _checked(_joined(re.split(r"\s*[,;|]\s*(?=https?://|data:)", bare, maxsplit=1)[0], whole_field=True))
        yield from _started_in(text, after_relative=True)
    else:
        yield from _started_in(text)


def is_base64_picture(text: str) -> bool:
    """Whether a text is base64 by itself, told by the first letters of the formats that Discord shows."""
    if _BASE64_PICTURE.match(text) is None or _BASE64_TEXT.fullmatch(text) is None:
        return False
    head = _decoded("".join(text[:200].split()))
    return head is not None and PictureFormat.of_result(head) is not None


def data_uri(text: str) -> str:
    """Base64 in any spelling as a `data:` URI in the usual one. What cannot be decoded stays as it is."""
    raw = _decoded(text)
    if raw is None:
        return f"data:image/*;base64,{text}"
    found = PictureFormat.of_result(raw[:64])
    return f"data:{found.mime if found else 'image/*'};base64,{base64.b64encode(raw).decode()}"


def _list_in(text: str) -> list[str] | None:
    """The texts in a JSON list and in lists and pictures within it; None where it is none."""
    try:
        found: object = json.loads(text[:_MAX_LIST_CHARS])
        return list(islice(_texts_in(cast("object", found)), _MAX_ADDRESSES)) if isinstance(found, list) else None
    except (ValueError, RecursionError):
        return None


def _texts_in(item: object) -> Iterator[str]:
    if isinstance(item, list):
        for inner in cast("list[object]", item):
            yield from _texts_in(inner)
    elif isinstance(item, str):
        yield item
    elif isinstance(item, dict):
        part = cast("dict[str, object]", item)
        named = [text for key in ADDRESS_FIELDS if isinstance(text := part.get(key), str) and text]
        yield named[0] if named else json.dumps(part, ensure_ascii=False)


def _without_wrapping(text: str) -> str:
    while len(text) > 1 and _CLOSERS.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    return text


def _started_in(text: str, *, after_relative: bool = False) -> Iterator[str]:
    """The addresses that begin with a scheme."""
    starts: list[int] = []
    for found in _START.finditer(text):
        before = text[found.start() - 1 : found.start()]
        if (not starts and not after_relative) or (before and before in _SEPARATORS):
            starts.append(found.start())
        if len(starts) > _MAX_ADDRESSES:
            break
    for number, start in enumerate(starts):
        end = starts[number + 1] if number + 1 < len(starts) else len(text)
        opener = text[start - 1 : start]
        piece = text[start:end]
        if piece[:5].lower() == "held:":
            yield from HELD.findall(piece)[:1]
        elif piece[:4].lower() == "data":
            yield from _data_uri_in(piece)
        else:
            piece = _until_closed(piece, opener)
            yield from _checked(_joined(piece, whole_field=start == 0 or opener in _CLOSERS))


def _data_uri_in(piece: str) -> Iterator[str]:
    if piece[4:7].lower() == "%3a":
        piece = unquote(piece)
    head = _DATA_URI.match(piece)
    if head is None:
        return
    kind, body = head["head"], piece[head.end() :]
    if re.search(r";\s*base64\s*\Z", unquote(kind), re.IGNORECASE):
        letters = _DATA_BODY.match(_BLANK_LINE.split(body, maxsplit=1)[0])
        text = data_uri(_END_OF_BASE64.split(unquote(letters[0]) if letters else "", maxsplit=1)[0])
        if _PICTURE_TYPE.fullmatch(kind) or not text.startswith("data:image/*"):
            yield text
        return
    raw = unquote_to_bytes(body.split()[0] if body.split() else "")
    found = PictureFormat.of_result(raw[:64])
    if found is not None:
        yield f"data:{found.mime};base64,{base64.b64encode(raw).decode()}"
    elif _PICTURE_TYPE.fullmatch(kind) and kind:
        yield f"data:{kind},{body.strip()}"


def _decoded(text: str) -> bytes | None:
    letters = "".join(text.split()).translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _until_closed(piece: str, opener: str) -> str:
    """Without what stands behind the sign that closes the one before the address."""
    closer = _CLOSERS.get(opener, "")
    if closer and closer != opener:
        depth = 0
        for place, char in enumerate(piece):
            depth += (char == opener) - (char == closer)
            if depth < 0:
                piece = piece[:place]
                break
        piece = re.split(r"\s+[\"']", piece, maxsplit=1)[0]  # Markdown puts a title behind the address
    elif closer:
        piece = piece.split(closer, 1)[0]
    else:
        piece = re.split(r"[\"'`<>]", piece, maxsplit=1)[0]
    # after the last address of a sentence or a list
    piece = piece.rstrip(" \t\r\n,;|.!")
    if (
        not closer
        and piece[-1:] in {")", "]", "}"}
        and piece.count(piece[-1]) > piece.count("([{"[")]}".index(piece[-1])])
    ):
        piece = piece[:-1]
    return piece


def _joined(piece: str, *, whole_field: bool) -> str:
    """One address from a piece that may hold white space: a space in a file name, a line break inside, or prose.

    An address ends where it looks complete (`….png`, with its query). Where nothing does, a field of its own is
    taken whole, and of prose the first word.
    """
    words = re.split(r"(\s+)", piece.strip())
    address, looks_like_address = words[0], True
    if len(words) == 1 or _LOOKS_COMPLETE.fullmatch(address):
        return address
    grown = address
    for space, word in zip(words[1::2], words[2::2], strict=True):
        grown += ("" if set(space) & set("\r\n\t") else "%20" * len(space)) + word
        looks_like_address = looks_like_address and _ADDRESS_PART.fullmatch(word) is not None
        if _LOOKS_COMPLETE.fullmatch(grown):
            return grown
    return grown if whole_field and looks_like_address else address


def _checked(address: str) -> Iterator[str]:
    address = address.rstrip(_BEHIND)
    if 1 < len(address) <= MAX_ADDRESS_CHARS and address.isprintable() and " " not in address:
        yield address
