"""The plain bot that Easel is measured against: everything in memory, a question every three seconds.

It is what one writes first, done properly: one session with kept-alive connections, an acknowledgement at once, the
reply edited with the progress, the pictures uploaded with their alternative text. It keeps nothing: what it was doing
when it ends is lost, and paid for. `python -m tools.benchmarks.baseline` runs it by the variables of the benchmark.
"""

from __future__ import annotations

import asyncio
import io
import logging
import os
from typing import Any

import aiohttp
import discord
from discord import app_commands

from bot.discord_api.address import point_discord_at

ASK_EVERY_S = 3.0
TIMEOUT_S = 600.0


class PlainBot(discord.Client):
    """One command, /imagine, and one coroutine for each of its uses."""

    def __init__(self) -> None:
        super().__init__(intents=discord.Intents(guilds=True))
        self.tree = app_commands.CommandTree(self)
        self.tree.command(name="imagine", description="Paint what you write")(imagine)

    async def setup_hook(self) -> None:
        self.api = aiohttp.ClientSession(
            f"{os.environ['UNIALL_BASE_URL'].rstrip('/')}/",
            headers={"Authorization": f"Bearer {os.environ['UNIALL_API_KEY']}"},
            connector=aiohttp.TCPConnector(limit=0),
        )
        self.downloads = aiohttp.ClientSession()
        await self.tree.sync()

    async def close(self) -> None:
        await self.api.close()
        await self.downloads.close()
        await super().close()

    async def paint(self, interaction: discord.Interaction[Any], prompt: str, count: int) -> None:
        """From the request to the pictures in the reply."""
        await interaction.response.send_message("Painting …", view=buttons("Cancel"))
        order = {"model": "grok-imagine-image", "prompt": prompt, "num_images": count, "task_type": "text2image"}
        async with self.api.post("v1/images/tasks", json=order) as response:
            task = data_of(await response.json())["task_id"]
        async with asyncio.timeout(TIMEOUT_S):
            urls = await self._finished(interaction, task)
        files: list[discord.File] = []
        for index, url in enumerate(urls):
            async with self.downloads.get(url) as response:
                picture = io.BytesIO(await response.read())
            files.append(discord.File(picture, f"picture-{index + 1}.jpg", description=prompt[:1024]))
        await interaction.edit_original_response(content=prompt[:2000], attachments=files, view=buttons("Again"))

    async def _finished(self, interaction: discord.Interaction[Any], task: str) -> list[str]:
        shown = ""
        while True:
            await asyncio.sleep(ASK_EVERY_S)
            async with self.api.get(f"v1/images/tasks/{task}") as response:
                report = data_of(await response.json())
            if report["status"] in {"succeeded", "completed", "SUCCESS"}:
                return report["metadata"]["result_urls"]
            if str(report.get("progress")) != shown:
                shown = str(report.get("progress"))
                await interaction.edit_original_response(content=f"Painting … {shown}", view=buttons("Cancel"))


@app_commands.describe(prompt="What to paint", count="How many pictures")
async def imagine(
    interaction: discord.Interaction[PlainBot], prompt: str, count: app_commands.Range[int, 1, 4] = 1
) -> None:
    """/imagine"""
    await interaction.client.paint(interaction, prompt, count)


def buttons(label: str) -> discord.ui.View:
    """A row with one button, which nobody presses here."""
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button[discord.ui.View](label=label, custom_id=label))
    view.stop()
    return view


def data_of(body: dict[str, Any]) -> dict[str, Any]:
    """What the image API's answers wrap."""
    return body.get("data", body)


async def main() -> None:
    """Until SIGTERM."""
    base = os.environ["DISCORD_API_URL"]
    headers = {"Authorization": f"Bot {os.environ['DISCORD_TOKEN']}"}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(f"{base}/gateway/bot") as response:
        point_discord_at(base, (await response.json())["url"])
    async with PlainBot() as bot:
        await bot.start(os.environ["DISCORD_TOKEN"])


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR, format="%(asctime)s %(levelname)s %(message)s")
    asyncio.run(main())
