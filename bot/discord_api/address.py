"""Makes discord.py speak to the Discord that DISCORD_API_URL names.

discord.py 2.7 has no setting for it; three places decide where it connects:

- `Route.BASE`, read whenever a REST address is built, those of interactions and webhooks included;
- `DiscordWebSocket.DEFAULT_GATEWAY`, the WebSocket of a client whose number of shards is given, and of every new
  session after a resume was refused or the connection was lost: in these cases GET /gateway/bot is not asked;
- `resume_gateway_url` in Discord's own READY, followed when a session is resumed. Nothing to set there.

`Asset.BASE`, the address of avatars, stays Discord's: a REST proxy serves none.
"""

from __future__ import annotations

import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route


def point_discord_at(api_url: str, gateway_url: str | None = None) -> None:
    """Use `api_url` for REST and `gateway_url`, as GET /gateway/bot told it, for every WebSocket.

    For the whole process, and before a client logs in. None leaves the WebSocket as it is, for REST alone.
    """
    Route.BASE = api_url
    if gateway_url is not None:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)
