"""Pages of the gallery, there and back again: each picture once, in its order, whatever is hidden between them."""

from __future__ import annotations

from dataclasses import replace

from bot.jobs.records.gallery import NEWEST, PAGE, GalleryBook, GalleryFilter
from bot.model import Job, JobState
from tests.integration.conftest import Scene

MINE = GalleryFilter(None, 1)


async def test_the_way_back_shows_the_pages_that_were_shown_before(scene: Scene) -> None:
    made = [await scene.job(JobState.DELIVERED) for _ in range(PAGE * 3)]
    hidden = {made[it].id for it in (0, 5, 9, 17)}

    async def sees(job: Job) -> bool:
        return job.id not in hidden

    # Each in a channel of its own, so that one which is hidden hides no other.
    for number, job in enumerate(made):
        await scene.store.jobs.change(job.id, target=replace(job.target, channel_id=100 + number))
    book = GalleryBook(scene.store.gallery)
    newest = await book.older(MINE, NEWEST, sees)
    second = await book.older(MINE, newest.older_from, sees)
    third = await book.older(MINE, second.older_from, sees)
    shown = [it.id for page in (newest, second, third) for it in page.jobs]
    assert shown == [it.id for it in reversed(made) if it.id not in hidden]
    assert (newest.has_newer, newest.has_older, second.has_newer, third.has_older) == (False, True, True, False)
    back = await book.newer(MINE, third.newer_from, sees)
    assert [it.id for it in back.jobs] == [it.id for it in second.jobs]
    assert (back.has_newer, back.has_older) == (True, True)
    assert [it.id for it in (await book.older(MINE, back.older_from, sees)).jobs] == [it.id for it in third.jobs]
    first = await book.newer(MINE, back.newer_from, sees)
    assert [it.id for it in first.jobs] == [it.id for it in newest.jobs]
    assert not first.has_newer
