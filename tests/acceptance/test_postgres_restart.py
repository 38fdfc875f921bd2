"""PostgreSQL is ended in the middle of everything, and comes back."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from sandbox.image_api.latency import Latency
from tests.acceptance.conftest import eventually, house_in, says, with_pictures
from tests.databases import kept_server, why_no_postgres

ONE_SLOT = {"MAX_JOBS_PER_USER": "50", "MAX_ACTIVE_JOBS": "1"}


@pytest.mark.skipif(why_no_postgres() is not None, reason="there is no PostgreSQL on this machine")
async def test_jobs_of_every_kind_go_on_when_the_server_is_back_and_whoever_was_refused_bought_nothing(
    tmp_path: Path,
) -> None:
    # Not in a folder of pytest's: where root runs the tests, the server is another user's.
    with tempfile.TemporaryDirectory(prefix="easel-pg-") as folder, kept_server(Path(folder)) as server:
        server.execute("CREATE DATABASE easel")
        async with house_in(
            tmp_path, database=server.url("easel"), variables=ONE_SLOT, latency=Latency.fixed(1.0)
        ) as house:
            asked = [await house.ada.command("imagine", prompt=f"wish {number}") for number in range(3)]
            await eventually(lambda: house.image_api.accepted)
            await asyncio.to_thread(server.stop)
            refused = await house.ada.command("imagine", prompt="refused")
            assert says("nothing was started")(refused.message)
            await eventually(lambda: all(task.ready_at for task in house.image_api.tasks.values()))
            await asyncio.to_thread(server.start)
            for reply in asked:
                assert (await reply.until(with_pictures)).id == reply.states[0].id
            later = await house.ada.command("imagine", prompt="later")
            await later.until(with_pictures)
            bought = Counter(it.submission.prompt for it in house.image_api.accepted)
            assert bought == Counter(["later", *(f"wish {number}" for number in range(3))])
            assert len(house.with_pictures()) == len(bought)
