from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from bot.errors import BadSource, SourceFault
from bot.jobs.spool import ABANDONED_AFTER_S, NEXT_IN_LINE, SMALL_BYTES, SharedSpools, Spool, SpoolLimits
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


def test_trimming_keeps_the_folders_of_unfinished_jobs(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for job in ("a1", "b2", "c3"):
        spool.source(job, 0).write_bytes(b"x")
    assert spool.trim({"b2"}, older_than_s=60) == 0
    assert spool.trim({"b2"}, older_than_s=0) == 2
    assert spool.jobs() == {"b2"}


def test_what_is_kept_for_nobody_is_bounded_and_the_oldest_goes_first(tmp_path: Path) -> None:
    spool = Spool(tmp_path, SpoolLimits(kept=250))
    for age, job in enumerate(("new", "middle", "old", "in use")):
        spool.picture(job, 0).write_bytes(bytes(100))
        then = time.time() - age * 60
        os.utime(tmp_path / job, (then, then))
    assert spool.trim({"in use"}, older_than_s=3600) == 1
    assert spool.jobs() == {"new", "middle", "in use"}


def test_a_shelved_job_keeps_its_pictures_only(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.reserve("a1", 1, 100)
    for path in (spool.source("a1", 0), spool.picture("a1", 0), tmp_path / "a1" / "small-source-1.jpg"):
        path.write_bytes(b"x")
    spool.shelve("a1")
    assert [it.name for it in (tmp_path / "a1").iterdir()] == ["picture-1"]
    spool.reserve("b2", 1, SpoolLimits().per_user)


def fault_of(spool: Spool, job: str, user: int, size: int) -> SourceFault | None:
    try:
        spool.reserve(job, user, size)
    except BadSource as error:
        return error.fault
    return None


def test_sources_have_bounds_for_each_person_and_for_all(tmp_path: Path) -> None:
    spool = Spool(tmp_path, SpoolLimits(per_user=100, sources=250, free=0))
    assert [fault_of(spool, f"a{number}", 1, 40) for number in range(3)] == [None, None, SourceFault.NO_ROOM]
    assert fault_of(spool, "a1", 1, 60) is None  # the same job once more takes no more room
    assert [fault_of(spool, f"b{user}", user, 90) for user in (2, 3)] == [None, SourceFault.NO_ROOM]
    spool.remove("a0")
    assert fault_of(spool, "b3", 3, 90) is None


def test_so_much_of_the_disk_stays_free(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    spool = Spool(tmp_path, SpoolLimits(per_user=free, sources=2 * free, free=free // 2))
    assert fault_of(spool, "a1", 1, 1000) is None
    assert fault_of(spool, "b2", 2, free * 3 // 4) is SourceFault.NO_ROOM


def test_removing_twice_is_no_fault(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.picture("a1", 0).write_bytes(b"x")
    spool.remove("a1")
    spool.remove("a1")
    assert not list(tmp_path.iterdir())


def test_nobody_else_may_look_into_it_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        spool = Spool(tmp_path / "spool")
        folder = spool.source("a1", 0).parent
    finally:
        os.umask(before)
    assert [it.stat().st_mode & 0o777 for it in (spool.root, folder)] == [0o700, 0o700]


def test_the_spool_of_a_killed_process_goes_at_once_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    """Each lock lies with a process of its own: one is killed, one lives."""
    program = (
        "import sys, time; from pathlib import Path; from bot.jobs.spool import SharedSpools, Spool;"
        "Spool(SharedSpools(Path(sys.argv[1])).claim(sys.argv[2])).source('job', 0).write_bytes(b'x');"
        "print('here', flush=True); time.sleep(60)"
    )
    others = {
        name: subprocess.Popen([sys.executable, "-c", program, str(tmp_path), name], stdout=subprocess.PIPE)
        for name in ("dead", "alive")
    }
    try:
        for process in others.values():
            assert process.stdout is not None
            assert process.stdout.readline() == b"here\n"
        others["dead"].kill()
        others["dead"].wait()
        (tmp_path / "fresh").mkdir()
        stale = Spool(tmp_path / "stale")
        long_ago = time.time() - ABANDONED_AFTER_S - 60
        os.utime(stale.root, (long_ago, long_ago))
        spools = SharedSpools(tmp_path)
        Spool(spools.claim("mine"))
        assert sorted(it.name for it in tmp_path.iterdir()) == ["alive", "alive.lock", "fresh", "mine", "mine.lock"]
        assert (tmp_path / "alive" / "job" / "source-1").exists()
        spools.give_up("mine")
        assert not list(tmp_path.glob("mine*"))
    finally:
        for process in others.values():
            process.kill()
            process.communicate()


def test_results_wait_for_room_one_job_always_has_some_and_large_ones_are_not_passed_for_ever(tmp_path: Path) -> None:
    spool = Spool(tmp_path, SpoolLimits(results=100, free=0))
    assert spool.has_room("a", 250)  # more than there is, but nothing else is on its way
    assert not spool.has_room("b", 60)
    spool.settle("a", 30)  # it was less than expected
    assert spool.has_room("b", 60)
    waiting = [f"large {n}" for n in range(NEXT_IN_LINE)]
    assert not any(spool.has_room(it, 50) for it in waiting)
    assert not spool.has_room("small", 1)  # there would be room, but so many were first
    spool.release("a")
    assert not spool.has_room("small", 1)
    spool.release("b")
    assert [spool.has_room(it, 50) for it in waiting[:3]] == [True, True, False]
    spool.release(waiting[2])
    assert spool.has_room(waiting[0], 50)  # asked twice, it is still in
    spool.settle(waiting[0], 10)
    assert spool.has_room("small", 1)


def test_small_results_have_room_and_a_line_that_large_ones_cannot_take(tmp_path: Path) -> None:
    large = SMALL_BYTES + 1
    spool = Spool(tmp_path, SpoolLimits(results=6 * large, free=0))
    crowd = [f"large {n}" for n in range(NEXT_IN_LINE + 6)]
    assert [spool.has_room(it, large) for it in crowd].count(True) == 5
    assert spool.has_room("small", SMALL_BYTES)
    assert not spool.has_room("another", SMALL_BYTES)  # what is there is bounded for small ones, too
    spool.release(crowd[0])
    assert spool.has_room("another", SMALL_BYTES)
    assert not spool.has_room(crowd[5], large)
    for job in (*crowd[1:5], "small", "another"):
        spool.release(job)
    assert spool.has_room(crowd[5], large)


def test_results_leave_so_much_of_the_disk_free_but_for_one_job(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    spool = Spool(tmp_path, SpoolLimits(free=2 * free))
    assert spool.has_room("a", 1)
    assert not spool.has_room("b", 1)
    spool.remove("a")
    assert spool.has_room("b", 1)
