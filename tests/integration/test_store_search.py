"""A search of the gallery among very many jobs, on both databases: what it finds, and how much a click reads."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from sqlalchemy import Connection, insert, select, update

from bot.jobs.records.gallery import NEWEST, GalleryBook, GalleryFilter, words_of
from bot.model import ImageRequest, Job, JobState
from bot.store.queries.gallery import STRETCH, has_words
from bot.store.schema import jobs
from bot.store.store import Store
from tests.integration.conftest import Scene

GUILD, USER = 13, 1
MANY = 12 * STRETCH


async def everything(_: Job) -> bool:
    return True


async def painted(scene: Scene, prompt: str) -> Job:
    new = scene.new(USER)
    job = (await scene.receive(replace(new, request=ImageRequest(prompt)))).job
    for state in (JobState.WAITING, JobState.SUBMITTING, JobState.PAINTING, JobState.READY, JobState.DELIVERING):
        job = await scene.move(job, state)
    return await scene.move(job, JobState.DELIVERED)


async def fill(store: Store, many: int, first: int) -> None:
    """Many jobs like the latest one, after it."""

    def write(connection: Connection) -> None:
        one = connection.execute(select(jobs).order_by(jobs.c.seq.desc()).limit(1)).mappings().one()
        alike = {str(name): value for name, value in one.items() if name != "seq"}
        rows = [alike | {"id": f"copy-{n}", "interaction_id": n} for n in range(first, first + many)]
        connection.execute(insert(jobs), rows)

    await store.run(write)


async def search(book: GalleryBook, typed: str, before: int = NEWEST) -> tuple[list[str], int | None]:
    """The prompts that one click finds, and from where to look further."""
    found = await book.older(GalleryFilter(GUILD, None, words_of(typed)), before, everything)
    return [job.request.prompt for job in found.jobs], found.older_from if found.has_older else None


@pytest.mark.parametrize(
    ("prompt", "typed"),
    [
        ("A red FOX", "fox red"),
        ("Füchse im Wald", "FÜCHSE wald"),
        ("Straße bei Nacht", "STRASSE"),
        ("赤い狐が森にいる", "狐 森"),
        ("لوحة قطة", "قطة"),
        ("ＦＯＸ in wide letters", "fox"),
        ("cafe\u0301 at night", "CAFÉ"),
        ('100% _real_ \\ fox\'s "den"', "% _ \\ 's \"den"),
        ("a 🦊 with wings", "🦊"),
        ("lone \ud83e half", "half"),
    ],
)
async def test_words_of_any_script_are_found_in_any_case(scene: Scene, prompt: str, typed: str) -> None:
    await painted(scene, "quite another thing")
    await painted(scene, prompt)
    assert await search(GalleryBook(scene.store.gallery), typed) == ([prompt], None)


async def test_each_word_must_occur_in_the_prompt_itself(scene: Scene) -> None:
    await painted(scene, "a red fox")
    book = GalleryBook(scene.store.gallery)
    for typed in ("red owl", "prompt", "grok-imagine", "%", "_", "re%ox", "1:1", "f.x"):
        assert await search(book, typed) == ([], None), typed
    assert await search(book, "x fo a") == (["a red fox"], None)


async def test_a_click_reads_a_stretch_and_the_next_goes_on_from_there(scene: Scene) -> None:
    await painted(scene, "the one unicorn")
    await painted(scene, "a grey mouse")
    await fill(scene.store, MANY, first=1_000_000)
    hasty = GalleryBook(scene.store.gallery, search_s=0.0)
    clicks, before = 0, NEWEST
    found: list[str] = []
    while not found and before:
        clicks += 1
        found, further = await search(hasty, "UNICORN", before)
        before = further or 0
    assert found == ["the one unicorn"]
    assert clicks == MANY // STRETCH + 1
    patient = GalleryBook(scene.store.gallery, search_s=60.0)
    assert (await search(patient, "unicorn"))[0] == ["the one unicorn"]
    full_page, further = await search(patient, "mouse")
    assert len(full_page) == 8
    assert further


async def test_newer_pages_of_a_search_are_those_that_older_ones_came_from(scene: Scene) -> None:
    for number in range(20):
        await painted(scene, f"fox {number}")
        await painted(scene, f"owl {number}")
    book = GalleryBook(scene.store.gallery)
    shelf = GalleryFilter(GUILD, None, ("fox",))
    newest = await book.older(shelf, NEWEST, everything)
    middle = await book.older(shelf, newest.older_from, everything)
    assert [job.request.prompt for job in middle.jobs] == [f"fox {number}" for number in range(11, 3, -1)]
    back = await book.newer(shelf, middle.newer_from, everything)
    assert back.jobs == newest.jobs
    last = await book.older(shelf, middle.older_from, everything)
    assert (len(last.jobs), last.has_older) == (4, False)


def test_reading_a_stretch_takes_milliseconds() -> None:
    """A hundred times what it should take, so that a slow machine is none of its business."""
    request = '{"prompt":"' + "a grey mouse in the rain, " * 40 + '","model":"grok-imagine-image"}'
    began = time.process_time()
    assert not any(has_words(request, ("unicorn",)) for _ in range(STRETCH))
    assert time.process_time() - began < 0.5


async def test_what_is_hidden_from_somebody_is_passed_a_stretch_at_a_time(scene: Scene) -> None:
    seen = await painted(scene, "in a channel that everybody sees")
    await scene.store.run(lambda connection: _move_elsewhere(connection, seen))
    await painted(scene, "in a channel that few see")
    await fill(scene.store, 3 * STRETCH, 100_000)
    shelf = GalleryFilter(GUILD, None)

    look = await scene.store.gallery.older(shelf, NEWEST, 5, [12], 5.0)
    assert look.jobs == []
    assert look.reached == seen.seq + 1 + 2 * STRETCH + 1

    hasty = await GalleryBook(scene.store.gallery, search_s=0.0).older(shelf, NEWEST, sees_all_but_12)
    assert hasty.jobs == []
    assert hasty.has_older
    patient = await GalleryBook(scene.store.gallery, search_s=60.0).older(shelf, NEWEST, sees_all_but_12)
    assert [job.id for job in patient.jobs] == [seen.id]
    assert not patient.has_older


async def sees_all_but_12(job: Job) -> bool:
    return job.target.channel_id != 12


def _move_elsewhere(connection: Connection, job: Job) -> None:
    connection.execute(update(jobs).where(jobs.c.id == job.id).values(channel_id=99))
