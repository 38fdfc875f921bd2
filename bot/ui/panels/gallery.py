"""`/gallery`: pages through delivered pictures, for the one who asked only.

Nothing is kept of what was shown: each page is asked for anew, and with it who may see what. A picture's address is
read from its message at that moment, so it is fresh, and a message that was deleted is not shown any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time

import structlog

from bot.errors import ReplyError, ReplyGone
from bot.jobs.records.gallery import NEWEST, PAGE, GalleryBook, GalleryFilter, GalleryJobs, words_of
from bot.jobs.service import JobService
from bot.model import Job, Slot
from bot.ui.kit import texts
from bot.ui.kit.dispatch import Click
from bot.ui.kit.interactions import Interaction, say
from bot.ui.kit.language import mark, tr
from bot.ui.kit.media import media_urls
from bot.ui.kit.visibility import ChannelVisibility
from bot.ui.panels import gallery_cards as cards
from bot.ui.panels.gallery_cards import ALL, MINE, PANEL, GalleryChoice, GalleryItem, GalleryPage
from bot.ui.reply.transport import ReplyTransport

log = structlog.stdlib.get_logger(__name__)

#: For all messages of a page together; the ones that are not there by then are shown without pictures.
READ_PATIENCE_S = 6.0
READS_AT_ONCE = 8  # of the whole process: a gallery must not use up the requests that replies need
MAX_ROUNDS = 3  # a page whose messages were deleted is filled up so often

NO_DATE = mark("That is not a date. Please write it as in 2026-03-31.")
STILL_SEARCHING = mark("Your last search is still running. Please try again in a moment.")


class GalleryPanel:
    """The panel `gallery`."""

    name = PANEL

    def __init__(self, book: GalleryBook, service: JobService, reach: ReplyTransport) -> None:
        self._book = book
        self._service = service
        self._reach = reach
        self._reads = asyncio.Semaphore(READS_AT_ONCE)
        self._searching: set[int] = set()  # whose search runs

    async def open_at(self, interaction: Interaction, choice: GalleryChoice, day: str | None) -> None:
        """The first page, or that of a day. Raises StoreUnavailable."""
        until = _moment(day) if day else None
        if day and until is None:
            await say(interaction, tr(NO_DATE))
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        before = await self._book.cursor_at(until) if until else NEWEST
        await self._turn(interaction, choice, "older", before, day=until.date().isoformat() if until else "")

    async def act(self, interaction: Interaction, click: Click) -> None:
        """Turn the page, choose what is shown, or go to a date."""
        search = cards.choice_of(interaction.message).search
        match click.words, click.fields:
            case [("newer" | "older") as way, token, cursor], None if cursor.isdecimal() and len(cursor) < 20:
                await interaction.response.defer()
                await self._turn(interaction, GalleryChoice.read(token, search), way, min(int(cursor), NEWEST))
            case ["newest", token, *_], None:
                await interaction.response.defer()
                await self._turn(interaction, GalleryChoice.read(token, search), "older", NEWEST)
            case ["who", *starred], None:
                await interaction.response.defer()
                token = (click.values[0] if click.values else ALL) + "".join(starred)
                await self._turn(interaction, GalleryChoice.read(token, search), "older", NEWEST)
            case ["date", token], None:
                await interaction.response.send_modal(cards.date_form(token))
            case [cards.WORDS, *_], None:
                choice = cards.choice_of(interaction.message)
                await interaction.response.send_modal(cards.search_form(choice.token, choice.search))
            case ["find", token], _:
                await interaction.response.defer()
                choice = GalleryChoice.read(token, cards.fitting_search(click.first(cards.WORDS)))
                await self._turn(interaction, choice, "older", NEWEST)
            case ["day", token], _:
                until = _moment(click.first(cards.DATE))
                if until is None:
                    await say(interaction, tr(NO_DATE))
                    return
                await interaction.response.defer()
                cursor = await self._book.cursor_at(until)
                choice = GalleryChoice.read(token, search)
                await self._turn(interaction, choice, "older", cursor, day=until.date().isoformat())
            case _:
                await say(interaction, tr(texts.FORM_TOO_OLD))

    async def _turn(
        self, interaction: Interaction, choice: GalleryChoice, way: str, cursor: int, day: str = ""
    ) -> None:
        """Show the page before or after a cursor. What the person may not see is passed over.

        One search of a person runs at a time, so that nobody keeps the others' searches waiting by asking often.
        """
        person = interaction.user.id
        if choice.search and person in self._searching:
            await say(interaction, tr(STILL_SEARCHING))
            return
        if choice.search:
            self._searching.add(person)
        try:
            room = await self._page(interaction, choice, way, cursor, day)
        finally:
            self._searching.discard(person)
        await interaction.edit_original_response(view=cards.page(room))

    async def _page(
        self, interaction: Interaction, choice: GalleryChoice, way: str, cursor: int, day: str
    ) -> GalleryPage:
        """What a page is to show. It is filled up where messages are gone."""
        in_server = interaction.guild_id is not None and interaction.client.get_guild(interaction.guild_id) is not None
        if not in_server:
            choice = replace(choice, whose=MINE)
        shelf = _shelf(interaction, choice)
        eyes = ChannelVisibility(interaction)
        exhibits: list[GalleryItem] = []
        turn = self._book.newer if way == "newer" else self._book.older
        first = leaf = await turn(shelf, cursor, eyes.sees)
        for _ in range(MAX_ROUNDS):
            exhibits += await self._exhibits(leaf)
            if len(exhibits) >= PAGE or len(leaf.jobs) < PAGE or not leaf.has_older:
                break
            leaf = await self._book.older(shelf, leaf.older_from, eyes.sees)
        shown = exhibits[:PAGE]
        return GalleryPage(
            choice,
            shown,
            has_newer=first.has_newer,
            has_older=leaf.has_older or len(exhibits) > PAGE,
            newer_from=first.newer_from,
            older_from=shown[-1].job.seq if len(exhibits) > PAGE else leaf.older_from,
            in_server=in_server,
            day=day,
            unfinished=leaf.has_older and len(leaf.jobs) < PAGE,
        )

    async def _exhibits(self, leaf: GalleryJobs) -> Sequence[GalleryItem]:
        """The jobs of a page with their pictures, read side by side; those whose message is gone are left out."""
        reading = [asyncio.create_task(self._exhibit(job)) for job in leaf.jobs]
        if reading:
            _, late = await asyncio.wait(reading, timeout=READ_PATIENCE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        shown: list[GalleryItem] = []
        for job, task in zip(leaf.jobs, reading, strict=True):
            exhibit = GalleryItem(job, ()) if task.cancelled() else task.result()
            if exhibit is not None:
                shown.append(exhibit)
        return shown

    async def addresses(self, job: Job) -> Sequence[str]:
        """Where the pictures of a job lie now, as its message says. Raises ReplyError."""
        async with self._reads:
            return media_urls(await self._reach.read_by_bot(job.target), Slot.PICTURE)

    async def _exhibit(self, job: Job) -> GalleryItem | None:
        """A job with its pictures as the message shows them now; None where the message is gone."""
        try:
            urls = await self.addresses(job)
        except ReplyGone:
            await self._service.reply_deleted(job)
            return None
        except ReplyError as exc:
            log.info("a picture of the gallery cannot be read", job=job.id, why=type(exc).__name__)
            return GalleryItem(job, ())
        return GalleryItem(job, urls) if urls else None


def _shelf(interaction: Interaction, choice: GalleryChoice) -> GalleryFilter:
    """The filter of the database for what the page is to show."""
    words = words_of(choice.search)
    if choice.whose == MINE:
        return GalleryFilter(None, interaction.user.id, words, choice.starred)
    member_id = None if choice.whose == ALL else int(choice.whose)
    return GalleryFilter(interaction.guild_id, member_id, words, choice.starred)


def _moment(day: str) -> datetime | None:
    """The end of a day, in UTC; None for what is no date."""
    try:
        return datetime.combine(date.fromisoformat(day.strip()), time.max, UTC)
    except ValueError:
        return None
