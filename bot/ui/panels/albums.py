"""**Download all** in `/gallery`: one's own pictures of a month as zip files, which only the one who asked sees.

The parts are follow-ups of the click, so they can come for as long as its token lives. What has not come by then comes
with **Go on**, which carries where to go on from: it works in any process, days later.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiohttp
import discord
import structlog
from discord import ui

from bot.errors import BadSource
from bot.jobs.clock import now
from bot.jobs.records.albums import Album, AlbumBusy, Albums, WhyMissing, month_of, part_limit
from bot.model import Job
from bot.ui.kit import texts, widgets
from bot.ui.kit.card_notes import address_of
from bot.ui.kit.dispatch import Click, custom_id
from bot.ui.kit.interactions import Interaction, say
from bot.ui.kit.language import mark, tr, trn
from bot.ui.kit.widgets import GOOD, NEUTRAL, WORKING, button, card, row, text
from bot.ui.panels.gallery_cards import ALBUM_PANEL
from bot.ui.reply.uploads import Files, watched

log = structlog.stdlib.get_logger(__name__)

MONTH = "month"
MONTHS = 24  # that are offered
BETWEEN_EDITS_S = 3.0
#: Of the quarter of an hour that a click's token lives; the last part has to be posted in it as well.
TOKEN_MARGIN = timedelta(minutes=3)
MAX_SEQ_CHARS = 18
_TROUBLE = (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, TimeoutError)

BUSY: Mapping[AlbumBusy, str] = MappingProxyType(
    {
        AlbumBusy.OWN: mark("You are downloading already. Please wait until that is done."),
        AlbumBusy.OTHERS: mark("Several people are downloading just now. Please try again in a few minutes."),
    }
)
NO_ROOM = mark("There is no room for it just now. Please try again later.")
NOT_TAKEN = mark("Discord did not take a file. Please try again in a moment.")
WHY_MISSING: Mapping[WhyMissing, str] = MappingProxyType(
    {
        WhyMissing.GONE: mark("their message is gone"),
        WhyMissing.OUT_OF_REACH: mark(
            "a private reply, or a place where Easel is not a member; its address no longer works"
        ),
        WhyMissing.NOT_GIVEN: mark("Discord or the picture's host did not give it"),
        WhyMissing.TOO_LARGE: mark("it is larger than may be posted here"),
    }
)


class AlbumPanel:
    """The panel `album`. It only ever brings pictures of whoever clicks."""

    name = ALBUM_PANEL

    def __init__(self, albums: Albums) -> None:
        self._albums = albums

    async def act(self, interaction: Interaction, click: Click) -> None:
        """Ask for the month, or bring its pictures."""
        match click.words, click.fields:
            case ["open"], None:
                await interaction.response.send_modal(form(now()))
                return
            case ["month"], _:
                month, reached = month_of(click.first(MONTH)), None
            case ["on", written, seq], None if seq.isdecimal() and len(seq) <= MAX_SEQ_CHARS:
                month, reached = month_of(written), int(seq)
            case _:
                month, reached = None, None
        if month is None:
            await say(interaction, tr(texts.FORM_TOO_OLD))
        elif (busy := self._albums.busy(interaction.user.id)) is not None:
            await say(interaction, tr(BUSY[busy]))
        else:
            await self._bring(interaction, month, reached)

    async def _bring(self, interaction: Interaction, month: datetime, reached: int | None) -> None:
        """Take the turn at once, so that of two clicks one is told to wait, and bring the parts."""
        limit, user_id = part_limit(interaction.filesize_limit), interaction.user.id
        until = time.monotonic() + _left_s(interaction) - TOKEN_MARGIN.total_seconds()
        try:
            async with self._albums.place(user_id, limit) as folder:
                await interaction.response.defer(ephemeral=True, thinking=True)
                album = await self._albums.begin(month) if reached is None else Album(month, reached)

                async def post(path: Path) -> None:
                    name = f"easel-{album.month:%Y-%m}-{path.stem}.zip"
                    part = Files([(path, name)])
                    with part.opened() as files:
                        sending = interaction.followup.send(files=files, ephemeral=True)
                        await watched(sending, part.transfer, within_s=_left_s(interaction))

                async with _progress(interaction, album):
                    await self._albums.fill(album, user_id, folder, limit, post=post, until=until, explain=missing_text)
                await interaction.edit_original_response(view=result(album))
        except BadSource:
            await say(interaction, tr(NO_ROOM))
        except _TROUBLE as exc:
            log.warning("Discord did not take an album", error=type(exc).__name__)
            await say(interaction, tr(NOT_TAKEN))


def _left_s(interaction: Interaction) -> float:
    """How long the click's token still lives, in seconds."""
    return (interaction.expires_at - datetime.now(UTC)).total_seconds()


@asynccontextmanager
async def _progress(interaction: Interaction, album: Album) -> AsyncGenerator[None]:
    """Say every few seconds how far an album is. An edit that Discord does not take is left out."""

    async def tell() -> None:
        while True:
            with contextlib.suppress(*_TROUBLE):
                await interaction.edit_original_response(view=collecting(album))
            await asyncio.sleep(BETWEEN_EDITS_S)

    telling = asyncio.create_task(tell(), name="progress of an album")
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


def form(at: datetime) -> ui.Modal:
    """Asks for the month, the present one first."""
    months: list[str] = []
    first = at.replace(day=1)
    for _ in range(MONTHS):
        months.append(f"{first:%Y-%m}")
        first = (first - timedelta(days=1)).replace(day=1)
    options = [discord.SelectOption(label=it, value=it, default=it == months[0]) for it in months]
    menu: ui.Select[Any] = ui.Select(custom_id=MONTH, options=options)
    about = tr("Your own pictures of this month, as zip files that only you see.")
    field: ui.Label[Any] = ui.Label(text=tr("Month"), description=about, component=menu)
    return widgets.form(tr("Download all"), custom_id(ALBUM_PANEL, "month"), field)


def collecting(album: Album) -> ui.LayoutView:
    """How far it is."""
    day = (album.day or album.ends - timedelta(days=1)).date().isoformat()
    said = tr(
        "Collecting them: {pictures} so far, up to {day}. It may take some minutes.",
        pictures=texts.pictures(album.pictures),
        day=day,
    )
    return card(WORKING, text(_title(album), said))


def result(album: Album) -> ui.LayoutView:
    """What came of it, with the way on where there is more."""
    pictures = texts.pictures(album.pictures)
    if album.reached:
        said = tr(
            "There was time for a part of them: {pictures}, in the files below. **Go on** brings the rest.",
            pictures=pictures,
        )
    elif not album.parts:
        return card(NEUTRAL, text(tr("You have no finished pictures of {month}.", month=f"{album.month:%Y-%m}")))
    else:
        said = tr("✓ All there: {pictures}, in the files below.", pictures=pictures)
    lines = [_title(album), said]
    if album.missing:
        lines.append(
            trn(
                "{count} picture was no longer available; missing.txt in the zip says which.",
                "{count} pictures were no longer available; missing.txt in the zip says which.",
                len(album.missing),
            )
        )
    parts: list[ui.Item[Any]] = [text(*lines)]
    if album.reached:
        parts.append(row(button(tr("Go on"), custom_id(ALBUM_PANEL, "on", f"{album.month:%Y-%m}", album.reached))))
    return card(GOOD, *parts)


def missing_text(album: Album) -> str:
    """The text in the zip, for people: which pictures are not in it, and why."""
    lines = [tr("These pictures were no longer available:"), ""]
    for job, why in album.missing:
        when = (job.finished_at or job.received_at).strftime("%Y-%m-%d %H:%M UTC")
        lines.append(f"{when}  {texts.shortened(job.request.prompt)}")
        lines.append(f"    {tr(WHY_MISSING[why])}{_link(job)}")
    return "\n".join(lines) + "\n"


def _link(job: Job) -> str:
    target = job.target
    if target.ephemeral or target.message_id is None:
        return ""
    return f"\n    {address_of(target.guild_id, target.channel_id, target.message_id)}"


def _title(album: Album) -> str:
    return tr("### Your pictures of {month}", month=f"{album.month:%Y-%m}")
