"""Questions read the rows they answer with, and not all that has ever ended: looked at in SQLite's own plans."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from bot.model import JobState
from bot.policy.quotas import Quota, SetBy, Span, Terms, What, Whose
from bot.store.queries.gallery import NEWEST, GalleryFilter
from bot.store.queries.ledger import Entry, Extent
from bot.store.queries.lists import ListScope
from bot.store.queries.people import Note
from bot.store.store import Store
from tests.databases import sqlite_url
from tests.integration.conftest import Scene

GUILD, CHANNEL, USER = 13, 12, 1
EVERY_QUOTA = tuple(Quota(who, what, span, 10**9, SetBy.SERVER) for who in Whose for what in What for span in Span)

BIG_TABLES = ("jobs", "ledger", "totals", "outcomes", "showcase", "stars", "server_log")
#: They hold only rows that wait for something, so reading them whole is no harm.
PARTIAL_INDEXES = ("ix_jobs_unannounced", "ix_showcase_stale")

Act = Callable[[Scene], Awaitable[object]]


async def receive(scene: Scene) -> object:
    return await scene.receive(scene.new(USER), terms=Terms(EVERY_QUOTA, 1000, line_length=10**6))


def entry(scene: Scene) -> Entry:
    return Entry("job-1", USER, GUILD, CHANNEL, "a-model", "1k", False, 1, 0, None, scene.now, None)


#: Each with the index that its question to the big table has to use.
QUESTIONS: dict[str, tuple[Act, str]] = {
    "admission": (receive, "ix_jobs_unannounced_of_user"),
    "quotas": (receive, "sqlite_autoindex_totals_1 (user_id=? AND guild_id=? AND day>?)"),
    "open jobs of a user": (lambda scene: scene.store.jobs.open_jobs(USER), "ix_jobs_unannounced_of_user"),
    "/jobs, own": (lambda scene: scene.store.lists.page(ListScope(USER), 0, 6), "ix_jobs_unannounced_of_user"),
    "/jobs, server": (
        lambda scene: scene.store.lists.page(ListScope(guild_id=GUILD), 0, 6),
        "ix_jobs_unannounced_of_guild",
    ),
    "/jobs, channel": (
        lambda scene: scene.store.lists.page(ListScope(guild_id=GUILD, channel_id=CHANNEL), 0, 6),
        "ix_jobs_guild_id_channel_id_seq",
    ),
    "what runs in a channel": (
        lambda scene: scene.store.lists.page(ListScope(guild_id=GUILD, channel_id=CHANNEL), 0, 6),
        "ix_jobs_unannounced_of_guild",
    ),
    "/jobs, far back": (
        lambda scene: scene.store.lists.page(ListScope(USER), 9000, 6),
        "SEARCH jobs USING COVERING INDEX ix_jobs_user_id_seq (user_id=?)",
    ),
    "export, words": (
        lambda scene: scene.store.ledger.prompts(["job-1"], GUILD),
        "sqlite_autoindex_jobs_1 (id=?)",
    ),
    "export, lines": (
        lambda scene: scene.store.ledger.entries(Extent(scene.now, guild_id=GUILD), 10, entry(scene)),
        "ix_ledger_guild_id_reserved_at (guild_id=? AND reserved_at>? AND reserved_at<?)",
    ),
    "pictures in files": (
        lambda scene: scene.store.lists.held_results(scene.now),
        "ix_jobs_finished_at (finished_at>?)",
    ),
    "pictures in files, running": (lambda scene: scene.store.lists.held_results(scene.now), "ix_jobs_unannounced"),
    "status page, failures": (lambda scene: scene.store.lists.overview(scene.now, 5.0), "ix_jobs_finished_at"),
    "status page, pictures": (
        lambda scene: scene.store.lists.overview(scene.now, 5.0),
        "sqlite_autoindex_totals_1 (user_id=? AND guild_id=? AND day>?)",
    ),
    "/gallery of a member": (
        lambda scene: scene.store.gallery.older(GalleryFilter(GUILD, USER), NEWEST, 5, (), 5.0),
        "ix_jobs_guild_id_user_id_seq",
    ),
    "/gallery, how far a look goes": (
        lambda scene: scene.store.gallery.older(GalleryFilter(GUILD, None), NEWEST, 5, (12,), 5.0),
        "SEARCH jobs USING COVERING INDEX ix_jobs_guild_id_seq (guild_id=? AND seq<?)",
    ),
    "/gallery of a server, search": (
        lambda scene: scene.store.gallery.older(GalleryFilter(GUILD, None, ("fox",)), NEWEST, 5, (), 5.0),
        "ix_jobs_guild_id_seq",
    ),
    "/gallery starred": (
        lambda scene: scene.store.gallery.older(GalleryFilter(GUILD, None, starred=True), NEWEST, 5, (), 5.0),
        "ix_showcase_guild_id_job_seq (guild_id=? AND job_seq<?)",
    ),
    "/gallery starred, search": (
        lambda scene: scene.store.gallery.older(GalleryFilter(GUILD, None, ("fox",), starred=True), NEWEST, 5, (), 5.0),
        "ix_showcase_guild_id_job_seq (guild_id=? AND job_seq<?)",
    ),
    "/gallery starred, mine": (
        lambda scene: scene.store.gallery.older(GalleryFilter(None, USER, starred=True), NEWEST, 5, (), 5.0),
        "ix_showcase_maker_id_job_seq (maker_id=? AND job_seq<?)",
    ),
    "counts to be shown": (
        lambda scene: scene.store.showcase.stale(scene.now, pace=timedelta(seconds=10), limit=8),
        "ix_showcase_stale",
    ),
    "posts to be made": (
        lambda scene: scene.store.showcase.due("here", scene.now, lease=timedelta(seconds=20), limit=8),
        "ix_showcase_post_since (post=?",
    ),
    "reclaim": (lambda scene: scene.reclaim(), "ix_jobs_unannounced"),
    "notices": (
        lambda scene: scene.store.notices.claim("here", now=scene.now, lease=scene.lease, at_most=10),
        "sqlite_autoindex_jobs_1 (id=?)",
    ),
    "release": (lambda scene: scene.store.jobs.release("here"), "ix_jobs_unannounced"),
    "old jobs": (lambda scene: scene.store.retention.old_jobs(scene.now, 100), "ix_jobs_finished_at (finished_at<?)"),
    "old entries": (lambda scene: scene.store.retention.old_jobs(scene.now, 100), "ix_ledger_named (reserved_at<?)"),
    "/usage of all servers": (
        lambda scene: scene.store.figures.of_all(scene.now, top=25, slowest=5),
        "sqlite_autoindex_totals_1 (user_id=?)",
    ),
    "/usage of all servers, failures": (
        lambda scene: scene.store.figures.of_all(scene.now, top=25, slowest=5),
        "sqlite_autoindex_outcomes_1 (period=? AND guild_id=?)",
    ),
    "/usage of all servers, slowest": (
        lambda scene: scene.store.figures.of_all(scene.now, top=25, slowest=5),
        "sqlite_autoindex_outcomes_1 (period=?",
    ),
    "/usage of any server": (
        lambda scene: scene.store.figures.of_server(GUILD, scene.now, top=10),
        "ix_totals_guild_id_day (guild_id=? AND day>?)",
    ),
    "a person's data": (
        lambda scene: scene.store.people.forget_some(Note(USER, scene.now), 100),
        "ix_jobs_user_id_seq (user_id=?)",
    ),
    "what a person did": (
        lambda scene: scene.store.people.forget(USER, scene.now),
        "ix_server_log_user_id (user_id=?)",
    ),
    "what was done to a person": (
        lambda scene: scene.store.people.forget(USER, scene.now),
        "ix_server_log_about_id (about_id=?)",
    ),
}


@pytest.mark.parametrize("name", QUESTIONS)
async def test_a_question_finds_its_rows_by_an_index_made_for_it(tmp_path: Path, name: str) -> None:
    store = await Store.open(sqlite_url(tmp_path))
    scene = Scene(store)
    act, index = QUESTIONS[name]
    await scene.job(JobState.DELIVERED, user_id=USER)
    scene.now += timedelta(seconds=1)
    plans: list[str] = []

    def listen(connection: Connection) -> None:
        @event.listens_for(connection.engine, "before_cursor_execute")
        def explain(_: Connection, cursor: Any, statement: str, parameters: Any, *rest: object) -> None:
            if not statement.startswith(("BEGIN", "PRAGMA")) and not isinstance(parameters, list):
                reader = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plans.extend(row[3] for row in reader)

    await store.run(listen)
    await store.read(listen)
    await act(scene)
    await store.close()

    assert any(index in line for line in plans), "\n".join(plans)
    scans = [line for line in plans if line.startswith(tuple(f"SCAN {table}" for table in BIG_TABLES))]
    assert [line for line in scans if not any(small in line for small in PARTIAL_INDEXES)] == []
