"""`backup` and `move-to`: what a start makes of a copy, and of jobs that were moved in the middle."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sandbox.discord.reply import Reply
from sandbox.image_api.latency import Latency
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import House, OpenHouse, eventually, final, says, with_pictures
from tests.acceptance.processes import Easel, forked_easel
from tests.databases import KINDS, PostgresServer, rows, sqlite_url

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE_S = 60.0
FEW_PLACES = {"MAX_ACTIVE_JOBS": "2", "MAX_JOBS_PER_USER": "20"}


def variables(house: House, database: str) -> dict[str, str]:
    return {
        "DISCORD_TOKEN": house.discord.token,
        "DISCORD_API_URL": house.discord.api_url,
        "DATABASE_URL": database,
        "UNIALL_API_KEY": "sandbox",
        "UNIALL_BASE_URL": house.image_api.base_url,
        **FEW_PLACES,
    }


async def told(house: House, home: Path, database: str, *words: str) -> tuple[int, Easel]:
    """What a verb says, and its exit code."""
    async with forked_easel(home, *words, **variables(house, database)) as process:
        return await process.wait(), process


async def asked(house: House, number: int) -> list[Reply]:
    """Jobs of which two are painting and the others in line."""
    before = len(house.image_api.accepted)
    replies = [await house.ada.command("imagine", prompt=f"wish {before + count}") for count in range(number)]
    await eventually(lambda: len(house.image_api.accepted) == before + 2)
    return replies


async def all_delivered_once(house: House, replies: list[Reply]) -> None:
    for reply in replies:
        await reply.until(with_pictures, PATIENCE_S)
    assert sorted(message.id for message in house.with_pictures()) == sorted(it.states[0].id for it in replies)
    assert len(house.submissions()) == len(replies)


@abreast
async def test_jobs_go_on_in_the_database_that_they_were_moved_to_and_back_again(
    open_house: OpenHouse, tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer
) -> None:
    new = postgres.create_database()
    home, back = tmp_path_factory.mktemp("home"), sqlite_url(tmp_path_factory.mktemp("back"))
    async with open_house("sqlite", variables=FEW_PLACES, latency=Latency.fixed(1.5)) as house:
        replies = await asked(house, 5)
        code, verb = await told(house, home, house.database, "move-to", new)
        assert (code, len(verb.err)) == (1, 1)
        assert "already uses" in verb.err[0]
        await house.kill_bot()

        code, verb = await told(house, home, house.database, "move-to", new)
        assert (code, verb.err) == (0, [])
        assert verb.out[0].startswith("5 jobs and ")
        async with forked_easel(home, "run", **variables(house, new)) as bot:
            await house.discord.wait_for_bot(PATIENCE_S)
            await all_delivered_once(house, replies)
            replies += await asked(house, 4)
            code, verb = await told(house, home, new, "move-to", back)
            assert code == 1
            assert "Easel runs on the database" in verb.err[0]
            bot.terminate()
            assert await bot.wait() == 0

        code, verb = await told(house, home, new, "move-to", back)
        assert (code, verb.err) == (0, [])
        async with forked_easel(home, "run", **variables(house, back)):
            await all_delivered_once(house, replies)
            await eventually(lambda: rows(back, "SELECT DISTINCT state FROM jobs") == [("delivered",)])


async def restored(house: House, copy: Path) -> None:
    """The bot is gone, its file too, and the copy lies in its place."""
    await house.kill_bot()
    file = Path(house.database.removeprefix("sqlite:///"))
    for gone in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        gone.unlink(missing_ok=True)
    shutil.copy(copy, file)
    await house.start_bot()


@abreast
async def test_what_was_bought_and_posted_after_a_backup_is_not_bought_or_posted_again(
    open_house: OpenHouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    async with open_house("sqlite", variables=FEW_PLACES, latency=Latency.fixed(6.0)) as house:
        replies = await asked(house, 4)
        code, verb = await told(house, home, house.database, "backup", str(home / "copy.db"))
        assert (code, verb.err) == (0, [])
        assert verb.out[0].startswith(f"{home / 'copy.db'}: 4 jobs (4 unfinished), ")
        await all_delivered_once(house, replies)
        uploads = len(house.uploads())

        await restored(house, home / "copy.db")

        await eventually(lambda: rows(house.database, "SELECT DISTINCT state FROM jobs") == [("delivered",)])
        await all_delivered_once(house, replies)
        assert len(house.uploads()) == uploads


@abreast
async def test_a_restored_job_is_delivered_where_its_task_is_known_and_uncertain_where_not(
    open_house: OpenHouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    async with open_house("sqlite", variables=FEW_PLACES, latency=Latency.fixed(8.0)) as house:
        *painting, in_line = await asked(house, 3)
        await eventually(lambda: len(rows(house.database, "SELECT 1 FROM jobs WHERE state = 'painting'")) == 2)
        code, _ = await told(house, home, house.database, "backup", str(home / "copy.db"))
        assert code == 0
        await restored(house, home / "copy.db")
        for reply in painting:
            await reply.until(with_pictures, PATIENCE_S)
        assert says("nobody knows")(await in_line.until(final, PATIENCE_S))
        assert len(house.submissions()) == 2


@pytest.mark.parametrize("kind", KINDS)
@abreast
async def test_a_backup_that_cannot_be_made_says_so_in_one_sentence(
    open_house: OpenHouse, tmp_path_factory: pytest.TempPathFactory, kind: str
) -> None:
    home = tmp_path_factory.mktemp("home")
    async with open_house(kind) as house:
        for code in (0, 1):
            ended, verb = await told(house, home, house.database, "backup", str(home / "copy.db"))
            assert ended == code, verb.output
        assert len(verb.err) == 1
        assert "is there already" in verb.err[0]
        code, verb = await told(house, home, house.database, "move-to", "mysql://me:secret@host/easel")
        assert (code, len(verb.err)) == (2, 1)
        assert "secret" not in verb.output
