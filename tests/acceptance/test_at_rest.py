"""What a bot at rest has loaded: each module that nobody needs costs memory as long as the bot runs."""

from __future__ import annotations

from pathlib import Path

from sandbox.bot_process import BotProcess
from sandbox.discord.server import LocalDiscord

#: Not needed on SQLite, without HTTP_PORT, lists of words and pictures that are opened; MB of memory, where measured.
NEEDLESS = (
    *("psycopg", "sqlalchemy.dialects.postgresql"),  # 3
    *("alembic", "mako", "sqlalchemy.orm"),
    *("pydantic", "pydantic_core"),  # 8
    *("PIL", "bot.pictures.encoding", "bot.pictures.process", "bot.pictures.chart_process"),
    *("prometheus_client", "aiohttp.web", "bot.ops.health"),
    "re2",  # 1.4
    *("sandbox", "bot.ops.check", "bot.ops.setup", "bot.store.offline", "multiprocessing", "babel"),
)


async def test_a_bot_at_rest_has_loaded_nothing_that_its_settings_do_not_ask_for(tmp_path: Path) -> None:
    said = tmp_path / "imports.txt"
    async with LocalDiscord() as discord:
        variables = {
            "DISCORD_TOKEN": discord.token,
            "DISCORD_API_URL": discord.api_url,
            "DATABASE_URL": f"sqlite:///{tmp_path / 'easel.db'}",
            "UNIALL_API_KEY": "sandbox",
            "UNIALL_BASE_URL": "http://127.0.0.1:9",
            "PYTHONPROFILEIMPORTTIME": "1",  # Python tells every import on standard error
        }
        with said.open("wb") as output:
            bot = BotProcess(variables, output.fileno())
            try:
                await bot.start()
                await discord.wait_for_bot()
            finally:
                await bot.stop()
    loaded = {line.rpartition("|")[2].strip() for line in said.read_text().splitlines() if "|" in line}
    assert {"bot.run", "sqlalchemy.dialects.sqlite", "discord.client"} <= loaded
    assert sorted(it for it in loaded if it in NEEDLESS or it.startswith(tuple(f"{one}." for one in NEEDLESS))) == []
