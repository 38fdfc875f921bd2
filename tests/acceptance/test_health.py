"""`/healthz` and `/metrics` of the real process, while what it depends on goes away and comes back."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.config.waits import Waits
from sandbox.image_api.server import LocalImageApi
from sandbox.serving import free_port
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import House, OpenHouse, with_pictures
from tests.acceptance.little_discord import LittleDiscord
from tests.acceptance.processes import Easel, easel, forked_easel, hurried_easel, variables
from tests.databases import postgres_server, sqlite_url, why_no_postgres
from tests.monitoring import metrics_in, metrics_used, promtool

pytestmark = pytest.mark.asyncio(loop_scope="module")
AT_ONCE = 5  # they wait for half a minute each

START_S = 60.0  # on a machine that does much else
GONE_S = 30.0  # after so long at most it must be told, by QUICK and on a machine that does much else
BACK_S = 70.0  # the longest pause before discord.py tries again, and a little
ANSWER_S = 1.5  # less than all patiences of QUICK: an answer that waited for what is gone would never come
#: A tenth of the product's; test_waits.py holds those to a minute.
QUICK = Waits(
    grace_s=2.0,
    gateway_every_s=0.2,
    rest_every_s=0.5,
    rest_patience_s=2.0,
    database_every_s=0.5,
    database_patience_s=2.0,
    image_api_every_s=3.0,
    image_api_patience_s=2.0,
)

Told = dict[str, Any]


class Probe:
    """Asks one bot how it is."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._base = f"http://{host}:{port}"

    async def health(self) -> tuple[int, Told]:
        """Status and body; status 0 while nobody listens, or where the machine is too busy for an answer in time."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(f"{self._base}/healthz") as answer,
            ):
                assert answer.content_type == "application/json"
                return answer.status, await answer.json()
        except (aiohttp.ClientConnectionError, TimeoutError):
            return 0, {}

    async def metrics(self) -> str:
        async with aiohttp.ClientSession() as session, session.get(f"{self._base}/metrics") as answer:
            assert answer.status == 200
            assert answer.content_type == "text/plain"
            return await answer.text()

    async def until(self, status: int, within: float, told: Callable[[Told], object] = bool) -> Told:
        """Wait for this status and a body that `told` agrees with, in an answer that comes at once."""
        began = time.monotonic()
        while True:
            found, body = await self.health()
            if found == status and told(body):
                return body
            assert time.monotonic() - began < within, (found, body)
            await asyncio.sleep(0.2)


def port_and_variables(discord: LittleDiscord, **others: str) -> tuple[int, dict[str, str]]:
    port = free_port()
    return port, variables(discord.api_url, HTTP_PORT=str(port), **others)


@abreast
async def test_a_bot_that_works_says_so_and_what_it_did(open_house: OpenHouse) -> None:
    port = free_port()
    prices = "grok-imagine-image:1k=0.02"
    async with open_house(variables={"HTTP_PORT": str(port), "PRICE_LIST": prices}, balance=12.5) as house:
        probe = Probe(port)
        body = await probe.until(200, START_S)
        assert body["status"] == "ok"
        assert body["discord"]["ok"]
        assert body["database"]["ok"]
        await probe.until(200, START_S, lambda it: it["image_api"]["ok"])
        replies = [await house.ada.command("imagine", prompt=f"prompt_blocked {n}", count=2) for n in range(2)]
        for reply in replies:
            await reply.until(with_pictures)
        refused = await house.ben.command("imagine", prompt="[[refuse-at-once]]")
        await refused.until(lambda message: "Cancel" not in message.labels)
        text = await probe.metrics()
    assert value(text, "easel_jobs_received_total", kind="imagine") == 3
    assert value(text, "easel_jobs_ended_total", state="delivered") == 2
    assert value(text, "easel_jobs_ended_total", failure="refused") == 1
    assert value(text, "easel_pictures_delivered_total") == 4
    assert value(text, "easel_spend_dollars_total") == pytest.approx(0.08)
    for stage in ("acknowledged", "waiting", "painting", "downloading", "uploading", "delivered", "whole"):
        assert value(text, "easel_job_stage_seconds_count", stage=stage) >= 2, stage
    assert value(text, "easel_image_api_request_seconds_count", route="POST images/tasks", outcome="2xx") >= 2
    assert value(text, "easel_image_api_request_seconds_count", route="GET images/tasks") >= 2
    assert value(text, "easel_discord_answers_total", route="POST interactions/callback", status="200") == 3
    assert value(text, "easel_discord_answers_total", route="PATCH webhooks/messages") >= 2
    assert value(text, "easel_database_transaction_seconds_count") > 5
    assert value(text, "process_resident_memory_bytes") > 1e6
    assert value(text, "easel_up", part="database") == 1
    assert value(text, "easel_image_api_balance_dollars") == 12.5
    assert no_ids_in(text, house)
    assert metrics_used() - metrics_in(text) == set()
    promtool("check", "metrics", text=text)


def no_ids_in(text: str, house: House) -> bool:
    """No label tells who asked what, and where."""
    labels = re.findall(r'="([^"]*)"', text)
    assert labels
    assert "prompt_blocked" not in text
    assert house.discord.token not in text
    return not [label for label in labels if re.search(r"\d{6,}|[0-9a-f]{12,}", label)]


def value(text: str, name: str, **labels: str) -> float:
    """The sum of all samples of this name with these labels."""
    found = re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", text, re.MULTILINE)
    return sum(float(number) for told, number in found if all(f'{key}="{it}"' in told for key, it in labels.items()))


@abreast
async def test_a_removed_database_file_is_told_in_time(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    async with LittleDiscord().open() as discord:
        port, settings = port_and_variables(discord, DATABASE_URL=sqlite_url(home))
        async with hurried_easel(home, waits=QUICK, **settings):
            probe = Probe(port)
            await probe.until(200, START_S)
            (home / "easel.db").unlink()
            told = await probe.until(503, GONE_S, lambda it: not it["database"]["ok"] and it["discord"]["ok"])
    assert "was removed" in told["database"]["trouble"]


@abreast
async def test_a_postgresql_that_hangs_is_told_in_time_and_its_return_too(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    if missing := why_no_postgres():
        pytest.skip(missing)
    with postgres_server() as server:
        async with LittleDiscord().open() as discord:
            database = await asyncio.to_thread(server.ready_database)
            port, settings = port_and_variables(discord, DATABASE_URL=database)
            async with hurried_easel(tmp_path_factory.mktemp("home"), waits=QUICK, **settings):
                probe = Probe(port)
                await probe.until(200, START_S)
                everything = [server.pid, *children(server.pid)]
                for pid in everything:
                    os.kill(pid, signal.SIGSTOP)
                try:
                    await probe.until(503, GONE_S, lambda it: not it["database"]["ok"])
                finally:
                    for pid in everything:
                        os.kill(pid, signal.SIGCONT)
                assert (await probe.until(200, 30))["database"]["ok"]


def children(pid: int) -> list[int]:
    return [int(it) for it in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@abreast
async def test_a_lost_discord_is_told_in_time_and_its_return_too(tmp_path_factory: pytest.TempPathFactory) -> None:
    discord = LittleDiscord()
    async with discord.open():
        port, settings = port_and_variables(discord)
        async with hurried_easel(tmp_path_factory.mktemp("home"), waits=QUICK, **settings) as bot:
            probe = Probe(port)
            await probe.until(200, START_S)
            await leave(discord, probe, bot)


async def leave(discord: LittleDiscord, probe: Probe, bot: Easel) -> None:
    """Discord goes away and comes back, at the same address."""
    await discord.shut()
    # A machine that stands still for some seconds has the database told for a moment, too.
    await probe.until(503, GONE_S, lambda it: not it["discord"]["ok"] and it["database"]["ok"])
    assert bot.running
    async with discord.open():
        assert (await probe.until(200, BACK_S))["discord"]["ok"]


@abreast
async def test_a_connection_on_which_discord_falls_silent_counts_as_lost(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async with LittleDiscord(heartbeat_ms=5_000).open() as discord:
        port, settings = port_and_variables(discord)
        async with hurried_easel(tmp_path_factory.mktemp("home"), waits=QUICK, **settings):
            probe = Probe(port)
            await probe.until(200, START_S)
            discord.silent = True
            told = await probe.until(503, GONE_S, lambda it: not it["discord"]["ok"])
            assert "heartbeat" in told["discord"]["trouble"]
            discord.silent = False
            await probe.until(200, BACK_S)


@abreast
async def test_until_discord_was_reached_for_the_first_time_the_bot_is_not_well(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    discord = LittleDiscord(port=free_port())
    port, settings = port_and_variables(discord)
    async with hurried_easel(tmp_path_factory.mktemp("home"), waits=QUICK, **settings):
        probe = Probe(port)
        told = await probe.until(503, START_S, lambda it: it["database"]["ok"])
        assert not told["discord"]["ok"]
        async with discord.open():
            await probe.until(200, BACK_S)


@abreast
async def test_trouble_of_the_image_api_is_told_and_nothing_worse(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with LittleDiscord().open() as discord, LocalImageApi(api_key="right") as image_api:
        port, settings = port_and_variables(discord, UNIALL_BASE_URL=image_api.base_url, UNIALL_API_KEY="wrong")
        async with hurried_easel(tmp_path_factory.mktemp("home"), waits=QUICK, **settings):
            told = await Probe(port).until(200, START_S, lambda it: "the key" in it["image_api"].get("trouble", ""))
            assert not told["image_api"]["ok"]


@abreast
async def test_a_worker_that_cannot_reach_discord_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    if missing := why_no_postgres():
        pytest.skip(missing)
    with postgres_server() as server:
        discord = LittleDiscord()
        async with discord.open():
            database = await asyncio.to_thread(server.ready_database)
            port, settings = port_and_variables(discord, DATABASE_URL=database)
            async with hurried_easel(tmp_path_factory.mktemp("home"), "work", waits=QUICK, **settings):
                probe = Probe(port)
                await probe.until(200, START_S)
                discord.refuse = 502
                told = await probe.until(503, GONE_S, lambda it: not it["discord"]["ok"])
                assert "502" in told["discord"]["trouble"]
                discord.refuse = 0
                await probe.until(200, 30)


@abreast
async def test_two_colons_are_all_addresses_of_both_kinds(tmp_path_factory: pytest.TempPathFactory) -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    async with LittleDiscord().open() as discord:
        port, settings = port_and_variables(discord, HTTP_HOST="::")
        async with forked_easel(tmp_path_factory.mktemp("home"), **settings):
            for host in ("127.0.0.1", "[::1]"):
                await Probe(port, host).until(200, START_S)


async def test_a_port_that_is_taken_ends_the_start_with_one_sentence(tmp_path_factory: pytest.TempPathFactory) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = variables("http://127.0.0.1:1/api/v10", HTTP_PORT=str(port))
        async with forked_easel(tmp_path_factory.mktemp("home"), **settings) as bot:
            assert await bot.wait(START_S) == 1
    (sentence,) = bot.err
    assert sentence.startswith(f"HTTP_PORT {port} is taken ")


@abreast
async def test_where_http_port_is_off_nothing_of_it_is_imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    async with LittleDiscord().open() as discord:
        settings = variables(discord.api_url, PYTHONPROFILEIMPORTTIME="1")
        async with easel(tmp_path_factory.mktemp("home"), **settings) as bot:
            await bot.line("Easel is at work", START_S)
            bot.terminate()
            await bot.wait()
    imported = {line.rpartition("|")[2].strip() for line in bot.err if line.startswith("import time:")}
    assert "bot.run" in imported
    assert not {
        name for name in imported if name.startswith(("prometheus_client", "aiohttp.web_app", "bot.ops.health"))
    }
