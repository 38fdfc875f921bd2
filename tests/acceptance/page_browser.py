"""A real browser in front of the sandbox page, watched: no error on its console, no request that leaves the machine."""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from sandbox.page.page import Page
from tests.acceptance.conftest import House

if TYPE_CHECKING:
    from playwright.async_api import Browser, ConsoleMessage, Error, Locator, Request, ViewportSize
    from playwright.async_api import Page as BrowserTab

#: The shell alone takes two thirds of the processor time.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 15_000
SIZE: ViewportSize = {"width": 1280, "height": 720}
BLANK = "about:blank"
#: Tabs that a test has left, emptied: a fresh one costs a process of its own and has the page's scripts to fetch again.
_LEFT: dict[Browser, list[BrowserTab]] = {}


@asynccontextmanager
async def chromium() -> AsyncGenerator[Browser]:
    """A headless browser. Skips the test where there is none."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine")
    from playwright.async_api import async_playwright  # slow to import, and few processes need it

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        _LEFT[browser] = []
        try:
            yield browser
        finally:
            del _LEFT[browser]
            await browser.close()


class Watch:
    """Everything a tab did that it must not do."""

    def __init__(self, excused: str) -> None:
        self.faults: list[str] = []
        self._excused = excused

    def over(self, tab: BrowserTab) -> None:
        tab.on("request", self._request)
        tab.on("console", self._console)
        tab.on("pageerror", self._error)

    def end(self, tab: BrowserTab) -> None:
        tab.remove_listener("request", self._request)
        tab.remove_listener("console", self._console)
        tab.remove_listener("pageerror", self._error)

    def _error(self, error: Error) -> None:
        self.faults.append(f"error: {error}")

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in {"blob", "data"} and address.hostname != "127.0.0.1":
            self.faults.append(f"request: {request.url}")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not (self._excused and self._excused in message.text):
            self.faults.append(f"console: {message.text}")


class Screen:
    """One tab as a person sees it. Everything is found by its accessible name."""

    def __init__(self, tab: BrowserTab) -> None:
        self.tab = tab

    @property
    def box(self) -> Locator:
        return self.tab.get_by_role("textbox", name="Message")

    @property
    def articles(self) -> Locator:
        return self.tab.get_by_role("article")

    @property
    def last(self) -> Locator:
        return self.articles.last

    @property
    def dialog(self) -> Locator:
        return self.tab.get_by_role("dialog")

    async def send(self, line: str) -> None:
        """Type a whole line and send it with Enter."""
        await self.box.fill(line)
        await self.box.press("Enter")

    async def press(self, name: str) -> None:
        """Press a button of the newest reply."""
        await self.last.get_by_role("button", name=name, exact=True).click()

    async def go(self, place: str) -> None:
        await self.tab.get_by_role("navigation", name="Places").get_by_role("link", name=place, exact=True).click()

    async def become(self, name: str) -> None:
        await self.tab.get_by_role("navigation", name="People").get_by_role("link", name=name, exact=True).click()


@asynccontextmanager
async def screen(
    browser: Browser, url: str, who: str = "Ada", place: str = "pictures", *, excused: str = ""
) -> AsyncGenerator[Screen]:
    """A tab of its own that knows nothing yet, as one of the people. Fails afterwards if it did what it must not.

    `excused` is part of what the console may say all the same.
    """
    watch = Watch(excused)
    tab = _LEFT[browser].pop() if _LEFT[browser] else await _tab(browser)
    try:
        watch.over(tab)
        await tab.goto(f"{url}#{who}/{place}")
        await tab.get_by_role("navigation", name="People").get_by_role("link", name=who, exact=True).wait_for()
        yield Screen(tab)
    except BaseException:
        await tab.context.close()  # nobody knows how it was left
        raise
    watch.end(tab)
    assert not watch.faults, watch.faults
    if not tab.is_closed():
        await _empty(tab)
        _LEFT[browser].append(tab)


async def _tab(browser: Browser) -> BrowserTab:
    context = await browser.new_context(viewport=SIZE)
    context.set_default_timeout(PATIENCE_MS)
    return await context.new_page()


async def _empty(tab: BrowserTab) -> None:
    await tab.evaluate("sessionStorage.clear(); localStorage.clear()")
    await tab.goto(BLANK)
    await tab.context.clear_cookies()
    await tab.set_viewport_size(SIZE)


@asynccontextmanager
async def page_of(house: House) -> AsyncGenerator[Page]:
    """The chat page of a running house."""
    page = Page(house.discord, house.image_api, bot=house.bot)
    await page.start()
    try:
        yield page
    finally:
        await page.stop()


def empty(house: House) -> None:
    """Delete what stands in all channels. What was painted before is in the gallery no longer."""
    messages = house.discord.world.messages
    for history in list(messages.history.values()):
        for stored in list(history):
            messages.delete(stored)
