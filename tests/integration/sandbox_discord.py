"""A real discord.py bot in front of the local Discord, over real sockets, whose every move a test decides."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from re import Match
from typing import Any, Literal, Self, cast

import aiohttp
import discord
import yarl
from discord import app_commands, ui
from discord.gateway import DiscordWebSocket
from discord.http import Route
from PIL import Image

from sandbox.discord.cdn import Upload
from sandbox.discord.person import Person
from sandbox.discord.rules import DEFAULT_RULES, DiscordRules
from sandbox.discord.server import LocalDiscord

Interaction = discord.Interaction[Any]
Do = Callable[[Interaction], Awaitable[object]]

Json = dict[str, Any]
V2 = 1 << 15  # the flag of a message that is made of components


def png(colour: str = "red", size: tuple[int, int] = (64, 48)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def upload(name: str = "fox.png", colour: str = "red") -> Upload:
    return Upload(name, png(colour))


def picture(name: str = "fox.png", colour: str = "red", alt: str = "a red fox") -> discord.File:
    return discord.File(io.BytesIO(png(colour)), name, description=alt)


class Press(ui.DynamicItem[ui.Button[Any]], template=r"press:(?P<name>\w+)"):
    """A button that works without any memory: its custom id names what the bot does."""

    def __init__(self, name: str, *, disabled: bool = False) -> None:
        super().__init__(ui.Button(label=name.title(), custom_id=f"press:{name}", disabled=disabled))
        self.name = name

    @classmethod
    async def from_custom_id(cls, interaction: Interaction, item: ui.Item[Any], match: Match[str]) -> Self:
        return cls(match["name"])

    async def callback(self, interaction: Interaction) -> None:
        client = interaction.client
        assert isinstance(client, TryBot)
        await client.doings[self.name](interaction)


class EditForm(ui.Modal, title="Edit"):
    """A modal with every kind of field."""

    prompt: ui.Label[Any] = ui.Label(text="Prompt", component=ui.TextInput(default="a fox", max_length=20))
    shape: ui.Label[Any] = ui.Label(
        text="Aspect ratio",
        description="of the picture",
        component=ui.Select(
            options=[
                discord.SelectOption(label="Square", value="1:1", default=True),
                discord.SelectOption(label="Wide", value="16:9"),
            ],
        ),
    )
    images: ui.Label[Any] = ui.Label(
        text="Pictures", component=ui.FileUpload(min_values=0, max_values=2, required=False)
    )
    which: ui.Label[Any] = ui.Label(
        text="Which",
        component=ui.RadioGroup(
            options=[discord.RadioGroupOption(label=f"No. {n}", value=str(n)) for n in (1, 2)], required=False
        ),
    )
    spoiler: ui.Label[Any] = ui.Label(text="Spoiler", component=ui.Checkbox())

    async def on_submit(self, interaction: Interaction) -> None:
        prompt, shape, images, which, spoiler = (
            cast("Any", label).component for label in (self.prompt, self.shape, self.images, self.which, self.spoiler)
        )
        files = [one.filename for one in images.values]
        texts = [prompt.value, shape.values[0], *files, which.value, spoiler.value]
        await interaction.response.send_message(" | ".join(map(str, texts)))


def card(text: str, *buttons: str, pictures: list[discord.File] | None = None) -> ui.LayoutView:
    """A Components V2 layout: text, a gallery, and buttons."""
    view = ui.LayoutView(timeout=None)
    box: ui.Container[Any] = ui.Container(ui.TextDisplay(text))
    if pictures:
        box.add_item(ui.MediaGallery(*[discord.MediaGalleryItem(one) for one in pictures]))
    if buttons:
        row: ui.ActionRow[Any] = ui.ActionRow()
        for name in buttons:
            row.add_item(Press(name))
        box.add_item(row)
    view.add_item(box)
    return view


class TryBot(discord.AutoShardedClient):
    """What `/do`, the menus and the buttons do is looked up in `doings` by name."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True),
            max_messages=None,
            guild_ready_timeout=0.05,
            **options,
        )
        self.tree: app_commands.CommandTree[TryBot] = app_commands.CommandTree(
            self,
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True),
        )
        self.doings: dict[str, Do] = {}
        self.given: dict[str, Any] = {}
        self.happened: list[str] = []
        self.resumed = asyncio.Event()
        define_commands(self)

    async def setup_hook(self) -> None:
        self.add_dynamic_items(Press)
        await self.tree.sync()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """No pause of five seconds before identifying again."""

    async def on_resumed(self) -> None:
        self.resumed.set()

    async def on_socket_event_type(self, name: str) -> None:
        self.happened.append(name)


def define_commands(bot: TryBot) -> None:
    async def suggest(_: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=f"{current}{end}", value=f"{current}{end}") for end in ("colour", "lily")]

    @bot.tree.command(name="do")
    @app_commands.autocomplete(preset=suggest)
    async def do(  # pyright: ignore[reportUnusedFunction] registered by the decorator
        interaction: Interaction,
        prompt: app_commands.Range[str, 1, 40],
        count: app_commands.Range[int, 1, 4] = 1,
        shape: Literal["1:1", "16:9"] = "1:1",
        image: discord.Attachment | None = None,
        private: bool = False,
        preset: str = "",
    ) -> None:
        """Do what the test says."""
        bot.given = {"prompt": prompt, "count": count, "shape": shape, "private": private, "preset": preset}
        bot.given["image"] = image
        await bot.doings["do"](interaction)

    @bot.tree.context_menu(name="Edit image")
    async def edit_image(interaction: Interaction, message: discord.Message) -> None:  # pyright: ignore[reportUnusedFunction]
        bot.given = {"message": message}
        await bot.doings["edit image"](interaction)

    @bot.tree.context_menu(name="Wave")
    async def wave(interaction: Interaction, user: discord.User) -> None:  # pyright: ignore[reportUnusedFunction]
        bot.given = {"user": user}
        await bot.doings["wave"](interaction)

    @bot.tree.command(name="manage")
    @app_commands.default_permissions(manage_guild=True)
    async def manage(interaction: Interaction) -> None:  # pyright: ignore[reportUnusedFunction]
        """Only for those who manage the server."""
        await bot.doings["manage"](interaction)

    group: app_commands.Group = app_commands.Group(name="style", description="Saved styles.")

    @group.command(name="save")
    async def save(interaction: Interaction, name: str) -> None:  # pyright: ignore[reportUnusedFunction]
        """Save a style."""
        bot.given = {"name": name}
        await bot.doings["style save"](interaction)

    bot.tree.add_command(group)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer to a plain request."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def code(self) -> int | None:
        return self.body.get("code") if isinstance(self.body, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


@dataclass(slots=True)
class Studio:
    """The local Discord, the bot, and plain requests beside it."""

    discord: LocalDiscord
    bot: TryBot
    session: aiohttp.ClientSession
    running: asyncio.Task[None]
    caught: asyncio.Queue[Interaction] = field(default_factory=asyncio.Queue[Interaction])

    @property
    def ada(self) -> Person:
        return self.discord.person("Ada")

    @property
    def ben(self) -> Person:
        return self.discord.person("Ben")

    def when(self, name: str, do: Do) -> None:
        """What the bot does at a command, menu or button."""
        self.bot.doings[name] = do

    async def deferred(self, **options: Any) -> Interaction:
        """An interaction of Ada's that was deferred and is still open."""

        async def catch(interaction: Interaction) -> None:
            await interaction.response.defer(thinking=True, **options)
            self.caught.put_nowait(interaction)

        self.when("do", catch)
        await self.ada.command("do", prompt="a fox")
        return await asyncio.wait_for(self.caught.get(), 30)

    async def rest(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        files: Mapping[str, bytes] | None = None,
        token: str | None = "sandbox-token",
    ) -> Answered:
        """A request as a bot library would send it; without `token` as a webhook call."""
        headers = {"Authorization": f"Bot {token}"} if token else {}
        data: Any = None
        if files:
            data = aiohttp.FormData(quote_fields=False)
            data.add_field("payload_json", json.dumps(body or {}), content_type="application/json")
            for index, (name, content) in enumerate(files.items()):
                data.add_field(f"files[{index}]", content, filename=name, content_type="application/octet-stream")
        elif body is not None:
            data, headers["Content-Type"] = json.dumps(body), "application/json"
        url = self.discord.api_url + path
        async with self.session.request(method, url, data=data, headers=headers) as response:
            text = await response.text()
            return Answered(response.status, json.loads(text) if text else None, dict(response.headers))

    def webhook(self, interaction: Interaction, rest: str = "/messages/@original") -> str:
        return f"/webhooks/{interaction.application_id}/{interaction.token}{rest}"


@asynccontextmanager
async def studio(
    rules: DiscordRules = DEFAULT_RULES, local: LocalDiscord | None = None, **options: Any
) -> AsyncGenerator[Studio]:
    """Start both, and take both down again."""
    real = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    async with local or LocalDiscord(settings=rules) as local, aiohttp.ClientSession() as session:
        Route.BASE = local.api_url
        # where discord.py goes once it has lost its session
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(local.gateway.url)
        bot = TryBot(**options)
        running = asyncio.create_task(bot.start(local.token))
        try:
            await local.wait_for_bot()
            yield Studio(local, bot, session, running)
        finally:
            await bot.close()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = real


def text(content: str = "hello") -> Json:
    """A component that shows text."""
    return {"type": 10, "content": content}


def gallery(*urls: str) -> Json:
    """A component that shows pictures."""
    return {"type": 12, "items": [{"media": {"url": url}} for url in urls]}


async def post(easel: Studio, body: Json, place: str = "pictures", **more: Any) -> Answered:
    """Post a message by the bot's own token."""
    return await easel.rest("POST", f"/channels/{easel.discord.world.channel(place).id}/messages", body, **more)
