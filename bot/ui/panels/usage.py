"""The panel of `/usage`: pictures, spend and what is left, as text, as a chart, and as a table to take along.

Members see their own figures, members with Manage Server those of the server. Whoever runs the bot has a button to all
servers (`ui/operator/panel.py`), which nobody else sees.
"""

from __future__ import annotations

import asyncio
import calendar
import io
from datetime import date
from typing import Any

import discord
from discord import ui

from bot.jobs.records.accounts import Account, Accounts, Standing, Sum
from bot.model import Model
from bot.pictures import chart
from bot.policy.quotas import Span, What, Whose
from bot.ui.kit import texts, widgets
from bot.ui.kit.dispatch import Click, custom_id
from bot.ui.kit.interactions import Interaction, context_of, say
from bot.ui.kit.language import mark, tr
from bot.ui.kit.permissions import manages_server
from bot.ui.kit.widgets import GOOD, button, card
from bot.ui.operator.cards import PANEL as OPERATOR_PANEL
from bot.ui.operator.operators import Operators, Rank
from bot.ui.requests.refusals import by_roles

PANEL = "usage"
MINE, SERVER = "mine", "server"
CHART_FILE = "usage.png"

NOT_A_MANAGER = mark("Only members with the permission Manage Server can see what the server uses.")
UNPRICED = mark("{sum} · {pictures} without a price")

#: Those of the whole bot are no business of a member.
QUOTA_NAMES = {
    (Whose.MEMBER, What.PICTURES, Span.DAY): mark("Your pictures in this server today"),
    (Whose.MEMBER, What.PICTURES, Span.MONTH): mark("Your pictures in this server this month"),
    (Whose.USER, What.PICTURES, Span.DAY): mark("Your pictures everywhere today"),
    (Whose.SERVER, What.PICTURES, Span.DAY): mark("Pictures of this server today"),
    (Whose.SERVER, What.SPEND, Span.DAY): mark("Spend of this server today"),
    (Whose.SERVER, What.SPEND, Span.MONTH): mark("Spend of this server this month"),
}


class UsagePanel:
    """The panel `usage`. Everybody sees their own; a server's is for members with Manage Server."""

    name = PANEL

    def __init__(self, accounts: Accounts, operators: Operators) -> None:
        self._accounts = accounts
        self._operators = operators

    async def open(self, interaction: Interaction) -> None:
        """What the one who asks has used, for nobody else to see."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        await self._show(interaction, MINE)

    async def act(self, interaction: Interaction, click: Click) -> None:
        """Turn to another month, or bring the file with the figures."""
        whose = click.words[-1] if click.words else ""
        if whose == SERVER and not manages_server(interaction):
            await say(interaction, tr(NOT_A_MANAGER))
            return
        match click.words:
            case ["show", ("mine" | "server")]:
                await interaction.response.defer()
                await self._show(interaction, whose)
            case ["csv", ("mine" | "server")]:
                await interaction.response.defer(ephemeral=True, thinking=True)
                await self._export(interaction, whose)
            case _:
                await say(interaction, tr(texts.FORM_TOO_OLD))

    async def _show(self, interaction: Interaction, whose: str) -> None:
        if whose == SERVER and interaction.guild_id is not None:
            account = await self._accounts.of_server(interaction.guild_id)
        else:
            account = await self._accounts.mine(context_of(interaction))
        png, rank = await asyncio.gather(_chart(interaction, account), self._operators.rank(interaction.user.id))
        files = [discord.File(io.BytesIO(png), CHART_FILE, description=_alt(account))] if png else []
        manages = manages_server(interaction)
        view = layout(account, whose, with_chart=bool(png), manages=manages, operates=rank > Rank.NOBODY)
        await interaction.edit_original_response(view=view, attachments=files)

    async def _export(self, interaction: Interaction, whose: str) -> None:
        of_server = {"guild_id": interaction.guild_id}
        table = await self._accounts.export(**(of_server if whose == SERVER else {"user_id": interaction.user.id}))
        name = f"easel-usage-{whose}.csv"
        head: ui.TextDisplay[Any] = ui.TextDisplay(tr("This month's requests (UTC), one line for each."))
        view = widgets.layout(head, ui.File(f"attachment://{name}"))
        await interaction.edit_original_response(view=view, attachments=[discord.File(io.BytesIO(table), name)])


def layout(account: Account, whose: str, *, with_chart: bool, manages: bool, operates: bool = False) -> ui.LayoutView:
    """An account as a card."""
    head = tr("### This server's usage") if whose == SERVER else tr("### Your usage")
    lines = [
        head,
        tr("**Today**: {sum}", sum=_sum(account.today)),
        tr("**This month**: {sum}", sum=_sum(account.month)),
        *(f"-# {_left(it)}" for it in account.standings if it.quota.whose is not Whose.EVERYONE),
    ]
    parts: list[ui.Item[Any]] = [ui.TextDisplay("\n".join(lines))]
    if with_chart:
        item = discord.MediaGalleryItem(f"attachment://{CHART_FILE}", description=_alt(account))
        parts += [ui.TextDisplay(_title(account)), ui.MediaGallery(item)]
    if account.by_member:
        parts.append(_list(tr("**By member, this month**"), [f"{_member(it)}: {_sum(it)}" for it in account.by_member]))
    if account.by_model:
        parts.append(_list(tr("**By model, this month**"), [f"{_model(it)}: {_sum(it)}" for it in account.by_model]))
    parts.append(ui.TextDisplay(tr("-# Days and months are counted in UTC. Running requests count in full.")))
    return card(GOOD, *parts, _buttons(whose, manages=manages, operates=operates))


def _buttons(whose: str, *, manages: bool, operates: bool) -> ui.ActionRow[Any]:
    buttons = [
        button(tr("Refresh"), custom_id(PANEL, "show", whose)),
        button(tr("Export as CSV"), custom_id(PANEL, "csv", whose)),
    ]
    if whose == SERVER:
        buttons.append(button(tr("My usage"), custom_id(PANEL, "show", MINE)))
    elif manages:
        buttons.append(button(tr("This server's usage"), custom_id(PANEL, "show", SERVER)))
    if operates:
        buttons.append(button(tr("All servers"), custom_id(OPERATOR_PANEL, "all")))
    return widgets.row(*buttons)


def _sum(total: Sum) -> str:
    """Pictures and what they cost; where there is no price the cost is not made up."""
    count = texts.pictures(total.pictures)
    if total.unpriced == total.pictures:
        return tr("{pictures}, unpriced", pictures=count) if total.pictures else count
    told = f"{count} · {texts.money(total.cost_micros)}"
    return tr(UNPRICED, sum=told, pictures=texts.pictures(total.unpriced)) if total.unpriced else told


def _left(standing: Standing) -> str:
    quota = standing.quota
    name = QUOTA_NAMES[quota.whose, quota.what, quota.span]
    show = texts.money if quota.what is What.SPEND else str
    line = tr(
        "{quota}: {left} of {limit} left, renews {when}",
        quota=tr(name),
        left=show(standing.left),
        limit=show(quota.limit),
        when=discord.utils.format_dt(standing.renews_at, "R"),
    )
    return f"{line}. {by_roles([quota.role_id])}" if quota.role_id is not None else line


def _list(head: str, lines: list[str]) -> ui.TextDisplay[Any]:
    return ui.TextDisplay("\n".join((head, *(f"- {line}" for line in lines))))


def _member(total: Sum) -> str:
    return f"<@{total.key}>" if total.key is not None else tr("*a member who deleted their data*")


def _model(total: Sum) -> str:
    return texts.model_name(Model(str(total.key)))


async def _chart(interaction: Interaction, account: Account) -> bytes | None:
    """Spend where all that was painted has a price, else pictures."""
    last = calendar.monthrange(account.at.year, account.at.month)[1]
    days = [account.days.get(date(account.at.year, account.at.month, day)) for day in range(1, last + 1)]
    if _in_dollars(account):
        values = [it.cost_micros / 1_000_000 if it else 0.0 for it in days]
        amount = tr("${amount}")
    else:
        values = [float(it.pictures) if it else 0.0 for it in days]
        amount = ""
    turns = interaction.client.studio.turns
    return await chart.month(
        values, today=account.at.day - 1, amount=amount, point=tr("."), user_id=interaction.user.id, turns=turns
    )


def _title(account: Account) -> str:
    """Of the chart, above it: the font that draws it has no letters but those of English."""
    what = tr("US dollars per day") if _in_dollars(account) else tr("Pictures per day")
    return f"**{what}** · {tr('This month')}"


def _in_dollars(account: Account) -> bool:
    return account.month.cost_micros > 0 and not account.month.unpriced


def _alt(account: Account) -> str:
    """The chart in words: its days and numbers."""
    days = [it for _, it in sorted(account.days.items())]
    if not days:
        return tr("A chart of this month: nothing was painted yet.")
    if _in_dollars(account):
        told = ", ".join(f"{it.day.day}: {texts.money(it.cost_micros)}" for it in days)
        return tr("US dollars per day of this month. {days}", days=told)[:1024]
    told = ", ".join(f"{it.day.day}: {it.pictures}" for it in days)
    return tr("Pictures per day of this month. {days}", days=told)[:1024]
