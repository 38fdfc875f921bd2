"""The two addresses that bring the bot to people: into a server, and as an app of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from bot.config.settings import Settings
from bot.discord_api.rest import DiscordUnreachable, discord_rest
from bot.errors import StartError

_AUTHORIZE = "https://discord.com/oauth2/authorize"
#: What the bot needs in a server, by the names that Discord's portal has for them.
PERMISSIONS = {
    "View Channels": 1 << 10,
    "Send Messages": 1 << 11,
    "Attach Files": 1 << 15,
    "Read Message History": 1 << 16,
    "Send Messages in Threads": 1 << 38,
}


@dataclass(frozen=True, slots=True)
class Invitation:
    """The addresses of one application, and whether anybody may use them."""

    server: str
    user: str
    public: bool | None  # None where Discord did not say


async def invitation(settings: Settings) -> Invitation:
    """Ask which application the token is of. Raises StartError."""
    try:
        async with discord_rest(settings) as discord:
            application = await discord.get("applications/@me")
            # where that page is not to be had: the bot has the id of its application
            number = application.id or (await discord.get("users/@me")).id
    except DiscordUnreachable as error:
        raise StartError(f"Discord cannot be reached ({error}): look at the network of this machine.") from None
    if number is None:
        raise StartError("Discord did not say which application DISCORD_TOKEN is of: try again later.")
    return Invitation(
        server=_address(number, 0, "bot applications.commands", permissions=sum(PERMISSIONS.values())),
        user=_address(number, 1, "applications.commands"),
        public=application.fields.get("bot_public"),
    )


def _address(application: int, kind: int, scope: str, **more: int) -> str:
    query = {"client_id": application, "integration_type": kind, "scope": scope, **more}
    return f"{_AUTHORIZE}?{urlencode(query)}"
