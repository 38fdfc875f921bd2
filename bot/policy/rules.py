"""What holds in a server and its channels: set with `/settings`, kept in the database, obeyed before anything is spent.

A `Rules` says only what was set; a channel's rules lie over those of its server. Nothing here knows Discord or SQL.
A new rule is a field of `Rules`, whose metadata says how it is read from JSON, and an entry of the table in
ui/settings/sections.py, which says how people see it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from bot.model import Model, Resolution
from bot.policy.catalog import read_model
from bot.policy.request_input import Options, read_options

SHOWCASE_STARS = 3
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


class EditRule(StrEnum):
    """Whose pictures may be edited. A member's own choice goes before OWN, see preferences.EditChoice."""

    ANYONE = "anyone"
    OWN = "own"  # one's own and Easel's; holds where nothing is set
    NONE = "none"


@dataclass(frozen=True, slots=True)
class RoleLimits:
    """What members with one role may ask for, see role_limits.py. None is no limit, and the offer of the place."""

    role_id: int
    pictures_per_day: int | None = None
    pictures_per_month: int | None = None
    max_count: int | None = None
    models: tuple[Model, ...] | None = None
    resolutions: tuple[Resolution, ...] | None = None

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> RoleLimits:
        """From its JSON form. Raises LookupError, TypeError or ValueError."""
        return cls(
            int(raw["role_id"]),
            *(None if (value := raw.get(name)) is None else int(value) for name in _ROLE_NUMBERS),
            models=_several(read_model)(raw["models"]) if raw.get("models") else None,
            resolutions=_several(Resolution)(raw["resolutions"]) if raw.get("resolutions") else None,
        )


@dataclass(frozen=True, slots=True)
class ChosenPreset:
    """The preset that is used where none is named. Its name is that of the day when it was chosen; the id counts.

    A channel may choose none where its server has one: then the id is preset.NONE.
    """

    id: str
    name: str

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> ChosenPreset:
        """From its JSON form. Raises LookupError."""
        return cls(str(raw["id"]), str(raw["name"]))


_ROLE_NUMBERS = ("pictures_per_day", "pictures_per_month", "max_count")


def _several(read: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    return lambda values: tuple(read(value) for value in values)


def _rule(read: Callable[[Any], Any]) -> Any:
    """A field of Rules that is not set until somebody does. `read` makes its value from the JSON form."""
    return field(default=None, metadata={"read": read})


@dataclass(frozen=True, slots=True)
class Rules:
    """None means "not set": the server's rules, then the operator's ceilings, then no limit. Money is in micros.

    A tuple of ids or choices that is empty means the same as None, so that clearing a menu lifts its rule.
    """

    channels: tuple[int, ...] | None = _rule(_several(int))  # where Easel works; threads go with theirs. Server only
    roles: tuple[int, ...] | None = _rule(_several(int))  # who may use it
    exempt_roles: tuple[int, ...] | None = _rule(_several(int))  # whose members no quota of the server holds back
    member_days: int | None = _rule(int)  # so many days in the server before somebody may use it
    pictures_per_member_day: int | None = _rule(int)
    pictures_per_member_month: int | None = _rule(int)
    pictures_per_day: int | None = _rule(int)
    role_limits: tuple[RoleLimits, ...] | None = _rule(_several(RoleLimits.read))  # server only
    spend_per_day: int | None = _rule(int)  # millionths of a US dollar
    spend_per_month: int | None = _rule(int)  # millionths of a US dollar
    jobs_per_member: int | None = _rule(int)  # in flight at once
    models: tuple[Model, ...] | None = _rule(_several(read_model))  # what is offered
    resolutions: tuple[Resolution, ...] | None = _rule(_several(Resolution))
    max_count: int | None = _rule(int)
    defaults: Options | None = _rule(read_options)  # for what a member leaves out
    preset: ChosenPreset | None = _rule(ChosenPreset.read)  # for requests that name none
    spoiler: SpoilerRule | None = _rule(SpoilerRule)
    private_only: bool | None = _rule(bool)
    drafts_approved: bool | None = _rule(bool)  # a moderator decides whether private results are posted. Server only
    age_restricted: AgeRule | None = _rule(AgeRule)
    edits: EditRule | None = _rule(EditRule)  # whose pictures may be edited
    blocked_words: tuple[str, ...] | None = _rule(_several(str))  # whole words, in any case
    blocked_patterns: tuple[str, ...] | None = _rule(_several(str))  # regular expressions, their run time bounded
    report_channel: int | None = _rule(int)  # server only
    log_channel: int | None = _rule(int)  # where moderators read what happens. Server only
    showcase_channel: int | None = _rule(int)  # where pictures with many stars are shown. Server only
    showcase_stars: int | None = _rule(int)  # from how many on; SHOWCASE_STARS where nothing is set. Server only
    reply_edits: bool | None = _rule(bool)  # answers to pictures that name Easel are edits; off where nothing is set
    confirm_over: int | None = _rule(int)  # millionths of a US dollar: dearer requests ask for a yes first
    language: str | None = _rule(str)  # one of ui.language.Language, for public replies

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Rules:
        """From the JSON form. What this version does not know, or cannot understand, counts as not set."""
        known: dict[str, Any] = {}
        for rule in fields(cls):
            value = raw.get(rule.name)
            if value is None:
                continue
            try:
                known[rule.name] = rule.metadata["read"](value)
            except (LookupError, TypeError, ValueError):
                continue
        return cls(**known)

    def on_offer(self, models: Sequence[Model]) -> Rules:
        """What of these rules acts while the operator offers `models`: each other model that they name is passed over.

        A rule of which nothing is left counts as not set. So a model that the API has renamed locks nobody out, and a
        rule acts again as soon as its model is offered again.
        """
        if not (self.models or self.role_limits or self.defaults):
            return self
        return replace(
            self,
            models=_among(self.models, models),
            role_limits=self.role_limits
            and tuple(replace(it, models=_among(it.models, models)) for it in self.role_limits),
            defaults=self.defaults and self.defaults.on_offer(models),
        )

    def over(self, server: Rules) -> Rules:
        """These rules of a channel, and where they say nothing those of its server."""
        return Rules(**{**server.said, **self.said})

    @property
    def said(self) -> dict[str, Any]:
        """What was set, by field name."""
        values = {rule.name: getattr(self, rule.name) for rule in fields(self)}
        return {name: value for name, value in values.items() if value not in (None, ())}


NO_RULES = Rules()


def _among(chosen: Sequence[Model] | None, models: Sequence[Model]) -> tuple[Model, ...] | None:
    """Those of `models` that were chosen, in their order; None where there is none."""
    return tuple(one for one in models if one in (chosen or ())) or None


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All that holds in one server. `version` changes with every change; None while nothing was ever set."""

    guild_id: int
    version: str | None = None
    server: Rules = NO_RULES
    channels: Mapping[int, Rules] = field(default_factory=lambda: MappingProxyType({}))
    blocked: frozenset[int] = frozenset()

    def on_offer(self, models: Sequence[Model]) -> RuleBook:
        """The book with what acts while `models` are on offer, see Rules.on_offer."""
        channels = {one: rules.on_offer(models) for one, rules in self.channels.items()}
        return replace(self, server=self.server.on_offer(models), channels=MappingProxyType(channels))

    @property
    def wants_messages(self) -> bool:
        """Whether answers to pictures are edits anywhere in the server, so that its messages have to be heard."""
        return any(rules.reply_edits for rules in (self.server, *self.channels.values()))

    def at(self, channel_id: int, parent_id: int | None = None) -> Rules:
        """What holds in a channel. A thread (`parent_id` is its channel) has the rules of its channel."""
        rules = self.server
        for place in (parent_id, channel_id):
            own = self.channels.get(place) if place is not None else None
            rules = own.over(rules) if own is not None else rules
        return rules
