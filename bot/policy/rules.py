"""What holds in a server and its channels: set with `/settings`, kept in the database, obeyed before anything is spent.

A `Rules` says only what was set; a channel's rules lie over those of its server. Nothing here knows Discord or SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from bot.model import Model, Resolution
from bot.policy.request_input import Options

WHOLE_SERVER = 0  # stands for the channel where rules hold in the whole server


class SpoilerRule(StrEnum):
    """Whether pictures are covered until someone clicks."""

    AS_ASKED = "as_asked"
    ALWAYS = "always"
    NEVER = "never"


class AgeRule(StrEnum):
    """Whether Easel works in age-restricted channels, in no others, or everywhere."""

    ANYWHERE = "anywhere"
    ONLY = "only"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Rules:
    """None means "not set": the server's rules, then the operator's ceilings, then no limit. Money is in micros.

    A tuple of ids or choices that is empty means the same as None, so that clearing a menu lifts its rule.
    """

    channels: tuple[int, ...] | None = None  # where Easel works; threads go with their channel. Server only
    roles: tuple[int, ...] | None = None  # who may use it
    exempt_roles: tuple[int, ...] | None = None  # whose members no quota of the server holds back
    pictures_per_member_day: int | None = None
    pictures_per_day: int | None = None
    spend_per_day: int | None = None  # millionths of a US dollar
    spend_per_month: int | None = None  # millionths of a US dollar
    jobs_per_member: int | None = None  # in flight at once
    models: tuple[Model, ...] | None = None  # what is offered
    resolutions: tuple[Resolution, ...] | None = None
    max_count: int | None = None
    defaults: Options | None = None  # for what a member leaves out
    spoiler: SpoilerRule | None = None
    private_only: bool | None = None
    age_restricted: AgeRule | None = None
    blocked_words: tuple[str, ...] | None = None  # whole words, in any case
    blocked_patterns: tuple[str, ...] | None = None  # regular expressions, their run time bounded
    report_channel: int | None = None  # server only
    confirm_over: int | None = None  # millionths of a US dollar: dearer requests ask for a yes first
    language: str | None = None  # one of ui.language.Language, for public replies

    def over(self, server: Rules) -> Rules:
        """These rules of a channel, and where they say nothing those of its server."""
        return Rules(**{**server.said, **self.said})

    @property
    def said(self) -> dict[str, Any]:
        """What was set, by field name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value not in (None, ())}


NO_RULES = Rules()


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All that holds in one server. `version` changes with every change; None while nothing was ever set."""

    guild_id: int
    version: str | None = None
    server: Rules = NO_RULES
    channels: Mapping[int, Rules] = field(default_factory=lambda: MappingProxyType({}))
    blocked: frozenset[int] = frozenset()

    def at(self, channel_id: int, parent_id: int | None = None) -> Rules:
        """What holds in a channel. A thread (`parent_id` is its channel) has the rules of its channel."""
        rules = self.server
        for place in (parent_id, channel_id):
            own = self.channels.get(place) if place is not None else None
            rules = own.over(rules) if own is not None else rules
        return rules
