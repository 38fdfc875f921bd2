"""What there is to translate: the marked sentences of the code, and the words of all commands."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog

from bot.client import COGS, EaselClient
from bot.config import settings
from bot.ui.kit.command_words import words_of

ROOT = Path(__file__).resolve().parents[2]
#: What takes sentences, and how many.
KEYWORDS = {"tr": 1, "trn": 2, "mark": 1, "InvalidRequest": 1}
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
    for path in sorted([*(ROOT / "bot").rglob("*.py"), *(ROOT / "cogs").rglob("*.py")]):
        if "sandbox" not in path.parts:
            place = path.relative_to(ROOT).as_posix()
            for message in sentences(path.read_text(encoding="utf-8")):
                template.add(message, locations=[(place, 0)])
    for command in await payloads():
        for context, text in words_of(command):
            template.add(text, locations=[("cogs", 0)], context=context)
    return template


def sentences(source: str) -> Iterator[str | tuple[str, str]]:
    """The marked sentences of a file in their order; pairs have two forms. Calls inside of f-strings count too."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda it: (it.lineno, it.col_offset)):
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        texts = [it.value for it in call.args[: KEYWORDS.get(name, 0)] if isinstance(it, ast.Constant)]
        if texts and all(isinstance(text, str) and text for text in texts):
            yield (str(texts[0]), str(texts[1])) if name == "trn" else str(texts[0])


async def payloads(*, translated: bool = False) -> Sequence[dict[str, Any]]:
    """All commands as Discord would be sent them."""
    client = EaselClient(settings.load(None, VARIABLES))
    for name in COGS:
        await client.load_extension(name)
    return await client.command_payload(translated=translated)
