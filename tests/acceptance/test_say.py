"""`python -m bot sandbox --say`: the whole house in one command, without account, token or network."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

from PIL import Image

PROJECT = Path(__file__).parents[2]
PATIENCE_S = 90.0


async def say(*lines: str, out: Path, **variables: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one call."""
    arguments = [argument for line in lines for argument in ("--say", line)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "sandbox", *arguments, "--out", str(out)),
        cwd=PROJECT,
        env={**os.environ, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            printed, complained = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    return process.returncode or 0, printed.decode(), complained.decode()


async def test_a_line_is_played_and_its_four_pictures_are_saved(tmp_path: Path) -> None:
    line = "/imagine prompt:a lighthouse at dusk count:4 aspect_ratio:16:9 resolution:1k format:webp"
    code, printed, complained = await say(line, out=tmp_path / "out")
    assert (code, complained) == (0, "")
    for state in ("Waiting in line", "Painting", "[Cancel]", "[Again] [Remix] [Edit] [Details] [Delete]"):
        assert state in printed
    # as Discord shows it, without its markup
    assert "@Ada" in printed
    assert not re.search(r"<[@#/t]|\*\*|^ *-# |\\", printed, re.MULTILINE), printed
    files = sorted((tmp_path / "out").iterdir())
    assert len({file.read_bytes() for file in files}) == 4
    for file in files:
        with Image.open(file) as picture:
            assert (picture.format, picture.size) == ("WEBP", (1408, 768))


async def test_an_edit_takes_its_sources_from_files(tmp_path: Path) -> None:
    colours = {"a.png": "teal", "b.jpg": "orange", "c.webp": "purple"}
    for name, colour in colours.items():
        Image.new("RGB", (400, 300), colour).save(tmp_path / name)
    one = f"/edit prompt:as a woodcut image:{tmp_path}/a.png"
    three = f"/edit prompt:together image:{tmp_path}/a.png image2:{tmp_path}/b.jpg image3:{tmp_path}/c.webp"
    code, _, complained = await say(one, three, out=tmp_path / "out")
    assert (code, complained) == (0, "")
    assert len(list((tmp_path / "out").iterdir())) == 2


async def test_a_line_that_is_no_valid_command_ends_with_a_sentence_and_exit_code_1(tmp_path: Path) -> None:
    lines = {"/imagine prompt:x count:9": "at most 4", "/paint prompt:x": "no command /paint"}
    lines["/edit prompt:x image:./not-there.png"] = "not-there.png"
    code, _, complained = await say(*lines, out=tmp_path / "out")
    assert code == 1
    assert all(words in complained for words in lines.values())
    assert "Traceback" not in complained


async def test_a_folder_that_takes_no_pictures_is_told_before_anything_is_played(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    code, printed, complained = await say("/imagine prompt:a red fox", out=tmp_path / "out")
    assert (code, printed) == (1, "")
    assert complained == f"{tmp_path / 'out'} takes no pictures (File exists): name another folder with --out.\n"


async def test_a_job_that_fails_ends_with_exit_code_1(tmp_path: Path) -> None:
    code, printed, _ = await say("/imagine prompt:a red fox [[refuse-at-once]]", out=tmp_path / "out")
    assert code == 1
    assert "Refused by moderation" in printed


async def test_the_sandbox_offers_the_models_of_the_setting(tmp_path: Path) -> None:
    models = "painter-1=Classic,painter-2=Bold & new"
    lines = ("/imagine prompt:a fox", "/imagine prompt:a hen model:Bold & new")
    code, printed, complained = await say(*lines, out=tmp_path / "out", MODELS=models)
    assert (code, complained) == (0, "")
    assert "Classic · 1:1" in printed
    assert "Bold & new · 1:1" in printed
    assert len(list((tmp_path / "out").iterdir())) == 2
    code, _, complained = await say("/imagine prompt:a hen model:Standard", out=tmp_path / "out", MODELS=models)
    assert code == 1
    assert "Traceback" not in complained


async def test_a_wrong_list_of_models_is_a_wrong_setting_of_the_sandbox_too(tmp_path: Path) -> None:
    code, _, complained = await say("/imagine prompt:a fox", out=tmp_path / "out", MODELS="a=,b,b")
    assert code == 2
    assert [line.split()[0] for line in complained.splitlines()] == ["MODELS", "MODELS"]
