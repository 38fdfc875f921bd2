"""Part of the table of settings: who may use the bot, and whom people turn to."""

from __future__ import annotations

from dataclasses import dataclass

from bot.config.variable import AUTOMATIC, EMPTY, About, ids, one_of, setting
from bot.policy.door import Audience, Door

MAX_CONTACT_CHARS = 100

_SERVER_IDS = "ids with commas between them (in Discord's developer mode: right-click the server, Copy Server ID)"
_USER_IDS = "ids with commas between them (in Discord's developer mode: right-click the person, Copy User ID)"
_AN_AUDIENCE = "everyone, listed or off"


def contact(text: str) -> str:
    """A name, a Discord handle or an https address, in one short line."""
    if not text.isprintable() or len(text) > MAX_CONTACT_CHARS:
        raise ValueError(f"is not one line of at most {MAX_CONTACT_CHARS} characters")
    if "://" in text and not text.startswith("https://"):
        raise ValueError("is an address that does not begin with https://")
    return text


@dataclass(frozen=True, kw_only=True)
class AccessSettings:
    """The door: it holds for every command, button, form and menu."""

    allowed_servers: frozenset[int] = setting(
        ids,
        About(
            "Ids of the servers that the bot serves. Elsewhere a command gets one private sentence, and the bot leaves "
            "a server that is not listed. Left out, it serves every server that somebody adds it to.",
            _SERVER_IDS,
            "1187654321098765432,1198765432109876543",
            EMPTY,
        ),
        frozenset(),
    )
    allowed_users: frozenset[int] = setting(
        ids,
        About(
            "Ids of users who may use the bot in direct messages and as an app of their own although DIRECT_MESSAGES "
            "or USER_INSTALLS is listed.",
            _USER_IDS,
            "80351110224678912",
            EMPTY,
        ),
        frozenset(),
    )
    direct_messages: Audience | None = setting(
        one_of(*Audience),
        About(
            "Who may use the bot in direct messages: everyone, listed (ALLOWED_USERS) or off. Left out: everyone, and "
            "listed once ALLOWED_SERVERS or ALLOWED_USERS is set.",
            _AN_AUDIENCE,
            "listed",
            AUTOMATIC,
        ),
        None,
    )
    user_installs: Audience | None = setting(
        one_of(*Audience),
        About(
            "Who may use the bot as an app of their own, in any channel: everyone, listed (ALLOWED_USERS) or off. Left "
            "out, as DIRECT_MESSAGES.",
            _AN_AUDIENCE,
            "off",
            AUTOMATIC,
        ),
        None,
    )
    blocked_users: frozenset[int] = setting(
        ids, About("Ids of users who are refused everywhere.", _USER_IDS, "80351110224678912", EMPTY), frozenset()
    )
    blocked_servers: frozenset[int] = setting(
        ids, About("Ids of servers where everybody is refused.", _SERVER_IDS, "1187654321098765432", EMPTY), frozenset()
    )
    operator_contact: str | None = setting(
        contact,
        About(
            "Who runs this bot: a name, a Discord handle or an https address. People read it in /help, in /privacy and "
            "wherever they are told whom to turn to.",
            f"one line of at most {MAX_CONTACT_CHARS} characters; an address begins with https://",
            "@ada on Discord",
            EMPTY,
        ),
        None,
        may_be_quoted=True,
    )

    @property
    def door(self) -> Door:
        """Who may come in, with the defaults filled in: a list of anybody closes the rest to those listed."""
        default = Audience.LISTED if self.allowed_servers or self.allowed_users else Audience.EVERYONE
        return Door(
            allowed_servers=self.allowed_servers,
            allowed_users=self.allowed_users,
            direct_messages=self.direct_messages or default,
            user_installs=self.user_installs or default,
            blocked_users=self.blocked_users,
            blocked_servers=self.blocked_servers,
        )
