"""The year that is measured: how many jobs, whose, and where. The same numbers give the same year."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from random import Random

#: The moment at which everything is asked. The year ends just before it.
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
YEAR = timedelta(days=365)

APPLICATION = 1_300_000_000_000_000_000
#: One person with a twentieth of all jobs, and one server with three tenths of them: 50,000 and 300,000 in a million.
HEAVY_USER, HEAVY_ONE_IN = 800_000_000_000_000_000, 20
BIG_SERVER, BIG_IN_TEN = 700_000_000_000_000_000, 3
LEFT_SERVER = BIG_SERVER + 1  # the bot was removed from it
CHANNELS = 40  # of the big server; the first has a quarter of its jobs
OPEN_JOBS = 40  # run at the moment, whatever has ended before
_USERS, _SERVERS, _CHANNELS = HEAVY_USER, BIG_SERVER, 600_000_000_000_000_000


@dataclass(frozen=True)
class Shape:
    """A year of `jobs` ended jobs."""

    jobs: int

    @cached_property
    def users(self) -> int:
        return max(20, self.jobs // 200)

    @cached_property
    def servers(self) -> int:
        return max(10, self.jobs // 2_000)

    def user(self, number: int) -> int:
        """A person's id; 0 is the one with the most jobs."""
        return _USERS + number

    def server(self, number: int) -> int:
        """A server's id; 0 is the one with the most jobs."""
        return _SERVERS + number

    def channel(self, server: int, number: int) -> int:
        """The id of a server's channel, from 0."""
        return _CHANNELS + (server - _SERVERS) * CHANNELS + number

    def moment(self, index: int) -> datetime:
        """When the job with this index, from 0, came in."""
        return NOW - timedelta(minutes=5) - YEAR * (self.jobs - index) / self.jobs


@dataclass(frozen=True, slots=True)
class Past:
    """Who asked for a job, where, and how it went. `guild_id` is None in direct messages."""

    index: int
    id: str
    user_id: int
    guild_id: int | None
    channel_id: int
    received_at: datetime
    took: timedelta
    luck: float  # 0 to 1: how it ended
    is_edit: bool
    is_private: bool
    stars: int


def pasts(shape: Shape) -> Iterator[Past]:
    """All jobs of the year, in the order in which they came in."""
    rng = Random(shape.jobs)
    for index in range(shape.jobs):
        heavy = index % HEAVY_ONE_IN == 0
        big = index // HEAVY_ONE_IN % 10 < BIG_IN_TEN
        # Squared: a few people and servers ask often, most of them seldom.
        user = 0 if heavy else 1 + int((shape.users - 1) * rng.random() ** 2)
        server = 0 if big else 1 + int((shape.servers - 1) * rng.random() ** 2)
        guild = None if not big and rng.random() < 0.05 else shape.server(server)
        place = 0 if rng.random() < 0.25 else int(rng.random() * CHANNELS)
        luck = rng.random()
        private = rng.random() < 0.05
        starred = guild is not None and not private and luck < 0.9 and rng.random() < 0.02
        yield Past(
            index=index,
            id=f"{rng.getrandbits(64):016x}",
            user_id=shape.user(user),
            guild_id=guild,
            channel_id=shape.channel(guild, place) if guild is not None else 1_000 + user,
            received_at=shape.moment(index),
            took=timedelta(seconds=6 + 10 * rng.random()),
            luck=luck,
            is_edit=rng.random() < 0.1,
            is_private=private,
            stars=1 + int(rng.random() ** 2 * 5) if starred else 0,
        )
