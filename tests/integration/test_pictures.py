"""Real files through the real picture process."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from PIL import Image

from bot.errors import BadSource, SourceFault
from bot.model import PictureFormat
from bot.pictures.studio import Fitted, PictureStudio
from tests.integration.picture_files import (
    MIB,
    blank_png,
    gps,
    gradient,
    long_text,
    noise,
    picture_processes,
    rgb_profile,
    saved,
)


@pytest.fixture
def studio() -> PictureStudio:
    return PictureStudio()


def frames() -> Sequence[Image.Image]:
    return [Image.new("RGB", (40, 30), colour) for colour in ("red", "green", "blue")]


def blank_webp_header(width: int, height: int) -> bytes:
    """The frame of a lossless WebP of any size, with no pixels in it."""
    body = b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little") + bytes(11)
    return b"RIFF" + struct.pack("<I", 12 + len(body)) + b"WEBPVP8L" + struct.pack("<I", len(body)) + body


async def fault_of(studio: PictureStudio, path: Path) -> tuple[SourceFault, int]:
    with pytest.raises(BadSource) as caught:
        await studio.check_source(path, 1)
    return caught.value.fault, caught.value.amount


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
    assert await check == (SourceFault.NO_ROOM, 0)


async def test_cancelling_kills_the_process_and_frees_the_place(studio: PictureStudio, tmp_path: Path) -> None:
    path = saved(tmp_path / "a", noise("RGB", 256), "PNG")
    check = asyncio.create_task(studio.check_source(path, 1))
    await freeze_a_process()
    check.cancel()
    async with asyncio.timeout(30):
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
        async with asyncio.timeout(30):
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


def test_the_bot_itself_never_loads_pillow_and_the_picture_process_loads_little_else() -> None:
    program = "import sys, {}; print('PIL' in sys.modules, 'asyncio' in sys.modules, 'discord' in sys.modules)"
    for module, expected in (("bot.pictures.studio", "False True False"), ("bot.pictures.process", "True False False")):
        ask = [sys.executable, "-c", program.format(module)]
        assert subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip() == expected
