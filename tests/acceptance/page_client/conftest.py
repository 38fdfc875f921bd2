"""The page and its browser, one of each for a file."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from sandbox.page.page import Page
from tests.acceptance.page_browser import chromium, screen
from tests.acceptance.page_client.stage import Client
from tests.integration.sandbox_discord import Studio, studio


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(browser: Browser) -> AsyncIterator[tuple[Studio, Page]]:
    async with studio() as running:
        page = Page(running.discord)
        await page.start()
        try:
            yield running, page
        finally:
            await page.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def client(browser: Browser, house: tuple[Studio, Page]) -> AsyncGenerator[Client]:
    running, page = house
    messages = running.discord.world.messages
    for history in list(messages.history.values()):
        for stored in list(history):
            messages.delete(stored)
    async with screen(browser, page.url) as one:
        yield Client(one, running, page)
