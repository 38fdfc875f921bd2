"""The Discord gateway: sessions over WebSocket, with shards, heartbeats and resume."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from sandbox.discord.events import Bell, Dispatch
from sandbox.discord.payloads import Json
from sandbox.discord.places import Guild
from sandbox.discord.shapes import channel_json, guild_json, member_json, own_user_json
from sandbox.discord.world import World

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, RESUME, RECONNECT, INVALID_SESSION, HELLO, ACK = (0, 1, 2, 3, 6, 7, 9, 10, 11)
NOT_AUTHENTICATED, AUTHENTICATION_FAILED, INVALID_SHARD, DISALLOWED_INTENTS = 4003, 4004, 4010, 4014
PRIVILEGED_INTENTS = 1 << 1 | 1 << 8 | 1 << 15  # members, presences, message content: not granted to this app
_KEPT_EVENTS = 1000
_JOINED = "2024-05-01T12:00:00.000000+00:00"


@dataclass(slots=True, eq=False)
class Session:
    """One session of one bot process on one shard. Without a socket it waits to be resumed."""

    shard: int
    shards: int
    intents: int
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    seq: int = 0
    sent: deque[Json] = field(default_factory=lambda: deque[Json](maxlen=_KEPT_EVENTS))
    socket: web.WebSocketResponse | None = None
    outbox: asyncio.Queue[Json] = field(default_factory=asyncio.Queue[Json])
    lost_at: float = 0.0
    identified_at: float = field(default_factory=time.time)

    def send(self, name: str, data: Json) -> None:
        """Number an event, keep it for a resume, and send it if somebody is there."""
        self.seq += 1
        event: Json = {"op": DISPATCH, "t": name, "s": self.seq, "d": data}
        self.sent.append(event)
        if self.socket:
            self.outbox.put_nowait(event)

    def wants(self, event: Dispatch) -> bool:
        shard = (event.guild_id >> 22) % self.shards if event.guild_id else 0
        return shard == self.shard and (not event.intent or bool(self.intents & event.intent))


_ACK_DELAY_S = 0.02


class Gateway:
    """All sessions, and the ways to disturb them."""

    def __init__(self, world: World, token: str) -> None:
        self._world = world
        self._token = token
        self._sockets: dict[web.WebSocketResponse, web.Request] = {}
        self.url = ""
        self.sessions: list[Session] = []
        self.changed = Bell()
        self.accepting = True  # False: new connections are refused with 503
        self.silent = False  # True: heartbeats are not acknowledged
        self.identifies_left = 1000
        self.tells_servers = True  # False: READY comes, and no GUILD_CREATE, until `tell_servers`
        self.crowd: list[Json] = []  # further servers that the bot is in, as GUILD_CREATE tells of them
        world.events.dispatch = self.dispatch

    @property
    def connected(self) -> list[Session]:
        """Sessions with a living connection."""
        return [session for session in self.sessions if session.socket]

    def dispatch(self, event: Dispatch) -> None:
        """Hand an event to every session it is meant for; several sessions of one shard all get it."""
        for session in self.sessions:
            if session.wants(event):
                session.send(event.name, event.data)

    def outage(self, guild: Guild) -> None:
        """A server can't be reached for a while: the bot is still in it."""
        self.dispatch(Dispatch("GUILD_DELETE", {"id": str(guild.id), "unavailable": True}, guild.id))

    def end_outage(self, guild: Guild) -> None:
        """The server can be reached again."""
        self.dispatch(Dispatch("GUILD_CREATE", self._guild_create(guild), guild.id))

    def add_bot(self, guild: Guild) -> None:
        """Let the bot into a server, as somebody with its invitation does. Nothing is said of `unavailable` then."""
        self._world.add_member(guild, self._world.bot)
        told = {name: value for name, value in self._guild_create(guild).items() if name != "unavailable"}
        self.dispatch(Dispatch("GUILD_CREATE", told, guild.id))

    def tell_servers(self) -> None:
        """Send the GUILD_CREATE events that were held back."""
        self.tells_servers = True
        for guild in self._world.guilds.values():
            if self._world.bot_is_member(guild):
                self.dispatch(Dispatch("GUILD_CREATE", self._guild_create(guild), guild.id))

    def ask_to_reconnect(self) -> None:
        """Op 7 to everybody."""
        for session in self.connected:
            session.outbox.put_nowait({"op": RECONNECT, "d": None})

    def invalidate(self, *, resumable: bool = False) -> None:
        """Op 9 to everybody; sessions that can't be resumed are forgotten."""
        told = self.connected
        if not resumable:
            self.sessions.clear()
        for session in told:
            session.outbox.put_nowait({"op": INVALID_SESSION, "d": resumable})

    async def close_all(self, code: int = 4000) -> None:
        """Close every connection with this code; sessions stay and can be resumed."""
        for socket in list(self._sockets):
            await socket.close(code=code)

    def cut(self) -> None:
        """Break every connection without a word."""
        for request in self._sockets.values():
            if request.transport:
                request.transport.abort()

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """One connection, from HELLO to its end."""
        if not self.accepting:
            return web.Response(status=503)
        socket = web.WebSocketResponse(timeout=1.0, max_msg_size=0)
        await socket.prepare(request)
        self._sockets[socket] = request
        await _send(socket, {"op": HELLO, "d": {"heartbeat_interval": int(self._world.rules.heartbeat_s * 1000)}})
        session: Session | None = None
        writer: asyncio.Task[None] | None = None
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    continue
                payload: Json = json.loads(message.data)
                if payload["op"] in (IDENTIFY, RESUME):
                    session = await self._begin(socket, payload)
                    if session:
                        writer = asyncio.create_task(_write(socket, session.outbox))
                        self.changed.ring()
                else:
                    await self._hear(socket, payload, session)
        finally:
            self._end(socket, session, writer)
        return socket

    async def _hear(self, socket: web.WebSocketResponse, payload: Json, session: Session | None) -> None:
        if payload["op"] == HEARTBEAT:
            if not self.silent:
                # No network is as quick as this machine: a client must have noted its heartbeat before the answer.
                await asyncio.sleep(_ACK_DELAY_S)
                await _send(socket, {"op": ACK, "d": None})
        elif session is None:
            await socket.close(code=NOT_AUTHENTICATED)

    async def _begin(self, socket: web.WebSocketResponse, payload: Json) -> Session | None:
        data: Json = payload["d"]
        if data.get("token") != self._token:
            await socket.close(code=AUTHENTICATION_FAILED)
            return None
        self._forget_old()
        if payload["op"] == RESUME:
            return await self._resume(socket, data)
        return await self._identify(socket, data)

    async def _identify(self, socket: web.WebSocketResponse, data: Json) -> Session | None:
        shard: list[int] = data.get("shard") or [0, 1]
        if not 0 <= shard[0] < shard[1]:
            await socket.close(code=INVALID_SHARD)
            return None
        if int(data.get("intents", 0)) & PRIVILEGED_INTENTS:
            await socket.close(code=DISALLOWED_INTENTS)
            return None
        self.identifies_left -= 1
        session = Session(shard[0], shard[1], int(data.get("intents", 0)), socket=socket)
        self.sessions.append(session)
        guilds = [guild for guild in self._world.guilds.values() if self._serves(session, guild)]
        crowd = [it for it in self.crowd if (int(it["id"]) >> 22) % session.shards == session.shard]
        session.send("READY", self._ready(session, [str(guild.id) for guild in guilds] + [it["id"] for it in crowd]))
        for event in (*map(self._guild_create, guilds), *crowd) if self.tells_servers else ():
            session.send("GUILD_CREATE", event)
        return session

    async def _resume(self, socket: web.WebSocketResponse, data: Json) -> Session | None:
        session = next((one for one in self.sessions if one.id == data.get("session_id")), None)
        if session is None:
            await _send(socket, {"op": INVALID_SESSION, "d": False})
            return None
        session.socket = socket
        session.outbox = asyncio.Queue[Json]()
        for event in session.sent:
            if event["s"] > int(data.get("seq") or 0):
                session.outbox.put_nowait(event)
        session.send("RESUMED", {"_trace": []})
        return session

    def _end(self, socket: web.WebSocketResponse, session: Session | None, writer: asyncio.Task[None] | None) -> None:
        self._sockets.pop(socket, None)
        if writer:
            writer.cancel()
        if session and session.socket is socket:
            session.socket, session.lost_at = None, time.monotonic()
        self.changed.ring()

    def _forget_old(self) -> None:
        deadline = time.monotonic() - self._world.rules.session_lifetime_s
        self.sessions = [one for one in self.sessions if one.socket or one.lost_at > deadline]

    def _serves(self, session: Session, guild: Guild) -> bool:
        return self._world.bot_is_member(guild) and (guild.id >> 22) % session.shards == session.shard

    def _ready(self, session: Session, guild_ids: list[str]) -> Json:
        return {
            "v": 10,
            "user": own_user_json(self._world.bot),
            "guilds": [{"id": guild_id, "unavailable": True} for guild_id in guild_ids],
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "shard": [session.shard, session.shards],
            "application": {"id": str(self._world.application_id), "flags": 0},
        }

    def _guild_create(self, guild: Guild) -> Json:
        mine = [one for one in self._world.channels.values() if one.guild is guild and not one.deleted]
        threads = [one for one in mine if one.is_thread]
        own: Any = guild.members[self._world.bot.id]
        return guild_json(guild) | {
            "joined_at": _JOINED,
            "large": False,
            "unavailable": False,
            "member_count": len(guild.members),
            "members": [member_json(own)],
            "channels": [channel_json(one) for one in mine if one not in threads],
            "threads": [channel_json(one) for one in threads if not one.archived],
            "voice_states": [],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }


async def _write(socket: web.WebSocketResponse, outbox: asyncio.Queue[Json]) -> None:
    """Carry a session's events to its socket, in order."""
    while not socket.closed:
        await _send(socket, await outbox.get())


async def _send(socket: web.WebSocketResponse, payload: Json) -> None:
    try:
        await socket.send_str(json.dumps(payload))
    except ConnectionError:
        return  # the bot is gone; the reading side notices
