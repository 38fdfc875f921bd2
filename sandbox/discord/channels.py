"""/channels: what the bot's own token can do, and where it may not."""

from __future__ import annotations

import time
from dataclasses import replace

from sandbox.discord.calls import Call, Route
from sandbox.discord.drafts import Desk, draft
from sandbox.discord.interactions import Interactions
from sandbox.discord.payloads import Json
from sandbox.discord.permissions import Permission
from sandbox.discord.places import Channel, ChannelKind
from sandbox.discord.refusals import (
    CLOSED_DIRECT_MESSAGES,
    MISSING_ACCESS,
    MISSING_PERMISSIONS,
    NOT_THE_AUTHOR,
    THREAD_ARCHIVED,
    THREAD_LOCKED,
    UNKNOWN_CHANNEL,
    UNKNOWN_MEMBER,
    UNKNOWN_MESSAGE,
    FormFault,
    Refusal,
    invalid_form,
)
from sandbox.discord.shapes import as_the_bot_sees, channel_json
from sandbox.discord.sight import EPHEMERAL
from sandbox.discord.stored import MessageKind, Origin, StoredMessage
from sandbox.discord.world import World

_LIST = "/channels/{channel}/messages"
_MESSAGE = "/channels/{channel}/messages/{message}"


class Channels:
    """Channels and messages by the bot's token, with Discord's permission checks."""

    def __init__(self, world: World, interactions: Interactions) -> None:
        self._world = world
        self._interactions = interactions
        self._nonces: dict[tuple[int, str], tuple[float, StoredMessage]] = {}

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/channels/{channel}", self.show),
            Route("GET", _LIST, self.history),
            Route("POST", _LIST, self.post),
            Route("GET", _MESSAGE, self.message),
            Route("PATCH", _MESSAGE, self.edit),
            Route("DELETE", _MESSAGE, self.delete),
            Route("POST", "/channels/{channel}/typing", self.typing),
            Route("GET", "/channels/{channel}/thread-members/{user}", self.thread_member),
        ]

    def show(self, call: Call) -> Json:
        return channel_json(self._channel(call))

    def thread_member(self, call: Call) -> Json:
        thread, user_id = self._channel(call), call.id("user")
        if user_id not in {user.id for user in thread.recipients}:
            raise Refusal(*UNKNOWN_MEMBER)
        joined = "2024-05-01T12:00:00.000000+00:00"
        return {"id": str(thread.id), "user_id": str(user_id), "join_timestamp": joined, "flags": 0}

    def typing(self, call: Call) -> None:
        self._need(self._channel(call), Permission.SEND_MESSAGES)

    def history(self, call: Call) -> list[Json]:
        channel = self._channel(call)
        if not channel.reads(self._world.bot):
            return []  # Discord refuses nothing here: it shows nothing
        stored = [one for one in self._world.messages.history.get(channel.id, []) if one.ephemeral_to is None]
        before, after = int(call.query.get("before", 1 << 63)), int(call.query.get("after", 0))
        limit = int(call.query.get("limit", 50))
        wanted = [one for one in stored if after < one.id < before]
        wanted = wanted[:limit] if "after" in call.query else wanted[-limit:]
        return [self._shown(one) for one in reversed(wanted)]

    def message(self, call: Call) -> Json:
        channel = self._channel(call)
        self._need_history(channel)
        return self._shown(self._stored(channel, call))

    def post(self, call: Call) -> Json:
        channel = self._channel(call)
        self._may_send(channel, with_files=bool(call.files))
        nonce = call.form.get("nonce")
        again = self._sent_before(channel, call.form)
        if again:
            return self._world.messages.look(again).json
        reply_to = self._reference(channel, call.form)
        content = draft(self._desk(channel), call.form, call.files)
        kind = MessageKind.REPLY if reply_to else MessageKind.DEFAULT
        origin = Origin(kind, reply_to=reply_to, nonce=None if nonce is None else str(nonce))
        if channel.archived:
            self._world.unarchive(channel)
        content = replace(content, flags=content.flags & ~EPHEMERAL)
        posted = self._world.messages.add(channel, self._world.bot, content, origin)
        if nonce is not None:
            self._nonces[channel.id, str(nonce)] = (time.monotonic(), posted)
        return self._world.messages.look(posted).json

    def edit(self, call: Call) -> Json:
        channel = self._channel(call)
        stored = self._stored(channel, call)
        if stored.author is not self._world.bot:
            raise Refusal(*NOT_THE_AUTHOR)
        if channel.archived:
            raise Refusal(*THREAD_ARCHIVED)
        self._need_unlocked(channel)
        if call.files:
            self._need(channel, Permission.ATTACH_FILES)
        self._world.messages.edit(stored, draft(self._desk(channel), call.form, call.files, stored.draft))
        return self._world.messages.look(stored).json

    def delete(self, call: Call) -> None:
        channel = self._channel(call)
        stored = self._stored(channel, call)
        if stored.author is not self._world.bot:
            self._need(channel, Permission.MANAGE_MESSAGES)
        if channel.archived:
            raise Refusal(*THREAD_ARCHIVED)
        self._world.messages.delete(stored)

    def _channel(self, call: Call) -> Channel:
        """The channel of the path, if the bot can see it. Raises Refusal."""
        channel = self._world.channel_by_id(call.id("channel"))
        if channel is None:
            raise Refusal(*UNKNOWN_CHANNEL)
        if Permission.VIEW_CHANNEL not in channel.permissions(self._world.bot):
            raise Refusal(*MISSING_ACCESS)
        return channel

    def _stored(self, channel: Channel, call: Call) -> StoredMessage:
        """The message of the path. To the bot's token, ephemeral ones do not exist."""
        stored = self._world.messages.get(call.id("message"))
        if stored is None or stored.channel is not channel or stored.ephemeral_to is not None:
            raise Refusal(*UNKNOWN_MESSAGE)
        return stored

    def _shown(self, stored: StoredMessage) -> Json:
        return as_the_bot_sees(stored, self._world.messages.look(stored).json)

    def _need(self, channel: Channel, needed: Permission) -> None:
        if needed not in channel.permissions(self._world.bot):
            raise Refusal(*MISSING_PERMISSIONS)

    def _need_history(self, channel: Channel) -> None:
        if not channel.reads(self._world.bot):
            raise Refusal(*MISSING_ACCESS)

    def _may_send(self, channel: Channel, *, with_files: bool) -> None:
        if channel.kind is ChannelKind.DM and not channel.recipients[0].accepts_dms:
            raise Refusal(*CLOSED_DIRECT_MESSAGES)
        in_thread = channel.is_thread
        self._need(channel, Permission.SEND_MESSAGES_IN_THREADS if in_thread else Permission.SEND_MESSAGES)
        if with_files:
            self._need(channel, Permission.ATTACH_FILES)
        if channel.archived and channel.locked:
            raise Refusal(*THREAD_ARCHIVED)
        self._need_unlocked(channel)

    def _need_unlocked(self, channel: Channel) -> None:
        """In a locked thread only who may manage threads writes and edits."""
        if channel.locked and Permission.MANAGE_THREADS not in channel.permissions(self._world.bot):
            raise Refusal(*THREAD_LOCKED)

    def _desk(self, channel: Channel) -> Desk:
        return Desk(self._world.cdn, channel.id, self._interactions.place_limit(channel))

    def _sent_before(self, channel: Channel, form: Json) -> StoredMessage | None:
        """The message an enforced nonce has already made in the past few minutes."""
        if not form.get("enforce_nonce") or form.get("nonce") is None:
            return None
        at, posted = self._nonces.get((channel.id, str(form["nonce"])), (0.0, None))
        return posted if posted and time.monotonic() - at < self._world.rules.nonce_s else None

    def _reference(self, channel: Channel, form: Json) -> int | None:
        reference: Json | None = form.get("message_reference")
        if not reference:
            return None
        self._need_history(channel)
        message_id = int(reference.get("message_id") or 0)
        if self._world.messages.get(message_id):
            return message_id
        if reference.get("fail_if_not_exists") is False:
            return None
        fault = FormFault(("message_reference",), "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message")
        raise invalid_form([fault])
