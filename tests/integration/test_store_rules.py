"""Rules and blocks on both databases: kept whole, changed by several at once, and in effect at once everywhere."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert

from bot.errors import RulesChanged
from bot.model import QUALITY, AspectRatio, Model, PictureFormat, Resolution
from bot.policy.quotas import Terms
from bot.policy.request_input import Options
from bot.policy.rules import Rules, SpoilerRule
from bot.store import schema
from bot.store.queries import rules as store_rules
from bot.store.store import Store

if TYPE_CHECKING:
    from tests.integration.conftest import PostgresServer, Scene

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GUILD, CHANNEL, THREAD, ADA, BEN = 13, 12, 14, 1, 2

EVERYTHING = Rules(
    channels=(12, 99),
    roles=(5,),
    exempt_roles=(6, 7),
    pictures_per_member_day=3,
    pictures_per_day=30,
    spend_per_day=1_000_000,
    spend_per_month=20_000_000,
    jobs_per_member=2,
    models=(QUALITY,),
    resolutions=(Resolution.ONE_K, Resolution.TWO_K),
    max_count=2,
    defaults=Options(model=QUALITY, aspect_ratio=AspectRatio.WIDE, format=PictureFormat.PNG, spoiler=False),
    spoiler=SpoilerRule.ALWAYS,
    private_only=True,
    blocked_words=("猫", "a\x00b"),
    blocked_patterns=(r"\d+",),
    report_channel=77,
    confirm_over=50_000,
    language="de",
)


async def test_what_is_set_is_read_back_whole(store: Store) -> None:
    await store.rules.change(GUILD, lambda _: EVERYTHING, by=ADA, now=NOW)
    assert (await store.rules.read(GUILD)).server == EVERYTHING
    assert (await store.rules.read(GUILD + 1)).server == Rules()


async def test_a_channels_rules_lie_over_those_of_its_server_and_hold_in_its_threads(store: Store) -> None:
    await store.rules.change(GUILD, lambda _: Rules(max_count=2, private_only=True), by=ADA, now=NOW)
    await store.rules.change(GUILD, lambda _: Rules(max_count=4), by=ADA, now=NOW, channel_id=CHANNEL)
    book = await store.rules.read(GUILD)
    assert book.at(CHANNEL) == book.at(THREAD, CHANNEL) == Rules(max_count=4, private_only=True)
    assert book.at(THREAD) == Rules(max_count=2, private_only=True)


async def test_lifting_the_last_rule_leaves_no_row_but_another_version(store: Store) -> None:
    first = await store.rules.change(GUILD, lambda _: Rules(max_count=2), by=ADA, now=NOW)
    second = await store.rules.change(GUILD, lambda rules: replace(rules, max_count=None), by=ADA, now=NOW)
    assert second.server == Rules()
    assert second.version not in {None, first.version}


async def test_of_two_changes_at_once_none_is_lost(store: Store) -> None:
    def set_one(name: str) -> Any:
        return store.rules.change(GUILD, lambda rules: replace(rules, **{name: 1}), by=ADA, now=NOW)

    names = ("pictures_per_day", "max_count", "jobs_per_member", "spend_per_day", "confirm_over", "report_channel")
    await asyncio.gather(*map(set_one, names))
    assert set((await store.rules.read(GUILD)).server.said) == set(names)


async def test_what_another_version_wrote_is_read_as_far_as_it_is_understood(store: Store) -> None:
    await store.rules.change(GUILD, lambda _: Rules(max_count=2), by=ADA, now=NOW)
    raw: dict[str, Any] = {"max_count": "no number", "resolutions": ["a size of later"], "later": 1}
    raw |= {"pictures_per_day": 9, "language": "fr"}
    raw["defaults"] = {"resolution": "unheard of", "model": "not on offer", "count": 2, "more": True}
    raw["models"] = ["not on offer"]
    values = {"guild_id": GUILD, "channel_id": CHANNEL, "value": json.dumps(raw), "changed_by": ADA, "changed_at": NOW}
    await store.run(lambda connection: connection.execute(insert(schema.rules), values) and None)
    here = (await store.rules.read(GUILD)).channels[CHANNEL]
    model = Model("not on offer")  # any model can be read: what is on offer is a setting
    defaults = Options(count=2, model=model)
    assert here == Rules(pictures_per_day=9, language="fr", models=(model,), defaults=defaults)


async def test_members_are_blocked_and_unblocked(store: Store) -> None:
    assert await store.rules.block(GUILD, BEN, by=ADA, now=NOW)
    assert not await store.rules.block(GUILD, BEN, by=ADA, now=NOW)
    assert [(it.user_id, it.blocked_by, it.blocked_at) for it in await store.rules.blocks(GUILD)] == [(BEN, ADA, NOW)]
    assert (await store.rules.read(GUILD)).blocked == {BEN}
    assert await store.rules.unblock(GUILD, BEN, now=NOW)
    assert not await store.rules.unblock(GUILD, BEN, now=NOW)
    assert (await store.rules.read(GUILD)).blocked == frozenset()


async def test_a_server_can_be_forgotten(store: Store) -> None:
    await store.rules.block(GUILD, BEN, by=ADA, now=NOW)
    await store.rules.change(GUILD, lambda _: EVERYTHING, by=ADA, now=NOW, channel_id=CHANNEL)
    await store.run(lambda connection: store_rules.forget(connection, GUILD))
    book = await store.rules.read(GUILD)
    assert (book.version, book.server, dict(book.channels), book.blocked) == (None, Rules(), {}, frozenset())


@pytest.fixture
async def other(store: Store, database_url: str) -> AsyncIterator[Store]:
    """Another process on the same database; on SQLite there is none."""
    opened = store if database_url.startswith("sqlite") else await Store.open(database_url)
    yield opened
    await opened.close()


async def test_a_job_obeys_the_rules_as_they_are_now_whatever_a_process_remembers(scene: Scene, other: Store) -> None:
    book = await scene.store.rules.read(GUILD)
    await scene.receive(scene.new(), terms=Terms(rules_version=book.version))
    for change in (
        lambda: other.rules.change(GUILD, lambda _: Rules(max_count=2), by=ADA, now=NOW),
        lambda: other.rules.block(GUILD, BEN, by=ADA, now=NOW),
        lambda: other.rules.unblock(GUILD, BEN, now=NOW),
        lambda: other.run(lambda connection: store_rules.forget(connection, GUILD)),
    ):
        await change()
        with pytest.raises(RulesChanged):
            await scene.receive(scene.new(), terms=Terms(rules_version=book.version))
        book = await scene.store.rules.read(GUILD)
        await scene.receive(scene.new(), terms=Terms(rules_version=book.version))


async def test_changes_by_two_processes_at_once_are_all_kept(postgres: PostgresServer) -> None:
    url = postgres.ready_database()
    stores = [await Store.open(url) for _ in range(2)]
    await asyncio.gather(
        *(stores[user % 2].rules.block(GUILD, user, by=ADA, now=NOW) for user in range(40)),
        *(stores[user % 2].rules.block(GUILD, 1000 + user, by=ADA, now=NOW) for user in range(40)),
    )
    assert len((await stores[0].rules.read(GUILD)).blocked) == 80
    for store in stores:
        await store.close()
