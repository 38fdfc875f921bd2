from __future__ import annotations

import os
import time
from pathlib import Path

from bot.jobs.spool import ABANDONED_AFTER_S, Spool, sweep_abandoned
from bot.model import PictureFormat, PictureInfo


def test_a_picture_that_lies_there_is_known_by_its_bytes(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    path = spool.picture("a1", 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\nrest")
    assert PictureInfo.at(path) == PictureInfo(PictureFormat.PNG, 12)


def test_a_file_of_zeros_left_by_a_power_cut_does_not_count_as_a_picture(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    path = spool.picture("a1", 0)
    path.write_bytes(bytes(1000))
    assert PictureInfo.at(path) is None
    assert PictureInfo.at(spool.picture("a1", 1)) is None


def test_sweeping_keeps_the_folders_of_unfinished_jobs(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for job in ("a1", "b2", "c3"):
        spool.source(job, 0).write_bytes(b"x")
    assert spool.sweep({"b2"}) == 2
    assert [folder.name for folder in tmp_path.iterdir()] == ["b2"]


def test_removing_twice_is_no_fault(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.picture("a1", 0).write_bytes(b"x")
    spool.remove("a1")
    spool.remove("a1")
    assert not list(tmp_path.iterdir())


def test_only_what_a_killed_process_left_long_ago_is_swept(tmp_path: Path) -> None:
    long_ago = time.time() - ABANDONED_AFTER_S - 60
    fresh, stale, other = tmp_path / "easel-a", tmp_path / "easel-b", tmp_path / "others"
    for folder in (fresh, stale, other):
        Spool(folder).picture("job", 0).write_bytes(b"x")
    link = tmp_path / "easel-c"
    link.symlink_to(other)
    for folder in (stale, other):
        os.utime(folder, (long_ago, long_ago))
    os.utime(link, (long_ago, long_ago), follow_symlinks=False)
    assert sweep_abandoned(tmp_path, "easel-*") == 1
    assert sorted(it.name for it in tmp_path.iterdir()) == ["easel-a", "easel-c", "others"]
    assert (other / "job").is_dir()
