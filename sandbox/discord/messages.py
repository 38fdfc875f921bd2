"""The messages of this world: stored, edited, deleted, and told to everybody who may see them."""

from __future__ import annotations

import time
from dataclasses import replace

from sandbox.discord.cdn import Cdn
from sandbox.discord.events import Dispatch, Events
from sandbox.discord.ids import snowflake
from sandbox.discord.payloads import Json
from sandbox.discord.permissions import Permission
from sandbox.discord.places import Channel, User
from sandbox.discord.shapes import as_the_bot_sees, member_json, message_json
from sandbox.discord.sight import EPHEMERAL, LOADING, Message
from sandbox.discord.stored import Draft, MessageKind, Origin, StoredMessage

GUILD_MESSAGES = 1 << 9
DIRECT_MESSAGES = 1 << 12


class Messages:
    """The store. Every change publishes an event to people and, as far as intents go, to the gateway."""

    def __init__(self, cdn: Cdn, events: Events) -> None:
        self._cdn = cdn
        self._events = events
        self._stored: dict[int, StoredMessage] = {}
        self.history: dict[int, list[StoredMessage]] = {}  # by channel, oldest first

    def get(self, message_id: int) -> StoredMessage | None:
        """A message that exists and is not deleted."""
        stored = self._stored.get(message_id)
        return stored if stored and not stored.deleted else None

    def add(
        self,
        channel: Channel,
        author: User,
        draft: Draft,
        origin: Origin | None = None,
        *,
        ephemeral_to: User | None = None,
        message_id: int | None = None,
    ) -> StoredMessage:
        """A new message, of this id where it has to be one: the first message of a forum's post has the thread's."""
        if ephemeral_to:
            draft = replace(draft, flags=draft.flags | EPHEMERAL)
        stored = StoredMessage(
            id=message_id or snowflake(),
            channel=channel,
            author=author,
            draft=draft,
            origin=origin or Origin(),
            ephemeral_to=ephemeral_to.id if ephemeral_to else None,
        )
        self._stored[stored.id] = stored
        self.history.setdefault(channel.id, []).append(stored)
        self._tell(stored, "message_created", "MESSAGE_CREATE")
        return stored

    def edit(self, stored: StoredMessage, draft: Draft) -> None:
        """Replace what a message holds. A placeholder ("is thinking…") becomes a real message by it."""
        kept = {one.id for one in draft.attachments}
        for gone in (one for one in stored.draft.attachments if one.id not in kept):
            self._cdn.remove(gone)
        was_loading = stored.is_loading
        stored.draft = replace(draft, flags=(draft.flags & ~LOADING) | (stored.flags & EPHEMERAL))
        # Discord marks no message as edited that was a placeholder before
        stored.edited_at = stored.edited_at if was_loading else time.time()
        self._tell(stored, "message_changed", "MESSAGE_UPDATE")

    def delete(self, stored: StoredMessage) -> None:
        stored.deleted = True
        self.history[stored.channel.id].remove(stored)
        for one in stored.draft.attachments:
            self._cdn.remove(one)
        event: Json = {
            "type": "message_deleted",
            "place": stored.channel.key,
            "channel_id": str(stored.channel.id),
            "message_id": str(stored.id),
        }
        self._events.publish(event, stored.is_visible_to)
        self._dispatch("MESSAGE_DELETE", stored, {"id": str(stored.id), "channel_id": str(stored.channel.id)})
        stored.changed.ring()

    def seen_by(self, user: User, channel: Channel) -> list[StoredMessage]:
        """The history of a channel, oldest first, as this user sees it."""
        return [stored for stored in self.history.get(channel.id, []) if stored.is_visible_to(user)]

    def look(self, stored: StoredMessage) -> Message:
        """The message as it stands, its addresses freshly signed."""
        sizes = {one.id: one.size for one in stored.draft.attachments}
        return Message(message_json(stored, self._cdn), time.time(), sizes)

    def _tell(self, stored: StoredMessage, event: str, gateway_event: str) -> None:
        state = self.look(stored)
        stored.states.append(state)
        told: Json = {"type": event, "place": stored.channel.key, "message": state.json}
        told["channel_id"] = str(stored.channel.id)
        self._events.publish(told, stored.is_visible_to)
        self._dispatch(gateway_event, stored, as_the_bot_sees(stored, state.json) | self._context_of(stored))
        stored.changed.ring()

    def _context_of(self, stored: StoredMessage) -> Json:
        """What the gateway tells beside a message: its author as a member, and the message that it answers."""
        guild = stored.channel.guild
        author = guild.members.get(stored.author.id) if guild else None
        told: Json = {"member": {key: it for key, it in member_json(author).items() if key != "user"}} if author else {}
        if stored.origin.kind is MessageKind.REPLY:
            answered = self.get(stored.origin.reply_to or 0)
            shown = as_the_bot_sees(answered, self.look(answered).json) if answered else None
            told["referenced_message"] = shown
        return told

    def _dispatch(self, name: str, stored: StoredMessage, data: Json) -> None:
        """Tell the sessions with the message intents, where the bot sees the channel; ephemeral messages never."""
        guild = stored.channel.guild
        members = guild.members.values() if guild else ()
        hidden = guild and not any(
            one.user.bot and Permission.VIEW_CHANNEL in stored.channel.permissions(one.user) for one in members
        )
        if stored.ephemeral_to is not None or hidden:
            return
        where: Json = {"guild_id": str(guild.id)} if guild else {}
        intent = GUILD_MESSAGES if guild else DIRECT_MESSAGES
        self._events.dispatch(Dispatch(name, data | where, guild.id if guild else None, intent))
