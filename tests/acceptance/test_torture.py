"""A short torture: `python -m tools.torture` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.databases import PostgresServer, sqlite_url
from tools.torture.run import Plan, torture
from tools.torture.together import together

pytestmark = pytest.mark.lengthy

#: Of what was acknowledged so much is delivered in any case. A kill in the moment in which all are submitted leaves the
#: outcome of most of them unknown, and then nothing is bought again: with few jobs one such moment counts for much.
SHARE = 0.2


@pytest.mark.timeout(180)
async def test_nothing_is_lost_or_done_twice_whatever_happens(tmp_path: Path) -> None:
    counted = await torture(Plan(jobs=40, kills=3, within_s=12, settle_s=60), sqlite_url(tmp_path), tmp_path)
    assert counted.holds, counted.table()
    assert counted.delivered > counted.acknowledged * SHARE, counted.table()
    assert counted.kills == 3


@pytest.mark.timeout(240)
async def test_nothing_is_lost_or_done_twice_by_several_processes(tmp_path: Path, postgres: PostgresServer) -> None:
    plan = Plan(jobs=40, kills=3, shards=2, workers=1, within_s=12, settle_s=100)
    counted = await torture(plan, postgres.create_database(), tmp_path)
    assert counted.holds, counted.table()
    assert counted.delivered > counted.acknowledged * SHARE, counted.table()
    assert counted.kills == 3


@pytest.mark.timeout(240)
async def test_a_worker_that_wakes_up_after_its_leases_does_nothing_twice(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    """The rest shares the work of one that is killed and one that sleeps for 35 s, longer than its leases."""
    outcome = await together(60, 20.0, 35.0, postgres.create_database(), tmp_path)
    assert outcome.holds, outcome.table()
