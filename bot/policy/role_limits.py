"""What one member may ask for, once the limits of all their roles are taken together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from bot.model import Model, Resolution
from bot.policy.rules import RoleLimits, Rules

T = TypeVar("T", Model, Resolution)


@dataclass(frozen=True, slots=True)
class MemberLimits:
    """None is no limit, and everything on offer. The role ids say whose limit it is; None and () the server's."""

    pictures_per_day: int | None = None
    pictures_per_month: int | None = None
    max_count: int | None = None
    models: tuple[Model, ...] | None = None
    resolutions: tuple[Resolution, ...] | None = None
    day_role_id: int | None = None
    month_role_id: int | None = None
    count_roles: tuple[int, ...] = ()
    model_roles: tuple[int, ...] = ()
    resolution_roles: tuple[int, ...] = ()

    def on_offer(self, models: Sequence[Model]) -> MemberLimits:
        """The same with the models that may be chosen told one by one, the one that holds without a choice first.

        `models` are those on offer. A limit that lets through none of them is passed over.
        """
        allowed = tuple(one for one in models if one in (self.models or models))
        return replace(self, models=allowed or tuple(models))


def limits_of(role_ids: frozenset[int], rules: Rules) -> MemberLimits:
    """The most generous of what a member's roles allow; the server's own limits for whoever has no such role.

    Each limit is looked at by itself: a member with a role of many pictures and one of large pictures has both. A role
    that says nothing on pictures sets them no limit; one that says nothing on the offer has that of the place.
    """
    held = [limits for limits in rules.role_limits or () if limits.role_id in role_ids]
    known = {limits.role_id for limits in held}
    # An exempt role is one without limits.
    held += [RoleLimits(role_id) for role_id in rules.exempt_roles or () if role_id in role_ids - known]
    if not held:
        return MemberLimits(
            pictures_per_day=rules.pictures_per_member_day,
            pictures_per_month=rules.pictures_per_member_month,
            max_count=rules.max_count,
            models=rules.models,
            resolutions=rules.resolutions,
        )
    day, day_role = _highest([(it.pictures_per_day, it.role_id) for it in held])
    month, month_role = _highest([(it.pictures_per_month, it.role_id) for it in held])
    count, _ = _highest([(it.max_count or rules.max_count, it.role_id) for it in held])
    return MemberLimits(
        pictures_per_day=day,
        pictures_per_month=month,
        max_count=count,
        models=_together([it.models or rules.models for it in held]),
        resolutions=_together([it.resolutions or rules.resolutions for it in held]),
        day_role_id=day_role,
        month_role_id=month_role,
        count_roles=tuple(it.role_id for it in held if it.max_count is not None and it.max_count == count),
        model_roles=tuple(it.role_id for it in held if it.models),
        resolution_roles=tuple(it.role_id for it in held if it.resolutions),
    )


def _highest(limits: Sequence[tuple[int | None, int]]) -> tuple[int | None, int | None]:
    """The highest number and its role; None, which is no limit, is higher than any."""
    known = [(limit, role) for limit, role in limits if limit is not None]
    return max(known) if len(known) == len(limits) else (None, None)


def _together(offers: Sequence[tuple[T, ...] | None]) -> tuple[T, ...] | None:
    """All that one of the roles offers; None, which is everything, as soon as one says so."""
    if not all(offers):
        return None
    return tuple(dict.fromkeys(one for offer in offers for one in offer or ()))
