"""The status page `/` of the real process: over HTTP, in a browser, with a database that hangs, with two processes."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from html import escape

import aiohttp
import psycopg
import pytest

from bot.config.settings import load
from bot.model import FailureKind
from bot.ops.health.server import is_by_address
from bot.ops.health.status import FRESH_S, Process, StatusKeeper
from bot.ops.health.status_page import FAILURES, render
from sandbox.image_api.latency import Latency
from sandbox.serving import free_port
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import OpenHouse, with_pictures
from tests.acceptance.page_browser import Watch, chromium
from tests.acceptance.workers import a_worker

pytestmark = pytest.mark.asyncio(loop_scope="module")

PRICES = "grok-imagine-image:1k=0.02"
PROMPT = "prompt_blocked a heron"  # seen by nobody but the local image API
#: What is needed to make settings, beside what a test is about.
NEEDED = {"DISCORD_TOKEN": "none", "UNIALL_API_KEY": "none", "UNIALL_BASE_URL": "http://127.0.0.1"}
WIDTHS = (360, 1440)


async def page(port: int, path: str = "/", host: str = "", **more: str) -> tuple[int, str, Mapping[str, str]]:
    """Status, text and headers, as soon as the page is served."""
    headers = {"Host": host, **more} if host else more
    async with aiohttp.ClientSession() as session, asyncio.timeout(30):
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{port}{path}", headers=headers) as answer:
                    return answer.status, await answer.text(), answer.headers
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.1)


async def page_with(port: int, *words: str) -> str:
    """The page, once all of this stands on it."""
    async with asyncio.timeout(30):
        while True:
            _, text, _ = await page(port)
            if all(word in text for word in words):
                return text
            await asyncio.sleep(0.3)


@abreast
async def test_it_says_what_runs_what_was_painted_and_what_failed(open_house: OpenHouse) -> None:
    port = free_port()
    variables = {"HTTP_PORT": str(port), "PRICE_LIST": PRICES, "MODELS": "grok-imagine-image=Fine & <b>dandy</b>"}
    async with open_house(variables=variables, balance=12.5) as house:
        await page(port)  # looked at before, so that what it remembers is seen to grow old
        for reply in [await house.ada.command("imagine", prompt=PROMPT, count=2) for _ in range(2)]:
            await reply.until(with_pictures)
        refused = await house.ben.command("imagine", prompt="[[refuse-at-once]]")
        await refused.until(lambda message: "Cancel" not in message.labels)
        text = await page_with(port, escape(FAILURES[FailureKind.REFUSED]), "$0.10", "$12.50", "● works")
        assert "<strong>5</strong>" in text
        assert "in the last 3 requests that ended" in text.lower()
        assert "Fine &amp; &lt;b&gt;dandy&lt;/b&gt;" in text
        assert "<b>dandy" not in text
        assert "Nothing bounds what can be spent" in text
        secrets = (house.discord.token, "sandbox", PROMPT, "heron", "Ada", "Ben")
        assert [it for it in secrets if it in text] == []
        assert not re.search(r"\d{15}", text), "an id of Discord"


@abreast
async def test_a_browser_shows_it_at_every_width_in_both_colours_and_finds_no_fault(open_house: OpenHouse) -> None:
    port = free_port()
    async with open_house(variables={"HTTP_PORT": str(port), "PRICE_LIST": PRICES}, balance=12.5) as house:
        for prompt in (PROMPT, "[[refuse-at-once]]"):
            await (await house.ada.command("imagine", prompt=prompt)).until(
                lambda message: "Cancel" not in message.labels
            )
        await page_with(port, escape(FAILURES[FailureKind.REFUSED]), "● works")
        await in_a_browser(port)


async def in_a_browser(port: int) -> None:
    """It fits every width in both colours, says what it is to a screen reader, and the browser finds no fault."""
    async with chromium() as browser:
        for width in WIDTHS:
            for scheme in ("light", "dark"):
                watch = Watch("")
                context = await browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
                tab = await context.new_page()
                watch.over(tab)
                await tab.goto(f"http://127.0.0.1:{port}/?refresh=1")
                await tab.get_by_role("heading", name="Easel").wait_for()
                await tab.get_by_role("rowheader", name="Discord").wait_for()
                wider = await tab.evaluate(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
                assert wider == 0, f"{width} pixels in {scheme}"
                ground = await tab.evaluate("getComputedStyle(document.body).backgroundColor")
                assert ground == ("rgb(25, 24, 22)" if scheme == "dark" else "rgb(246, 243, 238)"), "no style"
                await tab.get_by_role("link", name="Stop reloading").click()
                await tab.get_by_role("link", name="Reload every 30 s").wait_for()
                assert watch.faults == []
                await context.close()


@abreast
async def test_it_is_for_a_browser_on_this_machine_and_for_no_other_site(open_house: OpenHouse) -> None:
    port = free_port()
    async with open_house(variables={"HTTP_PORT": str(port)}):
        for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"):
            status, _, headers = await page(port, host=host)
            assert status == 200, host
            assert "script" not in headers["Content-Security-Policy"]
            assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
            assert headers["X-Frame-Options"] == "DENY"
            assert "Access-Control-Allow-Origin" not in headers
        status, text, _ = await page(port, host="rebound.example:80")
        assert status == 403
        assert f"http://127.0.0.1:{port}/" in text
        assert "Discord" not in text
        status, _, _ = await page(port, "/metrics", host="easel.monitoring:9090")
        assert status == 200, "a Prometheus asks by name, and metrics tell nothing of people"
        async with aiohttp.ClientSession() as session, session.post(f"http://127.0.0.1:{port}/") as answer:
            assert answer.status == 405


@abreast
async def test_two_processes_each_say_which_they_are_and_a_hanging_database_holds_up_neither(
    open_house: OpenHouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ports = free_port(), free_port()
    slow = Latency.fixed(300)  # it paints as long as the test lasts
    async with (
        open_house("postgresql", variables={"HTTP_PORT": str(ports[0])}, latency=slow) as house,
        a_worker(house, tmp_path_factory, HTTP_PORT=str(ports[1])),
    ):
        await house.ada.command("imagine", prompt=PROMPT)
        bot = await page_with(ports[0], "2 processes are connected", "(this one)", "being painted")
        worker = await page_with(ports[1], "2 processes are connected", "(this one)", "being painted")
        assert "bot " in bot.partition("seen at")[0]
        assert "worker " in worker.partition("seen at")[0]
        with psycopg.connect(house.database) as hanging:
            hanging.execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
            await asyncio.sleep(FRESH_S + 0.5)  # until what it knows is too old to be shown again
            for _ in range(2):
                began = time.monotonic()
                answers = await asyncio.gather(*(page(ports[0]) for _ in range(5)))
                assert time.monotonic() - began < 5
                for status, text, _ in answers:
                    assert status == 200
                    assert "No fresh figures from the database" in text
                    assert "The figures below are of" in text
                    assert "being painted" in text
        text = await page_with(ports[0], "being painted")
        async with asyncio.timeout(20):
            while "No fresh figures" in text:
                await asyncio.sleep(0.3)
                _, text, _ = await page(ports[0])


async def test_before_anything_is_open_the_page_is_there_and_nothing_in_it_is_markup() -> None:
    settings = load(None, NEEDED)
    keeper = StatusKeeper(settings, Process.this(gateway=True), lambda: (False, {"discord": {"trouble": "<i>gone"}}))
    keeper.present.notices = ["<script>alert(1)</script>"]
    status = replace(await keeper.look(), late="<img src=x>")
    text = render(status)
    assert "▲ does not work" in text
    assert "Not known yet." in text
    assert {"<script", "<img", "<i>"} & {it for it in ("<script", "<img", "<i>") if it in text} == set()


async def test_every_reason_of_a_failure_has_its_words() -> None:
    assert set(FAILURES) == set(FailureKind)


@pytest.mark.parametrize(
    ("host", "let_in"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:8080", True),
        ("[::1]:8080", True),
        ("localhost:8080", True),
        ("192.0.2.7:8080", True),
        ("LOCALHOST", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example:8080", False),
        ("localhost.evil.example", False),
        ("127.0.0.1@evil.example", False),
        ("", False),
        ("[::1", False),
        ("0x7f.1", False),
    ],
)
async def test_only_numbers_and_localhost_are_no_names(host: str, let_in: bool) -> None:
    assert is_by_address(host) is let_in
