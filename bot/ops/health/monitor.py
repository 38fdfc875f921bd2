"""Puts health together: what is watched and how often, what is measured, and where it is served.

Watching costs a query and a request now and then, so it is done only where HTTP_PORT is set.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import discord

from bot.config.settings import Settings
from bot.config.waits import Waits
from bot.discord_api.rest import DiscordUnreachable, ask
from bot.errors import StoreUnavailable
from bot.image_api.client import ImageApi, Limits, Mode
from bot.jobs.runner import Runner
from bot.ops.health.gateway import latency_of, tracing
from bot.ops.health.metrics import Metrics
from bot.ops.health.server import serving
from bot.ops.health.status import Process, StatusKeeper
from bot.ops.health.watch import Health, Look, Trouble, Watched
from bot.store.store import Store

COUNT_EVERY_S = 15.0
LAG_EVERY_S = 1.0
BALANCE_EVERY_S = 600.0  # nobody's health, and two questions each time


class HealthMonitor:
    """Knows how the bot is, and tells whoever asks. What it watches is shown to it once it is there."""

    def __init__(self, settings: Settings, waits: Waits, notices: Sequence[str], *, gateway: bool) -> None:
        """`gateway` says whether this process holds a connection to Discord's gateway; else its REST counts.

        `notices` are sentences about the settings, which the status page shows.
        """
        self._settings = settings
        self._waits = waits
        self._store: Store | None = None
        self._client: discord.AutoShardedClient | None = None
        self.measures = Metrics(settings.models.models)

        def watched(look: Look, every_s: float, patience_s: float) -> Watched:
            """What is watched, by name."""
            return Watched(look, every_s=every_s, patience_s=patience_s, grace_s=waits.grace_s)

        if gateway:
            connection = watched(self._see_gateway, waits.gateway_every_s, waits.gateway_patience_s)
        else:
            connection = watched(self._see_rest, waits.rest_every_s, waits.rest_patience_s)
        database = watched(self._see_database, waits.database_every_s, waits.database_patience_s)
        image_api = watched(self._see_image_api, waits.image_api_every_s, waits.image_api_patience_s)
        self._health = Health({"discord": connection, "database": database}, {"image_api": image_api})
        self.status = StatusKeeper(settings, Process.this(gateway=gateway), self._told)
        self.status.present.notices = notices

    @asynccontextmanager
    async def open(self, host: str, port: int) -> AsyncGenerator[HealthMonitor]:
        """Serve, watch and measure until the end of the block. Raises StartError where the port cannot be taken."""
        async with serving(host, port, health=self._told, metrics=self._metrics, status=self.status.look):
            tasks = [
                asyncio.create_task(work, name=name)
                for name, work in (
                    ("health", self._health.watch()),
                    ("open jobs", self._count_jobs()),
                    ("lag", self._feel_lag()),
                    ("balance", self._watch_balance()),
                )
            ]
            try:
                yield self
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
                await self.status.close()

    def trace(self) -> aiohttp.TraceConfig:
        """For the client of Discord: counts its requests."""
        return tracing(self.measures)

    def sees_store(self, store: Store, worker_id: str) -> None:
        """The database is open, and this process is known there as `worker_id`."""
        self._store = self.status.store = store
        self.status.present.worker_id = worker_id

    def sees_house(self, client: discord.AutoShardedClient, runner: Runner) -> None:
        """The bot has logged in, and is about to work."""
        self._client = client
        self.status.present.slots = lambda: (runner.slots_taken, runner.slots)
        self.status.present.servers = lambda: len(client.guilds)
        gauge = self.measures.gauge
        gauge("easel_jobs_here", "Jobs that this process works on.", lambda: runner.busy_with)
        gauge("easel_active_places", "Jobs of this process at the image API.", lambda: runner.slots_taken)
        gauge("easel_active_places_limit", "MAX_ACTIVE_JOBS of this process.", lambda: runner.slots)
        gauge("easel_discord_heartbeat_seconds", "Discord's answer to the last heartbeat.", self._heartbeat)

    def _told(self) -> tuple[bool, Mapping[str, Any]]:
        return self._health.is_well, self._health.told()

    def _metrics(self) -> bytes:
        return self.measures.text(self._health.well())

    def _heartbeat(self) -> float:
        try:
            return latency_of(self._client) if self._client else float("nan")
        except Trouble:
            return float("nan")

    async def _see_gateway(self) -> Mapping[str, Any]:
        if self._client is None:
            raise Trouble("not yet logged in")
        latency = latency_of(self._client)
        return {"shards": sorted(self._client.shards), "heartbeat_ms": round(latency * 1000)}

    async def _see_rest(self) -> Mapping[str, Any]:
        try:
            await ask(self._settings)
        except DiscordUnreachable as error:
            raise Trouble(f"cannot be reached ({error})") from None
        return {}

    async def _see_database(self) -> Mapping[str, Any]:
        if self._store is None:
            raise Trouble("not yet open")
        began = time.perf_counter()
        await self._store.ping(self._waits.database_patience_s / 2)
        return {"answer_ms": round((time.perf_counter() - began) * 1000, 1)}

    async def _see_image_api(self) -> Mapping[str, Any]:
        async with self._own_api() as api:
            await api.probe()
        return {}

    def _own_api(self) -> ImageApi:
        """A client of its own: what it learns must not hold up a job, nor count as a request of one."""
        settings, patience_s = self._settings, self._waits.image_api_patience_s
        return ImageApi(
            base_url=settings.uniall_base_url,
            api_key=settings.uniall_api_key.get_secret_value(),
            mode=Mode(settings.uniall_mode),
            limits=Limits(connect_s=patience_s, get_s=patience_s),
            proxy_for=settings.proxies.for_url,
        )

    async def _watch_balance(self) -> None:
        """Silent where the image API does not tell it: a wrong balance would be worse than none."""
        while True:
            async with self._own_api() as api:
                self.status.present.balance = left = await api.balance()
            self.measures.balance_left(left)
            await asyncio.sleep(BALANCE_EVERY_S)

    async def _count_jobs(self) -> None:
        while True:
            if self._store is not None:
                try:
                    counts = await self._store.lists.open_by_state(patience=self._waits.database_patience_s / 2)
                except StoreUnavailable:
                    pass  # the health of the database says so
                else:
                    self.measures.open_jobs(counts)
            await asyncio.sleep(COUNT_EVERY_S if self._store is not None else LAG_EVERY_S)

    async def _feel_lag(self) -> None:
        while True:
            due = time.perf_counter() + LAG_EVERY_S
            await asyncio.sleep(LAG_EVERY_S)
            self.measures.lagged(max(time.perf_counter() - due, 0.0))
