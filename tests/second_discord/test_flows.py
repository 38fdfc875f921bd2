"""The most important flows of a member, through the other Discord."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

pytest.importorskip("simcord", reason="SimCord is not installed, see requirements-dev.txt")

from PIL import Image

from sandbox.discord.sight import Message
from sandbox.image_api.latency import Latency
from sandbox.image_api.server import LocalImageApi
from sandbox.image_api.studio import PaintMode
from tests.bots.forked import ForkedBot
from tests.databases import rows, sqlite_url
from tests.second_discord.carrier import TOKEN, SecondDiscord
from tests.second_discord.visitor import Answered, Visitor, seen

pytestmark = pytest.mark.asyncio(loop_scope="module")
START_S = 60.0
FINISHED = ["Again", "Remix", "Edit", "Details", "Delete"]


class Stage:
    """The other Discord, the local image API, and an unmodified bot between them."""

    def __init__(self, discord: SecondDiscord, api: LocalImageApi, bot: ForkedBot, database: str) -> None:
        self.discord, self.api, self.bot, self.database = discord, api, bot, database
        self.ada, self.ben = Visitor(discord, discord.owner), Visitor(discord, discord.member)

    async def start(self) -> None:
        await self.bot.start()
        async with asyncio.timeout(START_S):
            while not (self.discord.connected and any(self.discord.backend.commands.values())):
                await asyncio.sleep(0.05)

    async def painted(self, prompt: str, **options: Any) -> tuple[Answered, Message]:
        reply = await self.ada.command("imagine", prompt=prompt, **options)
        return reply, await reply.until(has_pictures)


def has_pictures(message: Message) -> bool:
    return bool(message.pictures)


def says(*words: str) -> Callable[[Message], bool]:
    return lambda message: all(it.lower() in message.text.lower() for it in words)


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(out, "PNG")
    return out.getvalue()


@asynccontextmanager
async def staged(folder: Path, latency: float = 0.3) -> AsyncGenerator[Stage]:
    api = LocalImageApi(latency=Latency.fixed(latency), paint=PaintMode.TINY)
    async with SecondDiscord() as discord, api:
        database = sqlite_url(folder)
        bot = ForkedBot(
            {
                "DISCORD_TOKEN": TOKEN,
                "DISCORD_API_URL": discord.api_url,
                "DATABASE_URL": database,
                "UNIALL_API_KEY": "sandbox",
                "UNIALL_BASE_URL": api.base_url,
                "TMPDIR": str(folder),
            }
        )
        stage = Stage(discord, api, bot, database)
        try:
            await stage.start()
            yield stage
        finally:
            await bot.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Stage]:
    async with staged(tmp_path_factory.mktemp("second")) as running:
        yield running
        assert running.discord.refused == []


async def test_imagine_ends_in_one_message_with_its_pictures_and_buttons(stage: Stage) -> None:
    reply, message = await stage.painted("a red fox", count=4)
    assert [it.alt for it in message.pictures] == ["a red fox"] * 4
    assert message.labels == FINISHED
    assert not reply.is_private


async def test_a_private_request_is_for_the_eyes_of_the_asker(stage: Stage) -> None:
    reply, message = await stage.painted("a secret garden", private=True)
    assert reply.is_private
    assert len(message.pictures) == 1


async def test_all_options_are_carried_through(stage: Stage) -> None:
    options = {"model": "grok-imagine-image-quality", "aspect_ratio": "16:9", "resolution": "2k", "format": "png"}
    _, message = await stage.painted("a lighthouse", **options, spoiler=True)
    submission = stage.api.accepted[-1].submission
    assert (submission.prompt, submission.model) == ("a lighthouse", "grok-imagine-image-quality")
    assert message.pictures[0].spoiler


async def test_a_refused_prompt_is_told_in_the_same_message(stage: Stage) -> None:
    reply = await stage.ada.command("imagine", prompt="something bad [[refuse]]")
    message = await reply.until(says("refused"))
    assert "Remix" in message.labels
    assert not message.pictures


async def test_again_paints_the_same_request_in_a_message_of_its_own(stage: Stage) -> None:
    reply, message = await stage.painted("a blue owl", count=2)
    again = await stage.ben.press(message.id, "Again")
    shown = await again.until(has_pictures)
    assert shown.id != message.id
    assert [it.alt for it in shown.pictures] == ["a blue owl"] * 2
    assert len(reply.message.pictures) == 2


async def test_remix_starts_from_the_whole_request(stage: Stage) -> None:
    _, message = await stage.painted("a green hill")
    form = await stage.ada.press(message.id, "Remix")
    labels = [it["label"] for it in form.modal["components"]]
    assert labels[0] == "Prompt"
    assert form.modal["components"][0]["component"]["value"] == "a green hill"
    shown = await (await stage.ada.submit(form, Prompt="a red hill")).until(has_pictures)
    assert shown.pictures[0].alt == "a red hill"


async def test_edit_takes_the_picture_of_the_message(stage: Stage) -> None:
    _, message = await stage.painted("a boat")
    form = await stage.ada.press(message.id, "Edit")
    shown = await (await stage.ada.submit(form, Prompt="a boat in snow")).until(lambda it: it.labels == FINISHED)
    assert stage.api.accepted[-1].submission.prompt == "a boat in snow"
    assert len(shown.pictures) == 2  # the source stands beside the result


async def test_an_attached_picture_is_edited_and_kept_small_beside_the_result(stage: Stage) -> None:
    reply = await stage.ada.command("edit", {"image": ("boat.png", png())}, prompt="in snow")
    message = await reply.until(lambda it: len(it.pictures) > 1)
    assert {it.filename.rpartition("-")[0] for it in message.pictures} == {"source", "picture"}


async def test_a_damaged_attachment_is_told_before_anything_is_bought(stage: Stage) -> None:
    before = len(stage.api.accepted)
    reply = await stage.ada.command("edit", {"image": ("boat.png", png()[:60])}, prompt="in snow")
    await reply.until(lambda it: "Cancel" not in it.labels and not it.loading)
    assert not reply.message.pictures or reply.message.labels[0] != "Again"
    assert len(stage.api.accepted) == before


async def test_details_are_shown_to_whoever_clicks_alone(stage: Stage) -> None:
    _, message = await stage.painted("a quiet lake")
    details = await stage.ben.press(message.id, "Details")
    assert details.is_private
    assert says("a quiet lake")(details.message)


async def test_strangers_do_not_delete(stage: Stage) -> None:
    _, message = await stage.painted("a treasure")
    refused = await stage.ben.press(message.id, "Delete")
    assert refused.is_private
    assert seen(stage.discord, message.id).pictures


async def test_delete_takes_the_message_away(stage: Stage) -> None:
    _, message = await stage.painted("soon gone")
    asked = await stage.ada.press(message.id, "Delete")
    if asked.record.message_id != message.id:  # it asks first
        await stage.ada.press(asked.message.id, "Yes, delete")
    async with asyncio.timeout(30):
        while message.id in stage.discord.backend.messages[stage.discord.channel.id]:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("name", ["help", "jobs", "usage", "gallery", "presets", "privacy", "settings"])
async def test_every_panel_is_one_the_other_discord_takes(stage: Stage, name: str) -> None:
    reply = await stage.ada.command(name)
    assert reply.is_private
    await reply.until(lambda it: not it.loading and bool(it.text))


async def test_imagine_this_paints_what_somebody_wrote(stage: Stage) -> None:
    written = stage.ben.post("a castle in the clouds")
    reply = await stage.ada.menu("Imagine this", written)
    assert (await reply.until(has_pictures)).pictures[0].alt == "a castle in the clouds"


async def test_edit_image_opens_a_form_on_the_bots_own_pictures(stage: Stage) -> None:
    _, message = await stage.painted("a tower")
    form = await stage.ada.menu("Edit image", message.id)
    assert "Prompt" in [it["label"] for it in form.modal["components"]]


async def test_presets_are_suggested_while_they_are_typed(stage: Stage) -> None:
    assert await stage.ada.suggestions("imagine", "preset", "wat") == []


async def test_cancel_ends_a_request(tmp_path: Path) -> None:
    async with staged(tmp_path, latency=20.0) as stage:
        reply = await stage.ada.command("imagine", prompt="a slow river")
        await reply.until(says("painting"))
        await stage.ada.press(reply.message.id, "Cancel")
        await reply.until(says("cancelled"))


async def test_a_killed_bot_delivers_once_after_its_next_start(tmp_path: Path) -> None:
    async with staged(tmp_path, latency=3.0) as stage:
        reply = await stage.ada.command("imagine", prompt="a patient fox")
        await reply.until(says("painting"))
        await stage.bot.kill()
        async with asyncio.timeout(30):
            while stage.discord.connected:
                await asyncio.sleep(0.05)
        await stage.start()
        await reply.until(has_pictures)
        async with asyncio.timeout(30):
            while rows(stage.database, "SELECT state FROM jobs") != [("delivered",)]:
                await asyncio.sleep(0.05)  # that is written once Discord has said yes
        assert len(stage.api.accepted) == 1
        with_them = [
            it for it in stage.discord.backend.messages[stage.discord.channel.id] if seen(stage.discord, it).pictures
        ]
        assert with_them == [reply.message.id]
