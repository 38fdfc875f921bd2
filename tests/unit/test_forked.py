"""What tests know of the bots that they fork."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import closing
from pathlib import Path

from sandbox.serving import free_port
from tests.bots.forked import Ends, ForkClient, serving


def test_a_process_with_the_id_of_an_ended_one_has_an_end_of_its_own() -> None:
    ends = Ends()
    first = ends.started(7)
    ends.ended(7, -9)
    second = ends.started(7)
    assert first.returncode == -9
    assert second.returncode is None  # else nobody would ever stop it
    ends.ended(7, 0)
    assert (first.returncode, second.returncode) == (-9, 0)


def test_no_bot_outlives_the_server_that_forked_it() -> None:
    """As where the tests are broken off: whoever asked for the bot is gone, and would have ended it."""
    nobody = f"http://127.0.0.1:{free_port()}"
    with tempfile.TemporaryDirectory(prefix="easel-forks-") as name:
        folder = Path(name)
        variables = {
            "DISCORD_TOKEN": "MTIz.a.b",
            "UNIALL_API_KEY": "a-key",
            "UNIALL_BASE_URL": nobody,
            "DISCORD_API_URL": f"{nobody}/api/v10",
            "DATABASE_URL": f"sqlite:///{folder / 'easel.db'}",
        }
        with serving(folder), closing(ForkClient(folder)) as client, (folder / "log").open("wb") as log:
            bot = client.start(
                ("run", "--env-file", os.devnull), variables, out=log.fileno(), err=log.fileno(), folder=folder
            )
            patience = time.monotonic() + 60
            while b"Discord" not in (folder / "log").read_bytes():  # it waits for it, and would for ever
                assert bot.returncode is None, (folder / "log").read_text()
                assert time.monotonic() < patience, "it says nothing of Discord"
                time.sleep(0.05)
        patience = time.monotonic() + 60
        while is_there(bot.pid):
            assert time.monotonic() < patience, "the bot goes on"
            time.sleep(0.05)


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
