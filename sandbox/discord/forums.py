"""Posts of forums: each is a thread whose first message has the thread's id."""

from __future__ import annotations

from sandbox.discord.calls import Call, Route
from sandbox.discord.drafts import Desk, draft
from sandbox.discord.ids import snowflake
from sandbox.discord.interactions import Interactions
from sandbox.discord.payloads import Json, as_object
from sandbox.discord.permissions import Permission
from sandbox.discord.places import Channel, ChannelKind
from sandbox.discord.refusals import (
    MISSING_ACCESS,
    MISSING_PERMISSIONS,
    TAG_REQUIRED,
    UNKNOWN_CHANNEL,
    FormFault,
    Refusal,
    check,
)
from sandbox.discord.shapes import as_the_bot_sees, channel_json
from sandbox.discord.world import World

MAX_TITLE_CHARS = 100


class Forums:
    """Opens, lists and deletes posts by the bot's token."""

    def __init__(self, world: World, interactions: Interactions) -> None:
        self._world = world
        self._interactions = interactions

    def routes(self) -> list[Route]:
        return [
            Route("POST", "/channels/{channel}/threads", self.open),
            Route("GET", "/channels/{channel}/threads/archived/public", self.archived),
            Route("GET", "/guilds/{guild}/threads/active", self.active),
            Route("DELETE", "/channels/{channel}", self.delete),
        ]

    def open(self, call: Call) -> Json:
        forum = self._channel(call)
        self._need(forum, Permission.SEND_MESSAGES)
        if call.files:
            self._need(forum, Permission.ATTACH_FILES)
        name = str(call.form.get("name") or "")
        if not 1 <= len(name) <= MAX_TITLE_CHARS:
            check([FormFault(("name",), "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {MAX_TITLE_CHARS} in length.")])
        if forum.tag is not None and str(forum.tag) not in call.form.get("applied_tags", ()):
            raise Refusal(*TAG_REQUIRED)
        thread_id = snowflake()
        thread = Channel(
            thread_id,
            f"post-{thread_id}",
            name,
            ChannelKind.THREAD,
            forum.guild,
            parent=forum,
            owner_id=self._world.bot.id,
        )
        desk = Desk(self._world.cdn, thread_id, self._interactions.place_limit(forum))
        content = draft(desk, as_object(call.form.get("message")), call.files)
        self._world.open_channel(thread)
        posted = self._world.messages.add(thread, self._world.bot, content, message_id=thread_id)
        message = as_the_bot_sees(posted, self._world.messages.look(posted).json)
        return channel_json(thread) | {"message": message}

    def active(self, call: Call) -> Json:
        found = [it for it in self._threads() if it.guild and it.guild.id == call.id("guild") and not it.archived]
        return {"threads": [channel_json(it) for it in found], "members": []}

    def archived(self, call: Call) -> Json:
        forum = self._channel(call)
        self._need(forum, Permission.READ_MESSAGE_HISTORY)
        found = [it for it in self._threads() if it.parent is forum and it.archived]
        return {"threads": [channel_json(it) for it in found], "members": [], "has_more": False}

    def delete(self, call: Call) -> Json:
        channel = self._channel(call)
        self._need(channel, Permission.MANAGE_THREADS if channel.is_thread else Permission.MANAGE_CHANNELS)
        shown = channel_json(channel)
        self._world.delete_channel(channel.key)
        return shown

    def _threads(self) -> list[Channel]:
        """The public threads that the bot can see."""
        return [
            it
            for it in self._world.channels.values()
            if it.kind is ChannelKind.THREAD
            and not it.deleted
            and Permission.VIEW_CHANNEL in it.permissions(self._world.bot)
        ]

    def _channel(self, call: Call) -> Channel:
        channel = self._world.channel_by_id(call.id("channel"))
        if channel is None:
            raise Refusal(*UNKNOWN_CHANNEL)
        if Permission.VIEW_CHANNEL not in channel.permissions(self._world.bot):
            raise Refusal(*MISSING_ACCESS)
        return channel

    def _need(self, channel: Channel, needed: Permission) -> None:
        if needed not in channel.permissions(self._world.bot):
            raise Refusal(*MISSING_PERMISSIONS)
