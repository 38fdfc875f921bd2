"""The gateway: sessions, shards, resume, and everything that can go wrong with a connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace

import aiohttp
import discord
import pytest
from discord.http import Route

from sandbox.discord.places import ChannelKind
from sandbox.discord.rules import DiscordRules
from sandbox.discord.server import LocalDiscord
from tests.integration.sandbox_discord import Interaction, Studio, TryBot, studio


@pytest.fixture(name="easel")
async def easel_fixture() -> AsyncGenerator[Studio]:
    async with studio() as running:
        yield running


async def eventually(true: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.005)


def answer_ok(easel: Studio) -> None:
    async def do(interaction: Interaction) -> None:
        await interaction.response.send_message("ok")

    easel.when("do", do)


async def test_a_wrong_token_is_refused_by_rest_and_gateway() -> None:
    async with LocalDiscord() as local, aiohttp.ClientSession() as session:
        real, Route.BASE = Route.BASE, local.api_url
        bot = TryBot()
        try:
            with pytest.raises(discord.LoginFailure):
                await bot.start("nonsense")
        finally:
            await bot.close()
            Route.BASE = real
        async with session.ws_connect(local.gateway.url) as socket:
            assert (await socket.receive_json())["op"] == 10
            await socket.send_json({"op": 2, "d": {"token": "nonsense", "intents": 1}})
            await socket.receive()
            assert socket.close_code == 4004


async def test_privileged_intents_are_not_granted(easel: Studio) -> None:
    async with easel.session.ws_connect(easel.discord.gateway.url) as socket:
        await socket.receive_json()
        await socket.send_json({"op": 2, "d": {"token": easel.discord.token, "intents": 1 << 15}})
        await socket.receive()
        assert socket.close_code == 4014


async def test_an_event_before_identifying_closes_the_connection(easel: Studio) -> None:
    async with easel.session.ws_connect(easel.discord.gateway.url) as socket:
        await socket.receive_json()
        await socket.send_json({"op": 1, "d": None})
        assert (await socket.receive_json())["op"] == 11
        await socket.send_json({"op": 3, "d": {}})
        await socket.receive()
        assert socket.close_code == 4003


@pytest.mark.parametrize("how", ["asked", "closed", "cut", "invalid but resumable"])
async def test_a_lost_connection_is_resumed_and_what_was_missed_is_replayed(easel: Studio, how: str) -> None:
    answer_ok(easel)
    gateway = easel.discord.gateway
    session = gateway.sessions[0]
    if how == "asked":
        gateway.ask_to_reconnect()
    elif how == "closed":
        await gateway.close_all(4000)
    elif how == "cut":
        gateway.cut()
    else:
        gateway.invalidate(resumable=True)
    reply = await easel.ada.command("do", prompt="a fox")
    assert reply.text == "ok"
    await asyncio.wait_for(easel.bot.resumed.wait(), 30)
    assert gateway.sessions == [session]


async def test_an_invalid_session_is_identified_anew(easel: Studio) -> None:
    answer_ok(easel)
    first = easel.discord.gateway.sessions[0]
    easel.discord.gateway.invalidate()
    await eventually(lambda: easel.discord.gateway.connected and first not in easel.discord.gateway.sessions)
    assert (await easel.ada.command("do", prompt="a fox")).text == "ok"


async def test_servers_are_spread_over_shards() -> None:
    async with studio(DiscordRules(shards=2)) as easel:
        answer_ok(easel)
        assert sorted((one.shard, one.shards) for one in easel.discord.gateway.connected) == [(0, 2), (1, 2)]
        for place in ("pictures", "dm"):
            assert (await easel.ada.at(place).command("do", prompt="a fox")).text == "ok"
        guild = easel.discord.world.channel("pictures").guild
        assert guild is not None
        carried = {one.shard: [event["t"] for event in one.sent] for one in easel.discord.gateway.sessions}
        shard = (guild.id >> 22) % 2
        assert "GUILD_CREATE" in carried[shard]
        assert "GUILD_CREATE" not in carried[1 - shard]
        assert sum(kinds.count("INTERACTION_CREATE") for kinds in carried.values()) == 2
        assert "INTERACTION_CREATE" in carried[0]


async def test_two_processes_get_every_interaction_and_the_first_answer_counts(easel: Studio) -> None:
    answer_ok(easel)
    second = TryBot()
    refused: asyncio.Queue[int] = asyncio.Queue()
    first_is_done = asyncio.Event()

    async def late(interaction: Interaction) -> None:
        await first_is_done.wait()
        try:
            await interaction.response.send_message("me too")
        except discord.HTTPException as refusal:
            refused.put_nowait(refusal.code)

    second.doings["do"] = late
    running = asyncio.create_task(second.start(easel.discord.token))
    await easel.discord.wait_for_bot(sessions=2)
    assert (await easel.ada.command("do", prompt="a fox")).text == "ok"
    first_is_done.set()
    assert await asyncio.wait_for(refused.get(), 30) == 40060
    await second.close()
    await asyncio.gather(running, return_exceptions=True)
    await eventually(lambda: len(easel.discord.gateway.connected) == 1)


async def test_discord_can_go_away_and_come_back_on_the_same_address(easel: Studio) -> None:
    answer_ok(easel)
    posted = await easel.ada.post("before")
    await easel.discord.stop()
    with pytest.raises(aiohttp.ClientConnectorError):
        await easel.rest("GET", "/users/@me")
    await easel.discord.start()
    await easel.discord.wait_for_bot()
    assert (await easel.ada.command("do", prompt="a fox")).text == "ok"
    assert easel.ada.sees()[0].id == posted.id


async def test_the_bot_hears_what_happens_to_its_servers(easel: Studio) -> None:
    world = easel.discord.world
    await asyncio.wait_for(easel.bot.wait_until_ready(), 30)
    guild = easel.bot.guilds[0]
    world.delete_channel("general")
    await eventually(lambda: {one.name for one in guild.text_channels} == {"pictures"})
    world.archive("thread")
    await eventually(lambda: "THREAD_UPDATE" in easel.bot.happened)
    world.remove_bot(world.guilds[guild.id])
    await eventually(lambda: not easel.bot.guilds)


async def test_messages_go_over_the_gateway_only_to_those_who_asked_for_them(easel: Studio) -> None:
    async with easel.session.ws_connect(easel.discord.gateway.url) as socket:
        await socket.receive_json()
        await socket.send_json({"op": 2, "d": {"token": easel.discord.token, "intents": 1 | 1 << 9}})
        await easel.discord.wait_for_bot(sessions=2)
        posted = await easel.ada.post("hello")
        await easel.ada.delete(posted)
        kinds: list[str] = []
        while "MESSAGE_DELETE" not in kinds:
            kinds.append((await socket.receive_json(timeout=30))["t"])
        assert kinds == ["READY", "GUILD_CREATE", "MESSAGE_CREATE", "MESSAGE_DELETE"]
    assert "MESSAGE_CREATE" not in easel.bot.happened


async def test_a_silent_gateway_is_left_by_the_bot() -> None:
    async with studio(DiscordRules(heartbeat_s=0.2), heartbeat_timeout=0.5) as easel:
        first = easel.discord.gateway.sessions[0].socket
        easel.discord.gateway.silent = True
        await eventually(lambda: first is not None and first.closed)
        easel.discord.gateway.silent = False
        await easel.discord.wait_for_bot()


async def test_waiting_for_a_bot_that_does_not_come_tells_what_is_missing() -> None:
    async with LocalDiscord() as local:
        with pytest.raises(TimeoutError, match="0 gateway sessions, 0 commands"):
            await local.wait_for_bot(0.01)


async def test_the_default_world_is_the_easel_studio() -> None:
    async with LocalDiscord() as local:
        places = {name: [one.key for one in local.world.places_of(local.world.user(name))] for name in ("Ada", "Ben")}
        shared = ["pictures", "general", "thread", "post", "group", "elsewhere"]
        assert sorted(places["Ada"]) == sorted([*shared, "dm:Ada"])
        assert sorted(places["Ben"]) == sorted([*shared, "dm:Ben"])
        assert local.world.channel("thread").kind is ChannelKind.THREAD
        local.rules = replace(local.rules, response_s=1)
        assert local.world.cdn.rules.response_s == 1
