"""The one place that asks whether a request may come in: what a person said becomes a whole, priced, allowed request.

`admit` is pure but for the search for blocked words. It needs no database: the rules are handed in, and what has to be
counted in the moment in which a request is written down is returned as `Terms`, which the store holds to in its
transaction. It tells all that is in the way at once, so that one change can mend it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from bot.errors import Barred, InvalidRequest, NotAdmitted, RequestError, SourceRefused
from bot.model import (
    MAX_COUNT,
    MAX_PROMPT_CHARS,
    MAX_SOURCE_BYTES,
    MAX_SOURCES,
    AspectRatio,
    ImageRequest,
    Model,
    Source,
)
from bot.policy import blocklist
from bot.policy.bars import Bar
from bot.policy.preferences import EditChoice
from bot.policy.prices import Prices
from bot.policy.quotas import Ceilings, Quota, SetBy, Span, Terms, What, Whose
from bot.policy.request_input import Options, RequestInput, shows_anything
from bot.policy.role_limits import MemberLimits, limits_of
from bot.policy.rules import AgeRule, EditRule, RuleBook, Rules, SpoilerRule


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Who asks, and where. `parent_id` is the channel of a thread; outside servers there are no roles and no rules.

    Roles and `joined_at` are those that the interaction itself brings: a cache may be older, or know nobody.
    """

    user_id: int
    channel_id: int
    guild_id: int | None = None
    parent_id: int | None = None
    role_ids: frozenset[int] = frozenset()
    joined_at: datetime | None = None
    age_restricted: bool = False  # the channel is for adults alone
    bot_member: bool = True  # the bot is a member there; else it was brought along as somebody's own app


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request as its place allows it, and the terms under which it may be written down."""

    request: ImageRequest
    rules: Rules
    terms: Terms

    @property
    def price(self) -> int | None:
        """What it is expected to cost in micros; None where the price list has no price."""
        return self.terms.cost_micros

    @property
    def needs_confirmation(self) -> bool:
        """Whether it costs more than the place allows without a question."""
        limit = self.rules.confirm_over
        return limit is not None and self.price is not None and self.price > limit


async def admit(
    context: RequestContext,
    asked: RequestInput,
    book: RuleBook | None,
    *,
    models: Sequence[Model],
    prices: Prices,
    ceilings: Ceilings,
    choices: Mapping[int, EditChoice] = MappingProxyType({}),
    now: datetime,
) -> Admitted:
    """The request that an input becomes in a place. Raises NotAdmitted with everything that is in the way.

    `book` holds the rules of the server, None outside servers; `models` are those on offer, the default one first;
    `choices` are those of the authors of the sources, by id.
    """
    if book is not None and context.user_id in book.blocked:
        raise NotAdmitted([Barred(Bar.BLOCKED)])
    rules = book.at(context.channel_id, context.parent_id).on_offer(models) if book else Rules()
    limits = limits_of(context.role_ids, rules).on_offer(models)
    request = _imposed(_filled(asked, rules, limits), asked, context, rules)
    quotas = quotas_of(context, rules, ceilings)
    cost = prices.cost_micros(request, request.count)
    reasons: list[RequestError] = []
    if book is not None:
        reasons += _person_faults(context, book, rules, now)
    reasons += _input_faults(request)
    reasons += _offer_faults(request, limits, models, context)
    reasons += _author_faults(context, asked, rules, choices)
    if cost is None and (budget := next((it for it in quotas if it.what is What.SPEND), None)):
        reasons.append(Barred(Bar.UNPRICED, budget.set_by))
    try:
        await blocklist.look_for(request.prompt, rules.blocked_words or (), rules.blocked_patterns or ())
    except Barred as exc:
        reasons.append(exc)
    if reasons:
        raise NotAdmitted(reasons)
    terms = Terms(
        quotas=tuple(quotas),
        cost_micros=cost,
        jobs_per_member=None if is_exempt(context, rules) else rules.jobs_per_member,
        line_length=ceilings.line_length,
        rules_version=book.version if book else None,
    )
    return Admitted(request, rules, terms)


async def admit_post(
    context: RequestContext,
    request: ImageRequest,
    book: RuleBook | None,
    *,
    choices: Mapping[int, EditChoice],
    now: datetime,
) -> ImageRequest:
    """A private result as its place lets it be shown to everybody. Raises NotAdmitted with all that is in the way.

    Nothing is bought, so neither quotas nor what is on offer count.
    """
    if book is not None and context.user_id in book.blocked:
        raise NotAdmitted([Barred(Bar.BLOCKED)])
    rules = book.at(context.channel_id, context.parent_id) if book else Rules()
    asked = RequestInput.of(request)
    shown = _imposed(replace(request, private=False), asked, context, rules)
    reasons = [*(_person_faults(context, book, rules, now) if book else ())]
    reasons += _author_faults(context, asked, rules, choices)
    if shown.private:
        reasons.append(Barred(Bar.PRIVATE))
    try:
        await blocklist.look_for(request.prompt, rules.blocked_words or (), rules.blocked_patterns or ())
    except Barred as exc:
        reasons.append(exc)
    if reasons:
        raise NotAdmitted(reasons)
    return shown


def is_exempt(context: RequestContext, rules: Rules) -> bool:
    """Whether no quota of the server holds this person back."""
    return bool(context.role_ids.intersection(rules.exempt_roles or ()))


def quotas_of(context: RequestContext, rules: Rules, ceilings: Ceilings) -> Sequence[Quota]:
    """Every quota that holds for somebody in a place: the server's, then the operator's."""
    own = limits_of(context.role_ids, rules)
    by_server = [
        Quota(
            Whose.MEMBER, What.PICTURES, Span.DAY, own.pictures_per_day, SetBy.SERVER, _named(own.day_role_id, context)
        )
        if own.pictures_per_day is not None
        else None,
        Quota(
            Whose.MEMBER,
            What.PICTURES,
            Span.MONTH,
            own.pictures_per_month,
            SetBy.SERVER,
            _named(own.month_role_id, context),
        )
        if own.pictures_per_month is not None
        else None,
        _quota(Whose.SERVER, What.PICTURES, Span.DAY, rules.pictures_per_day, SetBy.SERVER),
        _quota(Whose.SERVER, What.SPEND, Span.DAY, rules.spend_per_day, SetBy.SERVER),
        _quota(Whose.SERVER, What.SPEND, Span.MONTH, rules.spend_per_month, SetBy.SERVER),
    ]
    by_operator = [
        _quota(Whose.USER, What.PICTURES, Span.DAY, ceilings.pictures_per_user_day, SetBy.OPERATOR),
        _quota(Whose.SERVER, What.PICTURES, Span.DAY, ceilings.pictures_per_server_day, SetBy.OPERATOR),
        _quota(Whose.SERVER, What.SPEND, Span.DAY, ceilings.spend_per_server_day, SetBy.OPERATOR),
        _quota(Whose.SERVER, What.SPEND, Span.MONTH, ceilings.spend_per_server_month, SetBy.OPERATOR),
        _quota(Whose.EVERYONE, What.SPEND, Span.DAY, ceilings.spend_per_day, SetBy.OPERATOR),
        _quota(Whose.EVERYONE, What.SPEND, Span.MONTH, ceilings.spend_per_month, SetBy.OPERATOR),
    ]
    held = [] if is_exempt(context, rules) else by_server
    return [
        quota
        for quota in (*held, *by_operator)
        if quota is not None and not (context.guild_id is None and quota.whose in {Whose.MEMBER, Whose.SERVER})
    ]


def _named(role_id: int | None, context: RequestContext) -> int | None:
    """The role that is named beside its limit. @everyone, which has the server's id, is no role to name."""
    return None if role_id == context.guild_id else role_id


def _quota(whose: Whose, what: What, span: Span, limit: int | None, set_by: SetBy) -> Quota | None:
    return None if limit is None else Quota(whose, what, span, limit, set_by)


def _filled(asked: RequestInput, rules: Rules, limits: MemberLimits) -> ImageRequest:
    """The whole request. What nobody chose falls to something that is offered."""
    request = asked.filled(rules.defaults or Options(), Options(model=limits.models[0] if limits.models else None))
    explicit, fitted = asked.options, nearest(request, limits)
    return replace(
        request,
        model=request.model if explicit.model else fitted.model,
        resolution=request.resolution if explicit.resolution else fitted.resolution,
        count=request.count if explicit.count else fitted.count,
    )


def nearest(request: ImageRequest, limits: MemberLimits) -> ImageRequest:
    """The request with what is not offered replaced by the nearest thing that is."""
    model, resolution, count = request.model, request.resolution, request.count
    if limits.models and model not in limits.models:
        model = limits.models[0]
    if limits.resolutions and resolution not in limits.resolutions:
        resolution = limits.resolutions[0]
    if limits.max_count is not None:
        count = min(count, limits.max_count)
    return replace(request, model=model, resolution=resolution, count=count)


def _imposed(request: ImageRequest, asked: RequestInput, context: RequestContext, rules: Rules) -> ImageRequest:
    """What a place decides by itself, whatever was asked for."""
    covers = {SpoilerRule.ALWAYS: True, SpoilerRule.NEVER: False}
    spoiler = covers.get(rules.spoiler or SpoilerRule.AS_ASKED, request.spoiler)
    # A rule without covers is about Easel's own pictures. It does not show what somebody else has covered.
    spoiler = spoiler or any(source.is_covered for source in request.sources)
    # Where nobody watches over the bot, somebody else's picture is no matter for everyone's eyes.
    hidden = bool(rules.private_only) or (not context.bot_member and bool(_others(context, asked)))
    sources = tuple(replace(it, offered=it.offered or it.author_id == context.user_id) for it in request.sources)
    return replace(request, spoiler=spoiler, private=request.private or hidden, sources=sources)


def _person_faults(context: RequestContext, book: RuleBook, rules: Rules, now: datetime) -> Sequence[RequestError]:
    faults: list[RequestError] = []
    # A list of channels is the server's to set: a channel's own rules cannot let it in or out.
    channels = book.server.channels
    if channels and not {context.channel_id, context.parent_id} & set(channels):
        faults.append(Barred(Bar.CHANNEL, *channels))
    if rules.age_restricted is AgeRule.ONLY and not context.age_restricted:
        faults.append(Barred(Bar.AGE, AgeRule.ONLY))
    if rules.age_restricted is AgeRule.NEVER and context.age_restricted:
        faults.append(Barred(Bar.AGE))
    if rules.roles and not context.role_ids.intersection(rules.roles):
        faults.append(Barred(Bar.ROLE, *rules.roles))
    if rules.member_days and context.joined_at is not None and not is_exempt(context, rules):
        until = context.joined_at + timedelta(days=rules.member_days)
        if now < until:
            faults.append(Barred(Bar.NEW_MEMBER, int(until.timestamp())))
    return faults


def _input_faults(request: ImageRequest) -> Sequence[RequestError]:
    """What the image API would refuse, by its page's sections 4 and 6. What types already forbid is not asked."""
    faults: list[RequestError] = []
    if not shows_anything(request.prompt):
        faults.append(InvalidRequest("Please describe the picture you would like: the prompt is empty."))
    if len(request.prompt) > MAX_PROMPT_CHARS:
        faults.append(
            InvalidRequest(
                "The prompt is {length} characters long; up to {most} are possible. Please shorten it.",
                length=len(request.prompt),
                most=MAX_PROMPT_CHARS,
            )
        )
    if request.aspect_ratio is AspectRatio.AUTO and not request.is_edit:
        shapes = ", ".join(ratio for ratio in AspectRatio if ratio is not AspectRatio.AUTO)
        faults.append(
            InvalidRequest(
                "The aspect ratio auto follows a source picture, so it works for edits only. "
                "Please choose one of: {choices}.",
                choices=shapes,
            )
        )
    if not 1 <= request.count <= MAX_COUNT:
        faults.append(InvalidRequest("Between 1 and {most} pictures are possible at once.", most=MAX_COUNT))
    if len(request.sources) > MAX_SOURCES:
        faults.append(InvalidRequest("An edit takes at most {most} source pictures.", most=MAX_SOURCES))
    if not all(map(_can_be_fetched, request.sources)):
        faults.append(InvalidRequest("One of the source pictures has no address it could be fetched from."))
    faults += [SourceRefused(it.size) for it in request.sources if it.size > MAX_SOURCE_BYTES][:1]
    return faults


def _can_be_fetched(source: Source) -> bool:
    """By its address, by a fresh one from the reply that keeps it, or from the preset that does."""
    is_kept = source.kept is not None or source.preset_picture is not None
    return source.url.lower().startswith(("http://", "https://")) or (source.url == "" and is_kept)


def _offer_faults(
    request: ImageRequest, limits: MemberLimits, models: Sequence[Model], context: RequestContext
) -> Sequence[RequestError]:
    def roles(ids: Sequence[int]) -> Sequence[int]:
        return [it for it in ids if _named(it, context) is not None]

    faults: list[RequestError] = []
    if request.model not in models:
        faults.append(Barred(Bar.NO_SUCH_MODEL, request.model, *(limits.models or models)))
    elif limits.models and request.model not in limits.models:
        faults.append(Barred(Bar.MODEL, *limits.models, roles=roles(limits.model_roles)))
    if limits.resolutions and request.resolution not in limits.resolutions:
        faults.append(Barred(Bar.RESOLUTION, *limits.resolutions, roles=roles(limits.resolution_roles)))
    if limits.max_count is not None and request.count > limits.max_count:
        faults.append(Barred(Bar.COUNT, limits.max_count, roles=roles(limits.count_roles)))
    return faults


def _author_faults(
    context: RequestContext, asked: RequestInput, rules: Rules, choices: Mapping[int, EditChoice]
) -> Sequence[RequestError]:
    """Whose pictures these are. NONE is always none, then an author's own choice goes before the rule.

    It is asked each time, of Again and Remix too, whoever presses them: an author may have shut others out since.
    """
    rule = rules.edits or EditRule.OWN
    if asked.sources and context.guild_id is not None and context.bot_member and rule is EditRule.NONE:
        return [Barred(Bar.EDITS)]
    authors = {it.author_id for it in asked.sources if it.author_id is not None} - {context.user_id}
    if any(choices.get(author) is EditChoice.NOBODY for author in authors):
        return [Barred(Bar.AUTHOR)]
    others = _others(context, asked)
    in_server = context.guild_id is not None and context.bot_member
    if in_server and rule is EditRule.OWN and any(choices.get(author) is not EditChoice.ANYONE for author in others):
        return [Barred(Bar.NOT_YOUR_PICTURE)]
    return []


def _others(context: RequestContext, asked: RequestInput) -> frozenset[int]:
    """The other people whose pictures are to be edited, without those who gave them to Easel themselves."""
    authors = {it.author_id for it in asked.sources if it.author_id is not None and not it.offered}
    return frozenset(authors - {context.user_id})
