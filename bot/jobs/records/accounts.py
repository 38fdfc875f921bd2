"""What was painted and what it cost: for a person, and for a server.

Figures come from the ledger and not from the jobs: jobs are deleted when their people ask for that, and what was spent
stays true.
"""

from __future__ import annotations

import asyncio
import csv
import io
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
MAX_LINES = 50_000  # of an export: about 6 MB, under every upload limit
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
        """The lines of this month as CSV, oldest first: times in ISO 8601, amounts as decimals in US dollars."""
        since = Span.MONTH.began(now())
        extent = Extent(since, user_id=user_id, guild_id=guild_id)
        entries = await self._owner.ledger.entries(extent, MAX_LINES)
        return await asyncio.to_thread(as_csv, list(reversed(entries)))

    async def _account(self, month: Extent, at: datetime) -> Account:
        ledger = self._owner.ledger
        today = Extent(Span.DAY.began(at), user_id=month.user_id, guild_id=month.guild_id)
        of_today, of_month, days, models = await asyncio.gather(
            ledger.total(today), ledger.total(month), ledger.days(month), ledger.sums(month, By.MODEL)
        )
        return Account(at, of_today, of_month, {it.day: it for it in days}, models)


def as_csv(entries: Sequence[Entry]) -> bytes:
    """Lines of the ledger as a table that spreadsheets open. Ids are marked as text: they are too long for numbers."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(COLUMNS)
    table.writerows(tuple(map(_defused, _row(entry))) for entry in entries)
    return out.getvalue().encode("utf-8-sig")


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
    """A spreadsheet takes a cell that begins so for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
