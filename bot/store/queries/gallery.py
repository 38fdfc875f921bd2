"""The query behind the gallery: delivered jobs page by page, by their order and not by counting them off.

Pages are found by the number of the last job on the page before, which is an index look-up however far back it is.
Counting rows off would read them all.

Prompts are stored as ASCII JSON, in which no database finds a word of every script in every case. So a search reads
the requests of a stretch of jobs and compares here. A stretch is short, so that whoever else waits for the database
waits a few milliseconds, and the caller decides how many of them a click is worth.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, and_, func, select

from bot.model import Job, JobState
from bot.store.rows import jobs_of
from bot.store.schema import jobs, showcase
from bot.store.thread import Run

#: A cursor past every job.
NEWEST = 1 << 62
OVERTAKEN = 500  # jobs; more are hardly ever under way at once
STRETCH = 1_000  # jobs whose requests one look reads: about five milliseconds


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

    def __init__(self, run: Run) -> None:
        self._run = run

    async def older(
        self, shelf: GalleryFilter, before: int, limit: int, hidden: Collection[int], patience: float
    ) -> GalleryLook:
        """The `limit` newest jobs with a smaller `seq` than `before`, newest first. `hidden` are channels left out.

        A search reads STRETCH jobs at most and returns what it found among them.
        """
        seq = _seq(shelf)
        return await self._look(shelf, and_(_on(shelf, hidden), seq < before), seq.desc(), limit, patience)

    async def newer(
        self, shelf: GalleryFilter, after: int, limit: int, hidden: Collection[int], patience: float
    ) -> GalleryLook:
        """The `limit` oldest jobs with a greater `seq` than `after`, oldest first; otherwise as `older`."""
        seq = _seq(shelf)
        return await self._look(shelf, and_(_on(shelf, hidden), seq > after), seq.asc(), limit, patience)

    async def cursor_at(self, moment: datetime, patience: float) -> int:
        """The `before` that leads to the pictures finished until then.

        Jobs end in another order than they come in, so the last one to end is not always the newest: the newest of
        the last OVERTAKEN is.
        """
        last = select(jobs.c.seq).where(jobs.c.finished_at <= moment).order_by(jobs.c.finished_at.desc())
        query = select(func.max(last.limit(OVERTAKEN).subquery().c.seq))
        found = await self._run(lambda connection: connection.execute(query).scalar_one_or_none(), patience)
        return found + 1 if found is not None else 0

    async def _look(
        self, shelf: GalleryFilter, which: ColumnElement[bool], order: ColumnElement[int], limit: int, patience: float
    ) -> GalleryLook:
        stretch = select(jobs.c.seq, jobs.c.request).where(which).order_by(order).limit(STRETCH)
        page = select(jobs).where(which).order_by(order).limit(limit)

        def read(connection: Connection) -> GalleryLook:
            if not shelf.words:
                found = jobs_of(connection.execute(page).mappings())
                return GalleryLook(found, found[-1].seq if len(found) == limit else None)
            passed = connection.execute(stretch).all()
            matching: list[int] = []
            for seq, request in passed:
                if has_words(request, shelf.words):
                    matching.append(seq)
                if len(matching) == limit:
                    break
            chosen = select(jobs).where(jobs.c.seq.in_(matching))
            read_by_seq = {job.seq: job for job in jobs_of(connection.execute(chosen).mappings())} if matching else {}
            found = [read_by_seq[seq] for seq in matching if seq in read_by_seq]
            if len(matching) == limit:
                return GalleryLook(found, matching[-1])
            return GalleryLook(found, passed[-1][0] if len(passed) == STRETCH else None)

        return await self._run(read, patience)


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


def _seq(shelf: GalleryFilter) -> ColumnElement[int]:
    """By what the jobs are in order: where only starred ones are wanted, by the small table of those."""
    return showcase.c.job_seq if shelf.starred else jobs.c.seq


def _on(shelf: GalleryFilter, hidden: Collection[int]) -> ColumnElement[bool]:
    wanted = and_(jobs.c.state == JobState.DELIVERED, jobs.c.reply_deleted.is_(False))
    if shelf.guild_id is not None:
        wanted = and_(wanted, jobs.c.guild_id == shelf.guild_id, jobs.c.ephemeral.is_(False))
    if shelf.user_id is not None:
        wanted = and_(wanted, jobs.c.user_id == shelf.user_id)
    if shelf.starred:
        wanted = and_(wanted, showcase.c.job_seq == jobs.c.seq, showcase.c.stars > 0)
        whose = (
            showcase.c.guild_id == shelf.guild_id
            if shelf.guild_id is not None
            else showcase.c.maker_id == shelf.user_id
        )
        wanted = and_(wanted, whose)
    return and_(wanted, jobs.c.channel_id.not_in(hidden)) if hidden else wanted
