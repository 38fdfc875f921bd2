"""The query behind the gallery: delivered jobs page by page, by their order and not by counting them off.

Pages are found by the number of the last job on the page before, which is an index look-up however far back it is.
Counting rows off would read them all.

What an index cannot tell is looked for in a stretch of jobs at a time: which of them this person may see, and whose
prompt has a word. Prompts are stored as ASCII JSON, in which no database finds a word of every script in every case, so
they are compared here. A stretch is short, so that whoever else waits for the database waits a few milliseconds, and
the caller decides how many of them a click is worth.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, and_, func, select

from bot.model import Job, JobState
from bot.store.rows import jobs_of
from bot.store.schema import jobs, showcase
from bot.store.thread import Run

#: A cursor past every job.
NEWEST = 1 << 62
OVERTAKEN = 500  # jobs; more are hardly ever under way at once
STRETCH = 1_000  # jobs that one look passes at most: about five milliseconds


@dataclass(frozen=True, slots=True)
class GalleryFilter:
    """Whose pictures: a server's public ones, perhaps of one member, or one user's own, wherever they were made.

    With `words` only those whose prompt has each of them, as `words_of` made them; `starred` ones only where asked for.
    """

    guild_id: int | None
    user_id: int | None
    words: tuple[str, ...] = ()
    starred: bool = False


@dataclass(frozen=True, slots=True)
class GalleryLook:
    """What one look found, in the order it went. `reached` is the last job it passed; None where it came to the end."""

    jobs: Sequence[Job]
    reached: int | None


class GalleryQueries:
    """Reads only. Any method may raise StoreUnavailable."""

    def __init__(self, read: Run) -> None:
        self._read = read

    async def older(
        self, shelf: GalleryFilter, before: int, limit: int, hidden: Collection[int], patience: float
    ) -> GalleryLook:
        """The `limit` newest jobs with a smaller `seq` than `before`, newest first. `hidden` are channels left out.

        It passes STRETCH jobs at most and returns what it found among them.
        """
        return await self._look(_Way(shelf, before, newer=False), limit, hidden, patience)

    async def newer(
        self, shelf: GalleryFilter, after: int, limit: int, hidden: Collection[int], patience: float
    ) -> GalleryLook:
        """The `limit` oldest jobs with a greater `seq` than `after`, oldest first; otherwise as `older`."""
        return await self._look(_Way(shelf, after, newer=True), limit, hidden, patience)

    async def cursor_at(self, moment: datetime, patience: float) -> int:
        """The `before` that leads to the pictures finished until then.

        Jobs end in another order than they come in, so the last one to end is not always the newest: the newest of
        the last OVERTAKEN is.
        """
        last = select(jobs.c.seq).where(jobs.c.finished_at <= moment).order_by(jobs.c.finished_at.desc())
        query = select(func.max(last.limit(OVERTAKEN).subquery().c.seq))
        found = await self._read(lambda connection: connection.execute(query).scalar_one_or_none(), patience)
        return found + 1 if found is not None else 0

    async def _look(self, way: _Way, limit: int, hidden: Collection[int], patience: float) -> GalleryLook:
        last = select(way.seq).where(way.whole).order_by(way.order).offset(STRETCH - 1).limit(1)

        def read(connection: Connection) -> GalleryLook:
            # By the index alone; None where what is left is less than a stretch.
            end = connection.execute(last).scalar_one_or_none()
            which, order = and_(way.until(end), _shown(way.shelf, hidden)), way.order
            if way.shelf.words:
                # Which ones they are is known by then, so the table of starred jobs has no part in this.
                which = jobs.c.seq.in_(_matching(connection, way, which, limit))
                order = jobs.c.seq.asc() if way.newer else jobs.c.seq.desc()
            page = select(jobs).where(which).order_by(order).limit(limit)
            found = jobs_of(connection.execute(page).mappings())
            return GalleryLook(found, found[-1].seq if len(found) == limit else end)

        return await self._read(read, patience)


@dataclass(frozen=True, slots=True)
class _Way:
    """Along which jobs a look goes, from where, and in which direction. All of it is told by an index."""

    shelf: GalleryFilter
    start: int
    newer: bool

    @property
    def seq(self) -> ColumnElement[int]:
        """By what the jobs are in order: where only starred ones are wanted, by the small table of those."""
        return showcase.c.job_seq if self.shelf.starred else jobs.c.seq

    @property
    def order(self) -> ColumnElement[int]:
        return self.seq.asc() if self.newer else self.seq.desc()

    @property
    def whole(self) -> ColumnElement[bool]:
        """All jobs on the way."""
        beyond = self.seq > self.start if self.newer else self.seq < self.start
        return and_(_whose(self.shelf), beyond)

    def until(self, end: int | None) -> ColumnElement[bool]:
        """Those up to `end`; None is the end of the way."""
        if end is None:
            return self.whole
        return and_(self.whole, self.seq <= end if self.newer else self.seq >= end)


def _matching(connection: Connection, way: _Way, which: ColumnElement[bool], limit: int) -> list[int]:
    """The first `limit` of these jobs whose prompts have the words that are searched for."""
    passed = connection.execute(select(jobs.c.seq, jobs.c.request).where(which).order_by(way.order))
    found = (seq for seq, request in passed if has_words(request, way.shelf.words))
    return list(islice(found, limit))


def words_of(typed: str) -> tuple[str, ...]:
    """The words of a search, made alike whatever case, width or way of writing accents they were typed in."""
    return tuple(dict.fromkeys(_alike(typed).split()))


def has_words(request: str, words: Sequence[str]) -> bool:
    """Whether a stored request's prompt has each of these words (see `words_of`), also as a part of a longer one."""
    # Where the JSON is plain, words of plain letters are looked for in it first: that saves reading most of it.
    if "\\u" not in request:
        lower = request.lower()
        if any(word not in lower for word in words if word.isascii() and word.isalnum()):
            return False
    prompt = _alike(_prompt_of(request))
    return all(word in prompt for word in words)


def _alike(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _prompt_of(request: str) -> str:
    try:
        read: Any = json.loads(request)
    except ValueError:
        return ""  # a row of a version that this one does not understand
    prompt: object = cast("dict[str, object]", read).get("prompt") if isinstance(read, dict) else None
    return prompt if isinstance(prompt, str) else ""


def _whose(shelf: GalleryFilter) -> ColumnElement[bool]:
    """What an index tells of whose pictures are wanted."""
    if shelf.starred:
        mine = showcase.c.maker_id == shelf.user_id
        return and_(mine if shelf.guild_id is None else showcase.c.guild_id == shelf.guild_id, showcase.c.stars > 0)
    if shelf.guild_id is None:
        return jobs.c.user_id == shelf.user_id
    server = jobs.c.guild_id == shelf.guild_id
    return server if shelf.user_id is None else and_(server, jobs.c.user_id == shelf.user_id)


def _shown(shelf: GalleryFilter, hidden: Collection[int]) -> ColumnElement[bool]:
    """What has to be read of each job: whether it has pictures that may be seen here."""
    wanted = and_(jobs.c.state == JobState.DELIVERED, jobs.c.reply_deleted.is_(False))
    if shelf.guild_id is not None:
        wanted = and_(wanted, jobs.c.guild_id == shelf.guild_id, jobs.c.ephemeral.is_(False))
    if shelf.user_id is not None:
        wanted = and_(wanted, jobs.c.user_id == shelf.user_id)
    if shelf.starred:
        wanted = and_(wanted, showcase.c.job_seq == jobs.c.seq)
    return and_(wanted, jobs.c.channel_id.not_in(hidden)) if hidden else wanted
