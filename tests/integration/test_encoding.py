"""Pictures made to fit: into one message, upright, with nothing but their colours."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from bot.model import OFFERED_FORMATS, PictureFormat
from bot.pictures import bands, reading
from bot.pictures.structure import plain_profile
from bot.pictures.studio import Fitted, PictureStudio, fair_share
from tests.integration.picture_files import MIB, gps, gradient, noise, rgb, rgb_profile, saved


@pytest.fixture
def studio() -> PictureStudio:
    return PictureStudio()


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
        assert result.info["icc_profile"] == plain_profile(rgb_profile())
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
        path = saved(tmp_path / kind, gradient("RGB"), kind.value, icc_profile=plain_profile(rgb_profile()))
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


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "P see-through"])
async def test_a_png_that_is_made_small_band_by_band_is_the_same_picture(mode: str, tmp_path: Path) -> None:
    image = noise("RGB", 301).quantize() if mode.startswith("P") else noise(mode, 301)
    path = saved(tmp_path / "a", image, "PNG", **({"transparency": 7} if " " in mode else {}), exif=gps())
    data = path.read_bytes()
    found = reading.read(data)
    with Image.open(path) as whole:
        target = "RGBA" if whole.has_transparency_data else "L" if mode == "L" else "RGB"
        expected = whole.convert(target).reduce(3)
    for band_bytes in (1, 10_000, 1_000_000):
        made = bands.reduced(found, data, 100, band_bytes=band_bytes)
        assert made is not None
        assert (made.mode, made.size, made.tobytes()) == (expected.mode, expected.size, expected.tobytes())


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
