"""The page's server side without a browser, and the house rules of its scripts."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from sandbox.discord.clients import InvalidCommand
from sandbox.discord.server import LocalDiscord
from sandbox.image_api.scenarios import SCENARIOS
from sandbox.image_api.server import LocalImageApi
from sandbox.page.page import Page
from sandbox.page.switches import FEATURED, UPLOAD_LIMITS, Switches
from sandbox.page.uploads import MAX_WAITING, Uploads
from tests.each import each

STATIC = Path(inspect.getfile(Page)).with_name("static")
SCRIPTS = sorted((STATIC / "js").glob("*.js"))
STYLES = sorted((STATIC / "css").glob("*.css"))
MAX_LINES = 350


class FakeBot:
    """A process that is only spoken of."""

    def __init__(self) -> None:
        self.is_running = True
        self.did: list[str] = []

    def set(self, **variables: str | None) -> dict[str, str | None]:
        self.did.append(f"set {variables}")
        return dict.fromkeys(variables)

    async def start(self) -> None:
        self.did.append("start")
        self.is_running = True

    async def stop(self) -> None:
        self.did.append("stop")
        self.is_running = False

    async def kill(self) -> None:
        self.did.append("kill")
        self.is_running = False


@pytest_asyncio.fixture
async def page() -> AsyncIterator[Page]:
    async with LocalDiscord() as discord:
        made = Page(discord)
        await made.start()
        try:
            yield made
        finally:
            await made.stop()


@pytest_asyncio.fixture
async def tab(page: Page) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with aiohttp.ClientSession() as session, session.ws_connect(page.url + "tab") as socket:
        yield socket


async def asked(tab: aiohttp.ClientWebSocketResponse, act: str, **details: Any) -> dict[str, Any]:
    """The answer to one request; events that come in between are passed over."""
    await tab.send_json({"n": 7, "do": act, **details})
    while True:
        said = await tab.receive_json(timeout=30)
        if said.get("re") == 7:
            return said


@each("script", SCRIPTS)
def test_a_script_says_what_it_is_for_stays_short_and_writes_no_html(script: Path) -> None:
    text = script.read_text()
    assert text.startswith("// ")
    assert len(text.splitlines()) <= 300
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setAttribute\(\"style\""
    assert not re.findall(forbidden, text)


@each("file", [*SCRIPTS, *STYLES, STATIC / "index.html"])
def test_nothing_is_loaded_from_elsewhere(file: Path) -> None:
    addresses = re.findall(r"https?://[\w-]+\.[\w.-]+|url\([^)]*//", file.read_text())
    assert [it for it in addresses if it != "http://www.w3.org"] == []
    assert len(file.read_text().splitlines()) <= MAX_LINES


def test_every_script_is_imported_by_another_or_by_the_page() -> None:
    texts = "".join(path.read_text() for path in [*SCRIPTS, STATIC / "index.html"])
    assert [path.name for path in SCRIPTS if f"/{path.name}" not in texts] == []


async def test_a_tab_is_told_who_is_there_and_what_was_said(tab: aiohttp.ClientWebSocketResponse) -> None:
    world = (await asked(tab, "enter", user="Ada", place="pictures"))["ok"]
    assert world["me"]["name"] == "Ada"
    assert [it["key"] for it in world["places"]] == [
        "pictures",
        "thread",
        "general",
        "post",
        "dm",
        "group",
        "elsewhere",
    ]
    assert world["history"] == []
    await asked(tab, "post", text="hello", files=[])
    world = (await asked(tab, "enter", user="Ada", place="pictures"))["ok"]
    assert [it["content"] for it in world["history"]] == ["hello"]


@pytest.mark.parametrize(
    ("act", "details"),
    [
        ("enter", {"user": "Nobody", "place": "pictures"}),
        ("enter", {"user": "Easel", "place": "pictures"}),
        ("enter", {"user": "Ada", "place": "nowhere"}),
        ("enter", {"user": "Ada"}),
        ("enter", {"user": ["Ada"], "place": "pictures"}),
        ("post", {"text": "before anyone entered", "files": []}),
        ("fly", {}),
        ("switch", {"name": "no-such-switch"}),
    ],
)
async def test_what_makes_no_sense_is_answered_with_a_sentence(
    tab: aiohttp.ClientWebSocketResponse, act: str, details: dict[str, Any]
) -> None:
    answer = await asked(tab, act, **details)
    assert answer["error"].endswith(".")
    assert (await asked(tab, "enter", user="Ada", place="pictures"))["ok"]


async def test_a_message_that_is_no_json_ends_nothing(tab: aiohttp.ClientWebSocketResponse) -> None:
    for text in ("{", "[]", "null", '"n"', '{"n": 1}'):
        await tab.send_str(text)
        assert "error" in await tab.receive_json(timeout=30)
    assert (await asked(tab, "enter", user="Ben", place="dm"))["ok"]


async def test_files_wait_under_a_token_until_too_many_others_came() -> None:
    uploads = Uploads()
    first = uploads.keep("fox.png", b"1")
    assert uploads.get(first).filename == "fox.png"
    for _ in range(MAX_WAITING):
        uploads.keep("other.png", b"2")
    with pytest.raises(InvalidCommand):
        uploads.get(first)


async def test_an_uploaded_web_page_is_served_as_a_file_to_download(page: Page) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(page.url + "tab") as tab:
        await asked(tab, "enter", user="Ada", place="pictures")
        address = page.url + "uploads?name=trap.html"
        async with session.post(address, data=b"<script>alert(1)</script>") as answer:
            token = (await answer.json())["token"]
        await asked(tab, "post", text="", files=[token])
        world = (await asked(tab, "enter", user="Ada", place="pictures"))["ok"]
        url = world["history"][0]["attachments"][0]["url"]
        async with session.get(url.replace(world["cdn"], page.url + "cdn")) as answer:
            assert answer.status == 200
            assert answer.headers["Content-Disposition"] == "attachment"
            assert answer.content_type == "application/octet-stream"
        async with session.get(page.url + "cdn/attachments/1/2/none.png") as answer:
            assert answer.status == 404


async def test_the_switches_reach_the_bot_the_image_api_and_discord() -> None:
    async with LocalDiscord() as discord:
        image_api, process = LocalImageApi(), FakeBot()
        switches = Switches(discord, image_api, process)
        await switches.turn("image:slow", True)
        await switches.turn("upload_limit", UPLOAD_LIMITS["200 KiB"])
        await switches.turn("edits-429")
        assert list(image_api.behaviour.active) == ["slow"]
        assert discord.rules.upload_limit == 200 * 1024
        assert [it["name"] for it in switches.state()["switches"] if it["on"]] == ["edits-429"]
        await switches.turn("edits-429")
        await switches.turn("image:slow", False)
        assert not image_api.behaviour.active
        assert [it["name"] for it in switches.state()["switches"] if it["on"]] == []
        for name in ("bot-kill", "bot-start", "bot-restart"):
            await switches.turn(name)
        assert process.did == ["kill", "start", "stop", "start"]
        await switches.turn("bot-timeouts")
        await switches.turn("edits-500")
        await switches.turn("image:slow", True)
        assert switches.names_on() == ["slow", "Edits fail", "Requests time out at once"]
        assert process.did[4:] == ["set {'JOB_TIMEOUT_S': '1'}", "stop", "start"]
        await switches.turn("all-off")
        assert switches.names_on() == []
        assert process.did[7:] == ["set {'JOB_TIMEOUT_S': None}", "stop", "start"]
        for nonsense in ("image:nothing", "bot-dance"):
            with pytest.raises(InvalidCommand):
                await switches.turn(nonsense, True)
        await image_api.stop()


def test_the_scenarios_shown_first_exist() -> None:
    assert set(FEATURED) <= set(SCENARIOS)
