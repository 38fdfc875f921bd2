"""A certificate that is not trusted is named as such, wherever Easel calls by https."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from yarl import URL

from bot.config.settings import load
from bot.discord_api.rest import DiscordUnreachable, ask
from bot.errors import DownloadUnreachable, Unreachable
from bot.image_api.fetch import Fetcher
from bot.model import ImageRequest
from sandbox import serving
from tests.integration.uniall_servers import HURRY, client

NAMED = "its certificate is not trusted, self-signed certificate: look at the clock of this machine"


@pytest.fixture
async def origin(tmp_path: Path) -> AsyncIterator[str]:
    """An https server whose certificate nobody has signed but itself."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    command += ["-keyout", str(key), "-out", str(certificate)]
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    runner = web.AppRunner(web.Application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await serving.end(runner)


async def test_the_image_api(origin: str) -> None:
    async with client(origin) as api:
        with pytest.raises(Unreachable, match=NAMED):
            await api.probe()
        with pytest.raises(Unreachable, match=NAMED):  # nothing was sent, so nothing was bought
            await api.submit(ImageRequest("a fox"))


async def test_a_host_of_pictures(origin: str, tmp_path: Path) -> None:
    fetcher = Fetcher(HURRY, open_hosts={"127.0.0.1"})
    try:
        with pytest.raises(DownloadUnreachable, match=NAMED):
            await fetcher.fetch(URL(f"{origin}/a.png"), tmp_path / "a", max_bytes=1000)
    finally:
        await fetcher.close()


async def test_discord(origin: str) -> None:
    required = {"DISCORD_TOKEN": "Abc.def.ghi", "UNIALL_API_KEY": "sk-1", "UNIALL_BASE_URL": origin}
    settings = load(None, {**required, "DISCORD_API_URL": f"{origin}/api/v10"})
    with pytest.raises(DiscordUnreachable, match=NAMED):
        await ask(settings)
