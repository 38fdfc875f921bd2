"""What is stored about people and servers, and how it goes: on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Executable, event, func, insert, select, update

from bot.model import Charged, Failure, FailureKind, JobState
from bot.policy.preset import PictureData, Preset, PresetPicture
from bot.policy.quotas import Quota, SetBy, Span, What, Whose
from bot.policy.request_input import Options
from bot.policy.rules import Rules
from bot.store.queries.ledger import Extent
from bot.store.queries.people import Note, Stored
from bot.store.schema import (
    departures,
    drafts,
    jobs,
    ledger,
    meta,
    metadata,
    preferences,
    presets,
    source_authors,
    totals,
)
from bot.store.store import Store

if TYPE_CHECKING:
    from tests.integration.conftest import Scene

S = JobState
ENDS = (S.DELIVERED, S.FAILED, S.TIMED_OUT)
DAY = timedelta(days=1)


async def count(store: Store, table: str) -> int:
    query = select(func.count()).select_from(metadata.tables[table])
    return await store.run(lambda connection: connection.execute(query).scalar_one())


async def write(store: Store, *statements: Executable) -> None:
    def run(connection: Connection) -> None:
        for statement in statements:
            connection.execute(statement)

    await store.run(run)


async def told_job(scene: Scene, state: JobState, user_id: int = 1) -> str:
    job = await scene.job(state, user_id=user_id)
    await scene.store.jobs.change(job.id, announced=True)
    return job.id


async def own_things(scene: Scene, user_id: int) -> None:
    style = {"id": f"style{user_id}", "of_guild": False, "owner_id": user_id, "name": "mine", "value": "{}"}
    shared = {"id": f"shared{user_id}", "of_guild": True, "owner_id": 13, "name": f"of {user_id}", "value": "{}"}
    by = {"made_by": user_id, "made_at": scene.now}
    draft = {"id": f"draft{user_id}", "user_id": user_id, "request": "{}", "made_at": scene.now}
    await write(
        scene.store,
        insert(presets).values(style | by),
        insert(presets).values(shared | by),
        insert(preferences).values(user_id=user_id, value="{}"),
        insert(drafts).values(draft),
    )


async def test_what_is_stored_is_counted(scene: Scene) -> None:
    for state in (*ENDS, S.PAINTING, S.WAITING):
        await told_job(scene, state)
    await own_things(scene, 1)
    await told_job(scene, S.DELIVERED, user_id=2)

    assert await scene.store.people.stored(1) == Stored(2, 3, scene.now, presets=1, others=2, ledger=5)
    assert await scene.store.people.stored(3) == Stored(0, 0, None, 0, 0, 0)


async def test_forgetting_takes_what_is_over_and_leaves_what_runs(scene: Scene) -> None:
    for state in ENDS:
        await told_job(scene, state)
    running = await scene.job(S.PAINTING)
    untold = await scene.job(S.FAILED)
    other = await told_job(scene, S.DELIVERED, user_id=2)
    for user_id in (1, 2):
        await own_things(scene, user_id)

    people, note = scene.store.people, Note(1, scene.now)
    await people.forget(1, scene.now)
    while (await people.forget_some(note, 2)).rows:
        pass

    left = await scene.store.run(lambda connection: set(connection.execute(select(jobs.c.id)).scalars()))
    assert left == {running.id, untold.id, other}
    assert (await people.stored(1)).presets == (await people.stored(1)).others == 0
    assert (await people.stored(2)).presets == 1
    assert await people.to_forget() == [note]
    makers = select(presets.c.made_by).where(presets.c.of_guild).order_by(presets.c.made_by)
    assert await scene.store.run(lambda connection: list(connection.execute(makers).scalars())) == [0, 2]

    await scene.move(running, S.FAILED, announced=True)
    await scene.store.jobs.change(untold.id, announced=True)
    while (await people.forget_some(note, 2)).rows:
        pass
    assert await people.to_forget() == []
    assert await people.stored(1) == Stored(0, 0, None, 0, 0, 0)


async def test_the_ledger_keeps_its_sums_without_the_person_and_the_quotas_go_on(scene: Scene) -> None:
    job = await told_job(scene, S.DELIVERED)
    people, note = scene.store.people, Note(1, scene.now)
    of_person = [
        Quota(whose, What.PICTURES, span, 5, SetBy.OPERATOR) for whose in (Whose.USER, Whose.MEMBER) for span in Span
    ]
    before = await scene.store.ledger.total(Extent(scene.now - DAY))

    async def left(user_id: int = 1) -> list[int]:
        found = await scene.store.ledger.standings(of_person, user_id=user_id, guild_id=13, now=scene.now)
        return [it.left for it in found]

    assert await left() == [4] * 4
    await people.forget(1, scene.now)
    while (await people.forget_some(note, 10)).rows:
        pass
    # At once: nothing says who it was, and nothing is given back.
    assert await people.to_forget() == []
    assert await left() == [4] * 4
    assert await left(2) == [5] * 4
    assert await scene.store.ledger.total(Extent(scene.now - DAY)) == before
    assert (await scene.store.ledger.total(Extent(scene.now - DAY, user_id=1))).pictures == 0
    ids = await scene.store.run(lambda connection: list(connection.execute(select(ledger.c.job_id)).scalars()))
    assert job not in ids
    people_in_totals = await scene.store.run(lambda it: set(it.execute(select(totals.c.user_id)).scalars()))
    assert 1 not in people_in_totals
    # Whoever goes on, and asks for it a second time, is counted in one.
    await told_job(scene, S.DELIVERED)
    assert await left() == [3] * 4
    await people.forget(1, scene.now)
    while (await people.forget_some(note, 10)).rows:
        pass
    assert await left() == [3] * 4
    # The month takes it along.
    scene.now = Span.MONTH.renews(scene.now)
    assert await left() == [5] * 4
    while await scene.store.retention.old_totals(scene.now, 100):
        pass
    assert await count(scene.store, "totals") == 0


async def test_what_is_given_back_after_the_wish_is_given_back_to_the_pseudonym(scene: Scene) -> None:
    quota = Quota(Whose.USER, What.PICTURES, Span.MONTH, 5, SetBy.OPERATOR)
    await told_job(scene, S.DELIVERED)
    running = await scene.job(S.PAINTING)
    people, note = scene.store.people, Note(1, scene.now)
    await people.forget(1, scene.now)
    while (await people.forget_some(note, 10)).rows:
        pass
    assert await people.to_forget() == [note]
    await scene.move(running, S.FAILED, failure=Failure(FailureKind.REFUSED, Charged.NO), announced=True)
    while (await people.forget_some(note, 10)).rows:
        pass
    assert await people.to_forget() == []
    (standing,) = await scene.store.ledger.standings([quota], user_id=1, guild_id=13, now=scene.now)
    assert standing.left == 4


async def test_a_batch_costs_as_many_statements_however_many_rows_it_takes(scene: Scene) -> None:
    executed: list[str] = []

    def count_statements(connection: Connection) -> None:
        @event.listens_for(connection.engine, "before_cursor_execute")
        def note(_: Connection, __: object, statement: str, *rest: object) -> None:
            executed.append(statement)

    await scene.store.run(count_statements)
    costs: list[int] = []
    # The first makes the key of the pseudonyms, the second reads it and remembers it.
    for user_id, many in ((3, 1), (4, 1), (1, 1), (2, 6)):
        for _ in range(many):
            await told_job(scene, S.DELIVERED, user_id)
            edit = await told_job(scene, S.DELIVERED, user_id=9)
            author = {"job_id": edit, "position": 0, "user_id": user_id, "offered": False}
            source = update(jobs).where(jobs.c.id == edit).values(request='{"prompt":"a fox","sources":[{"url":"u"}]}')
            await write(scene.store, insert(source_authors).values(author), source)
        executed.clear()
        gone = await scene.store.people.forget_some(Note(user_id, scene.now), 10)
        costs.append(len(executed))
        assert gone.rows == many * 3 + 2  # of the totals, whatever there is

    assert costs[2] == costs[3]


async def test_a_batch_tells_where_the_results_of_its_own_jobs_lie(scene: Scene) -> None:
    for number in range(3):
        found = update(jobs).where(jobs.c.id == await told_job(scene, S.DELIVERED))
        await write(scene.store, found.values(result_urls=f'["held:{number}/1"]'))

    batches = [await scene.store.people.forget_some(Note(1, scene.now), 2) for _ in range(3)]
    assert [list(it.results) for it in batches] == [["held:0/1", "held:1/1"], ["held:2/1"], []]


async def test_what_came_after_the_wish_stays(scene: Scene) -> None:
    await scene.store.people.forget(1, scene.now - DAY)
    kept = await told_job(scene, S.DELIVERED)

    assert (await scene.store.people.forget_some(Note(1, scene.now - DAY), 10)).rows == 0
    assert await scene.store.jobs.get(kept) is not None
    assert await scene.store.people.to_forget() == []


async def test_what_has_grown_old_goes_in_pieces(scene: Scene) -> None:
    old = [await told_job(scene, state) for state in ENDS]
    running = await scene.job(S.PAINTING)
    later = scene.now + 10 * DAY
    scene.now = later
    young = await told_job(scene, S.DELIVERED)
    await own_things(scene, 1)

    pieces: list[int] = []
    while gone := await scene.store.retention.old_jobs(later - DAY, 2):
        pieces.append(gone)
    assert max(pieces) <= 4  # two jobs and two lines of the ledger
    assert sum(pieces) == 6
    assert all([await scene.store.jobs.get(it) is None for it in old])
    assert await scene.store.jobs.get(running.id) is not None
    assert await scene.store.jobs.get(young) is not None
    assert (await scene.store.ledger.total(Extent(later - 20 * DAY))).jobs == 5
    assert await scene.store.retention.old_drafts(later - DAY, 2) == 0
    assert await scene.store.retention.old_drafts(later + DAY, 2) == 1


async def test_a_server_that_was_left_goes_and_its_sums_stay(scene: Scene) -> None:
    gone = [await told_job(scene, state) for state in ENDS]
    await own_things(scene, 1)
    retention = scene.store.retention
    assert await retention.was_member(13)
    assert await retention.left(13, scene.now)
    assert not await retention.left(13, scene.now + DAY)
    await write(scene.store, update(jobs).values(received_at=scene.now - DAY))
    scene.now += DAY
    # Somebody who has brought the bot along uses it there still.
    later = await told_job(scene, S.DELIVERED, user_id=2)
    await scene.store.rules.change(13, lambda _: Rules(max_count=2), by=1, now=scene.now)
    await scene.store.rules.block(13, 5, by=1, now=scene.now)
    before = (await scene.store.ledger.total(Extent(scene.now - 3 * DAY))).pictures

    (departure,) = await retention.departed()
    while await retention.server(*departure, 2):
        pass

    assert [await scene.store.jobs.get(it) for it in gone] == [None] * 3
    assert await scene.store.jobs.get(later) is not None
    assert (await scene.store.rules.read(13)).version is None
    assert await scene.store.rules.blocks(13) == []
    assert (await scene.store.people.stored(1)).presets == 1
    assert await count(scene.store, "presets") == 1
    assert (await scene.store.ledger.total(Extent(scene.now - 3 * DAY))).pictures == before
    assert (await scene.store.ledger.total(Extent(scene.now - 3 * DAY, guild_id=13))).jobs == 1
    assert await retention.departed() == []


async def test_pictures_of_a_servers_presets_go_with_it_and_those_of_people_stay(scene: Scene) -> None:
    for owner, of_guild in ((13, True), (14, True), (1, False)):
        picture = PresetPicture(f"picture{owner}", 5)
        style = Preset(f"p{owner}", of_guild, owner, "Brand", "", Options(), 1, scene.now, (picture,))
        await scene.store.presets.add(style, [PictureData(picture, b"bytes")], limit=50)
    await scene.store.retention.left(13, scene.now)
    await scene.store.retention.server(13, scene.now, 10)
    kept = [await scene.store.presets.picture(f"picture{owner}") for owner in (13, 14, 1)]
    assert kept == [None, b"bytes", b"bytes"]
    assert await count(scene.store, "preset_pictures") == 2


async def test_a_server_that_is_back_keeps_everything(scene: Scene) -> None:
    kept = await told_job(scene, S.DELIVERED)
    retention = scene.store.retention
    await retention.left(13, scene.now)
    await retention.left(14, scene.now)
    (departure,) = [it for it in await retention.departed() if it[0] == 13]

    assert await retention.came_back({13, 99}) == [13]
    assert await retention.server(*departure, 10) == 0
    assert await scene.store.jobs.get(kept) is not None
    assert await count(scene.store, "departures") == 1


async def test_servers_with_data_are_found_one_after_the_other(scene: Scene) -> None:
    await scene.job()
    await scene.store.rules.change(15, lambda _: Rules(max_count=2), by=1, now=scene.now)
    retention = scene.store.retention

    assert [await retention.next_server(after) for after in (0, 13, 15)] == [13, 15, None]
    await write(scene.store, update(jobs).values(bot_member=False))
    assert [await retention.was_member(it) for it in (13, 15, 16)] == [False, True, False]


def test_every_table_with_a_person_in_it_is_thought_of() -> None:
    """A new table that knows a person must be deleted with the person's data, or be named here with its reason."""
    with_people = {table.name for table in metadata.sorted_tables for column in table.c if column.name == "user_id"}
    assert with_people >= {"jobs", "ledger", "blocks", "preferences", "drafts"}
    assert {departures.name, meta.name} & with_people == set()
