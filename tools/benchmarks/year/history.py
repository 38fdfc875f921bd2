"""Rows of the jobs that a year has left behind, and of what goes with each: ledger, stars, whose the sources are."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from bot.model import Charged, Failure, FailureKind, ImageRequest, JobState, Source
from bot.policy.quotas import Span
from bot.store.oversight.outcomes import DELIVERED, month_of
from bot.store.queries.showcase import PostState
from bot.store.queries.totals import ALL, NO_SERVER, day_of
from bot.store.schema import jobs, ledger, outcomes, showcase, source_authors, stars, totals
from tools.benchmarks.gallery import MOTIFS
from tools.benchmarks.year.shape import APPLICATION, HEAVY_ONE_IN, NOW, OPEN_JOBS, Past, Shape, pasts

#: A row of a table, its values in the order of the table's columns.
Row = tuple[Any, ...]
#: What is written together: rows by table.
Rows = dict[str, list[Row]]

PICTURE_MICROS = 20_000
BATCH = 20_000  # jobs, with all that goes with them
_EXPIRES = timedelta(minutes=15)
_SOURCE = "https://cdn.discordapp.com/attachments/600000000000000000/1300000000000000000/photo.png?ex=6741&is=6740&hm="
_RESULT = "https://pictures.example/results/2026/easel/{id}/picture-1.jpg?expires=1795435200&signature=4f9d3c"
_WORDS = [word for motif in MOTIFS for word in motif.split()]


def ended(shape: Shape) -> Iterator[Rows]:
    """All rows of ended jobs, in batches; the last one has the running totals."""
    sums = _Sums(NOW)
    rows: Rows = defaultdict(list)
    rng = Random(shape.jobs + 1)
    for past in pasts(shape):
        if past.index % BATCH == 0 and past.index:
            yield rows
            rows = defaultdict(list)
        _add(rows, sums, past, shape, rng)
    yield rows | sums.rows()


def running(shape: Shape) -> Iterator[dict[str, Any]]:
    """Jobs that have not ended, as values by column: most of them in the queue, the heavy user's among them."""
    states = (JobState.WAITING, JobState.WAITING, JobState.PAINTING, JobState.DELIVERING)
    for number in range(OPEN_JOBS):
        state = states[number % len(states)]
        user = shape.user(0 if number < 3 else number % shape.users)
        server = shape.server(number % 2)
        yield {
            **_common(f"{number:016x}", user, server, shape.channel(server, number % 3), NOW - timedelta(minutes=1)),
            "seq": shape.jobs + number + 1,
            "interaction_id": shape.jobs + number + 1,
            "state": state.value,
            "turn": number // 4,
            "request": _request(Random(number), is_edit=False, is_private=False),
            "task_id": None if state is JobState.WAITING else f"task-open-{number}",
            "submitted_at": None if state is JobState.WAITING else NOW,
            "result_urls": "[]",
            "token": f"token-{number}" * 10,
            "told": False,
        }


def _add(rows: Rows, sums: _Sums, past: Past, shape: Shape, rng: Random) -> None:
    state, failure = _end(past.luck)
    ends = past.received_at + past.took
    charged = failure is None or failure.charged is not Charged.NO
    job = {
        **_common(past.id, past.user_id, past.guild_id, past.channel_id, past.received_at),
        "seq": past.index + 1,
        "interaction_id": past.index + 1,
        "state": state.value,
        "turn": past.index // 8,
        "request": _request(rng, is_edit=past.is_edit, is_private=past.is_private),
        "message_id": APPLICATION + past.index,
        "ephemeral": past.is_private,
        "submitted_at": past.received_at + timedelta(seconds=1) if charged else None,
        "ready_at": ends - timedelta(seconds=1) if state is JobState.DELIVERED else None,
        "finished_at": ends,
        "task_id": f"task_{past.id}" if charged else None,
        "request_id": f"req_{past.id}" if charged else None,
        "attempts": 1,
        "result_urls": _results(past, state),
        "failure": json.dumps(asdict(failure)) if failure else None,
        "cost_micros": PICTURE_MICROS if charged else None,
    }
    rows["jobs"].append(_row(jobs, job))
    if charged:
        rows["ledger"].append(_row(ledger, _entry(past, ends)))
        sums.took(past)
    sums.ended(past, failure.kind.value if failure else DELIVERED, ends)
    if past.is_edit:
        author = shape.user(0 if past.index % 200 == HEAVY_ONE_IN else int(shape.users * rng.random()))
        values = {"job_id": past.id, "position": 0, "user_id": author, "offered": False}
        rows["source_authors"].append(_row(source_authors, values))
    if past.stars:
        _add_stars(rows, past, shape, rng)


def _add_stars(rows: Rows, past: Past, shape: Shape, rng: Random) -> None:
    fans = {shape.user(int(shape.users * rng.random() ** 3)) for _ in range(past.stars)}
    for fan in fans:
        rows["stars"].append(_row(stars, {"job_id": past.id, "user_id": fan, "given_at": past.received_at}))
    posted = len(fans) >= 3
    values = {
        "job_id": past.id,
        "job_seq": past.index + 1,
        "guild_id": past.guild_id,
        "maker_id": past.user_id,
        "stars": len(fans),
        "shown": len(fans),
        "post": (PostState.POSTED if posted else PostState.NONE).value,
        "since": past.received_at,
        "channel_id": past.channel_id if posted else None,
        "place_id": past.channel_id if posted else None,
        "message_id": APPLICATION - past.index if posted else None,
    }
    rows["showcase"].append(_row(showcase, values))


def _common(job_id: str, user_id: int, guild_id: int | None, channel_id: int, received_at: datetime) -> dict[str, Any]:
    return {
        "id": job_id,
        "user_id": user_id,
        "application_id": APPLICATION,
        "token": "",
        "token_expires_at": received_at + _EXPIRES,
        "channel_id": channel_id,
        "guild_id": guild_id,
        "ephemeral": False,
        "bot_member": True,
        "upload_limit": 10_485_760,
        "locale": "en-US",
        "received_at": received_at,
        "attempts": 0,
        "cancel_requested": False,
        "reply_deleted": False,
        "told": True,
    }


def _entry(past: Past, ends: datetime) -> dict[str, Any]:
    return {
        "job_id": past.id,
        "user_id": past.user_id,
        "guild_id": past.guild_id,
        "channel_id": past.channel_id,
        "model": "grok-imagine-image-quality" if past.index % 5 == 0 else "grok-imagine-image",
        "resolution": "1k",
        "is_edit": past.is_edit,
        "pictures": 1,
        "sources": int(past.is_edit),
        "cost_micros": PICTURE_MICROS,
        "reserved_at": past.received_at,
        "settled_at": ends,
    }


def _end(luck: float) -> tuple[JobState, Failure | None]:
    if luck < 0.90:
        return JobState.DELIVERED, None
    if luck < 0.96:
        return JobState.FAILED, Failure(FailureKind.REFUSED)
    if luck < 0.98:
        return JobState.CANCELLED, Failure(FailureKind.CANCELLED)
    if luck < 0.99:
        return JobState.TIMED_OUT, Failure(FailureKind.TIMED_OUT, Charged.MAYBE)
    return JobState.FAILED, Failure(FailureKind.UNDELIVERABLE, Charged.YES)


def _results(past: Past, state: JobState) -> str:
    if state is not JobState.DELIVERED:
        return "[]"
    # Some image APIs put pictures into their answers; they lie in files here, under such addresses.
    address = f"held:{past.id}/1" if past.index % 50 == 0 else _RESULT.format(id=past.id)
    return json.dumps([address])


_PLAIN = json.dumps(asdict(ImageRequest("PROMPT")), separators=(",", ":"))
_EDIT = json.dumps(
    asdict(ImageRequest("PROMPT", sources=(Source(_SOURCE, "photo.png", 250_000),))), separators=(",", ":")
)


def _request(rng: Random, *, is_edit: bool, is_private: bool) -> str:
    text = (_EDIT if is_edit else _PLAIN).replace("PROMPT", " ".join(rng.choices(_WORDS, k=16)))
    return text.replace('"private":false', '"private":true') if is_private else text


def _row(table: Any, values: dict[str, Any]) -> Row:
    return tuple(map(values.get, table.columns.keys()))


@dataclass(slots=True)
class _Sums:
    """The running totals of the month of `now`. Earlier ones are deleted as they grow old."""

    now: datetime
    taken: dict[tuple[int, int, str], int] = field(default_factory=lambda: defaultdict[tuple[int, int, str], int](int))
    ends: dict[tuple[str, int, str], list[int]] = field(
        default_factory=lambda: defaultdict[tuple[str, int, str], list[int]](lambda: [0, 0])
    )

    def took(self, past: Past) -> None:
        """One picture of one job."""
        if past.received_at < Span.MONTH.began(self.now):
            return
        place, day = NO_SERVER if past.guild_id is None else past.guild_id, day_of(past.received_at)
        for user, guild in ((past.user_id, place), (past.user_id, ALL), (ALL, place), (ALL, ALL)):
            self.taken[user, guild, day] += 1

    def ended(self, past: Past, outcome: str, ends: datetime) -> None:
        """The end of one job."""
        if ends < Span.MONTH.began(self.now):
            return
        for period in (day_of(ends), month_of(ends)):
            for guild in (NO_SERVER if past.guild_id is None else past.guild_id, ALL):
                sums = self.ends[period, guild, outcome]
                sums[0] += 1
                sums[1] += round(past.took.total_seconds() * 1000)

    def rows(self) -> Rows:
        """Both tables."""
        names: Sequence[str] = ("user_id", "guild_id", "day")
        taken = [
            _row(
                totals,
                dict(zip(names, key, strict=True)) | {"shard": 0, "pictures": n, "cost_micros": n * PICTURE_MICROS},
            )
            for key, n in self.taken.items()
        ]
        names = ("period", "guild_id", "outcome")
        ends = [
            _row(outcomes, dict(zip(names, key, strict=True)) | {"shard": 0, "jobs": number, "took_ms": took})
            for key, (number, took) in self.ends.items()
        ]
        return {"totals": taken, "outcomes": ends}
