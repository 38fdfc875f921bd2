"""The sandbox's painter: the right size and file format, the same picture for the same order, no crash."""

from __future__ import annotations

import random
import unicodedata
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageOps, ImageStat

from bot.model import AspectRatio, PictureFormat, Resolution
from sandbox.image_api.painter import SIZES, Commission, UnusableSource, paint
from sandbox.image_api.painting.caption import readable
from sandbox.image_api.painting.wishes import read_wishes

FOX = Commission("a red fox in the snow at dusk")


def opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content))


def average(content: bytes) -> tuple[float, ...]:
    return tuple(ImageStat.Stat(opened(content).convert("RGB")).mean)


@pytest.fixture(scope="module")
def fox_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sources") / "fox.jpg"
    path.write_bytes(paint(replace(FOX, aspect_ratio=AspectRatio.WIDE)))
    return path


@pytest.mark.parametrize("ratio", list(SIZES))
def test_a_picture_has_the_size_of_its_ratio(ratio: AspectRatio) -> None:
    assert opened(paint(replace(FOX, aspect_ratio=ratio))).size == SIZES[ratio]


def test_the_higher_resolution_has_twice_the_sides() -> None:
    commission = Commission("abstract ribbons", resolution=Resolution.TWO_K, aspect_ratio=AspectRatio.TALL)
    assert opened(paint(commission)).size == (1536, 2816)


@pytest.mark.parametrize("picture_format", PictureFormat)
def test_a_picture_comes_in_the_format_asked_for(picture_format: PictureFormat) -> None:
    picture = opened(paint(replace(FOX, format=picture_format)))
    assert picture.format == picture_format.name
    picture.load()


def test_the_same_order_gives_the_same_bytes() -> None:
    assert paint(FOX) == paint(FOX)


def test_pictures_differ_by_prompt_by_index_and_by_seed() -> None:
    orders = [FOX, replace(FOX, index=1), replace(FOX, seed=1), replace(FOX, prompt="a red fox in the snow at dawn")]
    assert len({paint(order) for order in orders}) == len(orders)


def test_night_is_darker_than_day() -> None:
    night, day = paint(Commission("the sea at night")), paint(Commission("the sea by day"))
    assert sum(average(night)) < sum(average(day)) / 2


def test_a_colour_in_the_prompt_is_seen_in_the_picture() -> None:
    red, _, blue = average(paint(Commission("abstract ribbons, red, noon")))
    other_red, _, other_blue = average(paint(Commission("abstract ribbons, blue, noon")))
    assert red - blue > other_red - other_blue + 40


@pytest.mark.parametrize(
    ("prompt", "scene", "figures"),
    [
        ("a red fox in the snow at dusk", "mountains", ("fox",)),
        ("Ein Fuchs im Wald", "forest", ("fox",)),
        ("un chat noir dans la forêt", "forest", ("cat",)),
        ("夜の海と灯台", "sea", ("lighthouse",)),
        ("portrait of a woman with flowers", "portrait", ()),
        ("portrait of a man", "portrait of a man", ()),
        ("snowy mountains above a lake", "lake", ()),
        ("wolves under the stars", "space", ()),
    ],
)
def test_words_of_a_prompt_choose_what_is_painted(prompt: str, scene: str, figures: tuple[str, ...]) -> None:
    wishes = read_wishes(prompt, random.Random(1))
    assert (wishes.scene, wishes.figures) == (scene, figures)


def test_a_colour_right_before_an_animal_is_its_coat() -> None:
    wishes = read_wishes("a white cat on a green hill", random.Random(1))
    assert (wishes.coat, wishes.colors) == ("white", ("green",))


def test_a_word_inside_another_word_chooses_nothing() -> None:
    assert read_wishes("a catalogue of foxgloves in a city", random.Random(1)).figures == ()


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "   ",
        "x" * 4000,
        "W" * 200 + " " + "i" * 200,
        "狐" * 500,
        "🦊🌲",
        "\x00\x01\x7f",
        "a\nb\tc",
        "مرحبا",
        "é" * 300,
    ],
)
def test_no_prompt_is_too_strange_to_be_painted(prompt: str) -> None:
    opened(paint(Commission(prompt))).load()


@pytest.mark.parametrize(
    ("prompt", "written"),
    [
        ("a red fox", "a red fox"),
        ("Ångström café", "Angstrom cafe"),
        ("Zażółć gęślą jaźń", "Zazolc gesla jazn"),
        ("a fox 🦊 here", "a fox here"),
        ("狐の絵", ""),
        ("!!!", ""),
    ],
)
def test_a_caption_holds_only_letters_that_the_font_has(prompt: str, written: str) -> None:
    assert _without_accents(readable(prompt)) == written


def _without_accents(text: str) -> str:
    """Accents may stay or fall, as the font of this Pillow has them."""
    return "".join(part for part in unicodedata.normalize("NFKD", text) if not unicodedata.combining(part))


def test_an_edit_keeps_the_ratio_of_its_source_and_can_be_told_from_it(fox_file: Path) -> None:
    edit = opened(paint(Commission("as an oil painting", aspect_ratio=AspectRatio.AUTO, sources=(fox_file,))))
    source = Image.open(fox_file)
    assert edit.width / edit.height == pytest.approx(source.width / source.height, rel=0.02)
    stranger = opened(paint(Commission("a city at night", aspect_ratio=AspectRatio.WIDE)))
    likeness, difference = (_distance(edit, other) for other in (source, stranger))
    assert 3 < likeness < difference


def _distance(first: Image.Image, second: Image.Image) -> float:
    grey = [ImageOps.fit(image.convert("L"), (200, 110)) for image in (first, second)]
    return ImageStat.Stat(ImageChops.difference(*grey)).mean[0]


def test_an_edit_in_a_named_ratio_has_that_ratio(fox_file: Path) -> None:
    edit = Commission("comic", aspect_ratio=AspectRatio.TALL, sources=(fox_file,))
    assert opened(paint(edit)).size == SIZES[AspectRatio.TALL]


def test_every_source_of_an_edit_is_in_the_picture(fox_file: Path, tmp_path: Path) -> None:
    lime = tmp_path / "lime.png"
    Image.new("RGB", (300, 300), (120, 255, 0)).save(lime)
    one = paint(Commission("dream", aspect_ratio=AspectRatio.SQUARE, sources=(fox_file,)))
    two = paint(Commission("dream", aspect_ratio=AspectRatio.SQUARE, sources=(fox_file, lime)))
    assert average(two)[1] - average(two)[2] > average(one)[1] - average(one)[2] + 8


def test_transparent_and_grey_sources_can_be_edited(tmp_path: Path) -> None:
    clear, grey = tmp_path / "clear.webp", tmp_path / "grey.png"
    Image.new("RGBA", (64, 48), (10, 200, 30, 90)).save(clear)
    Image.new("LA", (5, 700), (100, 90)).save(grey)
    opened(paint(Commission("poster", aspect_ratio=AspectRatio.AUTO, sources=(clear, grey)))).load()


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff\xe0nothing", b"GIF89a" + bytes(100)])
def test_a_source_that_is_no_picture_is_told_as_such(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "source"
    path.write_bytes(content)
    with pytest.raises(UnusableSource):
        paint(Commission("oil", aspect_ratio=AspectRatio.AUTO, sources=(path,)))


def test_a_damaged_source_is_told_as_such(fox_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "half.jpg"
    path.write_bytes(fox_file.read_bytes()[:20_000])
    with pytest.raises(UnusableSource):
        paint(Commission("oil", aspect_ratio=AspectRatio.AUTO, sources=(path,)))
