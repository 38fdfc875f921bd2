"""The sandbox in a process of its own, and a headless Chromium in front of its page."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Locator, Page, async_playwright

from sandbox.serving import free_port

PROJECT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
START_S = 30.0
PATIENCE_MS = 30_000
#: One half as large again: sharp on most screens, and still small files.
SCALE = 1.5
MARGIN = 12  # pixels around what is shown
_ADDRESS = re.compile(r"http://\S+")
#: What clocks and dice write is the same in each run: otherwise pictures would change with the time of day.
STILL = r"""() => {
    for (const one of document.querySelectorAll("time.when")) one.textContent = "10:24";
    for (const one of document.querySelectorAll("time[data-style='d']")) one.textContent = "11/29/26";
    for (const one of document.querySelectorAll("time[data-style='R']"))
        one.textContent = Number(one.dataset.unix) * 1000 < Date.now() ? "2 minutes ago" : "in 5 seconds";
    const always = [
        [/[▰▱]{10} \d+%/u, "▰▰▰▱▱▱▱▱▱▱ 30%"],
        [/\d+\.\d s/g, "6.1 s"],
        [/^task_\w+$/, "task_7Hq2mVt0sXcK"],
        [/^[0-9a-f]{12,32}$/, "c72705df276098a8"],
    ];
    const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
    while (texts.nextNode())
        for (const [dice, text] of always) texts.currentNode.data = texts.currentNode.data.replace(dice, text);
}"""


class CannotStart(Exception):
    """No pictures can be made on this machine. The message is one sentence."""


class Screen:
    """A tab as one of the sandbox's people, in one width and one colour scheme."""

    def __init__(self, tab: Page) -> None:
        self.tab = tab

    @property
    def last(self) -> Locator:
        """The newest message."""
        return self.tab.get_by_role("article").last

    @property
    def dialog(self) -> Locator:
        """The form that is open."""
        return self.tab.get_by_role("dialog")

    def button(self, label: str) -> Locator:
        """A button of the newest message."""
        return self.last.get_by_role("button", name=label, exact=True)

    async def send(self, line: str) -> None:
        """Type a line and send it."""
        box = self.tab.get_by_role("textbox", name="Message")
        await box.fill(line)
        await box.press("Enter")

    async def paint(self, line: str) -> None:
        """Send a line and wait for its pictures."""
        before = await self.tab.get_by_role("article").count()
        await self.send(line)
        await self.tab.get_by_role("article").nth(before).wait_for()
        await self.button("Again").wait_for()

    async def picture(self, what: Locator) -> bytes:
        """What is to be seen of a part of the page, as PNG, once all its pictures are there."""
        await what.scroll_into_view_if_needed()
        await self.tab.mouse.move(0, 0)
        await what.evaluate(
            "node => Promise.all([...node.querySelectorAll('img')].map((one) => one.decode().catch(() => null)))"
        )
        await self.tab.evaluate(STILL)
        box = await what.bounding_box()
        assert box is not None
        left, top = max(0.0, box["x"] - MARGIN), max(0.0, box["y"] - MARGIN)
        size = self.tab.viewport_size or {"width": 0, "height": 0}
        right, bottom = (
            min(size["width"], box["x"] + box["width"] + MARGIN),
            min(size["height"], box["y"] + box["height"] + MARGIN),
        )
        clip = {"x": left, "y": top, "width": right - left, "height": bottom - top}
        return await self.tab.screenshot(clip=clip, animations="disabled", caret="hide")  # pyright: ignore[reportArgumentType]


class Stage:
    """Opens tabs on a running sandbox."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url

    @asynccontextmanager
    async def screen(
        self, who: str = "Ada", place: str = "pictures", *, width: int = 1000, height: int = 1400, dark: bool = False
    ) -> AsyncGenerator[Screen]:
        """A tab of its own, as somebody somewhere; high enough that a whole message stands in it."""
        context = await self._browser.new_context(
            viewport={"width": width, "height": height},
            device_scale_factor=SCALE,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            locale="en-US",
            timezone_id="UTC",
        )
        context.set_default_timeout(PATIENCE_MS)
        try:
            tab = await context.new_page()
            await tab.goto(f"{self._url}#{who}/{place}")
            await tab.get_by_role("log").locator(":scope > *").first.wait_for()
            yield Screen(tab)
        finally:
            await context.close()


@asynccontextmanager
async def stage() -> AsyncGenerator[Stage]:
    """A sandbox and a browser, both ended afterwards. Raises CannotStart."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise CannotStart("These pictures are made with Chromium, which is not on this machine: apt install chromium")
    async with _sandbox() as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-gpu", "--font-render-hinting=none"]
        )
        try:
            yield Stage(browser, url)
        finally:
            await browser.close()


@asynccontextmanager
async def _sandbox() -> AsyncGenerator[str]:
    """`python -m bot sandbox` on a free port; its address. Raises CannotStart."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "sandbox", "--port", str(free_port())),
        cwd=PROJECT,
        # Without the variables of whoever runs this: with MODELS the sandbox would offer others.
        env={name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL,
    )
    assert process.stdout is not None
    try:
        yield await asyncio.wait_for(_address(process.stdout), START_S)
    except TimeoutError:
        raise CannotStart("The sandbox did not start in time.") from None
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _address(output: asyncio.StreamReader) -> str:
    """Where the page is, as the sandbox says it. Raises CannotStart."""
    while line := (await output.readline()).decode():
        if address := _ADDRESS.search(line):
            return address[0]
    raise CannotStart("The sandbox ended at its start; `make sandbox` says why.")
