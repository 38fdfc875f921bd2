"""The pictures of the pages for people: each is there, small, and made by `make screenshots`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from PIL import Image

from tools.screenshots.files import FOLDER, MAX_BYTES, keep_in, path_of
from tools.screenshots.scenes import SHOTS

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
_PICTURE = re.compile(r"\bpictures/([\w-]+)\.(webp|png|jpe?g|gif)\b")


def test_every_picture_that_a_page_shows_is_one_of_the_command() -> None:
    shown = {(name, kind) for page in PAGES for name, kind in _PICTURE.findall(page.read_text("utf-8"))}
    assert shown, "no page shows a picture"
    assert {name for name, _ in shown} <= set(SHOTS)
    assert {kind for _, kind in shown} == {"webp"}


def test_the_command_makes_all_files_of_the_folder_and_they_are_small() -> None:
    assert {path.name for path in FOLDER.iterdir()} - {"README.md"} == {path_of(name).name for name in SHOTS}
    for name in SHOTS:
        with Image.open(path_of(name)) as picture:
            assert picture.format == "WEBP"
        assert path_of(name).stat().st_size <= MAX_BYTES, name


def test_a_picture_that_shows_the_same_stays_as_it_is(tmp_path: Path) -> None:
    def shot(word: int) -> Image.Image:
        picture = (
            Image.effect_noise((400, 300), 20).convert("RGB") if word < 0 else Image.new("RGB", (400, 300), "white")
        )
        picture.paste("black", (20, 20, 20 + abs(word), 32))
        return picture

    file = tmp_path / "shot.webp"
    assert keep_in(file, shot(60))
    before = file.read_bytes()
    assert not keep_in(file, shot(60))
    assert file.read_bytes() == before
    assert keep_in(file, shot(66))  # a letter more


def test_without_chromium_it_says_so_in_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.screenshots"],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "These pictures are made with Chromium, which is not on this machine: apt install chromium\n"
    )
