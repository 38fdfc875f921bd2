"""The private sentences for requests that are not taken: what is in the way, what is left, and who can change it.

A refusal is private, says which limit it was, what is left and when more comes, and who can change that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import discord
from discord import ui

from bot.errors import (
    Barred,
    NotAdmitted,
    QueueFull,
    QuotaReached,
    RequestError,
    SourceFault,
    SourceRefused,
    TooManyJobs,
)
from bot.model import Model
from bot.policy.bars import Bar
from bot.policy.door import Closed
from bot.policy.quotas import Quota, SetBy, Span, Standing, What, Whose
from bot.ui.kit import entrance, texts
from bot.ui.kit.dispatch import custom_id
from bot.ui.kit.language import mark, tr, trn
from bot.ui.kit.widgets import MAX_CARD_CHARS, WORKING, button, card, prompt_file, row

PANEL = "retry"  # answers the button below, see retry.py
SHOWN_CHARS = 1500  # of the prompt that a refusal repeats, where its sentences leave so much room

#: Where the person or the place is what is in the way, another request does not help.
_FINAL = frozenset(
    {Bar.BLOCKED, Bar.CHANNEL, Bar.AGE, Bar.ROLE, Bar.NEW_MEMBER, Bar.PRIVATE}
    | {Bar.OPERATOR_USER, Bar.OPERATOR_SERVER}
    | {Bar.EDITS, Bar.NOT_YOUR_PICTURE, Bar.AUTHOR}
)


def may_retry(exc: RequestError) -> bool:
    """Whether a changed request, or the same one a little later, may be taken."""
    return not any(isinstance(it, Barred) and it.bar in _FINAL for it in _reasons(exc))


def refusal_card(exc: RequestError, prompt: str, draft_id: str | None) -> ui.LayoutView:
    """Why a request was not taken, with the prompt, so that nothing typed is lost.

    With a `draft_id`, a button opens the form in which the request can be changed. Without one, a prompt that is too
    long for the card comes as a file.
    """
    lines = [refusal(exc)]
    # Escaping may double what is shown.
    room = min(SHOWN_CHARS, (MAX_CARD_CHARS - len(lines[0])) // 2 - len("\n> "))
    if typed := texts.plain(texts.shortened(prompt, room)):
        lines.append(f"> {typed}")
    parts: list[ui.Item[Any]] = [ui.TextDisplay("\n".join(lines))]
    if draft_id is None and len(texts.shortened(prompt, MAX_CARD_CHARS)) > room:
        parts.append(prompt_file())
    if draft_id is not None:
        label, identity = tr("Change and try again"), custom_id(PANEL, "open", draft_id)
        parts.append(row(button(label, identity, discord.ButtonStyle.primary)))
    return card(WORKING, *parts)


def refusal(exc: RequestError) -> str:
    """The sentences for a request that was not taken, one for each reason, in the language of the moment."""
    return "\n".join(dict.fromkeys(map(_sentence, _reasons(exc))))


def _reasons(exc: RequestError) -> Sequence[RequestError]:
    return exc.reasons if isinstance(exc, NotAdmitted) else (exc,)


def _sentence(exc: RequestError) -> str:
    match exc:
        case Barred():
            sentence = _BARRED[exc.bar](exc.allowed)
            return f"{sentence} {by_roles(exc.roles)}" if exc.roles else sentence
        case SourceRefused():
            return texts.source_fault(f"{SourceFault.TOO_LARGE} {exc.size}")
        case QuotaReached():
            return f"{used_up(exc.standing)} {nothing_started()} {who_can_change(exc.standing.quota.set_by)}"
        case TooManyJobs(set_by=SetBy.SERVER):
            sentence = trn(
                "In this server each member may have one request running at a time. Please wait until it is done.",
                "In this server each member may have {count} requests running at a time, and you have that many. "
                "Please wait until one is done.",
                exc.limit,
            )
            return f"{sentence} {who_can_change(SetBy.SERVER)}"
        case TooManyJobs():
            return f"{texts.refusal(exc)} {who_can_change(SetBy.OPERATOR)}"
        case QueueFull():
            return tr(
                "The line is full: {limit} requests are waiting already. Please try again in a few minutes; "
                "nothing was started.",
                limit=exc.limit,
            )
        case _:
            return texts.refusal(exc)


def nothing_started() -> str:
    """That a refusal costs nothing."""
    return tr("Nothing was started.")


def who_can_change(set_by: SetBy) -> str:
    """Whom to ask about a limit."""
    if set_by is SetBy.SERVER:
        return tr("Members with the permission Manage Server can change this limit with `/settings`.")
    return f"{tr('Only whoever runs this bot can change this limit.')} {texts.whom_to_ask()}".rstrip()


def by_roles(role_ids: Sequence[int]) -> str:
    """Whose limit it is, where it is that of roles."""
    return tr("The limit for {roles} holds for you.", roles=_listed(tuple(role_ids), "@&"))


_WHO_HAS_PRICES = mark("Only whoever runs this bot can enter prices.")


def used_up(standing: Standing) -> str:
    """What a quota allows, what is left of it, and when it renews."""
    quota = standing.quota
    when = f"<t:{int(standing.renews_at.timestamp())}:R>"
    values = {"limit": amount(quota, quota.limit), "left": amount(quota, standing.left), "when": when}
    if quota.role_id is not None:
        return tr(_USED_UP_BY_ROLE[quota.span], role=f"<@&{quota.role_id}>", **values)
    return tr(_USED_UP[_kind(quota)], **values)


def amount(quota: Quota, number: int) -> str:
    """So many pictures, or so much money."""
    return texts.money(number) if quota.what is What.SPEND else str(number)


def _kind(quota: Quota) -> tuple[Whose, What, Span]:
    """What tells one quota from another."""
    return quota.whose, quota.what, quota.span


_DAY, _MONTH, _PICTURES, _SPEND = Span.DAY, Span.MONTH, What.PICTURES, What.SPEND
_USED_UP: Mapping[tuple[Whose, What, Span], str] = MappingProxyType(
    {
        (Whose.MEMBER, _PICTURES, _DAY): mark(
            "Pictures per member and day in this server: {limit}. You have {left} left; it renews {when}."
        ),
        (Whose.MEMBER, _PICTURES, _MONTH): mark(
            "Pictures per member and month in this server: {limit}. You have {left} left; it renews {when}."
        ),
        (Whose.USER, _PICTURES, _DAY): mark(
            "Pictures per person and day: {limit}. You have {left} left; it renews {when}."
        ),
        (Whose.SERVER, _PICTURES, _DAY): mark(
            "Pictures per day in this server: {limit}. There are {left} left for all; it renews {when}."
        ),
        (Whose.SERVER, _SPEND, _DAY): mark(
            "This server's budget per day is {limit}. {left} of it is left, less than this request costs; "
            "it renews {when}."
        ),
        (Whose.SERVER, _SPEND, _MONTH): mark(
            "This server's budget per month is {limit}. {left} of it is left, less than this request costs; "
            "it renews {when}."
        ),
        (Whose.EVERYONE, _SPEND, _DAY): mark(
            "This bot's budget per day is {limit}. {left} of it is left, less than this request costs; "
            "it renews {when}."
        ),
        (Whose.EVERYONE, _SPEND, _MONTH): mark(
            "This bot's budget per month is {limit}. {left} of it is left, less than this request costs; "
            "it renews {when}."
        ),
    }
)

_USED_UP_BY_ROLE: Mapping[Span, str] = MappingProxyType(
    {
        _DAY: mark("Your role {role} has {limit} pictures per day. You have {left} left; it renews {when}."),
        _MONTH: mark("Your role {role} has {limit} pictures per month. You have {left} left; it renews {when}."),
    }
)

_Allowed = tuple[str | int, ...]
_MENTIONED = 10  # so many channels or roles are named


def _listed(marks: _Allowed, sign: str) -> str:
    """Mentions of channels or roles, not more than fit into a sentence."""
    named = ", ".join(f"<{sign}{one}>" for one in marks[:_MENTIONED])
    return f"{named}, …" if len(marks) > _MENTIONED else named


def _models(allowed: _Allowed) -> str:
    """The sentence for a model that the place does not offer."""
    names = texts.model_names(Model(str(it)) for it in allowed)
    return tr("That model is not offered here. Offered: {models}. Nothing was started.", models=names)


def no_such_model(model: Model, offered: Iterable[Model]) -> str:
    """The sentence for a model that this bot does not offer, or no longer does, with those that it has."""
    return tr(
        "There is no model {model} here any more. There are: {models}. Nothing was started.",
        model=texts.model_name(model),
        models=texts.model_names(offered),
    )


def _no_such_model(allowed: _Allowed) -> str:
    """The sentence for a model that no place offers; it comes first, then those that this place has."""
    asked, *there = (Model(str(it)) for it in allowed)
    return no_such_model(asked, there)


_BARRED: Mapping[Bar, Callable[[_Allowed], str]] = MappingProxyType(
    {
        Bar.BLOCKED: lambda _: tr(
            "You may not use Easel in this server. Members with the permission Manage Server can change that."
        ),
        Bar.OPERATOR_USER: lambda _: entrance.sentence(Closed.BLOCKED_USER),
        Bar.OPERATOR_SERVER: lambda _: entrance.sentence(Closed.BLOCKED_SERVER),
        Bar.CHANNEL: lambda allowed: tr(
            "Easel does not paint in this channel. It does here: {channels}", channels=_listed(allowed, "#")
        ),
        Bar.AGE: lambda allowed: (
            tr("In this server Easel works in age-restricted channels only, and this is not one.")
            if allowed
            else tr("In this server Easel does not work in age-restricted channels. Please use another one.")
        ),
        Bar.ROLE: lambda allowed: tr(
            "Here Easel paints for members with one of these roles only: {roles}", roles=_listed(allowed, "@&")
        ),
        Bar.MODEL: _models,
        Bar.NO_SUCH_MODEL: _no_such_model,
        Bar.RESOLUTION: lambda allowed: tr(
            "That resolution is not offered here. Offered: {resolutions}. Nothing was started.",
            resolutions=", ".join(map(str, allowed)),
        ),
        Bar.COUNT: lambda allowed: trn(
            "Here one picture at a time can be asked for. Nothing was started.",
            "Here at most {count} pictures can be asked for at a time. Nothing was started.",
            int(allowed[0]),
        ),
        Bar.WORDS: lambda _: tr(
            "This server does not allow something in your prompt. Please use other words; nothing was started."
        ),
        Bar.UNCHECKED: lambda _: tr(
            "A pattern on this server's blocklist takes too long on your prompt, so nothing was started. Please "
            "shorten the prompt, or tell a member with the permission Manage Server."
        ),
        Bar.NEW_MEMBER: lambda allowed: tr(
            "New members of this server wait a while before they can use Easel. Your wait ends {when}.",
            when=f"<t:{allowed[0]}:R>",
        ),
        Bar.EDITS: lambda _: tr("In this server no pictures are edited. Nothing was started."),
        Bar.NOT_YOUR_PICTURE: lambda _: tr(
            "Here you can edit your own pictures and Easel's, and those of members who allow it with `/preferences`. "
            "Nothing was started."
        ),
        Bar.AUTHOR: lambda _: tr("Whoever posted this picture does not let others edit it. Nothing was started."),
        Bar.PRIVATE: lambda _: tr("Pictures are private here, so nothing was posted."),
        Bar.UNPRICED: lambda _: tr(
            "There is a budget here, and the price of this request is not known, so nothing was started. {who}",
            who=f"{tr(_WHO_HAS_PRICES)} {texts.whom_to_ask()}".rstrip(),
        ),
    }
)
