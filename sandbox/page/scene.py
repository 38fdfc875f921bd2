"""What a tab has to know about the world to draw it: names behind ids, places to go, commands to use."""

from __future__ import annotations

from sandbox.discord.commands import MESSAGE_MENU, SLASH, USER_MENU
from sandbox.discord.options import localised
from sandbox.discord.permissions import Permission
from sandbox.discord.person import Person
from sandbox.discord.places import Channel, ChannelKind, User
from sandbox.discord.refusals import Json
from sandbox.discord.server import LocalDiscord

_KINDS = {
    ChannelKind.TEXT: "channel",
    ChannelKind.THREAD: "thread",
    ChannelKind.PRIVATE_THREAD: "thread",
    ChannelKind.DM: "dm",
    ChannelKind.GROUP: "group",
}

#: Some of Discord's languages, by their own names: those Easel speaks, and one that it does not.
LANGUAGES = {
    "en-US": "English",
    "de": "Deutsch",
    "fr": "Français",
    "es-ES": "Español",
    "pt-BR": "Português do Brasil",
    "ja": "日本語",
    "zh-CN": "中文",
    "nl": "Nederlands",
}


def scene_of(discord: LocalDiscord, person: Person) -> Json:
    """The world as this person sees it from here."""
    world = discord.world
    return {
        "me": _person(discord, person.user, person.channel),
        "place": _place(discord, person.channel),
        "people": [_person(discord, user, person.channel) for user in world.users.values()],
        "places": [_place(discord, channel) for channel in sorted(world.places_of(person.user), key=_rank)],
        "roles": [
            {"id": str(role.id), "name": role.name, "server": guild.name}
            for guild in world.guilds.values()
            for role in guild.roles.values()
        ],
        "cdn": discord.base_url,
        "languages": [{"value": locale, "label": name} for locale, name in LANGUAGES.items()],
        "locale": person.user.locale,
        "server_locale": person.channel.guild.locale if person.channel.guild else None,
        **offered(person),
    }


def offered(person: Person) -> Json:
    """The commands and the menus of messages and users that this person has here."""
    commands = [localised(one, person.user.locale) for one in person.commands()]
    return {
        "commands": [one for one in commands if one["type"] == SLASH],
        "menus": [one["name"] for one in commands if one["type"] == MESSAGE_MENU],
        "user_menus": [one["name"] for one in commands if one["type"] == USER_MENU],
    }


def _person(discord: LocalDiscord, user: User, channel: Channel) -> Json:
    return {
        "id": str(user.id),
        "name": user.name,
        "bot": user.bot,
        "installed": user.installed,
        "here": user.id in channel.guild.members if channel.guild else user in channel.recipients,
        "role": "app" if user.bot else _role(discord, user),
        "may_moderate": channel.guild is not None and Permission.MANAGE_MESSAGES in channel.permissions(user),
    }


def _role(discord: LocalDiscord, user: User) -> str:
    """What a newcomer should know about a user: who may change settings in the bot's server."""
    guilds = [guild for guild in discord.world.guilds.values() if discord.world.bot_is_member(guild)]
    if any(guild.owner_id == user.id for guild in guilds):
        return "owner of the server"
    return "member"


def _rank(channel: Channel) -> tuple[int, int]:
    """Places in the order they were made, which their ids tell, and threads behind the channel they hang on."""
    return (channel.parent.id, channel.id) if channel.parent else (channel.id, 0)


def _name(discord: LocalDiscord, channel: Channel) -> str:
    if channel.kind is ChannelKind.DM:
        return discord.world.bot.name
    in_forum = channel.parent is not None and channel.parent.kind is ChannelKind.FORUM
    return f"{channel.parent.name} › {channel.name}" if channel.parent and in_forum else channel.name


def _place(discord: LocalDiscord, channel: Channel) -> Json:
    guild = channel.guild
    key = "dm" if channel.kind is ChannelKind.DM else channel.key
    bot_inside = discord.world.bot_is_member(guild) if guild else channel.context == 1
    return {
        "id": str(channel.id),
        "key": key,
        "name": _name(discord, channel),
        "kind": _KINDS[channel.kind],
        "type": int(channel.kind),
        "server": guild.name if guild else None,
        "bot_inside": bot_inside,
    }
