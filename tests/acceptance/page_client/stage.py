"""Ada's tab of the sandbox page, and a bot that does whatever a test lets it do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playwright.async_api import expect

from sandbox.discord.stored import Draft
from sandbox.page.page import Page
from tests.acceptance.page_browser import PATIENCE_MS, Screen
from tests.integration.sandbox_discord import Studio

expect.set_options(timeout=PATIENCE_MS)
V2 = 1 << 15


@dataclass(frozen=True, slots=True)
class Client:
    """Ada's tab, and the bot that a test drives."""

    ada: Screen
    studio: Studio
    page: Page

    def show(self, *components: dict[str, Any], content: str = "") -> None:
        """Put a message of the bot into the channel, past all of Discord's checks."""
        world = self.studio.discord.world
        draft = Draft(content=content, components=components, flags=V2 if components else 0)
        world.messages.add(world.channel("pictures"), world.bot, draft)

    async def use(self, do: Any) -> None:
        """Let the bot do this at /do, and use /do."""
        self.studio.when("do", do)
        await self.ada.send("/do prompt:a fox")
