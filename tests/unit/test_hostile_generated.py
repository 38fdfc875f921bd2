"""What strangers can write, drawn at random: picture files, addresses of pictures, and patterns with their prompts.

`make test-random` runs these with fresh seeds beside those of the wire reader (test_wire_generated, test_wire_quoted,
test_wire_held).
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import ipaddress
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.errors import AddressRefused, BadSource, Barred
from bot.image_api.addresses import check_address, is_public, parse_address
from bot.pictures.reading import read
from bot.policy import blocklist

pytestmark = pytest.mark.generated

MOST_S = 1.0  # of processor time, for what is small; an honest file takes a millisecond


def sample(kind: str, **options: object) -> bytes:
    """A small picture with all that a camera and an editor put into a file."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "somewhere"
    out = io.BytesIO()
    Image.effect_noise((40, 30), 60).convert("RGB").save(out, kind, exif=exif.tobytes(), **options)
    return out.getvalue()


SAMPLES = (
    sample("JPEG"),
    sample("JPEG", progressive=True, comment=b"a comment"),
    sample("PNG"),
    sample("WEBP"),
    sample("WEBP", lossless=True, xmp=b"<x/>"),
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A picture with pieces cut out, doubled, moved or overwritten."""
    data = bytearray(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(1, 6))):
        if not data:
            break
        start = draw(st.integers(0, len(data) - 1))
        piece = data[start : start + draw(st.integers(0, 200))]
        match draw(st.sampled_from(("cut", "double", "overwrite", "insert", "move"))):
            case "cut":
                del data[start : start + len(piece)]
            case "double":
                data[start:start] = piece * draw(st.integers(1, 50))
            case "overwrite":
                fresh = draw(st.binary(max_size=8))
                data[start : start + len(fresh)] = fresh
            case "insert":
                data[start:start] = draw(st.binary(max_size=16))
            case _:
                del data[start : start + len(piece)]
                at = draw(st.integers(0, len(data)))
                data[at:at] = piece
    return bytes(data)


@given(
    st.one_of(
        damaged(),
        st.binary(max_size=300),
        st.sampled_from(SAMPLES)
        .map(lambda it: it[:12])
        .flatmap(lambda head: st.binary(max_size=300).map(lambda rest: head + rest)),
    )
)
def test_any_file_is_a_picture_or_refused_and_what_is_kept_of_it_says_nothing_else(data: bytes) -> None:
    began = time.process_time()
    try:
        found = read(data)
        kept = b"".join(found.stripped(data))
        again = read(kept)
    except BadSource:
        return
    assert time.process_time() - began < MOST_S
    assert (again.width, again.height, again.format) == (found.width, found.height, found.format)
    assert again.notes == {}
    # One that was cut off gets its end again, and may be read with or without it.
    assert abs(sum(map(len, again.stripped(kept))) - len(kept)) <= 2


def spelled(number: int, base: str) -> str:
    return {"8": f"0{number:o}", "10": str(number), "16": f"0x{number:x}", "X": f"0X{number:X}"}[base]


@st.composite
def hosts(draw: st.DrawFn) -> str:
    """An address in one of the many spellings that C libraries understand, most often of a private network."""
    inside = ("127.0.0.1", "10.0.0.5", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "192.0.0.192")
    number = int(ipaddress.IPv4Address(draw(st.sampled_from(inside)))) ^ draw(st.integers(0, 3))
    parts = draw(st.integers(1, 4))
    sizes = [8] * (parts - 1) + [32 - 8 * (parts - 1)]
    words: list[str] = []
    shift = 32
    for size in sizes:
        shift -= size
        words.append(spelled(number >> shift & (1 << size) - 1, draw(st.sampled_from(("8", "10", "16", "X")))))
    four = str(ipaddress.IPv4Address(number))
    wrapped = (
        f"[::ffff:{four}]",
        f"[::{four}]",
        f"[64:ff9b::{four}]",
        f"[2002:{number >> 16:x}:{number & 65535:x}::1]",
    )
    plain = draw(st.sampled_from((".".join(words), four, *wrapped)))
    dots = draw(st.sampled_from((".", "\u3002", "\uff0e")))
    digits = draw(st.booleans())
    host = plain.replace(".", dots) if plain[0] != "[" else plain
    return "".join(chr(ord(it) + 0xFEE0) if digits and it.isdigit() else it for it in host) + draw(
        st.sampled_from(("", ".", "%2e", "%00", ":80", ":", "\t"))
    )


@given(hosts(), st.sampled_from(("http://", "https://", "http:/\\", "HTTP://", "http://8.8.8.8@", "http://a:b@")))
def test_no_spelling_of_a_private_address_passes(host: str, scheme: str) -> None:
    try:
        url = parse_address(f"{scheme}{host}/x")
        check_address(url, ())
    except AddressRefused:
        return
    name = url.raw_host or ""
    with contextlib.suppress(OSError):
        assert is_public(ipaddress.IPv4Address(socket.inet_aton(name))), name
    with contextlib.suppress(ValueError):
        assert is_public(ipaddress.ip_address(name)), name


WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
PATTERNS = st.one_of(
    st.text(max_size=60),
    st.text(st.sampled_from(r"ab.*+?()[]{}|\^$-,0123wdWDbBsQEpLPiRx:<>=!&" "é字😀"), max_size=60),
)


@given(st.lists(PATTERNS, max_size=4), st.lists(WORDS, max_size=4), st.text(max_size=400))
def test_any_pattern_and_any_prompt_are_judged_in_time(patterns: list[str], words: list[str], prompt: str) -> None:
    began = time.process_time()
    with contextlib.suppress(Barred):
        asyncio.run(blocklist.look_for(prompt, words, patterns))
    assert time.process_time() - began < MOST_S
    assert all(blocklist.pattern_fault(it) is not None for it in patterns if len(it) > blocklist.MAX_PATTERN_CHARS)


#: Letters whose cases lead to each other and nowhere else: not the dotless i, whose capital is another letter's.
LETTERS = st.characters(categories=["Lu", "Ll", "Nd"]).filter(
    lambda it: len(it.upper()) == 1 and it.upper().lower() == it.lower() == it.casefold()
)


@given(st.text(LETTERS, min_size=1, max_size=20), st.text(max_size=40))
def test_a_blocked_word_is_found_in_any_case_wherever_it_stands_alone(word: str, beside: str) -> None:
    for prompt in (word, f"a {word.upper()}, {beside}", f"{beside} {word.lower()} x"):
        with pytest.raises(Barred):
            asyncio.run(blocklist.look_for(prompt, [word], []))
