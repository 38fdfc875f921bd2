"""The limits this Discord keeps, each with Discord's own value as its default."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class DiscordRules:
    """Settable limits. Replace `LocalDiscord.rules` with `dataclasses.replace(...)` to change them while it runs."""

    response_s: float = 3.0  # an interaction must be answered within this time
    token_lifetime_s: float = 900.0  # an answered interaction's token works this long
    interaction_age_s: float = (
        0.0  # ids of interactions look this old, so a bot that counts 15 minutes meets their end early
    )
    upload_limit: int = 10 * MIB  # bytes per file where neither user nor server has more
    request_limit: int = 25 * MIB  # bytes of one whole request
    line_bytes_per_s: float = 0.0  # how fast the bodies of all requests together come in; 0: at once
    rate_limits: bool = True
    edits_per_window: int = 5  # per interaction token, and per channel for the bot's own token
    window_s: float = 5.0
    global_per_s: int = 50  # requests with the bot's token
    cdn_lifetime_s: float = 86_400.0  # a signed address works this long
    blocked_words: tuple[str, ...] = ()  # AutoMod refuses messages of the bot that contain one of these
    shards: int = 1  # what GET /gateway/bot recommends
    heartbeat_s: float = 41.25
    session_lifetime_s: float = 120.0  # a lost gateway session can be resumed this long
    tells_content_types: bool = True  # Discord leaves `content_type` out where it does not know it
    #: In a private thread that the bot was not added to, it is not known which of both Discord tells: the permissions
    #: of the channel above it, or none.
    app_permissions_of_parent: bool = False
    nonce_s: float = 180.0  # how long an enforced nonce keeps a message from being posted twice


DEFAULT_RULES = DiscordRules()
