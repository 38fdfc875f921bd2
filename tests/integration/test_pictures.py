"""Real files through the real picture process."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from bot.errors import BadSource, SourceFault
from bot.model import OFFERED_FORMATS, PictureFormat
from bot.pictures.studio import Fitted, PictureStudio, fair_share

MIB = 1024 * 1024


@pytest.fixture
def studio() -> PictureStudio:
    return PictureStudio()


def noise(mode: str, side: int, seed: int = 1) -> Image.Image:
    """A picture that no encoder can make much smaller."""
    size = side * side * len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(mode, (side, side), random.Random(seed).randbytes(size))


def gradient(mode: str, width: int = 120, height: int = 80) -> Image.Image:
    return ImageOps.fit(Image.linear_gradient("L"), (width, height)).convert(mode)


def frames() -> Sequence[Image.Image]:
    return [Image.new("RGB", (40, 30), colour) for colour in ("red", "green", "blue")]


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def blank_png(width: int, height: int) -> bytes:
    """A black picture of any size: two colours, and as good as no bytes."""
    row = bytes(1 + (width + 7) // 8)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def blank_webp_header(width: int, height: int) -> bytes:
    """The frame of a lossless WebP of any size, with no pixels in it."""
    body = b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little") + bytes(11)
    return b"RIFF" + struct.pack("<I", 12 + len(body)) + b"WEBPVP8L" + struct.pack("<I", len(body)) + body


def saved(path: Path, image: Image.Image, kind: str, **options: object) -> Path:
    image.save(path, kind, **options)
    return path


def rgb(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


async def fault_of(studio: PictureStudio, path: Path) -> tuple[SourceFault, int]:
    with pytest.raises(BadSource) as caught:
        await studio.check_source(path, 1)
    return caught.value.fault, caught.value.amount


def picture_processes() -> list[int]:
    """Ids of our own children that work on a picture."""
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and b"bot.pictures.process" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue  # it has ended meanwhile
    return found


async def freeze_a_process() -> int:
    """Wait for the next picture process and stop it in its work, as a picture without end would."""
    for _ in range(2000):
        for process in picture_processes():
            os.kill(process, signal.SIGSTOP)
            return process
        await asyncio.sleep(0.005)
    pytest.fail("no picture process was started")


VALID: dict[str, tuple[PictureFormat, Callable[[Path], Path]]] = {
    "a plain JPEG": (PictureFormat.JPEG, lambda p: saved(p, gradient("RGB"), "JPEG")),
    "a progressive JPEG": (PictureFormat.JPEG, lambda p: saved(p, gradient("RGB"), "JPEG", progressive=True)),
    "a grey JPEG": (PictureFormat.JPEG, lambda p: saved(p, gradient("L"), "JPEG")),
    "a CMYK JPEG": (PictureFormat.JPEG, lambda p: saved(p, gradient("CMYK"), "JPEG")),
    "a JPEG of several pictures": (
        PictureFormat.JPEG,
        lambda p: saved(p, frames()[0], "MPO", save_all=True, append_images=frames()[1:]),
    ),
    "a PNG": (PictureFormat.PNG, lambda p: saved(p, gradient("RGB"), "PNG")),
    "a PNG that shows through": (PictureFormat.PNG, lambda p: saved(p, gradient("RGBA"), "PNG")),
    "a grey PNG": (PictureFormat.PNG, lambda p: saved(p, gradient("L"), "PNG")),
    "a PNG of 16 bits": (PictureFormat.PNG, lambda p: saved(p, gradient("I;16"), "PNG")),
    "a PNG with a palette": (PictureFormat.PNG, lambda p: saved(p, gradient("P"), "PNG", transparency=3)),
    "a PNG with long texts": (
        PictureFormat.PNG,
        lambda p: saved(p, gradient("RGB"), "PNG", pnginfo=long_text(), icc_profile=rgb_profile()),
    ),
    "a WebP": (PictureFormat.WEBP, lambda p: saved(p, gradient("RGB"), "WEBP")),
    "a lossless WebP": (PictureFormat.WEBP, lambda p: saved(p, gradient("RGB"), "WEBP", lossless=True)),
    "a WebP that shows through": (PictureFormat.WEBP, lambda p: saved(p, gradient("RGBA"), "WEBP", exif=gps())),
}


def long_text() -> PngInfo:
    info = PngInfo()
    info.add_text("workflow", "x" * 2_000_000, zip=True)
    return info


def rgb_profile() -> bytes:
    """The smallest colour profile there is: a header that names its colour space, and no tags (ICC.1, 7.2)."""
    return struct.pack(">I8x12s12x4s92x", 132, b"mntrRGB XYZ ", b"acsp")


def gps(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Camera of somebody"
    return exif


@pytest.mark.parametrize("what", VALID)
async def test_a_usable_source_is_named_by_its_bytes_whatever_its_file_is_called(
    what: str, studio: PictureStudio, tmp_path: Path
) -> None:
    kind, make = VALID[what]
    assert await studio.check_source(make(tmp_path / "picture.txt"), 1) is kind


async def test_files_that_are_no_picture_are_refused(studio: PictureStudio, tmp_path: Path) -> None:
    for number, content in enumerate((b"Dear diary", b"", b"GIF89a", b"RIFF\x00\x00\x00\x00WAVE", b"<svg/>")):
        path = tmp_path / f"{number}.png"
        path.write_bytes(content)
        assert await fault_of(studio, path) == (SourceFault.NOT_A_PICTURE, 0), content


async def test_an_animated_gif_is_no_picture(studio: PictureStudio, tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", frames()[0], "GIF", save_all=True, append_images=frames()[1:])
    assert await fault_of(studio, path) == (SourceFault.NOT_A_PICTURE, 0)


async def test_a_file_that_is_not_there_is_refused_like_any_other(studio: PictureStudio, tmp_path: Path) -> None:
    with pytest.raises(BadSource):
        await studio.check_source(tmp_path / "gone.png", 1)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
async def test_animated_pictures_are_refused(kind: str, studio: PictureStudio, tmp_path: Path) -> None:
    path = saved(tmp_path / "a", frames()[0], kind, save_all=True, append_images=frames()[1:], duration=100)
    assert await fault_of(studio, path) == (SourceFault.ANIMATED, 0)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("part", [0.02, 0.5, 0.97])
async def test_truncated_pictures_are_found(kind: str, part: float, studio: PictureStudio, tmp_path: Path) -> None:
    path = saved(tmp_path / "a", noise("RGB", 64), kind)
    whole = path.read_bytes()
    path.write_bytes(whole[: max(40, int(len(whole) * part))])
    assert await fault_of(studio, path) == (SourceFault.BROKEN, 0)


async def test_a_single_wrong_bit_in_a_png_is_found(studio: PictureStudio, tmp_path: Path) -> None:
    path = saved(tmp_path / "a", gradient("RGB"), "PNG")
    whole = path.read_bytes()
    for part in (0.3, 0.6, 0.9):
        content = bytearray(whole)
        content[int(len(content) * part)] ^= 1
        path.write_bytes(content)
        assert await fault_of(studio, path) == (SourceFault.BROKEN, 0), part


async def test_files_that_only_begin_like_a_picture_are_broken(studio: PictureStudio, tmp_path: Path) -> None:
    for start in (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x40\x00\x00\x00WEBP", b"RIFF\x40\x00\x00\x00WEBPVP8 "):
        path = tmp_path / "a"
        path.write_bytes(start + random.Random(2).randbytes(500))
        assert await fault_of(studio, path) == (SourceFault.BROKEN, 0), start


async def test_a_file_of_26_megabytes_is_too_large(studio: PictureStudio, tmp_path: Path) -> None:
    path = saved(tmp_path / "a", gradient("RGB"), "JPEG")
    os.truncate(path, 26_000_000)
    assert await fault_of(studio, path) == (SourceFault.TOO_LARGE, 26_000_000)
    os.truncate(path, 25_000_000)
    assert await studio.check_source(path, 1) is PictureFormat.JPEG


async def test_a_small_file_of_200_megapixels_is_refused_without_being_decoded(tmp_path: Path) -> None:
    png, webp = tmp_path / "a.png", tmp_path / "a.webp"
    png.write_bytes(blank_png(20_000, 10_000))
    webp.write_bytes(blank_webp_header(16_000, 12_500))
    assert png.stat().st_size < 40_000
    studio = PictureStudio(memory_limit=64 * MIB)  # decoded, the first would take 25 MB and the second 800
    for path in (png, webp):
        assert await fault_of(studio, path) == (SourceFault.TOO_MANY_PIXELS, 200_000_000)


async def test_fifty_megapixels_are_decoded_within_the_memory_limit(studio: PictureStudio, tmp_path: Path) -> None:
    tile = noise("RGB", 100)
    large = Image.new("RGB", (8000, 6250))
    large.paste(tile, (7900, 6150))
    path = saved(tmp_path / "a", large, "PNG", compress_level=1)
    assert await studio.check_source(path, 1) is PictureFormat.PNG
    large.save(path, "JPEG", progressive=True, subsampling=0)
    assert await studio.check_source(path, 1) is PictureFormat.JPEG


async def test_a_webp_too_large_to_decode_is_taken_by_its_measures(studio: PictureStudio, tmp_path: Path) -> None:
    path = tmp_path / "a.webp"
    path.write_bytes(blank_webp_header(7000, 7000))
    assert await studio.check_source(path, 1) is PictureFormat.WEBP
    [fitted] = await studio.fit([path], max_file=20, max_total=20, into=tmp_path, user_id=1)
    assert fitted == Fitted(path, PictureFormat.WEBP, dropped=True)
    os.truncate(path, path.stat().st_size - 1)
    assert await fault_of(studio, path) == (SourceFault.BROKEN, 0)


async def test_a_picture_that_needs_more_memory_than_allowed_harms_nobody(tmp_path: Path) -> None:
    path = saved(tmp_path / "a", Image.new("RGB", (4000, 4000)), "JPEG", progressive=True, subsampling=0)
    studio = PictureStudio(memory_limit=100 * MIB)
    assert await fault_of(studio, path) == (SourceFault.TOO_COMPLEX, 16_000_000)


async def test_a_picture_that_takes_too_long_is_given_up_and_its_process_killed(tmp_path: Path) -> None:
    path = saved(tmp_path / "a", noise("RGB", 256), "PNG")
    studio = PictureStudio(check_limit=1.0, fit_limit=1.0)
    check = asyncio.create_task(fault_of(studio, path))
    await freeze_a_process()
    assert await check == (SourceFault.TOO_COMPLEX, 0)
    assert picture_processes() == []
    fit = asyncio.create_task(studio.fit([path], max_file=1000, max_total=1000, into=tmp_path, user_id=1))
    await freeze_a_process()
    assert await fit == [Fitted(path, PictureFormat.PNG, dropped=True)]


async def test_a_process_killed_from_outside_does_not_blame_the_picture(studio: PictureStudio, tmp_path: Path) -> None:
    check = asyncio.create_task(fault_of(studio, saved(tmp_path / "a", noise("RGB", 256), "PNG")))
    os.kill(await freeze_a_process(), signal.SIGKILL)
    assert await check == (SourceFault.UNREADABLE, 0)


async def test_cancelling_kills_the_process_and_frees_the_place(studio: PictureStudio, tmp_path: Path) -> None:
    path = saved(tmp_path / "a", noise("RGB", 256), "PNG")
    check = asyncio.create_task(studio.check_source(path, 1))
    await freeze_a_process()
    check.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await check
    assert picture_processes() == []
    assert await studio.check_source(saved(tmp_path / "b", gradient("RGB"), "JPEG"), 1) is PictureFormat.JPEG


async def test_cancelling_at_any_moment_ends_at_once(studio: PictureStudio, tmp_path: Path) -> None:
    path = saved(tmp_path / "a", noise("RGB", 64), "PNG")
    for delay in (0, 0.001, 0.01, 0.05, 0.1):
        checks = [asyncio.create_task(studio.check_source(path, 1)) for _ in range(2)]
        await asyncio.sleep(delay)
        for check in checks:
            check.cancel()
        async with asyncio.timeout(5):
            await asyncio.wait(checks)
        assert picture_processes() == []


async def test_never_more_than_one_picture_process_runs(studio: PictureStudio, tmp_path: Path) -> None:
    path = saved(tmp_path / "a", noise("RGB", 256), "PNG")
    checks = asyncio.gather(*(studio.check_source(path, 1) for _ in range(4)))
    seen: set[int] = set()
    while not checks.done():
        running = picture_processes()
        assert len(running) <= 1
        seen.update(running)
        await asyncio.sleep(0.005)
    assert await checks == [PictureFormat.PNG] * 4
    assert len(seen) >= 2


async def test_four_noisy_pictures_fit_into_one_message(studio: PictureStudio, tmp_path: Path) -> None:
    first = saved(tmp_path / "picture-1", noise("RGB", 2048), "PNG", compress_level=0)
    files = [first, *(Path(shutil.copy(first, tmp_path / f"picture-{number}")) for number in (2, 3, 4))]
    assert first.stat().st_size > 12_000_000
    fitted = await studio.fit(files, max_file=10 * MIB, max_total=24 * MIB, into=tmp_path, user_id=1)
    sizes = [entry.path.stat().st_size for entry in fitted]
    assert max(sizes) <= 10 * MIB
    assert 0.6 * 24 * MIB < sum(sizes) <= 24 * MIB
    assert [(entry.format, entry.changed, entry.dropped) for entry in fitted] == [(PictureFormat.JPEG, True, False)] * 4
    assert len({entry.path for entry in fitted}) == 4
    with Image.open(fitted[0].path) as image:
        assert (image.format, image.size) == ("JPEG", (2048, 2048))


async def test_pictures_that_fit_pass_untouched_and_start_no_process(tmp_path: Path) -> None:
    files = [saved(tmp_path / kind, gradient("RGB"), kind) for kind in ("PNG", "WEBP", "JPEG")]
    total = sum(path.stat().st_size for path in files)
    studio = PictureStudio(fit_limit=0.0)  # any process would be given up at once
    fitted = await studio.fit(files, max_file=total, max_total=total, into=tmp_path, user_id=1)
    kinds = (PictureFormat.PNG, PictureFormat.WEBP, PictureFormat.JPEG)
    assert fitted == [Fitted(path, kind) for path, kind in zip(files, kinds, strict=True)]


async def test_small_pictures_stay_untouched_beside_a_large_one(studio: PictureStudio, tmp_path: Path) -> None:
    small = [saved(tmp_path / f"small-{number}", noise("RGB", 100, number), "PNG") for number in range(2)]
    large = saved(tmp_path / "large", noise("RGB", 600), "PNG")
    room = 500_000
    fitted = await studio.fit([small[0], large, small[1]], max_file=room, max_total=room, into=tmp_path, user_id=1)
    assert [entry.changed for entry in fitted] == [False, True, False]
    assert sum(entry.path.stat().st_size for entry in fitted) <= room
    assert fitted[1].path.stat().st_size > 0.6 * (room - sum(path.stat().st_size for path in small))


async def test_room_that_one_picture_leaves_saves_the_next(studio: PictureStudio, tmp_path: Path) -> None:
    smooth = saved(tmp_path / "smooth", gradient("RGB", 1000, 1000), "PNG", compress_level=0)  # 3 MB, as JPEG 20 KB
    noisy = saved(tmp_path / "noisy", noise("RGB", 900), "PNG")  # 2.4 MB
    fitted = await studio.fit([smooth, noisy], max_file=3 * MIB, max_total=3 * MIB, into=tmp_path, user_id=1)
    assert [entry.changed for entry in fitted] == [True, False]


@pytest.mark.parametrize(
    ("kind", "mode", "expected"),
    [
        ("JPEG", "RGB", PictureFormat.JPEG),
        ("JPEG", "CMYK", PictureFormat.JPEG),
        ("PNG", "RGB", PictureFormat.JPEG),
        ("PNG", "L", PictureFormat.JPEG),
        ("PNG", "RGBA", PictureFormat.WEBP),
        ("PNG", "LA", PictureFormat.WEBP),
        ("WEBP", "RGB", PictureFormat.WEBP),
        ("WEBP", "RGBA", PictureFormat.WEBP),
    ],
)
async def test_fitting_keeps_the_format_where_it_can_and_what_shows_through_always(
    kind: str, mode: str, expected: PictureFormat, studio: PictureStudio, tmp_path: Path
) -> None:
    image = noise(mode, 300)
    path = saved(tmp_path / "a", image, kind, **({"lossless": True} if kind == "WEBP" else {"quality": 100}))
    limit = path.stat().st_size // 2
    [fitted] = await studio.fit([path], max_file=limit, max_total=limit, into=tmp_path, user_id=1)
    assert (fitted.format, fitted.changed) == (expected, True)
    assert fitted.path.suffix == f".{expected.extension}"
    with Image.open(fitted.path) as result:
        assert result.format == expected.value.upper()
        assert result.has_transparency_data == image.has_transparency_data
        assert (result.mode == "CMYK") == (mode == "CMYK")


async def test_a_png_whose_every_pixel_is_opaque_becomes_a_jpeg(studio: PictureStudio, tmp_path: Path) -> None:
    image = noise("RGB", 300)
    image.putalpha(255)
    path = saved(tmp_path / "a", image, "PNG")
    [fitted] = await studio.fit([path], max_file=90_000, max_total=90_000, into=tmp_path, user_id=1)
    assert fitted.format is PictureFormat.JPEG


async def test_no_webp_is_encoded_above_four_megapixels(studio: PictureStudio, tmp_path: Path) -> None:
    opaque = saved(tmp_path / "opaque", noise("RGB", 2100), "WEBP", quality=1, method=0)
    clear = saved(tmp_path / "clear", Image.new("RGBA", (5000, 4000), (255, 0, 0, 99)), "PNG", compress_level=1)
    limit = min(opaque.stat().st_size, clear.stat().st_size) - 1
    fitted = await studio.fit([opaque, clear], max_file=limit, max_total=2 * limit, into=tmp_path, user_id=1)
    assert [entry.format for entry in fitted] == [PictureFormat.JPEG, PictureFormat.WEBP]
    with Image.open(fitted[1].path) as image:
        assert image.format == "WEBP"
        assert image.width * image.height <= 2048 * 2048
        assert image.width * 4 == pytest.approx(image.height * 5, rel=0.01)
        assert image.convert("RGBA").getpixel((500, 500)) == pytest.approx((255, 0, 0, 99), abs=3)


async def test_fewer_pixels_are_the_last_resort(studio: PictureStudio, tmp_path: Path) -> None:
    path = saved(tmp_path / "a", noise("RGB", 512), "PNG")
    [fitted] = await studio.fit([path], max_file=20_000, max_total=20_000, into=tmp_path, user_id=1)
    assert fitted.path.stat().st_size <= 20_000
    with Image.open(fitted.path) as image:
        assert 64 <= image.width < 512
        assert image.width == image.height


async def test_a_picture_that_fits_nowhere_is_dropped_and_leaves_its_room(
    studio: PictureStudio, tmp_path: Path
) -> None:
    path = saved(tmp_path / "a", noise("RGB", 128), "PNG")
    tiny = saved(tmp_path / "tiny", Image.new("RGB", (8, 8)), "PNG")
    broken = tmp_path / "broken"
    broken.write_bytes(path.read_bytes()[:9000])
    text = tmp_path / "text"
    text.write_bytes(b"no picture")
    fitted = await studio.fit([path, tiny, broken, text], max_file=300, max_total=300, into=tmp_path, user_id=1)
    assert [entry.dropped for entry in fitted] == [True, False, True, True]
    assert [entry.path for entry in fitted] == [path, tiny, broken, text]


@pytest.mark.parametrize(("kind", "expected"), [("JPEG", "JPEG"), ("PNG", "JPEG"), ("WEBP", "WEBP")])
async def test_a_changed_picture_stands_upright_and_tells_nothing_but_its_colours(
    kind: str, expected: str, studio: PictureStudio, tmp_path: Path
) -> None:
    image = Image.new("RGB", (300, 200), "blue")
    image.paste("red", (0, 0, 150, 200))
    options = {"lossless": True} if kind == "WEBP" else {"comment": b"mine"} if kind == "JPEG" else {}
    path = saved(tmp_path / "a", image, kind, exif=gps(orientation=6), icc_profile=rgb_profile(), **options)
    fitted = await studio.shrink(path, tmp_path, 1)
    assert fitted.changed
    with Image.open(fitted.path) as result:
        assert result.format == expected
        assert result.size == (200, 300)
        assert not result.getexif()
        assert "comment" not in result.info
        assert result.info["icc_profile"] == rgb_profile()
    top, bottom = (rgb(fitted.path).getpixel(spot) for spot in ((100, 20), (100, 280)))
    assert top == pytest.approx((255, 0, 0), abs=8)
    assert bottom == pytest.approx((0, 0, 255), abs=8)


async def test_sixteen_bits_of_grey_are_scaled_and_not_cut_off(studio: PictureStudio, tmp_path: Path) -> None:
    image = Image.frombytes("I;16", (200, 100), b"\x00\x40" * 20_000)
    path = saved(tmp_path / "a", image, "PNG", compress_level=0)
    [fitted] = await studio.fit([path], max_file=9000, max_total=9000, into=tmp_path, user_id=1)
    assert rgb(fitted.path).getpixel((50, 50)) == (64, 64, 64)


async def test_a_profile_of_another_colour_space_is_left_out(studio: PictureStudio, tmp_path: Path) -> None:
    path = saved(tmp_path / "a", gradient("L"), "PNG", icc_profile=rgb_profile(), exif=gps(orientation=6))
    fitted = await studio.shrink(path, tmp_path, 1)
    with Image.open(fitted.path) as image:
        assert image.mode == "L"
        assert "icc_profile" not in image.info


async def test_a_small_source_with_nothing_to_hide_is_kept_as_it_is(studio: PictureStudio, tmp_path: Path) -> None:
    for kind in OFFERED_FORMATS:
        path = saved(tmp_path / kind, gradient("RGB"), kind.value, icc_profile=rgb_profile())
        assert await studio.shrink(path, tmp_path, 1) == Fitted(path, kind)


async def test_a_large_source_is_kept_small(studio: PictureStudio, tmp_path: Path) -> None:
    photo = saved(tmp_path / "photo", ImageOps.fit(Image.effect_noise((1000, 750), 40), (8000, 6000)), "JPEG")
    drawing = saved(tmp_path / "drawing", Image.new("RGBA", (6000, 6000), (0, 200, 0, 128)), "PNG", compress_level=1)
    kept = [await studio.shrink(path, tmp_path, 1) for path in (photo, drawing)]
    assert [entry.format for entry in kept] == [PictureFormat.JPEG, PictureFormat.WEBP]
    assert all(entry.path.stat().st_size <= 2_000_000 for entry in kept)
    with Image.open(kept[0].path) as image:
        assert image.size == (2048, 1536)
    with Image.open(kept[1].path) as image:
        assert image.size == (2048, 2048)
        assert image.convert("RGBA").getpixel((1024, 1024)) == pytest.approx((0, 200, 0, 128), abs=3)


async def test_shapes_and_sizes_at_the_edge_are_shrunk_too(studio: PictureStudio, tmp_path: Path) -> None:
    for size in ((1, 1), (1, 9000), (30_000, 2), (63, 64)):
        path = saved(tmp_path / "a", Image.new("RGB", size, "red"), "PNG", exif=gps())
        fitted = await studio.shrink(path, tmp_path, 1)
        with Image.open(fitted.path) as image:
            assert max(image.size) == min(2048, max(size)), size


def test_a_fair_share_leaves_small_ones_whole_and_gives_the_rest_to_the_large() -> None:
    assert fair_share([12, 12, 12, 12], 24) == 6
    assert fair_share([1, 2, 30, 40], 23) == 10
    assert fair_share([5, 5], 10) == 5
    assert fair_share([7], 100) == 7


def test_the_bot_itself_never_loads_pillow_and_the_picture_process_loads_little_else() -> None:
    program = "import sys, {}; print('PIL' in sys.modules, 'asyncio' in sys.modules, 'discord' in sys.modules)"
    for module, expected in (("bot.pictures.studio", "False True False"), ("bot.pictures.process", "True False False")):
        ask = [sys.executable, "-c", program.format(module)]
        assert subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip() == expected
