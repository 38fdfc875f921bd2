"""The colour profile of a kept source: its colours stay, and what it tells of a screen, a camera and a person goes."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from bot.pictures.reading import read
from bot.pictures.structure import MAX_PROFILE_BYTES, plain_profile
from bot.pictures.studio import PictureStudio
from tests.integration.drawn_files import chunk, drawn, file_of, put, with_chunk, with_segment

SRGB, LAB = (
    ImageCms.ImageCmsProfile(ImageCms.createProfile(space))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] # Pillow's C has no types
    for space in ("sRGB", "LAB")
)
SECRETS = (b"Jane Doe", "Jane Doe".encode("utf-16-be"), b"serial 4711", b"JANE")


def profile_of(*tags: tuple[bytes, bytes]) -> bytes:
    """The profile of sRGB with more and other tags, and with a maker in its head."""
    made = SRGB.tobytes()
    (count,) = struct.unpack_from(">I", made, 128)
    given = dict(tags)
    old = [struct.unpack_from(">4sII", made, 132 + 12 * number) for number in range(count)]
    content = [(tag, made[begin : begin + size]) for tag, begin, size in old if tag not in given] + list(tags)
    table, body, at = b"", b"", 132 + 12 * len(content)
    for tag, data in content:
        table += struct.pack(">4sII", tag, at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    whole = bytearray(made[:128] + struct.pack(">I", len(content)) + table + body)
    whole[:4], whole[48:52], whole[80:84] = len(whole).to_bytes(4, "big"), b"JANE", b"JANE"
    return bytes(whole)


def words(text: str) -> bytes:
    """A text of version 4 (multiLocalizedUnicodeType)."""
    written = text.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II4sII", 1, 12, b"enUS", len(written), 28) + written


OWNER = (b"desc", words("The screen of Jane Doe"))
OLD = (b"desc", b"desc" + bytes(4) + struct.pack(">I", 9) + b"Jane Doe\0" + bytes(78))
NOTICE = (b"cprt", b"text" + bytes(4) + b"by Jane Doe\0")
MODEL = (b"mmod", b"mmod" + bytes(4) + b"serial 4711")
HIDDEN = (b"A2B0", b"text" + bytes(4) + b"Jane Doe in the place of a table\0")
LONG = (b"priv", b"data" + bytes(8) + b"Jane Doe" + random.Random(9).randbytes(200_000))

PROFILES = {
    "a screen's": profile_of(OWNER, NOTICE, MODEL),
    "an old one": profile_of(OLD, NOTICE, HIDDEN),
    "one of several segments": profile_of(OWNER, LONG, NOTICE),
}
KINDS: dict[str, Callable[[bytes], bytes]] = {
    "jpeg": lambda profile: file_of("JPEG", quality=90, icc_profile=profile),
    "png": lambda profile: file_of("PNG", icc_profile=profile),
    "webp": lambda profile: file_of("WEBP", icc_profile=profile),
    "a large jpeg": lambda profile: file_of("JPEG", drawn((3000, 2000)), icc_profile=profile),
    "a png of many pixels": lambda profile: file_of("PNG", drawn((4000, 3000)), icc_profile=profile),
}


def in_lab(profile: bytes) -> bytes:
    """Which colours a picture has by this profile."""
    colours = Image.frombytes("RGB", (32, 32), random.Random(3).randbytes(32 * 32 * 3))
    seen = ImageCms.profileToProfile(colours, ImageCms.ImageCmsProfile(io.BytesIO(profile)), LAB, outputMode="LAB")
    assert seen is not None
    return seen.tobytes()


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_kept_sources_profile_keeps_its_colours_and_tells_nothing(
    kind: str, profile: str, tmp_path: Path
) -> None:
    data = KINDS[kind](PROFILES[profile])
    kept = await PictureStudio().shrink(put(tmp_path / "a", data), tmp_path, 1)
    assert not kept.dropped
    out = kept.path.read_bytes()
    with Image.open(io.BytesIO(out)) as picture:
        left: bytes = picture.info["icc_profile"]
        picture.load()
    assert [secret for secret in SECRETS if secret in left or secret in out] == []
    if profile != "an old one":  # whose table of colours is none, and would be asked before the others
        assert in_lab(left) == in_lab(PROFILES[profile])
    assert read(out).is_stripped(len(out))


async def test_a_profile_that_unpacks_to_more_than_is_kept_is_left_out_whole(tmp_path: Path) -> None:
    """Half of one would show other colours."""
    profile = PROFILES["a screen's"] + bytes(MAX_PROFILE_BYTES)
    data = with_chunk(file_of("PNG"), b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile))
    kept = await PictureStudio().shrink(put(tmp_path / "a", data), tmp_path, 1)
    assert not kept.dropped
    assert b"iCCP" not in kept.path.read_bytes()


@pytest.mark.parametrize("name", [b"Jane Doe", b"ICC Profile"])
async def test_names_of_profiles_and_packed_notes_of_a_png_go(name: bytes, tmp_path: Path) -> None:
    """What is packed is found by no search of bytes, so the kinds of chunks are looked at."""
    packed = zlib.compress(b"by Jane Doe")
    data = file_of("PNG")
    for kind, content in (
        (b"iCCP", name + b"\0\0" + zlib.compress(PROFILES["a screen's"])),
        (b"zTXt", b"Author\0\0" + packed),
        (b"iTXt", b"Author\0\1\0\0\0" + packed),
        (b"tIME", bytes(7)),
        (b"sPLT", b"Jane Doe\0\x08"),
    ):
        data = with_chunk(data, kind, content)
    data = data[:-12] + chunk(b"zTXt", b"Author\0\0" + packed) + chunk(b"eXIf", b"II*\0Jane Doe") + data[-12:]
    kept = await PictureStudio().shrink(put(tmp_path / "a", data), tmp_path, 1)
    out, at, kinds = kept.path.read_bytes(), 8, set[bytes]()
    while at < len(out):
        length, kind = struct.unpack_from(">I4s", out, at)
        kinds.add(kind)
        at += 12 + length
    assert kinds == {b"IHDR", b"iCCP", b"IDAT", b"IEND"}
    assert b"Jane Doe" not in out


@pytest.mark.parametrize("content", [b"", b"\1", b"\1\1", b"\2\2nothing", b"\1\1nothing", b"\0\0" + bytes(200)])
async def test_a_profile_that_is_none_is_left_out_and_the_picture_stays(content: bytes, tmp_path: Path) -> None:
    whole = file_of("JPEG", quality=90)
    data = with_segment(whole, 0xE2, b"ICC_PROFILE\0" + content)
    kept = await PictureStudio().shrink(put(tmp_path / "a", data), tmp_path, 1)
    assert kept.path.read_bytes() == whole


@given(st.binary(max_size=400), st.integers(0, 600), st.sampled_from([*PROFILES.values()][:2]))
def test_any_bytes_whatever_are_a_profile_of_the_same_length_or_none(data: bytes, at: int, base: bytes) -> None:
    for profile in (data, base[:at] + data + base[at + len(data) :], base[:at]):
        plain = plain_profile(profile)
        assert plain is None or (len(plain) == len(profile) and plain_profile(plain) == plain)
