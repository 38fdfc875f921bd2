"""Users, servers, channels and messages as Discord's API shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sandbox.discord.cdn import Attachment, Cdn
from sandbox.discord.payloads import Json, as_list, as_object
from sandbox.discord.places import WITH_VOICE, Channel, ChannelKind, Guild, Member, Overwrite, Role, Team, User
from sandbox.discord.stored import StoredMessage

SUPPRESS_JOIN_NOTIFICATIONS = 1  # a system channel flag
FORUM_REQUIRES_TAG = 1 << 4
_JOINED = "2024-05-01T12:00:00.000000+00:00"


def user_json(user: User) -> Json:
    """A user as it stands in messages and members."""
    shape: Json = {
        "id": str(user.id),
        "username": user.username,
        "discriminator": "0001" if user.bot else "0",
        "global_name": None if user.bot else user.name,
        "avatar": None,
        "public_flags": 0,
        "flags": 0,
        "primary_guild": None,
    }
    return shape | {"bot": True} if user.bot else shape


def own_user_json(user: User) -> Json:
    """The bot's view of itself, GET /users/@me."""
    return user_json(user) | {"mfa_enabled": True, "locale": user.locale, "verified": True, "email": None}


def application_json(application_id: int, bot: User, owner: User, team: Json | None) -> Json:
    """The app as its own bot sees it. Of one that a team owns, `owner` is not a person."""
    return {
        "id": str(application_id),
        "name": bot.name,
        "icon": None,
        "description": "Pictures from words.",
        "type": None,
        "bot": user_json(bot),
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": 0,
        "flags_new": "0",
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "owner": user_json(owner),
        "approximate_guild_count": 1,
        "approximate_user_install_count": 1,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "team": team,
        "eligible_oauth2_scopes": ["applications.commands", "bot"],
        "integration_types_config": {"0": {}, "1": {}},
    }


def team_json(team: Team) -> Json:
    """A team that owns an app."""
    members = [
        {
            "user": user_json(one.user),
            "team_id": str(team.id),
            "membership_state": 2 if one.accepted else 1,
            "role": one.role,
            "permissions": ["*"],
        }
        for one in team.members
    ]
    name = {"id": str(team.id), "icon": None, "name": "The team", "owner_user_id": str(team.owner.id)}
    return name | {"members": members}


def role_json(role: Role) -> Json:
    """A role of a server."""
    return {
        "id": str(role.id),
        "name": role.name,
        "permissions": str(int(role.permissions)),
        "position": role.position,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": False,
        "mentionable": False,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }


def member_json(member: Member) -> Json:
    """A member, without the permissions that only interactions tell."""
    return {
        "user": user_json(member.user),
        "nick": None,
        "avatar": None,
        "banner": None,
        "roles": [str(role) for role in member.roles],
        "joined_at": member.joined_at,
        "premium_since": None,
        "communication_disabled_until": None,
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
    }


def channel_json(channel: Channel) -> Json:
    """A channel as GET /channels/{id} and GUILD_CREATE show it."""
    shape: Json = {"id": str(channel.id), "type": int(channel.kind), "flags": 0, "last_message_id": None}
    if channel.guild is None:
        # a bot sees the others in its private channels, not itself
        shape["recipients"] = [user_json(user) for user in channel.recipients if not user.bot]
        if channel.kind is ChannelKind.GROUP:
            shape |= {"name": channel.name, "icon": None, "owner_id": str(channel.recipients[0].id)}
        return shape
    shape |= {"guild_id": str(channel.guild.id), "name": channel.name, "rate_limit_per_user": 0}
    if channel.is_thread:
        return shape | _thread(channel)
    if channel.kind is ChannelKind.FORUM:
        shape |= {"available_tags": [], "flags": 0}
    if channel.tag is not None:
        tag = {"id": str(channel.tag), "name": "Pictures", "moderated": False, "emoji_id": None, "emoji_name": None}
        shape |= {"available_tags": [tag], "flags": FORUM_REQUIRES_TAG}
    if channel.kind in WITH_VOICE:
        shape |= {"bitrate": 64_000, "user_limit": 0, "rtc_region": None}
    return shape | {
        "position": channel.position,
        "parent_id": None,
        "topic": None,
        "nsfw": channel.nsfw,
        "permission_overwrites": [_overwrite(key, one) for key, one in channel.overwrites.items()],
    }


def guild_json(guild: Guild) -> Json:
    """A server as GET /guilds/{id} shows it."""
    nothing = dict.fromkeys(
        (
            *("icon", "description", "home_header", "splash", "discovery_splash", "banner", "application_id"),
            *("afk_channel_id", "widget_channel_id", "max_presences", "vanity_url_code"),
            *("rules_channel_id", "safety_alerts_channel_id", "public_updates_channel_id", "incidents_data"),
        )
    )
    return nothing | {
        "id": str(guild.id),
        "name": guild.name,
        "owner_id": str(guild.owner_id),
        "region": "deprecated",
        "features": guild.features,
        "afk_timeout": 300,
        "system_channel_id": str(guild.system_channel_id) if guild.system_channel_id else None,
        "system_channel_flags": 0 if guild.greets_newcomers else SUPPRESS_JOIN_NOTIFICATIONS,
        "widget_enabled": False,
        "verification_level": 0,
        "roles": [role_json(role) for role in guild.roles.values()],
        "default_message_notifications": 1,
        "mfa_level": 0,
        "explicit_content_filter": 0,
        "max_members": 500_000,
        "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25,
        "premium_tier": guild.premium_tier,
        "premium_subscription_count": 0,
        "premium_progress_bar_enabled": False,
        "preferred_locale": guild.told_locale,
        "nsfw": False,
        "nsfw_level": 0,
        "emojis": [],
        "stickers": [],
    }


def message_json(stored: StoredMessage, cdn: Cdn) -> Json:
    """A message as Discord sends it, its media freshly signed."""
    draft, origin = stored.draft, stored.origin
    named = {one.id: one for one in draft.attachments}
    referenced: set[int] = set()
    components = [_shown(part, named, cdn, referenced) for part in draft.components]
    embeds = [_shown(embed, named, cdn, referenced) for embed in draft.embeds]
    shape: Json = {
        "id": str(stored.id),
        "type": int(origin.kind),
        "channel_id": str(stored.channel.id),
        "author": user_json(stored.author),
        "content": draft.content,
        "embeds": embeds,
        "components": components,
        # a file that embeds or components show is not listed again
        "attachments": [attachment_json(one, cdn) for one in draft.attachments if one.id not in referenced],
        "mentions": [user_json(user) for user in origin.mentions],
        "mention_roles": [],
        "mention_everyone": False,
        "timestamp": moment(stored.created_at),
        "edited_timestamp": moment(stored.edited_at) if stored.edited_at else None,
        "flags": draft.flags,
        "pinned": False,
        "tts": False,
    }
    if draft.snapshots:
        shape["message_snapshots"] = [{"message": _shown(it, {}, cdn, set())} for it in draft.snapshots]
    return shape | _provenance(stored)


def as_the_bot_sees(stored: StoredMessage, shape: Json) -> Json:
    """Without the message content intent, what people wrote in servers reaches the bot empty unless it is mentioned.

    The ping of an answer is a mention, too.
    """
    named = any(user.bot for user in stored.origin.mentions)
    if stored.author.bot or stored.channel.guild is None or named:
        return shape
    empty: Json = {"content": "", "embeds": [], "attachments": [], "components": []}
    if "message_snapshots" in shape:
        empty["message_snapshots"] = [{"message": it["message"] | empty} for it in shape["message_snapshots"]]
    return shape | empty


def attachment_json(one: Attachment, cdn: Cdn) -> Json:
    """A file with a freshly signed address."""
    url = cdn.address(one)
    shape: Json = {
        "id": str(one.id),
        "filename": one.filename,
        "size": one.size,
        "url": url,
        "proxy_url": url,
    }
    kind = one.content_type if cdn.rules.tells_content_types else None
    extra: Json = {"content_type": kind, "width": one.width, "height": one.height, "description": one.description}
    shape |= {key: value for key, value in extra.items() if value is not None}
    return shape | {"ephemeral": True} if one.ephemeral else shape


def moment(seconds: float) -> str:
    """Unix seconds in Discord's form of ISO 8601."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def _provenance(stored: StoredMessage) -> Json:
    origin = stored.origin
    shape: Json = {}
    if origin.application_id:
        shape |= {"application_id": str(origin.application_id), "webhook_id": str(origin.application_id)}
    if origin.interaction:
        shape["interaction_metadata"] = origin.interaction
    if origin.nonce is not None:
        shape["nonce"] = origin.nonce
    if origin.reply_to:
        channel = stored.channel
        guild: Json = {"guild_id": str(channel.guild.id)} if channel.guild else {}
        kind = 1 if stored.draft.snapshots else 0  # 1 is a forward
        where: Json = {"type": kind, "channel_id": str(channel.id), "message_id": str(origin.reply_to)}
        shape["message_reference"] = where | guild
    return shape


def _shown(node: Any, named: dict[int, Attachment], cdn: Cdn, referenced: set[int]) -> Any:
    """A component or embed with every reference to an attachment filled in."""
    if isinstance(node, list):
        return [_shown(part, named, cdn, referenced) for part in as_list(node)]
    if not isinstance(node, dict):
        return node
    shape = as_object(node)
    attachment = named.get(shape.get("$attachment", 0))
    if attachment is None:
        return {key: _shown(value, named, cdn, referenced) for key, value in shape.items()}
    referenced.add(attachment.id)
    url = cdn.address(attachment)
    return {
        "id": str(attachment.id),
        "url": url,
        "proxy_url": url,
        "width": attachment.width,
        "height": attachment.height,
        "content_type": attachment.content_type,
        "attachment_id": str(attachment.id),
    }


def _thread(channel: Channel) -> Json:
    parent = channel.parent
    invitable = {"invitable": True} if channel.kind is ChannelKind.PRIVATE_THREAD else {}
    return {
        "parent_id": str(parent.id) if parent else None,
        "owner_id": str(channel.owner_id or (channel.guild.owner_id if channel.guild else 0)),
        "message_count": 0,
        "member_count": 1,
        "total_message_sent": 0,
        "thread_metadata": {
            "archived": channel.archived,
            "archive_timestamp": _JOINED,
            "auto_archive_duration": 1440,
            "locked": channel.locked,
            **invitable,
        },
    }


def _overwrite(key: int, one: Overwrite) -> Json:
    kind = 1 if one.is_member else 0
    return {"id": str(key), "type": kind, "allow": str(int(one.allow)), "deny": str(int(one.deny))}
