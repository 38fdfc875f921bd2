"""What was painted and what it cost: for a person, and for a server.

Figures come from the ledger and not from the jobs: jobs are deleted when their people ask for that, and what was spent
stays true.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from bot.jobs.clock import now
from bot.jobs.policies import By, DaySum, Entry, Extent, Policies, RequestContext, Standing, Sum
from bot.policy.prices import MICROS
from bot.policy.quotas import Span

__all__ = ["Account", "Accounts", "Standing", "Sum"]

TOP = 10  # members that are named
MAX_PROMPT_BYTES = 3_000_000  # of an export: a message takes 10 MB
PROMPTS_AT_ONCE = 100  # so that nobody's command waits behind a month of prompts
_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_INNER = re.compile(r"([;\t\r\n]\s*)(?=[=+\-@＝＋－＠])")
MAX_LINES = 50_000  # of an export: about 6 MB, under every upload limit
LINES_AT_ONCE = 1_000  # of them in one question, for the same reason
COLUMNS = ("time", "settled", "member", "channel", "model", "resolution", "edit", "pictures", "sources", "usd", "job")


@dataclass(frozen=True, slots=True)
class Account:
    """What a person or a server took today and in this month (UTC)."""

    at: datetime
    today: Sum
    month: Sum
    days: Mapping[date, DaySum]
    by_model: Sequence[Sum]
    by_member: Sequence[Sum] = ()  # of a server
    standings: Sequence[Standing] = ()  # quotas that hold for the one who asks


class Accounts:
    """Reads the ledger for people. Who may see what is for the caller to ask; may raise StoreUnavailable."""

    def __init__(self, owner: Policies) -> None:
        self._owner = owner

    async def mine(self, place: RequestContext) -> Account:
        """What a person took everywhere, and what their quotas leave them in this place."""
        at = now()
        account = await self._account(Extent(Span.MONTH.began(at), user_id=place.user_id), at)
        standings = await self._owner.allowance(place)
        return Account(at, account.today, account.month, account.days, account.by_model, standings=standings)

    async def of_server(self, guild_id: int) -> Account:
        """What all members of a server took there."""
        at = now()
        month = Extent(Span.MONTH.began(at), guild_id=guild_id)
        account, members = await asyncio.gather(
            self._account(month, at), self._owner.ledger.sums(month, By.MEMBER, TOP)
        )
        return Account(at, account.today, account.month, account.days, account.by_model, by_member=members)

    async def export(self, *, user_id: int | None = None, guild_id: int | None = None) -> bytes:
        """The lines of this month as CSV, oldest first: times in ISO 8601, amounts as decimals in US dollars.

        That of a server has the prompts of public requests, of the newest ones where they would be too many.
        """
        since = Span.MONTH.began(now())
        extent = Extent(since, user_id=user_id, guild_id=guild_id)
        entries = await self._entries(extent)
        prompts = None if guild_id is None else await self._prompts(entries, guild_id)
        return await asyncio.to_thread(as_csv, list(reversed(entries)), prompts)

    async def _entries(self, extent: Extent) -> Sequence[Entry]:
        """The newest MAX_LINES lines, newest first, in as many small questions as it takes."""
        entries: list[Entry] = []
        while len(entries) < MAX_LINES:
            last = entries[-1] if entries else None
            some = await self._owner.ledger.entries(extent, min(LINES_AT_ONCE, MAX_LINES - len(entries)), last)
            entries += some
            if len(some) < LINES_AT_ONCE:
                break
        return entries

    async def _prompts(self, entries: Sequence[Entry], guild_id: int) -> Mapping[str, str]:
        """The words of public requests by job, in as many small questions as it takes. `entries` are newest first."""
        prompts: dict[str, str] = {}
        room = MAX_PROMPT_BYTES
        for start in range(0, len(entries), PROMPTS_AT_ONCE):
            some = [entry.job_id for entry in entries[start : start + PROMPTS_AT_ONCE]]
            for job_id, prompt in (await self._owner.ledger.prompts(some, guild_id)).items():
                room -= len(prompt.encode(errors="replace"))
                if room < 0:
                    return prompts
                prompts[job_id] = prompt
        return prompts

    async def _account(self, month: Extent, at: datetime) -> Account:
        ledger = self._owner.ledger
        today = Extent(Span.DAY.began(at), user_id=month.user_id, guild_id=month.guild_id)
        of_today, of_month, days, models = await asyncio.gather(
            ledger.total(today), ledger.total(month), ledger.days(month), ledger.sums(month, By.MODEL)
        )
        return Account(at, of_today, of_month, {it.day: it for it in days}, models)


def as_csv(entries: Sequence[Entry], prompts: Mapping[str, str] | None = None) -> bytes:
    """Lines of the ledger as a table that spreadsheets open. Ids are marked as text: they are too long for numbers.

    `prompts` are those of public requests by job; without them there is no such column.
    """
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(COLUMNS if prompts is None else (*COLUMNS, "prompt"))
    for entry in entries:
        words = () if prompts is None else (prompts.get(entry.job_id, ""),)
        table.writerow(tuple(map(_defused, (*_row(entry), *words))))
    return out.getvalue().encode("utf-8-sig", errors="replace")


def _row(entry: Entry) -> Sequence[str]:
    return (
        entry.reserved_at.isoformat(timespec="seconds"),
        entry.settled_at.isoformat(timespec="seconds") if entry.settled_at else "",
        f"user {entry.user_id}" if entry.user_id is not None else "",
        f"channel {entry.channel_id}",
        entry.model,
        entry.resolution,
        "yes" if entry.is_edit else "no",
        str(entry.pictures),
        str(entry.sources),
        "" if entry.cost_micros is None else format((Decimal(entry.cost_micros) / MICROS).normalize(), "f"),
        f"job {entry.job_id}",
    )


def _defused(cell: str) -> str:
    """A spreadsheet takes a cell that begins so for a formula, also where it takes `;` for the end of another."""
    safe = _INNER.sub(r"\1'", cell)
    return f"'{safe}" if safe.startswith(_BEGINNINGS) else safe
