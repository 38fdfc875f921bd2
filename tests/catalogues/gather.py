"""What there is to translate: the marked sentences of the code, and the words of all commands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir

from bot import settings
from bot.client import COGS, EaselClient
from bot.ui.command_words import words_of

ROOT = Path(__file__).resolve().parents[2]
KEYWORDS: dict[str, Any] = {"tr": (1,), "trn": (1, 2), "mark": (1,), "InvalidRequest": (1,)}
#: Catalogues carry no time of making, so that making them twice changes nothing.
MADE = datetime(2026, 1, 1, tzinfo=UTC)
VARIABLES = {
    "DISCORD_TOKEN": "none",
    "UNIALL_API_KEY": "none",
    "UNIALL_BASE_URL": "http://127.0.0.1",
    "DISCORD_SHARD_COUNT": "1",
}


async def gather() -> Catalog:
    """The template that all catalogues are held to."""
    template = Catalog(project="Easel", version="1", creation_date=MADE, revision_date=MADE)
    for folder in ("bot", "cogs"):
        found = extract_from_dir(ROOT / folder, method_map=[("**.py", "python")], keywords=KEYWORDS)
        for filename, _, message, comments, context in sorted(found, key=lambda it: (it[0], it[1])):
            if folder == "bot" and filename.startswith("sandbox"):
                continue
            template.add(message, locations=[(f"{folder}/{filename}", 0)], auto_comments=comments, context=context)
    for command in await payloads():
        for context, text in words_of(command):
            template.add(text, locations=[("cogs", 0)], context=context)
    return template


async def payloads(*, translated: bool = False) -> Sequence[dict[str, Any]]:
    """All commands as Discord would be sent them."""
    client = EaselClient(settings.load(None, VARIABLES))
    for name in COGS:
        await client.load_extension(name)
    return await client.command_payload(translated=translated)
