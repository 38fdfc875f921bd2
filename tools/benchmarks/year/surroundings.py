"""Rows of everything besides jobs: rules, presets, preferences, logs, and the little that waits for something."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

from bot.policy.preset import MAX_PICTURES_KEPT, MAX_PRESETS
from bot.store.audit.lines import KEPT_OF_A_SERVER
from bot.store.audit.table import server_log
from bot.store.schema import metadata
from tools.benchmarks.year.history import Rows, running
from tools.benchmarks.year.shape import BIG_SERVER, HEAVY_USER, LEFT_SERVER, NOW, Shape

_RULES = {"pictures_per_member_day": 100, "spend_per_month": 10**12, "language": "en", "blocked_words": ["gore"] * 20}
_WAITING_LINES = 40
_OPENINGS = 20


def surroundings(shape: Shape) -> Rows:
    """All rows beside those of ended jobs."""
    rows: Rows = defaultdict(list)
    for name, values in _values(shape):
        table = metadata.tables[name]
        rows[name].append(tuple(values.get(column.name) for column in table.columns))
    return rows


def _values(shape: Shape) -> Iterator[tuple[str, dict[str, Any]]]:
    for job in running(shape):
        yield "jobs", job
        owner = {"job_id": job["id"], "user_id": job["user_id"], "guild_id": job["guild_id"], "is_edit": False}
        amounts = {"pictures": 1, "sources": 0, "cost_micros": 20_000, "reserved_at": NOW}
        yield (
            "ledger",
            owner | amounts | {"channel_id": job["channel_id"], "model": "grok-imagine-image", "resolution": "1k"},
        )
    yield from _of_servers(shape)
    yield from _of_people(shape)
    yield from _log(shape)
    for number in range(shape.jobs // 200):
        asked = {"job_id": f"private-{number}", "user_id": shape.user(number % shape.users), "guild_id": BIG_SERVER}
        values = {
            "round": 1,
            "state": "posted",
            "made_at": NOW,
            "locale": "en-US",
            "channel_id": 1,
            "message_id": number,
        }
        yield "approvals", asked | values | {"decided_by": 1, "decided_at": NOW, "decision_id": number}
    for number in range(100):
        values = {"kind": "user", "blocked_id": 10_000 + number, "blocked_by": 1, "blocked_at": NOW, "name": '""'}
        yield "operator_blocks", values
    yield "meta", {"name": "operator blocks", "value": "0123456789abcdef"}
    yield "departures", {"guild_id": LEFT_SERVER, "left_at": NOW - timedelta(days=40)}


def _of_servers(shape: Shape) -> Iterator[tuple[str, dict[str, Any]]]:
    changed = {"changed_by": HEAVY_USER + 7, "changed_at": NOW}
    for number in range(shape.servers):
        guild = shape.server(number)
        yield "meta", {"name": f"rules:{guild}", "value": f"{guild:016x}"}
        for channel in range(10 if guild == BIG_SERVER else 1):
            place = shape.channel(guild, channel) if channel else 0
            yield "rules", {"guild_id": guild, "channel_id": place, "value": json.dumps(_RULES), **changed}
        for member in range(200 if guild == BIG_SERVER else 2):
            values = {"guild_id": guild, "user_id": 20_000 + member, "blocked_by": 1, "blocked_at": NOW}
            yield "blocks", values


def _of_people(shape: Shape) -> Iterator[tuple[str, dict[str, Any]]]:
    for number in range(shape.users):
        user = shape.user(number)
        if number % 2 == 0:
            yield "preferences", {"user_id": user, "value": '{"notify":"long","edits":"anyone"}'}
        if number % 10 == 0:
            yield from _presets(user, of_guild=False, many=user == HEAVY_USER)
        if number % 20 == 0:
            request = '{"prompt":"a red fox in fresh snow"}'
            yield "drafts", {"id": f"draft-{number}", "user_id": user, "request": request, "made_at": NOW}
    yield from _presets(BIG_SERVER, of_guild=True, many=True)
    for number in range(_OPENINGS):
        user = shape.user(number % shape.users)
        yield "openings", {"id": f"opening-{number}", "user_id": user, "sources": "[]", "made_at": NOW}


def _presets(owner: int, *, of_guild: bool, many: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    pictures = Random(owner)
    for number in range(MAX_PRESETS - 1 if many else 3):
        preset = f"{owner:x}-{number}-{of_guild:d}"
        kept: dict[str, Any] = {"words": "oil on canvas, " * 10, "options": {}, "pictures": []}
        values = {"id": preset, "of_guild": of_guild, "owner_id": owner, "name": f"style {number}", "made_by": owner}
        yield "presets", values | {"value": json.dumps(kept), "made_at": NOW}
        if many and number < MAX_PICTURES_KEPT - 2:
            yield "preset_pictures", {"id": f"p-{preset}", "preset_id": preset, "data": pictures.randbytes(200_000)}


def _log(shape: Shape) -> Iterator[tuple[str, dict[str, Any]]]:
    kept = min(shape.jobs // 20, KEPT_OF_A_SERVER * shape.servers)
    line = {"who": '"Ada"', "text": '"changed what members may ask for in a day, from 50 to 100"', "locale": "en-US"}
    numbers = server_log.c.seq.name
    for number in range(kept):
        guild, made = shape.server(number // KEPT_OF_A_SERVER), NOW - timedelta(days=170) * (kept - number) / kept
        place = {numbers: number + 1, "guild_id": guild, "user_id": shape.user(number % shape.users)}
        yield "server_log", line | place | {"is_setting": True, "made_at": made, "due_at": made, "left_out": 0}
    for number in range(_WAITING_LINES):
        guild = shape.server(number % 4)
        place = {numbers: kept + number + 1, "guild_id": guild, "channel_id": shape.channel(guild, 5), "user_id": 1}
        yield "server_log", line | place | {"is_setting": False, "made_at": NOW, "due_at": NOW, "left_out": 0}
