"""What the rules of a place make of a wish: who may ask, where, for what, and what is filled in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.errors import Bar, Barred
from bot.model import ImageRequest
from bot.policy import blocklist
from bot.policy.quotas import Ceilings, Quota, SetBy, Span, What, Whose
from bot.policy.request_input import Options, RequestInput
from bot.policy.rules import AgeRule, RuleBook, Rules, SpoilerRule


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Who asks, and where. `parent_id` is the channel of a thread; outside servers there are no roles and no rules."""

    user_id: int
    channel_id: int
    guild_id: int | None = None
    parent_id: int | None = None
    role_ids: frozenset[int] = frozenset()
    age_restricted: bool = False  # the channel is for adults alone
    missing: tuple[str, ...] = ()  # permissions that Easel needs for a public reply and does not have there


async def fitted(
    place: RequestContext, wish: RequestInput | ImageRequest, book: RuleBook | None
) -> tuple[ImageRequest, Rules]:
    """The request that a wish becomes in a place, and the rules there. Raises Barred."""
    rules = book.at(place.channel_id, place.parent_id) if book else Rules()
    if book is not None:
        _look_at_person(place, book, rules)
    request = _filled(wish, rules)
    _look_at_choices(request, rules)
    request = _imposed(request, rules)
    if place.missing and not request.private:
        raise Barred(Bar.PERMISSIONS, *place.missing)
    await blocklist.look_for(request.prompt, rules.blocked_words or (), rules.blocked_patterns or ())
    return request, rules


def is_exempt(place: RequestContext, rules: Rules) -> bool:
    """Whether no quota of the server holds this person back."""
    return bool(place.role_ids.intersection(rules.exempt_roles or ()))


def quotas_of(place: RequestContext, rules: Rules, ceilings: Ceilings) -> Sequence[Quota]:
    """Every quota that holds for somebody in a place: the server's, then the operator's."""
    kinds = (
        (Whose.MEMBER, What.PICTURES, Span.DAY, rules.pictures_per_member_day, SetBy.SERVER),
        (Whose.SERVER, What.PICTURES, Span.DAY, rules.pictures_per_day, SetBy.SERVER),
        (Whose.SERVER, What.SPEND, Span.DAY, rules.spend_per_day, SetBy.SERVER),
        (Whose.SERVER, What.SPEND, Span.MONTH, rules.spend_per_month, SetBy.SERVER),
        (Whose.USER, What.PICTURES, Span.DAY, ceilings.pictures_per_user_day, SetBy.OPERATOR),
        (Whose.SERVER, What.PICTURES, Span.DAY, ceilings.pictures_per_server_day, SetBy.OPERATOR),
        (Whose.SERVER, What.SPEND, Span.DAY, ceilings.spend_per_server_day, SetBy.OPERATOR),
        (Whose.SERVER, What.SPEND, Span.MONTH, ceilings.spend_per_server_month, SetBy.OPERATOR),
        (Whose.EVERYONE, What.SPEND, Span.DAY, ceilings.spend_per_day, SetBy.OPERATOR),
        (Whose.EVERYONE, What.SPEND, Span.MONTH, ceilings.spend_per_month, SetBy.OPERATOR),
    )
    exempt = is_exempt(place, rules)
    return [
        Quota(whose, what, span, limit, set_by)
        for whose, what, span, limit, set_by in kinds
        if limit is not None
        and not (set_by is SetBy.SERVER and exempt)
        and not (whose in {Whose.MEMBER, Whose.SERVER} and place.guild_id is None)
    ]


def _look_at_person(place: RequestContext, book: RuleBook, rules: Rules) -> None:
    if place.user_id in book.blocked:
        raise Barred(Bar.BLOCKED)
    # A list of channels is the server's to set: a channel's own rules cannot let it in or out.
    channels = book.server.channels
    if channels and not {place.channel_id, place.parent_id} & set(channels):
        raise Barred(Bar.CHANNEL, *channels)
    if rules.age_restricted is AgeRule.ONLY and not place.age_restricted:
        raise Barred(Bar.AGE, AgeRule.ONLY)
    if rules.age_restricted is AgeRule.NEVER and place.age_restricted:
        raise Barred(Bar.AGE)
    if rules.roles and not place.role_ids.intersection(rules.roles):
        raise Barred(Bar.ROLE, *rules.roles)


def _filled(wish: RequestInput | ImageRequest, rules: Rules) -> ImageRequest:
    """The whole request. What nobody chose falls to something that is offered."""
    if isinstance(wish, ImageRequest):
        return wish
    request = wish.filled(rules.defaults or Options())
    said = wish.options
    if said.model is None and rules.models and request.model not in rules.models:
        request = replace(request, model=rules.models[0])
    if said.resolution is None and rules.resolutions and request.resolution not in rules.resolutions:
        request = replace(request, resolution=rules.resolutions[0])
    if said.count is None and rules.max_count and request.count > rules.max_count:
        request = replace(request, count=rules.max_count)
    return request


def _look_at_choices(request: ImageRequest, rules: Rules) -> None:
    if rules.models and request.model not in rules.models:
        raise Barred(Bar.MODEL, *rules.models)
    if rules.resolutions and request.resolution not in rules.resolutions:
        raise Barred(Bar.RESOLUTION, *rules.resolutions)
    if rules.max_count and request.count > rules.max_count:
        raise Barred(Bar.COUNT, rules.max_count)


def _imposed(request: ImageRequest, rules: Rules) -> ImageRequest:
    """What a place decides by itself, whatever was asked for."""
    spoiler = {SpoilerRule.ALWAYS: True, SpoilerRule.NEVER: False}.get(
        rules.spoiler or SpoilerRule.AS_ASKED, request.spoiler
    )
    return replace(request, spoiler=spoiler, private=request.private or bool(rules.private_only))
