"""What a message is made of, before and after it is stored."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import IntEnum

from sandbox.discord.cdn import Attachment
from sandbox.discord.events import Bell
from sandbox.discord.payloads import Json
from sandbox.discord.permissions import Permission
from sandbox.discord.places import Channel, User
from sandbox.discord.sight import LOADING, Message


class MessageKind(IntEnum):
    """Discord's message types, as far as this world has them."""

    DEFAULT = 0
    REPLY = 19
    CHAT_INPUT_COMMAND = 20
    CONTEXT_MENU_COMMAND = 23


@dataclass(frozen=True, slots=True)
class Draft:
    """What a message is to hold: checked, its media resolved to attachments."""

    content: str = ""
    embeds: tuple[Json, ...] = ()
    components: tuple[Json, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    flags: int = 0
    snapshots: tuple[Json, ...] = ()  # of a forwarded message: it has no content of its own then


@dataclass(frozen=True, slots=True)
class Origin:
    """What made a message: the interaction it answers, the message it replies to, the nonce it was sent with."""

    kind: MessageKind = MessageKind.DEFAULT
    interaction: Json | None = None  # interaction_metadata, as Discord sends it
    application_id: int | None = None  # set for messages that came by an interaction's webhook
    reply_to: int | None = None
    nonce: str | None = None
    mentions: tuple[User, ...] = ()  # who is named in a person's words, or pinged by the answer


@dataclass(slots=True, eq=False)
class StoredMessage:
    """A message over its life. `states` are all it has shown, the newest last; `changed` rings at each change."""

    id: int
    channel: Channel
    author: User
    draft: Draft
    origin: Origin
    ephemeral_to: int | None = None
    created_at: float = field(default_factory=time.time)
    edited_at: float | None = None
    deleted: bool = False
    states: list[Message] = field(default_factory=list[Message])
    changed: Bell = field(default_factory=Bell)

    @property
    def flags(self) -> int:
        return self.draft.flags

    @property
    def is_loading(self) -> bool:
        return bool(self.flags & LOADING)

    def is_visible_to(self, user: User) -> bool:
        """Whether this user may see the place, and the message in it."""
        may_view = Permission.VIEW_CHANNEL in self.channel.permissions(user)
        return may_view and self.ephemeral_to in (None, user.id)
