"""The process that decodes: what it can reach, whose turn it is, and who does not wait for it."""

from __future__ import annotations

import asyncio
import itertools
import json
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from bot.pictures import studio
from bot.pictures.studio import PictureStudio
from bot.pictures.turns import FORGOTTEN_AFTER_S, FREE_FAULTS, JOB_S, Lane, Turns
from tests.integration.drawn_files import file_of, put

PROBE = """
import sys, os, socket, json, pathlib, ctypes, fcntl, resource; sys.path.insert(0, {root!r})
from bot.pictures.confinement import confine
libc, numbers = ctypes.CDLL(None, use_errno=True), {numbers!r}
pipe, parent, secret, here = os.pipe()[0], os.getppid(), {secret!r}, os.path.dirname({secret!r})
confine(pathlib.Path({picture!r}), memory=512 << 20, seconds=5)
def tried(act):
    try: act()
    except OSError as error: return type(error).__name__
    return "done"
def call(name, *args):
    if libc.syscall(numbers[name], *args) < 0: raise OSError(ctypes.get_errno(), name)
print(json.dumps({{
    "environment": sorted(os.environ),
    "picture": tried(lambda: open({picture!r}, "rb").read()),
    "writing": tried(lambda: open(here + "/new", "wb").write(b"x")),
    "over the picture": tried(lambda: open({picture!r}, "r+b").write(b"x")),
    "other file": tried(lambda: open(secret).read()),
    "listing": tried(lambda: os.listdir("/")),
    "own environment": tried(lambda: open(f"/proc/{{parent}}/environ").read()),
    "truncating": tried(lambda: os.truncate(secret, 0)),
    "rights": tried(lambda: os.chmod(secret, 0o644)),
    "owner": tried(lambda: os.chown(secret, os.getuid(), -1)),
    "times": tried(lambda: os.utime(secret)),
    "note at a file": tried(lambda: os.setxattr(secret, "user.x", b"1")),
    "deleting": tried(lambda: os.unlink(secret)),
    "renaming": tried(lambda: os.rename(secret, secret + "2")),
    "link": tried(lambda: os.link(secret, here + "/hard")),
    "symbolic link": tried(lambda: os.symlink(secret, here + "/soft")),
    "socket": tried(lambda: socket.socket()),
    "pair": tried(lambda: socket.socketpair()),
    "fork": tried(lambda: os.fork() or os._exit(0)),
    "program": tried(lambda: os.execv("/bin/true", ["true"])),
    "kill": tried(lambda: os.kill(parent, 0)),
    "kill a thread": tried(lambda: call("tgkill", parent, parent, 0)),
    "signal of a pipe": tried(lambda: fcntl.fcntl(pipe, fcntl.F_SETOWN, parent)),
    "others' limits": tried(lambda: resource.prlimit(parent, resource.RLIMIT_CORE)),
    "others' priority": tried(lambda: os.setpriority(os.PRIO_PROCESS, parent, 19)),
    "others' processors": tried(lambda: os.sched_setaffinity(parent, {{0}})),
    "others' memory": tried(lambda: call("process_vm_readv", parent, 0, 0, 0, 0, 0)),
    "shared memory": tried(lambda: call("shmget", 0, 4096, 0o1600)),
}}))
"""
#: System calls that Python has no name for, by machine.
NUMBERS = {
    "x86_64": {"tgkill": 234, "process_vm_readv": 310, "shmget": 29},
    "aarch64": {"tgkill": 131, "process_vm_readv": 270, "shmget": 194},
}


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in NUMBERS, reason="Landlock and seccomp are Linux's"
)
def test_the_process_that_decodes_can_reach_nothing_but_its_picture(tmp_path: Path) -> None:
    secret, picture = put(tmp_path / ".env", b"DISCORD_TOKEN=x"), put(tmp_path / "picture", file_of("JPEG", quality=90))
    root = str(Path(studio.__file__).parents[2])
    program = PROBE.format(root=root, picture=str(picture), secret=str(secret), numbers=NUMBERS[platform.machine()])
    ran = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, env=studio.ENVIRONMENT, check=True
    )
    found = json.loads(ran.stdout)
    assert {name: it for name, it in found.items() if it == "done"} == {"picture": "done"}
    assert set(found["environment"]) <= {"PATH", "LANG", "LC_CTYPE"}
    assert secret.read_bytes() == b"DISCORD_TOKEN=x"


async def test_the_picture_process_has_no_secret_in_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "a token")
    process = studio.start(json.dumps({"do": "check", "path": str(tmp_path), "memory": 1 << 29, "seconds": 5}))
    try:
        while not (names := Path(f"/proc/{process.pid}/environ").read_bytes()):
            await asyncio.sleep(0)  # the program has only just begun
    finally:
        process.kill()
        process.communicate()
    assert b"a token" not in names
    assert b"PATH=" in names


async def test_who_has_used_the_least_comes_next_and_bad_files_cost_growing_pauses() -> None:
    now = 0.0
    turns = Turns(lambda: now)
    order: list[tuple[int, int]] = []

    async def use(user: int, number: int, seconds: float) -> None:
        nonlocal now
        async with turns.turn(turns.work(user), Lane.CHECK):
            order.append((user, number))
            for _ in range(5):
                await asyncio.sleep(0)
            now += seconds

    crowd = [asyncio.create_task(use(1, number, 5.0)) for number in range(4)]
    await asyncio.sleep(0)
    late = [asyncio.create_task(use(user, 0, 0.5)) for user in (2, 3)]
    await asyncio.gather(*crowd, *late)
    assert order[:3] == [(1, 0), (2, 0), (3, 0)]
    assert order[3:] == [(1, 1), (1, 2), (1, 3)]
    for _ in range(FREE_FAULTS + 1):
        turns.bad(1)
    paused, honest = asyncio.create_task(use(1, 9, 0.0)), asyncio.create_task(use(2, 9, 0.0))
    await honest
    assert not paused.done()
    now += 2.0
    async with asyncio.timeout(30):
        await paused


async def test_checks_and_deliveries_take_turns_whoever_waits_in_the_other_line() -> None:
    """Bad files hold up nothing that is paid for, not even their sender's."""
    turns = Turns()
    order: list[str] = []

    async def use(user: int, lane: Lane) -> None:
        async with turns.turn(turns.work(user), lane):
            order.append(f"{lane} {user}")
            await asyncio.sleep(0)

    for _ in range(FREE_FAULTS + 2):
        turns.bad(9)
    checks = [asyncio.create_task(use(user, Lane.CHECK)) for user in (1, 2, 3, 4)]
    deliveries = [asyncio.create_task(use(user, Lane.DELIVERY)) for user in (9, 8)]
    await asyncio.gather(*checks, *deliveries)
    assert order == ["check 1", "delivery 9", "check 2", "delivery 8", "check 3", "check 4"]


async def test_a_job_that_has_begun_is_finished_before_another_of_no_lower_rank_begins() -> None:
    """Four people with four pictures each: the first is done after four pictures, and not after thirteen."""
    now = 0.0
    turns = Turns(lambda: now)
    order: list[int] = []

    async def job(user: int, pictures: int, seconds: float = 1.0) -> None:
        nonlocal now
        work = turns.work(user)
        for _ in range(pictures):
            async with turns.turn(work, Lane.DELIVERY):
                order.append(user)
                await asyncio.sleep(0)
                now += seconds

    crowd = [asyncio.create_task(job(user, 4)) for user in (1, 2, 3)]
    greedy = [asyncio.create_task(job(1, 2)) for _ in range(2)]
    await asyncio.gather(*crowd, *greedy)
    assert order == [1] * 4 + [2] * 4 + [3] * 4 + [1] * 4
    order.clear()
    now += 10 * FORGOTTEN_AFTER_S
    # Slow pictures hold up nobody for longer than the first of them and JOB_S.
    await asyncio.gather(job(4, 4, JOB_S), job(5, 1))
    assert order == [4, 5, 4, 4, 4]


async def test_one_persons_pictures_are_opened_in_the_order_in_which_they_came() -> None:
    """What somebody has used fades at every look, so looks that follow each other see different amounts."""
    ticks = itertools.count()
    turns = Turns(lambda: next(ticks) / 1000)
    order: list[int] = []

    async def use(number: int) -> None:
        async with turns.turn(turns.work(1), Lane.CHECK):
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(use(number) for number in range(6)))
    assert order == [*range(6)]


async def test_cancelling_a_turn_at_any_moment_leaves_the_place_free() -> None:
    turns = Turns()
    holding = asyncio.Event()

    async def use(user: int) -> None:
        async with turns.turn(turns.work(user), Lane.CHECK):
            await holding.wait()

    tasks = [asyncio.create_task(use(user)) for user in (1, 1, 2, 3)]
    for task in tasks:
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    holding.set()
    async with asyncio.timeout(10):
        await use(4)


async def test_a_delivery_does_not_wait_behind_checks(tmp_path: Path) -> None:
    """Four checks that take their time, and a result that has to be made smaller meanwhile."""
    slow = put(tmp_path / "slow", file_of("JPEG", Image.new("RGB", (4000, 4000), "teal"), progressive=True))
    result = put(tmp_path / "result", file_of("PNG", Image.effect_noise((300, 300), 90)))
    whole = PictureStudio()
    checks = [asyncio.create_task(whole.check_source(slow, user)) for user in range(4)]
    await asyncio.sleep(0.05)
    began = time.monotonic()
    [fitted] = await whole.fit([result], max_file=30_000, max_total=30_000, into=tmp_path, user_id=9)
    waiting = [check for check in checks if not check.done()]
    assert fitted.changed
    assert waiting, f"the checks were over after {time.monotonic() - began:.2f} s"
    await asyncio.gather(*checks)
