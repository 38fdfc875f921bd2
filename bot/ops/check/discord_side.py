"""What Discord can tell about the application, the clock and a channel. What it does not answer is passed over.

Discord tells an application about itself with the bot's token alone. These answers are advice: where one is missing,
the bot may still run well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from bot.discord_api.rest import DiscordRest

MAX_CLOCK_S = 30.0  # tokens of interactions and signed addresses are judged by the clock

ADMINISTRATOR = 1 << 3
THREADS = frozenset({10, 11, 12})  # kinds of channels
_SEND, _SEND_IN_THREADS = 1 << 11, 1 << 38
#: What delivering after 15 minutes needs, and looking before delivering again.
_NEEDED: Mapping[str, int] = {
    "View Channel": 1 << 10,
    "Send Messages": _SEND,
    "Attach Files": 1 << 15,
    "Read Message History": 1 << 16,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What Discord says of the bot; None or empty where it did not say."""

    user_id: int | None
    application_id: int | None
    application: Mapping[str, Any]
    clock_ahead_s: float | None


async def look(discord: DiscordRest) -> Seen:
    """Ask who the bot and its application are."""
    user, application = await discord.get("users/@me"), await discord.get("applications/@me")
    return Seen(user.id, application.id, application.fields, user.clock_ahead_s)


def faults_of(seen: Seen) -> Iterator[str]:
    """A sentence for each fault of the clock and of the application's pages in the developer portal."""
    ahead = seen.clock_ahead_s
    if ahead is not None and abs(ahead) > MAX_CLOCK_S:
        way = "ahead of" if ahead > 0 else "behind"
        yield (
            f"The clock of this machine is {abs(ahead):.0f} s {way} Discord's: let it be set by NTP (on Debian: "
            "apt install systemd-timesyncd)."
        )
    if seen.application.get("interactions_endpoint_url"):
        yield (
            "Discord sends the commands to an address instead of this bot: empty the field Interactions Endpoint URL "
            "on the page General Information of your application."
        )
    if any("applications.commands" not in scopes for scopes in _install_scopes(seen.application)):
        yield (
            "Whoever adds the bot gets no slash commands: on the page Installation of your application add the scope "
            "applications.commands, and invite the bot again."
        )


def _install_scopes(application: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    kinds: Mapping[str, Any] = application.get("integration_types_config") or {}
    every: Iterable[Any] = [kind.get("oauth2_install_params") for kind in kinds.values() if kind]
    for params in (*every, application.get("install_params")):
        if params:
            yield cast("Sequence[str]", params.get("scopes") or ())


async def faults_in_channel(discord: DiscordRest, seen: Seen, channel_id: int) -> Sequence[str]:
    """A sentence where the bot cannot work in a channel, with what it lacks there."""
    channel = await discord.get(f"channels/{channel_id}")
    if channel.status == 404:
        return [f"Discord knows no channel {channel_id}: right-click the channel and copy its id (developer mode)."]
    if channel.status == 403:
        return [
            f"The bot cannot see the channel {channel_id}: invite it to that server with the scopes bot and "
            "applications.commands, and give it View Channel there."
        ]
    if channel.status != 200 or "guild_id" not in channel.body:
        return []
    guild_id = channel.body["guild_id"]
    guild = await discord.get(f"guilds/{guild_id}")
    member = await discord.get(f"guilds/{guild_id}/members/{seen.user_id}")
    is_thread = channel.body["type"] in THREADS
    place = await discord.get(f"channels/{channel.body['parent_id']}") if is_thread else channel
    if {guild.status, member.status, place.status} != {200}:
        return [f"The bot is not a member of the server of channel {channel_id}: invite it with the scope bot."]
    given = permissions(guild.body, member.body, place.body)
    needed = {**_NEEDED, "Send Messages in Threads": _SEND_IN_THREADS} if is_thread else _NEEDED
    missing = [name for name, bit in needed.items() if not given & bit and not (is_thread and bit == _SEND)]
    if not missing:
        return []
    return [f"The bot lacks permissions in #{channel.body.get('name')}: give its role there {', '.join(missing)}."]


def permissions(guild: Mapping[str, Any], member: Mapping[str, Any], channel: Mapping[str, Any]) -> int:
    """The member's permission bits in a channel: roles first, then the channel's overwrites, as Discord documents."""
    own = {guild["id"], *member["roles"]}
    given = 0
    for role in guild["roles"]:
        given |= int(role["permissions"]) if role["id"] in own else 0
    if given & ADMINISTRATOR:
        return ~0
    overwrites: Sequence[Mapping[str, Any]] = channel.get("permission_overwrites") or ()
    for layer in ({guild["id"]}, set(member["roles"]), {member["user"]["id"]}):
        applying = [it for it in overwrites if it["id"] in layer]
        for overwrite in applying:
            given &= ~int(overwrite["deny"])
        for overwrite in applying:
            given |= int(overwrite["allow"])
    return given
