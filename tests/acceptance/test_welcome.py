"""First words in a server that the bot comes into: once, where the server has a place for them, and else none."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from sandbox.discord.ids import snowflake
from sandbox.discord.permissions import Permission
from sandbox.discord.places import Channel, ChannelKind
from sandbox.discord.sight import Message
from tests.acceptance.conftest import House, eventually, says

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Server:
    """A new server of Ada's with one channel, in which it wants to hear of newcomers. The bot is no member yet."""

    def __init__(self, house: House) -> None:
        self.house = house
        world = house.discord.world
        self.guild = world.add_guild("New", house.ada.user)
        self.guild.locale, self.guild.community = "de", True
        world.add_member(self.guild, house.ada.user)
        self.channel = Channel(snowflake(), f"new-{self.guild.id}", "hall", ChannelKind.TEXT, self.guild)
        world.add_channel(self.channel)
        self.guild.system_channel_id = self.channel.id

    def said(self) -> list[Message]:
        return self.house.ada.at(self.channel.key).sees()

    async def let_bot_in(self) -> Message:
        """What it says. For some seconds after its start its library takes a join for a part of the start."""
        async with asyncio.timeout(60):
            while True:
                self.house.discord.gateway.add_bot(self.guild)
                with contextlib.suppress(TimeoutError):
                    await eventually(self.said, 3)
                    return self.said()[0]
                self.house.discord.world.remove_bot(self.guild)


async def test_it_is_said_once_in_the_servers_language_whatever_happens_later(house: House) -> None:
    server = Server(house)
    message = await server.let_bot_in()
    assert says("Easel malt Bilder aus deinen Worten", "</imagine:", "</settings:", "Server verwalten")(message)
    gateway = house.discord.gateway
    gateway.outage(server.guild)
    gateway.end_outage(server.guild)
    house.discord.world.remove_bot(server.guild)
    gateway.add_bot(server.guild)
    await house.restart_bot()
    await Server(house).let_bot_in()
    assert len(server.said()) == 1


async def test_where_it_is_not_wanted_nothing_is_said(house: House) -> None:
    await Server(house).let_bot_in()
    placeless, silent, closed = Server(house), Server(house), Server(house)
    placeless.guild.system_channel_id = None
    silent.guild.greets_newcomers = False
    house.discord.world.deny(closed.channel.key, Permission.SEND_MESSAGES)
    for server in (placeless, silent, closed):
        house.discord.gateway.add_bot(server.guild)
    await Server(house).let_bot_in()
    assert [server.said() for server in (placeless, silent, closed)] == [[], [], []]
