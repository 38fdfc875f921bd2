"""`python -m bot work` beside the bot of a house."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from tests.acceptance.conftest import House
from tests.acceptance.processes import forked_easel


@asynccontextmanager
async def a_worker(house: House, homes: pytest.TempPathFactory, **more: str) -> AsyncGenerator[None]:
    """A second process on the same PostgreSQL, with these variables besides; it takes jobs once this begins."""
    variables = {
        "DISCORD_TOKEN": house.discord.token,
        "DISCORD_API_URL": house.discord.api_url,
        "DATABASE_URL": house.database,
        "UNIALL_API_KEY": "sandbox",
        "UNIALL_BASE_URL": house.image_api.base_url,
        "TMPDIR": str(homes.getbasetemp()),
        **more,
    }
    async with forked_easel(homes.mktemp("worker"), "work", **variables) as worker:
        await worker.line("Easel is at work")
        yield
