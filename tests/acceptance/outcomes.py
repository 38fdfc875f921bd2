"""How jobs end in the eyes of their users, told so that many of them can be compared at a glance."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from bot.image_api.wire.answers import as_object
from bot.model import Charged, FailureKind
from bot.ui.reply.endings import CHARGES, ENDINGS
from sandbox.discord.person import Person
from sandbox.discord.reply import Reply
from sandbox.discord.server import LocalDiscord
from sandbox.discord.sight import Message
from sandbox.image_api.records import RecordedRequest
from tests.acceptance.conftest import PATIENCE_S, PATIENT, House, final
from tests.acceptance.processes import Easel, forked_easel
from tests.integration.uniall_servers import Handler, Played, playing

KEY = "sk-acceptance-0123456789abcdef"

#: What no sentence for a person holds: code, JSON, texts of other programs, other people's languages.
FOREIGN = re.compile(
    r"""[{}]|"\w+":|Traceback|Error\b|Exception|HTTP|https?://|\bnull\b|\bNone\b|\w+_\w+|<html|DOCTYPE|Bad\ Gateway
    |upstream|distributor|saturated|quota|token|request\ id|rejected\ by\ content|usage\ guidelines|request\ body
    |[\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef]""",
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one job. `accepted` counts what was bought, `posts` the submissions the image API saw."""

    end: FailureKind | int  # or how many pictures came
    charged: Charged | None = None
    again: bool = True
    accepted: int = 1
    posts: int = 1


def pictures(count: int, posts: int = 1) -> Outcome:
    return Outcome(count, posts=posts)


def seen_end(message: Message) -> tuple[FailureKind | int, Charged | None]:
    """Which of the endings a reply shows, and what it says about money."""
    if message.pictures:
        return len([it for it in message.pictures if it.filename.startswith("picture")]), None
    kinds = [kind for kind, ending in ENDINGS.items() if f"**{ending.headline}**" in message.text]
    charges = [charged for charged, sentence in CHARGES.items() if sentence in message.text]
    assert len(kinds) == len(charges) == 1, message.text
    return kinds[0], charges[0]


def foreign_words(reply: Reply) -> list[str]:
    """What stood in any state of a reply and is nothing for people, the user's own prompt left out."""
    lines = [line for state in reply.states for line in state.text.splitlines() if not line.startswith("> ")]
    # Discord's own notation for times and people
    return [found[0] for line in lines if (found := FOREIGN.search(re.sub(r"<[t@][^>]*>", "", line)))]


def prompt_of(request: RecordedRequest) -> object:
    """The prompt of a submission, sent as JSON or as a form."""
    return as_object(request.json).get("prompt") or next(iter(request.form.get("prompt", ())), None)


async def played(house: House, marker: str, patience_s: float = 100.0) -> Outcome:
    """Ask for two pictures with `marker` in the prompt, wait for the end, and look at all that came of it."""
    prompt = f"a red fox [[{marker}]] for {marker}"
    reply = await house.ada.command("imagine", prompt=prompt, count=2)
    try:
        message = await reply.until(final, patience_s)
    except TimeoutError as error:
        raise AssertionError(f"{marker}: {error}") from None
    assert not foreign_words(reply), marker
    end, charged = seen_end(message)
    return Outcome(
        end,
        charged,
        "Again" in message.labels,
        sum(it.submission.prompt == prompt for it in house.image_api.accepted),
        sum(prompt_of(it) == prompt for it in house.submissions()),
    )


async def all_played(house: House, markers: Iterable[str]) -> Mapping[str, Outcome]:
    """All at once, each with a job of its own."""
    names = list(markers)
    return dict(zip(names, await asyncio.gather(*(played(house, name) for name in names)), strict=True))


@dataclass(frozen=True, slots=True)
class Stage:
    """A bot before an image API whose every answer a test writes. `bot.output` is all that the process said."""

    discord: LocalDiscord
    api: Played
    bot: Easel

    @property
    def ada(self) -> Person:
        return self.discord.person("Ada")

    @property
    def posts(self) -> list[str]:
        """The paths of all submissions so far."""
        return [it.path for it in self.api.seen if it.method == "POST"]


@asynccontextmanager
async def stage_with(handler: Handler, folder: Path, **variables: str) -> AsyncGenerator[Stage]:
    """A running bot, its database in `folder`, before a server that answers with `handler`."""
    async with LocalDiscord(settings=PATIENT) as discord, playing(handler) as api:
        settings = {
            "DISCORD_TOKEN": discord.token,
            "DISCORD_API_URL": discord.api_url,
            "UNIALL_API_KEY": KEY,
            "UNIALL_BASE_URL": api.url,
            "MAX_JOBS_PER_USER": "50",
            "LOG_LEVEL": "WARNING",
            **variables,
        }
        async with forked_easel(folder, "run", **settings) as bot:
            await discord.wait_for_bot(PATIENCE_S)
            yield Stage(discord, api, bot)


def painted(kind: str = "PNG") -> bytes:
    """A small picture that can be decoded."""
    with io.BytesIO() as buffer:
        Image.new("RGB", (48, 32), "teal").save(buffer, kind)
        return buffer.getvalue()
