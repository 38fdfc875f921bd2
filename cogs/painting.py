"""`/imagine` and `/edit`: new pictures from words, and from words and pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import discord
from discord import app_commands
from discord.ext import commands

from bot.model import MAX_COUNT, MAX_PROMPT_CHARS
from bot.policy.request_input import RequestInput
from bot.ui.kit import options

if TYPE_CHECKING:
    from bot.client import EaselClient

Prompt = app_commands.Range[str, 1, MAX_PROMPT_CHARS]
Count = app_commands.Range[int, 1, MAX_COUNT]
Described = TypeVar("Described", bound=Callable[..., Any])


def request_options(**described: str) -> Callable[[Described], Described]:
    """Describe the options that both commands have; `described` are the command's own, or say a shared one anew."""

    def decorate(command: Described) -> Described:
        """Give the command these descriptions and choices."""
        choices = app_commands.choices(resolution=options.RESOLUTIONS, format=options.FORMATS)
        shared = {
            "model": "Standard is quick and cheap, Quality finer",
            "resolution": "1k is about one megapixel, 2k about four",
            "count": "How many pictures",
            "format": "The kind of file",
            "spoiler": "Cover the pictures until someone clicks",
            "private": "Only you see the reply",
            "preset": "One of your saved styles, or of this server's",
        }
        return choices(app_commands.describe(**(shared | described))(command))

    return decorate


class Painting(commands.Cog):
    """Hands over what a person asked for; what they left open the server or a preset fills in."""

    def __init__(self, client: EaselClient) -> None:
        self._client = client
        for command in (self.imagine, self.edit):
            options.offer_models(command, client.settings.models)

    @app_commands.command(description="Paint a picture from words")
    @request_options(prompt="What the picture shows", aspect_ratio="The shape of the picture")
    @app_commands.choices(aspect_ratio=options.RATIOS)
    async def imagine(
        self,
        interaction: discord.Interaction[Any],
        prompt: Prompt,
        model: str | None = None,
        aspect_ratio: str | None = None,
        resolution: str | None = None,
        count: Count | None = None,
        format: str | None = None,  # noqa: A002 - the option's name in Discord
        spoiler: bool | None = None,
        private: bool | None = None,
        preset: str | None = None,
    ) -> None:
        """Read the options of `/imagine`; what is left open, the place fills in."""
        given = options.given(model, aspect_ratio, resolution, count, format, spoiler=spoiler, private=private)
        await self._client.requests.start(interaction, RequestInput(prompt, given, preset=preset))

    @app_commands.command(description="Change one to three pictures as your words say")
    @request_options(
        prompt="What should change",
        image="The picture to edit: JPEG, PNG or WebP, at most 25 MB",
        image2="A second picture, for example a style or a thing to add",
        image3="A third picture",
        aspect_ratio="The shape of the result; auto keeps that of the picture",
    )
    @app_commands.choices(aspect_ratio=options.EDIT_RATIOS)
    async def edit(
        self,
        interaction: discord.Interaction[Any],
        prompt: Prompt,
        image: discord.Attachment,
        image2: discord.Attachment | None = None,
        image3: discord.Attachment | None = None,
        model: str | None = None,
        aspect_ratio: str | None = None,
        resolution: str | None = None,
        count: Count | None = None,
        format: str | None = None,  # noqa: A002 - the option's name in Discord
        spoiler: bool | None = None,
        private: bool | None = None,
        preset: str | None = None,
    ) -> None:
        """Read the options of `/edit`, which are those of `/imagine` and the pictures."""
        given = options.given(model, aspect_ratio, resolution, count, format, spoiler=spoiler, private=private)
        sources = options.sources(interaction.user.id, image, image2, image3)
        await self._client.requests.start(interaction, RequestInput(prompt, given, sources=sources, preset=preset))

    @imagine.autocomplete("preset")
    @edit.autocomplete("preset")
    async def suggest(self, interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        """The presets that fit what was typed so far."""
        return await self._client.presets.suggest(interaction, typed)


async def setup(client: EaselClient) -> None:
    """Called by discord.py when the client loads this file."""
    await client.add_cog(Painting(client))
