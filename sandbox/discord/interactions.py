"""Interactions: made from what a person does, sent to the bot, answered in time or not."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from enum import IntEnum

from sandbox.discord.events import Bell, Dispatch
from sandbox.discord.ids import snowflake
from sandbox.discord.payloads import Json
from sandbox.discord.permissions import APP_WITHOUT_MEMBER, Permission
from sandbox.discord.places import Channel, ChannelKind, Guild, User
from sandbox.discord.refusals import INVALID_WEBHOOK_TOKEN, UNKNOWN_CHANNEL, UNKNOWN_WEBHOOK, Refusal
from sandbox.discord.shapes import channel_json, member_json, user_json
from sandbox.discord.stored import StoredMessage
from sandbox.discord.world import World

DID_NOT_RESPOND = "The application did not respond"


class InteractionKind(IntEnum):
    """Discord's interaction types."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """The bot's first response: a message (new or changed), a modal, or choices."""

    message: StoredMessage | None = None
    modal: Json | None = None
    choices: tuple[Json, ...] = ()


@dataclass(slots=True, eq=False)
class Interaction:
    """One thing a person did, with the token that lets the bot answer it. Times are of the monotonic clock."""

    kind: InteractionKind
    user: User
    channel: Channel
    data: Json
    owners: Json  # authorizing_integration_owners
    id: int
    source: StoredMessage | None = None  # the message whose component was used
    trigger: Interaction | None = None  # the interaction that opened the modal submitted here
    token: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    opened_at: float = field(default_factory=time.monotonic)
    closed: bool = False  # not answered in time
    expired: bool = False  # ended by hand, before its time
    original: StoredMessage | None = None  # what @original means
    follow_ups: list[StoredMessage] = field(default_factory=list[StoredMessage])
    followed_up: Bell = field(default_factory=Bell)
    answer: asyncio.Future[Answer] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def answered(self) -> bool:
        return self.answer.done()

    @property
    def messages(self) -> list[StoredMessage]:
        """What this token may read and edit."""
        return [*([self.original] if self.original else []), *self.follow_ups]

    @property
    def only_user_installed(self) -> bool:
        return "0" not in self.owners


class Interactions:
    """All interactions by token. The gateway carries them to the bot."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._by_token: dict[str, Interaction] = {}

    def open(
        self,
        kind: InteractionKind,
        user: User,
        channel: Channel,
        data: Json,
        *,
        source: StoredMessage | None = None,
        trigger: Interaction | None = None,
    ) -> Interaction:
        """Make an interaction and send it to the bot."""
        interaction = Interaction(
            kind=kind,
            user=user,
            channel=channel,
            data=data,
            owners=self._owners(user, channel, source),
            id=snowflake(self._world.rules.interaction_age_s),
            source=source,
            trigger=trigger,
        )
        self._by_token[interaction.token] = interaction
        guild_id = channel.guild.id if channel.guild else None
        self._world.events.dispatch(Dispatch("INTERACTION_CREATE", self._payload(interaction), guild_id))
        return interaction

    async def outcome(self, interaction: Interaction) -> Answer | None:
        """The bot's first response, or None when it did not come in time."""
        left = interaction.opened_at + self._world.rules.response_s - time.monotonic()
        try:
            return await asyncio.wait_for(asyncio.shield(interaction.answer), left)
        except TimeoutError:
            self._fail(interaction)
            return None

    def find(self, token: str) -> Interaction | None:
        return self._by_token.get(token)

    def usable(self, token: str) -> Interaction:
        """The answered interaction of a living token.

        Raises Refusal: 10015, 50027 once it has expired, 10003 where its channel was deleted.
        """
        interaction = self._by_token.get(token)
        if interaction is None or not interaction.answered:
            raise Refusal(*UNKNOWN_WEBHOOK)
        if self.has_expired(interaction):
            raise Refusal(*INVALID_WEBHOOK_TOKEN)
        if interaction.channel.deleted:
            raise Refusal(*UNKNOWN_CHANNEL)
        return interaction

    def is_late(self, interaction: Interaction) -> bool:
        """Whether the time for the first response is over."""
        return interaction.closed or time.monotonic() - interaction.opened_at > self._world.rules.response_s

    def has_expired(self, interaction: Interaction) -> bool:
        return interaction.expired or time.monotonic() - interaction.opened_at > self._world.rules.token_lifetime_s

    def token_state(self, token: str) -> str:
        """`fresh`, `alive`, `expired` or `unknown`."""
        interaction = self._by_token.get(token)
        if interaction is None:
            return "unknown"
        if self.has_expired(interaction):
            return "expired"
        return "alive" if interaction.answered else "fresh"

    def expire_all(self) -> None:
        """Every token handed out so far has reached the end of its life."""
        for interaction in self._by_token.values():
            interaction.expired = True

    def is_forced_ephemeral(self, interaction: Interaction) -> bool:
        """Responses of a user's own app are hidden where the server does not let external apps speak."""
        guild = interaction.channel.guild
        if guild is None or self._world.bot_is_member(guild):
            return False
        granted = interaction.channel.permissions(interaction.user)
        return not (Permission.USE_EXTERNAL_APPS in granted and Permission.SEND_MESSAGES in granted)

    def upload_limit(self, interaction: Interaction) -> int:
        """Bytes per file, as the payload tells the bot."""
        return self.place_limit(interaction.channel, interaction.user)

    def place_limit(self, channel: Channel, user: User | None = None) -> int:
        """Bytes per file in a channel; a user brings their own limit along. The bot's token has only the place's."""
        place = channel.parent or channel
        if place.upload_limit is not None:
            return place.upload_limit
        boosts = channel.guild.upload_limit if channel.guild else 0
        return max(self._world.rules.upload_limit, boosts, user.upload_limit if user else 0)

    def metadata(self, interaction: Interaction) -> Json:
        """interaction_metadata of the messages this interaction makes."""
        shape: Json = {
            "id": str(interaction.id),
            "type": int(interaction.kind),
            "user": user_json(interaction.user),
            "authorizing_integration_owners": interaction.owners,
        }
        if interaction.kind is InteractionKind.COMMAND:
            # Not in the official specification, but Discord sends it.
            shape["name"] = interaction.data["name"]
        if interaction.kind is InteractionKind.COMPONENT and interaction.source:
            shape["interacted_message_id"] = str(interaction.source.id)
        if interaction.trigger:
            shape["triggering_interaction_metadata"] = self.metadata(interaction.trigger)
        return shape

    def _fail(self, interaction: Interaction) -> None:
        interaction.closed = True
        event: Json = {
            "type": "interaction_failed",
            "place": interaction.channel.key,
            "channel_id": str(interaction.channel.id),
            "interaction_id": str(interaction.id),
            "message": DID_NOT_RESPOND,
        }
        self._world.events.publish(event, lambda user: user is interaction.user)

    def _owners(self, user: User, channel: Channel, source: StoredMessage | None) -> Json:
        """Whose installation lets the app act here. A component keeps what its message was made with."""
        if source and source.origin.interaction:
            return source.origin.interaction["authorizing_integration_owners"]
        owners: Json = {}
        if channel.guild and self._world.bot_is_member(channel.guild):
            owners["0"] = str(channel.guild.id)
        if channel.context == 1:
            owners["0"] = "0"
        if user.installed:
            owners["1"] = str(user.id)
        return owners

    def _payload(self, interaction: Interaction) -> Json:
        channel, user = interaction.channel, interaction.user
        payload: Json = {
            "id": str(interaction.id),
            "application_id": str(self._world.application_id),
            "type": int(interaction.kind),
            "token": interaction.token,
            "version": 1,
            "data": interaction.data,
            "channel_id": str(channel.id),
            "channel": channel_json(channel) | {"permissions": str(int(channel.permissions(user)))},
            "context": channel.context,
            "app_permissions": str(int(self._app_permissions(channel))),
            "attachment_size_limit": self.upload_limit(interaction),
            "authorizing_integration_owners": interaction.owners,
            "entitlements": [],
            "entitlement_sku_ids": [],
            "locale": user.locale,
        }
        if interaction.source:
            payload["message"] = self._world.messages.look(interaction.source).json
        return payload | (_in_guild(channel.guild, channel, user) if channel.guild else {"user": user_json(user)})

    def _app_permissions(self, channel: Channel) -> Permission:
        if channel.guild is None or not self._world.bot_is_member(channel.guild):
            return APP_WITHOUT_MEMBER
        if channel.kind is ChannelKind.PRIVATE_THREAD and self._world.rules.app_permissions_of_parent:
            return (channel.parent or channel).permissions(self._world.bot)
        return channel.permissions(self._world.bot)


def _in_guild(guild: Guild, channel: Channel, user: User) -> Json:
    member = member_json(guild.members[user.id]) | {"permissions": str(int(channel.permissions(user)))}
    return {
        "guild_id": str(guild.id),
        "guild_locale": guild.told_locale,
        "guild": {"id": str(guild.id), "locale": guild.told_locale, "features": guild.features},
        "member": member,
    }
