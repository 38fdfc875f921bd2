"""What the operator's view looks like: all servers, one server, one person, who is blocked, and the questions. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import discord
from discord import ui

from bot.jobs.records.oversight import (
    DELIVERED,
    BlockKind,
    OperatorBlock,
    ServerPace,
    ServersOverview,
    UsageOf,
    UsageSums,
)
from bot.model import FailureKind
from bot.ui.kit import texts, widgets
from bot.ui.kit.dispatch import custom_id
from bot.ui.kit.language import mark, tr, trn
from bot.ui.kit.widgets import BAD, GOOD, NEUTRAL, button, card, row, text
from bot.ui.reply.endings import ENDINGS

PANEL = "operator"
USAGE = "usage"  # the panel that this one was opened from
TOP, SLOWEST = 10, 5  # that are listed
MAX_KINDS = 12  # of failures that are listed
MAX_CHOICES = 25  # of a menu
MAX_BLOCKS = 18  # that are listed
NAME_CHARS = 40  # of a server; escaping may double them
FIND_ID, FIND_KIND = "id", "kind"

#: Ends that nobody has to look into: a person wanted them.
_WANTED = frozenset({DELIVERED, FailureKind.CANCELLED, FailureKind.REPLY_DELETED})


class Verb(StrEnum):
    """What the operator can do; also the word in a custom id."""

    LEAVE = "leave"
    BLOCK_SERVER = "block-server"
    UNBLOCK_SERVER = "unblock-server"
    BLOCK_USER = "block-user"
    UNBLOCK_USER = "unblock-user"


#: How each is called on its button, and what is asked before.
LABELS: Mapping[Verb, str] = MappingProxyType(
    {
        Verb.LEAVE: mark("Leave server"),
        Verb.BLOCK_SERVER: mark("Block server"),
        Verb.UNBLOCK_SERVER: mark("Unblock server"),
        Verb.BLOCK_USER: mark("Block user"),
        Verb.UNBLOCK_USER: mark("Unblock user"),
    }
)
QUESTIONS: Mapping[Verb, str] = MappingProxyType(
    {
        Verb.LEAVE: mark("Leave {who}? Nobody can use Easel there until somebody invites it again."),
        Verb.BLOCK_SERVER: mark(
            "Block {who}? Easel leaves it and works for nobody there any more. What waits in line there is cancelled "
            "and costs nothing."
        ),
        Verb.UNBLOCK_SERVER: mark("Unblock {who}? Easel can be invited there again."),
        Verb.BLOCK_USER: mark(
            "Block {who}? They can no longer use Easel, in any server or direct message. What they have in line is "
            "cancelled and costs nothing."
        ),
        Verb.UNBLOCK_USER: mark("Unblock {who}? They can use Easel again."),
    }
)

#: What a server is called, by its id.
NameOf = Callable[[int | None], str]


@dataclass(frozen=True, slots=True)
class ServerState:
    """What is known of a server besides its figures. `is_member` is None where Discord did not say."""

    id: int
    name: str
    is_member: bool | None
    is_blocked: bool
    by_settings: bool  # by BLOCKED_SERVERS, which only the settings can change


def all_servers(overview: ServersOverview, name_of: NameOf, blocked: int, *, acts: bool) -> ui.LayoutView:
    """Everything together, with the way to each server. `acts` says that the person may do more than look."""
    parts: list[ui.Item[Any]] = [text(tr("### All servers"), *_amounts(overview.amounts)), *_figures(overview, name_of)]
    if overview.top:
        lines = [f"{texts.plain(name_of(it.id))}: {_month(it)}" for it in overview.top[:TOP]]
        parts.insert(1, _listed(tr("**Most pictures this month**"), lines))
    choices = [(name_of(it.id), it.id) for it in overview.top if it.id is not None][:MAX_CHOICES]
    if choices:
        parts.append(_menu("server", tr("A server in detail"), choices))
    buttons = [button(tr("Refresh"), custom_id(PANEL, "all")), button(tr("My usage"), custom_id(USAGE, "show", "mine"))]
    if acts:
        buttons.append(button(tr("Find by ID"), custom_id(PANEL, "find")))
    buttons.append(button(tr("Blocked ({count})", count=blocked), custom_id(PANEL, "blocked")))
    return card(GOOD, *parts, _utc(), row(*buttons))


def server(overview: ServersOverview, state: ServerState, *, acts: bool, note: str = "") -> ui.LayoutView:
    """One server, with what can be done about it."""
    about = [f"-# {tr('ID')}: `{state.id}`"]
    if state.is_blocked:
        about.append(_blocked_line("BLOCKED_SERVERS" if state.by_settings else ""))
    elif state.is_member is False:
        about.append(f"-# {tr('Easel is not in this server.')}")
    head = text(note, f"### {texts.plain(state.name)}", *_amounts(overview.amounts), *about)
    parts: list[ui.Item[Any]] = [head, *_figures(overview, lambda _: state.name)]
    people = [it for it in overview.top if it.id is not None]
    if people:
        # Names of members are Discord's to show, and a menu shows none: so both are numbered.
        lines = [f"{number}. <@{it.id}>: {_month(it)}" for number, it in enumerate(people[:TOP], start=1)]
        parts.append(text(tr("**By member, this month**"), *lines))
        choices = [(f"{number}. {_month(it)}", it.id or 0) for number, it in enumerate(people[:TOP], start=1)]
        parts.append(_menu("user", tr("A member in detail"), choices))
    verbs: list[Verb] = []
    if acts:
        verbs += [] if state.is_member is False else [Verb.LEAVE]
        if not state.is_blocked:
            verbs.append(Verb.BLOCK_SERVER)
        elif not state.by_settings:
            verbs.append(Verb.UNBLOCK_SERVER)
    return card(GOOD, *parts, _utc(), row(*_acts(verbs, state.id), _back()))


def user(
    user_id: int, amounts: UsageSums, *, is_blocked: bool, by_settings: bool, acts: bool, note: str = ""
) -> ui.LayoutView:
    """One person, with what can be done about them."""
    about = [f"-# {tr('ID')}: `{user_id}`"]
    if is_blocked:
        about.append(_blocked_line("BLOCKED_USERS" if by_settings else ""))
    verbs = [Verb.UNBLOCK_USER] if is_blocked and not by_settings else [] if is_blocked else [Verb.BLOCK_USER]
    head = text(note, f"### <@{user_id}>", *_amounts(amounts), *about)
    return card(GOOD, head, _utc(), row(*_acts(verbs if acts else [], user_id), _back()))


def blocked(blocks: Sequence[OperatorBlock]) -> ui.LayoutView:
    """Who was blocked with this view, the newest first."""
    lines = [f"{_who(it)} · {_by(it)} · {discord.utils.format_dt(it.at, 'd')}" for it in blocks[:MAX_BLOCKS]]
    if not lines:
        nobody = tr("Nobody is blocked here. Those of BLOCKED_USERS and BLOCKED_SERVERS are not listed.")
        return card(NEUTRAL, text(tr("### Blocked everywhere"), nobody), row(_back()))
    parts: list[ui.Item[Any]] = [_listed(tr("### Blocked everywhere"), lines)]
    if len(blocks) > MAX_BLOCKS:
        parts.append(text(tr("-# {count} more; **Find by ID** finds them.", count=len(blocks) - MAX_BLOCKS)))
    options = [
        discord.SelectOption(
            label=(it.name or str(it.id))[:100],
            value=f"{it.kind.value}:{it.id}",
            description=tr("A server") if it.kind is BlockKind.SERVER else tr("A user"),
        )
        for it in blocks[:MAX_BLOCKS]
    ]
    menu: ui.Select[Any] = ui.Select(
        custom_id=custom_id(PANEL, "pick"), placeholder=tr("See or unblock"), options=options
    )
    return card(NEUTRAL, *parts, ui.ActionRow[Any](menu), row(_back()))


def question(verb: Verb, target_id: int, who: str) -> ui.LayoutView:
    """Asked once more before anything is done."""
    style = discord.ButtonStyle.danger
    yes = button(tr("Yes, do it"), custom_id(PANEL, "yes", verb.value, target_id), style)
    kind = "user" if verb in {Verb.BLOCK_USER, Verb.UNBLOCK_USER} else "server"
    keep = button(tr("Keep"), custom_id(PANEL, kind, target_id))
    return card(BAD, text(tr(QUESTIONS[verb], who=who)), row(yes, keep))


def find_form() -> ui.Modal:
    """Asks for the id of a server or a user."""
    kinds = [
        discord.SelectOption(label=tr("A user"), value=BlockKind.USER.value, default=True),
        discord.SelectOption(label=tr("A server"), value=BlockKind.SERVER.value),
    ]
    kind: ui.Select[Any] = ui.Select(custom_id=FIND_KIND, options=kinds)
    number: ui.TextInput[Any] = ui.TextInput(custom_id=FIND_ID, min_length=15, max_length=20)
    about = tr("Copy it in Discord with Developer Mode switched on: right-click, Copy ID.")
    fields: tuple[ui.Label[Any], ui.Label[Any]] = (
        ui.Label(text=tr("Who"), component=kind),
        ui.Label(text=tr("ID"), description=about, component=number),
    )
    return widgets.form(tr("Find by ID"), custom_id(PANEL, "found"), *fields)


def _figures(overview: ServersOverview, name_of: NameOf) -> list[ui.Item[Any]]:
    """How requests ended, and how long people waited."""
    delivered = next((it for it in overview.ends if it.outcome == DELIVERED), None)
    failures = [it for it in overview.ends if it.outcome not in _WANTED]
    today, month = sum(it.today for it in failures), sum(it.month for it in failures)
    done = (delivered.today, delivered.month) if delivered else (0, 0)
    lines = [f"{_ending(it.outcome)}: {_today_and_month(it.today, it.month)}" for it in failures[:MAX_KINDS]]
    summary = tr(
        "**Failed**: {failures} · **Delivered**: {delivered}",
        failures=_today_and_month(today, month),
        delivered=_today_and_month(*done),
    )
    parts: list[ui.Item[Any]] = [_listed(summary, lines)]
    for head, paces in (
        (tr("**Slowest servers today**"), overview.slowest_today),
        (tr("**Slowest servers this month**"), overview.slowest_month),
    ):
        if paces:
            parts.append(_listed(head, [_pace(it, name_of) for it in paces]))
    return parts


def _ending(outcome: str) -> str:
    """The headline that members read; one of a later version as it stands."""
    return tr(ENDINGS[FailureKind(outcome)].headline) if outcome in set(FailureKind) else outcome


def _today_and_month(today: int, month: int) -> str:
    return tr("{today} today, {month} this month", today=today, month=month)


def _pace(pace: ServerPace, name_of: NameOf) -> str:
    return trn(
        "{server}: {time} on average, {count} request",
        "{server}: {time} on average, {count} requests",
        pace.jobs,
        server=texts.plain(name_of(pace.guild_id)),
        time=texts.seconds(pace.seconds),
    )


def _amounts(amounts: UsageSums) -> tuple[str, str]:
    return (
        tr("**Today**: {sum}", sum=_sum(amounts.pictures_today, amounts.micros_today)),
        tr("**This month**: {sum}", sum=_sum(amounts.pictures_month, amounts.micros_month)),
    )


def _month(whose: UsageOf) -> str:
    return _sum(whose.amounts.pictures_month, whose.amounts.micros_month)


def _sum(pictures: int, micros: int) -> str:
    """Pictures, and what those with a known price cost."""
    count = texts.pictures(pictures)
    return f"{count} · {texts.money(micros)}" if micros else count


def _blocked_line(variable: str) -> str:
    if variable:
        return tr("⛔ Blocked in the settings of the bot: `{variable}`.", variable=variable)
    return tr("⛔ Blocked everywhere.")


def _who(block: OperatorBlock) -> str:
    if block.kind is BlockKind.USER:
        return f"<@{block.id}>"
    return f"{texts.plain(block.name)} (`{block.id}`)" if block.name else f"`{block.id}`"


def _by(block: OperatorBlock) -> str:
    return f"<@{block.by}>" if block.by else tr("*a member who deleted their data*")


def _acts(verbs: Sequence[Verb], target_id: int) -> list[ui.Button[Any]]:
    """A button for each, the ones that take something away in red."""
    harmless = {Verb.UNBLOCK_SERVER, Verb.UNBLOCK_USER}
    styles = discord.ButtonStyle
    return [
        button(
            tr(LABELS[it]),
            custom_id(PANEL, "ask", it.value, target_id),
            styles.secondary if it in harmless else styles.danger,
        )
        for it in verbs
    ]


def _back() -> ui.Button[Any]:
    return button(tr("All servers"), custom_id(PANEL, "all"))


def _menu(word: str, label: str, choices: Sequence[tuple[str, int]]) -> ui.ActionRow[Any]:
    options = [discord.SelectOption(label=name[:100], value=str(value)) for name, value in choices]
    return ui.ActionRow(ui.Select(custom_id=custom_id(PANEL, word), placeholder=label, options=options))


def _listed(head: str, lines: Sequence[str]) -> ui.TextDisplay[Any]:
    return text(head, *(f"- {line}" for line in lines))


def _utc() -> ui.TextDisplay[Any]:
    return text(tr("-# Days and months are counted in UTC. Running requests count in full."))
