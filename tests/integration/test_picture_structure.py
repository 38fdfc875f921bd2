"""Awkward, damaged, talkative and hostile picture files through the real picture process."""

from __future__ import annotations

import asyncio
import contextlib
import io
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from bot.errors import BadSource, SourceFault
from bot.model import PictureFormat
from bot.pictures import jpeg, studio
from bot.pictures.provenance import Provenance
from bot.pictures.reading import read
from bot.pictures.studio import PictureStudio
from tests.integration.drawn_files import box, chunk, drawn, exif, file_of, put, with_chunk, with_segment

SECRETS = (b"CameraMaker", b"Jane Doe", b"<x:xmpmeta", b"Home Street", b"ftypmp42", b"a note", b"\x34\x12\xcd\xab")


JPEG, PROGRESSIVE, PNG = file_of("JPEG", quality=90), file_of("JPEG", progressive=True), file_of("PNG")
FILM = box(b"ftyp", b"mp42") + random.Random(7).randbytes(200_000)
XMP = b"<x:xmpmeta>Jane Doe, Home Street 1</x:xmpmeta>"
MANIFEST = box(b"jumb", box(b"jumd", b"c2pa" + bytes(12) + b"\3c2pa\0") + random.Random(8).randbytes(70_000))


#: What every viewer shows, although its end or a note in it is damaged.
SHOWN = {
    "a JPEG without its end": JPEG[:-2],
    "a JPEG with zeros behind it": JPEG + bytes(4096),
    "a JPEG with a film behind it": JPEG + FILM,
    "a JPEG without its end and with a film behind it": JPEG[:-2] + FILM,
    "a progressive JPEG without its end": PROGRESSIVE[:-2],
    "a grey JPEG without its end": file_of("JPEG", drawn(mode="L"))[:-2],
    "a JPEG with nonsense for Exif": with_segment(JPEG, 0xE1, b"Exif\0\0II*\0\x08\0\0\0" + b"\xff" * 40),
    "a JPEG with an empty Exif": with_segment(JPEG, 0xE1, b"Exif\0\0"),
    "a JPEG with fill bytes": JPEG[:2] + b"\xff\xff\xff" + JPEG[2:],
    "a PNG without its end": PNG[:-12],
    "a PNG without the last of its end": PNG[:-4],
    "a PNG with something behind it": PNG + b"PK\3\4" + bytes(1000),
    "a PNG with damage in a text": PNG[:33] + chunk(b"tEXt", b"Software\0maker")[:-4] + b"\1\2\3\4" + PNG[33:],
    "a PNG with damage in its profile": PNG[:33] + chunk(b"iCCP", b"x\0\0abc")[:-4] + b"\1\2\3\4" + PNG[33:],
    "a PNG of one frame": with_chunk(PNG, b"acTL", struct.pack(">II", 1, 0)),
    "a PNG with a text of 40 MB": with_chunk(PNG, b"zTXt", b"Comment\0\0" + zlib.compress(bytes(40_000_000), 1)),
    "a WebP with something behind it": file_of("WEBP") + b"more",
    "a lossless WebP": file_of("WEBP", lossless=True),
}
DAMAGED = {
    "half of a JPEG": JPEG[: len(JPEG) // 2],
    "a JPEG without its last bytes": JPEG[:-200],
    "half of a progressive JPEG": PROGRESSIVE[: len(PROGRESSIVE) // 2],
    "a JPEG of 12 bits": JPEG.replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc0\x00\x11\x0c"),
    "a lossless JPEG": JPEG.replace(b"\xff\xc0\x00\x11", b"\xff\xc3\x00\x11"),
    "an arithmetic JPEG": JPEG.replace(b"\xff\xc0\x00\x11", b"\xff\xc9\x00\x11"),
    "a JPEG without a scan": JPEG[: JPEG.index(b"\xff\xda")] + b"\xff\xd9",
    "two thirds of a PNG": PNG[: len(PNG) * 2 // 3],
    "a PNG with damage in its pixels": PNG[:-40] + b"\0" + PNG[-39:],
    "a PNG that unpacks to too little": PNG[:33] + chunk(b"IDAT", zlib.compress(b"\0" * 500)) + PNG[-12:],
    "a PNG of a kind that only one maker reads": PNG[:8] + chunk(b"CgBI", b"\x50\0\x20\2") + PNG[8:],
    "half of a WebP": file_of("WEBP")[:200],
}


@pytest.mark.parametrize("what", SHOWN)
async def test_what_every_viewer_shows_is_taken_and_kept_as_the_same_picture(what: str, tmp_path: Path) -> None:
    path = put(tmp_path / "a", SHOWN[what])
    kind = await PictureStudio().check_source(path, 1)
    kept = await PictureStudio().shrink(path, tmp_path, 1)
    assert (kept.format, kept.dropped) == (kind, False)
    with Image.open(kept.path) as image:
        image.load()
    assert await PictureStudio().check_source(kept.path, 1) is kind


@pytest.mark.parametrize("what", DAMAGED)
async def test_what_is_damaged_is_told_so(what: str, tmp_path: Path) -> None:
    with pytest.raises(BadSource) as caught:
        await PictureStudio().check_source(put(tmp_path / "a", DAMAGED[what]), 1)
    assert caught.value.fault is SourceFault.BROKEN


def many_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan is there again and again, each costing time for every pixel."""
    scan = PROGRESSIVE[PROGRESSIVE.rindex(b"\xff\xda") : -2]
    return PROGRESSIVE[:-2] + scan * count + b"\xff\xd9"


def large_cmyk() -> bytes:
    return file_of("JPEG", Image.new("CMYK", (7000, 7000)), progressive=True)


#: Files that are built to keep a decoder busy, or to take its memory, and what is said of them.
HOSTILE: dict[str, tuple[Callable[[], bytes], SourceFault]] = {
    "20,000 scans": (lambda: many_scans(min(20_000, 24_000_000 // len(PROGRESSIVE))), SourceFault.TOO_COMPLEX),
    "101 scans": (lambda: many_scans(101), SourceFault.TOO_COMPLEX),
    "a million segments of Exif": (
        lambda: JPEG[:2] + jpeg.segment(0xE1, b"Exif\0\0x") * 1_000_000 + JPEG[2:],
        SourceFault.TOO_COMPLEX,
    ),
    "a million comments": (lambda: JPEG[:2] + jpeg.segment(0xFE, b"x") * 1_000_000 + JPEG[2:], SourceFault.TOO_COMPLEX),
    "two million chunks": (lambda: PNG[:33] + chunk(b"aaAa", b"") * 2_000_000 + PNG[33:], SourceFault.TOO_COMPLEX),
    "a million chunks of pixels": (
        lambda: PNG[:33] + chunk(b"IDAT", b"") * 1_000_000 + PNG[33:],
        SourceFault.TOO_COMPLEX,
    ),
    "a WebP of a million chunks": (
        lambda: b"RIFF" + (4 + 8_000_000).to_bytes(4, "little") + b"WEBP" + (b"xxxx" + bytes(4)) * 1_000_000,
        SourceFault.BROKEN,
    ),
    "a progressive CMYK of 49 megapixels": (large_cmyk, SourceFault.TOO_COMPLEX),
    "a PNG of 200 megapixels": (
        lambda: (
            PNG[:16]
            + struct.pack(">II", 20_000, 10_000)
            + PNG[24:29]
            + struct.pack(">I", zlib.crc32(PNG[12:16] + struct.pack(">II", 20_000, 10_000) + PNG[24:29]))
            + PNG[33:]
        ),
        SourceFault.TOO_MANY_PIXELS,
    ),
    "a HEIC": (lambda: box(b"ftyp", b"heic\0\0\0\0mif1heic") + bytes(3000), SourceFault.HEIC),
    "an AVIF": (lambda: box(b"ftyp", b"avif\0\0\0\0avifmif1") + bytes(3000), SourceFault.AVIF),
    "an AVIF that begins with a general brand": (
        lambda: box(b"ftyp", b"mif1\0\0\0\0mif1avif") + bytes(3000),
        SourceFault.AVIF,
    ),
    "a film": (lambda: FILM, SourceFault.NOT_A_PICTURE),
    "an animated PNG": (
        lambda: file_of("PNG", save_all=True, append_images=[drawn()]),
        SourceFault.ANIMATED,
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_a_file_that_means_harm_is_told_within_seconds(what: str, tmp_path: Path) -> None:
    make, fault = HOSTILE[what]
    path = put(tmp_path / "a", make())
    assert path.stat().st_size <= 25_000_000
    with pytest.raises(BadSource) as caught:
        async with asyncio.timeout(studio.CHECK_LIMIT):
            await PictureStudio().check_source(path, 1)
    assert caught.value.fault is fault


#: Everything that tells of a person, in each of the formats, and films behind the picture.
TALKATIVE: dict[str, bytes] = {
    "jpeg": with_segment(
        with_segment(
            with_segment(file_of("JPEG", exif=exif(), comment=b"a note"), 0xE1, jpeg.XMP_PREFIX + XMP),
            0xED,
            b"Jane Doe",
        ),
        0xEB,
        b"JP\0\1\0\0\0\1" + box(b"jumb", b"Jane Doe"),
    )
    + FILM,
    "jpeg turned": file_of("JPEG", exif=exif(6), comment=b"a note") + FILM,
    "jpeg with a small picture in it": with_segment(JPEG, 0xE0, b"JFIF\0\1\2\0\0\1\0\1\x08\x08" + b"Jane Doe" * 24),
    "two pictures in one": file_of("MPO", save_all=True, append_images=[drawn((64, 64))], exif=exif()),
    "png": with_chunk(
        with_chunk(
            with_chunk(file_of("PNG", exif=exif()), b"tEXt", b"Author\0Jane Doe"),
            b"iTXt",
            b"XML:com.adobe.xmp\0\0\0\0\0" + XMP,
        ),
        b"prVt",
        b"Home Street",
    )
    + FILM,
    "png turned": file_of("PNG", exif=exif(8)) + FILM,
    "webp": file_of("WEBP", exif=exif(), xmp=XMP) + FILM,
    "webp turned": file_of("WEBP", exif=exif(3), xmp=XMP),
    "a large jpeg": file_of("JPEG", drawn((3000, 2000)), exif=exif(), xmp=XMP) + FILM,
}


@pytest.mark.parametrize("what", TALKATIVE)
async def test_nothing_but_the_picture_goes_out_with_a_kept_source(what: str, tmp_path: Path) -> None:
    data = TALKATIVE[what]
    assert any(secret in data for secret in SECRETS)
    kept = await PictureStudio().shrink(put(tmp_path / "a", data), tmp_path, 1)
    out = kept.path.read_bytes()
    assert not kept.dropped
    assert [secret for secret in SECRETS if secret in out] == []
    with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(out)) as after:
        assert not after.getexif()
        assert getattr(after, "n_frames", 1) == 1
        upright = ImageOps.exif_transpose(before.convert("RGB") if before.format == "MPO" else before).convert("RGB")
        assert after.width * upright.height == pytest.approx(after.height * upright.width, rel=0.01)
        red = after.convert("RGB").getpixel((after.width // 2, after.height // 2))
        assert red == pytest.approx(upright.getpixel((upright.width // 2, upright.height // 2)), abs=40)


async def test_a_kept_source_that_is_plain_keeps_every_bit(tmp_path: Path) -> None:
    for data in (JPEG, PROGRESSIVE, PNG, file_of("WEBP"), file_of("WEBP", drawn(mode="RGBA"))):
        kept = await PictureStudio().shrink(put(tmp_path / "a", data), tmp_path, 1)
        assert not kept.changed
        noisy = put(tmp_path / "b", data + b"something behind it")
        again = await PictureStudio().shrink(noisy, tmp_path, 1)
        assert again.path.read_bytes() == data


RESULTS = {
    "jpeg": file_of("JPEG", Image.effect_noise((900, 900), 90).convert("RGB"), quality=98, exif=exif(6), xmp=XMP)[:2]
    + b"".join(jpeg.jumbf_segments(MANIFEST, 1))
    + file_of("JPEG", Image.effect_noise((900, 900), 90).convert("RGB"), quality=98, exif=exif(6), xmp=XMP)[2:],
    "png": with_chunk(
        with_chunk(file_of("PNG", Image.effect_noise((700, 700), 90).convert("RGB"), exif=exif(6)), b"caBX", MANIFEST),
        b"iTXt",
        b"XML:com.adobe.xmp\0\0\0\0\0" + XMP,
    ),
    "png that shows through": with_chunk(
        file_of("PNG", Image.merge("RGBA", [Image.effect_noise((500, 500), 90)] * 4), exif=exif(6)), b"caBX", MANIFEST
    ),
}


@pytest.mark.parametrize("what", RESULTS)
async def test_a_result_that_is_encoded_anew_keeps_what_says_where_it_came_from(what: str, tmp_path: Path) -> None:
    path = put(tmp_path / "a", RESULTS[what])
    room = len(RESULTS[what]) * 8 // 10
    [fitted] = await PictureStudio().fit([path], max_file=room, max_total=room, into=tmp_path, user_id=1)
    data = fitted.path.read_bytes()
    assert (fitted.changed, len(data) <= room) == (True, True)
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        notes = image.getexif()
        assert notes[0x010F] == "CameraMaker"
        assert notes[0x0112] == 1
        assert notes[0x9286] == b"ASCII\0\0\0Signature: of the service"
        if what != "png that shows through":
            assert image.info["xmp"] == XMP
    if fitted.format is PictureFormat.JPEG:
        assert jpeg.jumbf_boxes(read(data).notes["jumbf"]) == [MANIFEST]
    else:
        assert read(data).notes["c2pa"] == [MANIFEST]


async def test_notes_that_would_leave_no_room_for_the_picture_go(tmp_path: Path) -> None:
    path = put(tmp_path / "a", RESULTS["png"])
    [fitted] = await PictureStudio().fit([path], max_file=60_000, max_total=60_000, into=tmp_path, user_id=1)
    data = fitted.path.read_bytes()
    assert len(data) <= 60_000
    assert b"jumb" not in data
    assert XMP in data


@pytest.mark.parametrize("what", SHOWN | RESULTS)
def test_what_is_stripped_once_holds_nothing_more_to_strip(what: str) -> None:
    data = (SHOWN | RESULTS)[what]
    out = b"".join(read(data).stripped(data))
    again = read(out)
    assert (again.is_stripped(len(out)), again.notes) == (True, {})


_FRAME = JPEG.index(b"\xff\xc0\x00\x11")
#: Files in which the parts themselves are wrong, so that no decoder needs to see them.
MALFORMED = {
    "a JPEG of two frames": (JPEG[:_FRAME] + JPEG[_FRAME : _FRAME + 19] + JPEG[_FRAME:], SourceFault.BROKEN),
    "a JPEG whose colours have no size": (
        JPEG[: _FRAME + 10] + b"\1\0\0\2\0\1\3\0\1" + JPEG[_FRAME + 19 :],
        SourceFault.BROKEN,
    ),
    "a PNG that begins with pixels": (PNG[:8] + chunk(b"IDAT", b"x") + PNG[8:], SourceFault.BROKEN),
    "a PNG of a colour that there is not": (PNG[:8] + chunk(b"IHDR", PNG[16:25] + b"\5\0\0\0"), SourceFault.BROKEN),
    "a PNG of no pixels": (PNG[:8] + chunk(b"IHDR", bytes(8) + PNG[24:29]), SourceFault.BROKEN),
    "a PNG whose pixels are no zlib": (PNG[:33] + chunk(b"IDAT", b"no zlib") + PNG[-12:], SourceFault.BROKEN),
    "a PNG of several frames": (with_chunk(PNG, b"acTL", struct.pack(">II", 2, 0)), SourceFault.ANIMATED),
    "a WebP that ends in a chunk": (b"RIFF\x20\0\0\0WEBPVP8L\xff\0\0\0" + bytes(20), SourceFault.BROKEN),
    "a WebP that begins with nonsense": (b"RIFF\x1e\0\0\0WEBPNONE\x0a\0\0\0" + bytes(18), SourceFault.BROKEN),
    "a WebP with a size of two bytes": (b"RIFF\x0e\0\0\0WEBPVP8L\2\0\0\0\0\0", SourceFault.BROKEN),
    "a WebP of a thousand chunks": (
        (lambda body: b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WEBP" + body)(
            file_of("WEBP")[12:] + (b"none" + bytes(4)) * 1000
        ),
        SourceFault.TOO_COMPLEX,
    ),
    "a WebP that moves": (file_of("WEBP", save_all=True, append_images=[drawn(mode="L")]), SourceFault.ANIMATED),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_file_whose_parts_are_wrong_is_refused_without_decoding_it(what: str) -> None:
    data, fault = MALFORMED[what]
    with pytest.raises(BadSource) as caught:
        read(data)
    assert caught.value.fault is fault


@pytest.mark.parametrize("what", RESULTS)
@pytest.mark.parametrize(
    ("target", "plain", "alpha"),
    [
        (PictureFormat.JPEG, file_of("JPEG"), False),
        (PictureFormat.WEBP, file_of("WEBP"), False),
        (PictureFormat.WEBP, file_of("WEBP", drawn(mode="RGBA")), True),
        (PictureFormat.WEBP, file_of("WEBP", exif=exif()), False),
    ],
    ids=["jpeg", "webp", "webp that shows through", "webp in the extended form"],
)
def test_what_says_where_a_result_came_from_goes_into_any_other_file(
    what: str, target: PictureFormat, plain: bytes, alpha: bool
) -> None:
    provenance = Provenance(read(RESULTS[what]), 1_000_000)
    written = provenance.written(plain, target, drawn().size, alpha=alpha)
    assert 0 < len(written) - len(plain) <= provenance.bytes
    notes = read(written).notes
    boxes = notes["c2pa"] if target is PictureFormat.WEBP else jpeg.jumbf_boxes(notes["jumbf"])
    assert boxes == [MANIFEST]
    assert notes.get("xmp", [b""])[0] == (b"" if what == "png that shows through" else XMP)
    with Image.open(io.BytesIO(written)) as image:
        image.load()
        assert (image.size, image.getexif()[0x0112]) == (drawn().size, 1)


def test_a_picture_without_notes_stays_as_it_is() -> None:
    none = Provenance(read(JPEG), 1_000_000)
    assert none.written(JPEG, PictureFormat.JPEG, drawn().size, alpha=False) == JPEG


@given(
    data=st.binary(max_size=300),
    start=st.sampled_from([JPEG[:300], PNG[:60], file_of("WEBP")[:40]]),
    cut=st.integers(0, 300),
)
def test_any_bytes_whatever_are_read_or_refused(data: bytes, start: bytes, cut: int) -> None:
    try:
        found = read(start[:cut] + data)
    except BadSource:
        return
    assert sum(len(piece) for piece in found.stripped(start[:cut] + data)) > 0


@given(at=st.integers(0, len(JPEG) - 1), to=st.integers(0, 255), base=st.sampled_from([JPEG, PNG, PROGRESSIVE]))
def test_one_changed_byte_never_does_more_than_refuse(at: int, to: int, base: bytes) -> None:
    data = bytearray(base)
    data[at % len(base)] = to
    with contextlib.suppress(BadSource):
        read(bytes(data))
