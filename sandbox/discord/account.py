"""The bot's own account, its servers, and where its gateway is."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.discord.calls import Call, Route
from sandbox.discord.payloads import Json
from sandbox.discord.places import Guild, User
from sandbox.discord.refusals import (
    MISSING_ACCESS,
    UNKNOWN_GUILD,
    UNKNOWN_MEMBER,
    UNKNOWN_USER,
    FormFault,
    Refusal,
    invalid_form,
)
from sandbox.discord.shapes import (
    application_json,
    channel_json,
    guild_json,
    member_json,
    own_user_json,
    role_json,
    team_json,
    user_json,
)
from sandbox.discord.world import World


class Account:
    """GET routes about the bot, users and servers, direct messages, and fresh addresses for files."""

    def __init__(self, world: World, gateway_url: Callable[[], str], identifies_left: Callable[[], int]) -> None:
        self._world = world
        self._gateway_url = gateway_url
        self._identifies_left = identifies_left

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/gateway", lambda _: {"url": self._gateway_url()}, bot=False),
            Route("GET", "/gateway/bot", self.gateway),
            Route("GET", "/users/@me", lambda _: own_user_json(self._world.bot)),
            Route("POST", "/users/@me/channels", self.open_direct),
            Route("GET", "/users/{user}", self.user),
            Route("GET", "/applications/@me", self.application),
            Route("GET", "/oauth2/applications/@me", self.application),
            Route("GET", "/guilds/{guild}", lambda call: guild_json(self._guild(call))),
            Route("DELETE", "/users/@me/guilds/{guild}", self.leave),
            Route("GET", "/guilds/{guild}/channels", self.channels),
            Route("GET", "/guilds/{guild}/roles", self.roles),
            Route("GET", "/guilds/{guild}/members/{user}", self.member),
            Route("POST", "/attachments/refresh-urls", self.refresh),
        ]

    def gateway(self, _: Call) -> Json:
        left = self._identifies_left()
        limit = {"total": 1000, "remaining": left, "reset_after": 86_400_000, "max_concurrency": 1}
        return {"url": self._gateway_url(), "shards": self._world.rules.shards, "session_start_limit": limit}

    def application(self, _: Call) -> Json:
        people = [user for user in self._world.users.values() if not user.bot]
        team = self._world.team
        owner = User(team.id, "The team", f"team{team.id}") if team else people[0]
        told = team_json(team) if team else None
        return application_json(self._world.application_id, self._world.bot, owner, told)

    def user(self, call: Call) -> Json:
        found = self._world.user_by_id(call.id("user"))
        if found is None:
            raise Refusal(*UNKNOWN_USER)
        return user_json(found)

    def open_direct(self, call: Call) -> Json:
        recipient = str(call.form.get("recipient_id") or "")
        user = self._world.user_by_id(int(recipient)) if recipient.isdigit() else None
        if user is None or user.bot:
            raise invalid_form([FormFault(("recipient_id",), "USER_INVALID", "Invalid user")])
        return channel_json(self._world.direct(user))

    def leave(self, call: Call) -> None:
        """The bot leaves a server."""
        self._world.remove_bot(self._guild(call))

    def channels(self, call: Call) -> list[Json]:
        guild = self._guild(call)
        return [channel_json(one) for one in self._world.channels.values() if one.guild is guild and not one.parent]

    def roles(self, call: Call) -> list[Json]:
        return [role_json(role) for role in self._guild(call).roles.values()]

    def member(self, call: Call) -> Json:
        member = self._guild(call).members.get(call.id("user"))
        if member is None:
            raise Refusal(*UNKNOWN_MEMBER)
        return member_json(member)

    def refresh(self, call: Call) -> Json:
        """Fresh addresses for expired ones. Discord has this route but does not document it."""
        urls: list[str] = call.form.get("attachment_urls") or []
        found = [(url, self._world.cdn.find(url)) for url in urls]
        return {
            "refreshed_urls": [
                {"original": url, "refreshed": self._world.cdn.address(one) if one else url} for url, one in found
            ]
        }

    def _guild(self, call: Call) -> Guild:
        guild = self._world.guilds.get(call.id("guild"))
        if guild is None:
            raise Refusal(*UNKNOWN_GUILD)
        if not self._world.bot_is_member(guild):
            raise Refusal(*MISSING_ACCESS)
        return guild
