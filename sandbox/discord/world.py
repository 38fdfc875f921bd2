"""All that this Discord knows: people, servers, channels, messages. And the default world everything starts with."""

from __future__ import annotations

from sandbox.discord.cdn import Cdn
from sandbox.discord.events import Dispatch, Events, Subscription
from sandbox.discord.ids import snowflake
from sandbox.discord.messages import Messages
from sandbox.discord.permissions import MEMBER, NONE, Permission
from sandbox.discord.places import Channel, ChannelKind, Guild, Member, Overwrite, Role, Team, User
from sandbox.discord.rules import DEFAULT_RULES, DiscordRules
from sandbox.discord.shapes import channel_json, guild_json, role_json

DM_PREFIX = "dm"


class World:
    """People by name and places by key. Its methods change it as a server owner or a moderator would."""

    def __init__(self, rules: DiscordRules = DEFAULT_RULES) -> None:
        self.cdn = Cdn(rules)
        self.events = Events()
        self.messages = Messages(self.cdn, self.events)
        self.users: dict[str, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[str, Channel] = {}
        self.bot = self.add_user("Easel", bot=True)
        self.application_id = self.bot.id
        self.team: Team | None = None  # owns the app; without one the first person does

    @property
    def rules(self) -> DiscordRules:
        """The limits kept here; assign others to change them."""
        return self.cdn.rules

    @rules.setter
    def rules(self, rules: DiscordRules) -> None:
        self.cdn.rules = rules

    def user(self, name: str) -> User:
        """The user of this display name. Raises KeyError."""
        return self.users[name]

    def user_by_id(self, user_id: int) -> User | None:
        return next((user for user in self.users.values() if user.id == user_id), None)

    def channel(self, key: str) -> Channel:
        """The place of this key, `dm:Ada` for the bot's direct messages with Ada. Raises KeyError."""
        return self.channels[key]

    def channel_by_id(self, channel_id: int) -> Channel | None:
        """A channel that is there and not deleted."""
        return next((one for one in self.channels.values() if one.id == channel_id and not one.deleted), None)

    def place(self, user: User, key: str) -> Channel:
        """The place a user means: `dm` is their own with the bot. Raises KeyError where they have no access."""
        channel = self.direct(user) if key == DM_PREFIX else self.channels[key]
        if channel.kind is ChannelKind.FORUM or Permission.VIEW_CHANNEL not in channel.permissions(user):
            raise KeyError(key)
        return channel

    def places_of(self, user: User) -> list[Channel]:
        """Every place the user can see, in the order they were made."""
        return [
            one
            for one in self.channels.values()
            if not one.deleted
            and one.kind is not ChannelKind.FORUM
            and Permission.VIEW_CHANNEL in one.permissions(user)
        ]

    def direct(self, user: User) -> Channel:
        """The direct messages between a user and the bot, opened at need."""
        key = f"{DM_PREFIX}:{user.name}"
        if key not in self.channels:
            self.add_channel(Channel(snowflake(), key, user.name, ChannelKind.DM, recipients=[user, self.bot]))
        return self.channels[key]

    def subscribe(self, user: User | str) -> Subscription:
        """Live events for this user: an async iterator of JSON-able dicts, holding only what the user may see.

        Every event has `type`, `place` and `channel_id`, and besides: `message` as Discord sends it (message_created,
        message_changed), `message_id` (message_deleted), `interaction_id` and `modal` (modal_opened),
        `interaction_id` and `message`, a sentence (interaction_failed).
        """
        return self.events.subscribe(self.user(user) if isinstance(user, str) else user)

    def add_user(self, name: str, *, bot: bool = False, installed: bool = False) -> User:
        user = User(snowflake(), name, name if bot else name.lower(), bot=bot, installed=installed)
        self.users[name] = user
        return user

    def add_guild(self, name: str, owner: User) -> Guild:
        guild_id = snowflake()
        everyone = Role(guild_id, "@everyone", MEMBER)
        guild = Guild(guild_id, name, owner.id, {guild_id: everyone})
        self.guilds[guild.id] = guild
        return guild

    def add_role(self, guild: Guild, name: str, permissions: Permission = NONE) -> Role:
        role = Role(snowflake(), name, permissions, position=len(guild.roles))
        guild.roles[role.id] = role
        if self.bot_is_member(guild):
            data = {"guild_id": str(guild.id), "role": role_json(role)}
            self.events.dispatch(Dispatch("GUILD_ROLE_CREATE", data, guild.id, intent=1))
        return role

    def delete_role(self, guild: Guild, role: Role) -> None:
        """Delete a role: nobody has it any more."""
        del guild.roles[role.id]
        for member in guild.members.values():
            member.roles = [one for one in member.roles if one != role.id]
        if self.bot_is_member(guild):
            data = {"guild_id": str(guild.id), "role_id": str(role.id)}
            self.events.dispatch(Dispatch("GUILD_ROLE_DELETE", data, guild.id, intent=1))

    def add_member(self, guild: Guild, user: User, *roles: Role) -> None:
        guild.members[user.id] = Member(user, [role.id for role in roles])

    def add_channel(self, channel: Channel) -> Channel:
        self.channels[channel.key] = channel
        return channel

    def open_channel(self, channel: Channel) -> Channel:
        """Make a channel or thread while the bot is there: it is told, where it can see it."""
        self.add_channel(channel)
        if Permission.VIEW_CHANNEL in channel.permissions(self.bot):
            self._tell_channel("THREAD_CREATE" if channel.is_thread else "CHANNEL_CREATE", channel)
        return channel

    def bot_is_member(self, guild: Guild) -> bool:
        return self.bot.id in guild.members

    def deny(self, key: str, denied: Permission, user: str = "Easel") -> None:
        """Take permissions from a user (by default the bot) in one channel."""
        channel = self.channels[key]
        channel = channel.parent or channel
        overwrite = channel.overwrites.setdefault(self.user(user).id, Overwrite(is_member=True))
        overwrite.allow &= ~denied
        overwrite.deny |= denied
        self._tell_channel("CHANNEL_UPDATE", channel)

    def allow(self, key: str, allowed: Permission, user: str = "Easel") -> None:
        """Give permissions to a user (by default the bot) in one channel."""
        channel = self.channels[key]
        channel = channel.parent or channel
        overwrite = channel.overwrites.setdefault(self.user(user).id, Overwrite(is_member=True))
        overwrite.deny &= ~allowed
        overwrite.allow |= allowed
        self._tell_channel("CHANNEL_UPDATE", channel)

    def delete_channel(self, key: str) -> None:
        channel = self.channels[key]
        channel.deleted = True
        self._tell_channel("THREAD_DELETE" if channel.is_thread else "CHANNEL_DELETE", channel)

    def archive(self, key: str, *, locked: bool = False) -> None:
        """Archive a thread; a locked one is not woken by a new message."""
        thread = self.channels[key]
        thread.archived, thread.locked = True, locked
        self._tell_channel("THREAD_UPDATE", thread)

    def unarchive(self, thread: Channel) -> None:
        thread.archived = thread.locked = False
        self._tell_channel("THREAD_UPDATE", thread)

    def choose_language(self, guild: Guild, locale: str | None) -> None:
        """Make a server a Community with a language of its own, or with None an ordinary server again."""
        guild.community, guild.locale = locale is not None, locale or "en-US"
        if self.bot_is_member(guild):
            self.events.dispatch(Dispatch("GUILD_UPDATE", guild_json(guild), guild.id, intent=1))

    def remove_bot(self, guild: Guild) -> None:
        """Kick the bot out of a server."""
        guild.members.pop(self.bot.id, None)
        self.events.dispatch(Dispatch("GUILD_DELETE", {"id": str(guild.id)}, guild.id))

    def _tell_channel(self, event: str, channel: Channel) -> None:
        if channel.guild and self.bot_is_member(channel.guild):
            self.events.dispatch(Dispatch(event, channel_json(channel), channel.guild.id, intent=1))


def easel_studio(rules: DiscordRules = DEFAULT_RULES) -> World:
    """The default world.

    Server "Easel Studio" has `pictures`, `general`, the thread `thread` and a forum with the one post `post`; Ada owns
    it, Ben and the bot are members.
    Besides there are everyone's `dm` with the bot, a `group` of Ada and Ben, and `elsewhere`, a channel of a server
    the bot is not in. Ada has the app installed for herself, Ben has not.
    """
    world = World(rules)
    ada, ben = world.add_user("Ada", installed=True), world.add_user("Ben")
    studio = world.add_guild("Easel Studio", ada)
    curator = world.add_role(studio, "Curator", Permission.MANAGE_GUILD | Permission.MANAGE_MESSAGES)
    world.add_member(studio, ada, curator)
    world.add_member(studio, ben)
    world.add_member(studio, world.bot, world.add_role(studio, "Easel", MEMBER))
    pictures = world.add_channel(Channel(snowflake(), "pictures", "pictures", ChannelKind.TEXT, studio))
    world.add_channel(Channel(snowflake(), "general", "general", ChannelKind.TEXT, studio, position=1))
    world.add_channel(Channel(snowflake(), "thread", "moodboard", ChannelKind.THREAD, studio, parent=pictures))
    forum = world.add_channel(Channel(snowflake(), "forum", "showcase", ChannelKind.FORUM, studio, position=2))
    world.add_channel(Channel(snowflake(), "post", "first light", ChannelKind.THREAD, studio, parent=forum))
    for user in (ada, ben):
        world.direct(user)
    world.add_channel(Channel(snowflake(), "group", "Ada, Ben", ChannelKind.GROUP, recipients=[ada, ben]))
    abroad = world.add_guild("Elsewhere", ben)
    world.add_member(abroad, ada)
    world.add_member(abroad, ben)
    world.add_channel(Channel(snowflake(), "elsewhere", "lobby", ChannelKind.TEXT, abroad))
    return world
