"""GPTDiscord, a published bot that people use (PyPI: gpt3discord), with its own pins in an environment of its own.

It runs as it comes but for its address of Discord, for the intents that the local Discord would have to allow it, and
for options of OpenAI's models, which the local image API does not know. It keeps what it does in memory, asks the
synchronous route, and decodes and encodes each picture.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

PINS = Path(__file__).with_name("published.txt")
INSTALL_S = 600.0
#: Each of its replies takes an edit by the bot's own token, of which Discord allows five in five seconds in a channel,
#: and a picture takes it a quarter of a second of processor time: a thousand would take an hour of the bench.
MOST_JOBS = 10

STARTER = """
import asyncio, os, sys
import discord, discord.http
discord.http.Route.API_BASE_URL = os.environ["DISCORD_API_URL"]
discord.Intents.all = classmethod(lambda cls: cls(guilds=True))
async def no_sounds(self):
    return []
discord.http.HTTPClient.get_default_sounds = no_sounds
sys.argv = [os.path.join(os.getcwd(), "bot")]
import gpt3discord
from models import openai_model
post = openai_model.Model._post_json
async def known(self, path, payload, *more, **options):
    prompt = payload["prompt"].partition("\\n\\nUse a ")[0]
    return await post(self, path, {"model": payload["model"], "prompt": prompt, "n": 1}, *more, **options)
openai_model.Model._post_json = known
asyncio.run(gpt3discord.main())
"""


@cache
def interpreter() -> Path:
    """The Python that has it, installed once into the system's temporary folder. Raises OSError with the reason."""
    folder = Path(tempfile.gettempdir(), "easel-benchmark-published")
    python, done = folder / "bin" / "python", folder / "installed"
    if done.exists() and done.read_bytes() == PINS.read_bytes():
        return python
    try:
        for command in (
            [sys.executable, "-m", "venv", str(folder)],
            [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--requirement", str(PINS)],
        ):
            subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_S)
    except subprocess.TimeoutExpired:
        raise OSError(f"its packages were not there after {INSTALL_S:.0f} s") from None
    except subprocess.CalledProcessError as error:
        last = (error.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"])[-1]
        raise OSError(f"its packages cannot be installed ({last[:200]})") from None
    done.write_bytes(PINS.read_bytes())
    return python


def variables(folder: Path, base_url: str, guild_id: int) -> Mapping[str, str]:
    """Its settings beside DISCORD_TOKEN and DISCORD_API_URL."""
    return {
        "OPENAI_API_KEY": "sandbox",
        "OPENAI_BASE_URL": f"{base_url}/v1",
        "OPENAI_IMAGE_MODEL": "grok-imagine-image",
        "ALLOWED_GUILDS": str(guild_id),
        "DATA_DIR": str(folder),
        "HOME": str(folder),
    }
