"""`/help`: one private card from which somebody who has never seen Easel can begin.

It names what holds for this person in this place: which commands there are, and how much is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import discord
import structlog
from discord import app_commands, ui

from bot.errors import StoreUnavailable
from bot.jobs.policies import Policies, Standing
from bot.policy.quotas import Span, What, Whose
from bot.ui.kit import texts
from bot.ui.kit.command_words import COMMAND_NAME, MENU_NAME, OPTION_NAME
from bot.ui.kit.dispatch import Click
from bot.ui.kit.interactions import Interaction, context_of, say
from bot.ui.kit.language import language, mark, tr, word
from bot.ui.kit.permissions import may_use
from bot.ui.kit.widgets import GOOD, card
from bot.ui.requests.refusals import by_roles

if TYPE_CHECKING:
    from bot.client import EaselClient
    from bot.ui.kit.mentions import Mentions

log = structlog.stdlib.get_logger(__name__)

PANEL = "help"
#: The answer does not wait longer for what is left of a quota; Discord gives it 3 s in all.
PATIENCE_S = 1.0
#: So many characters name further commands, that the card stays within Discord's 4,000.
FURTHER_CHARS = 1600
FIRST = ("imagine", "edit", "help")  # named elsewhere on the card

Slash = app_commands.Command[Any, ..., Any] | app_commands.Group

LEFT: Mapping[tuple[Whose, What], str] = MappingProxyType(
    {
        (Whose.MEMBER, What.PICTURES): mark("You have {left} of {limit} pictures left in this server; more {when}."),
        (Whose.USER, What.PICTURES): mark("You have {left} of {limit} pictures left; more {when}."),
        (Whose.SERVER, What.PICTURES): mark("This server has {left} of {limit} pictures left for all; more {when}."),
        (Whose.SERVER, What.SPEND): mark("This server has {left} of its budget of {limit} left; more {when}."),
        (Whose.EVERYONE, What.SPEND): mark("This bot has {left} of its budget of {limit} left; more {when}."),
    }
)

#: A day's limit and a month's stand one below the other, so each says which it is.
_SPANS: Mapping[Span, str] = MappingProxyType({Span.DAY: mark("Today"), Span.MONTH: mark("This month")})


class HelpPanel:
    """The panel `help`. It has no buttons."""

    name = PANEL

    def __init__(self, owner: Policies, client: EaselClient) -> None:
        self._owner = owner
        self._client = client

    async def open(self, interaction: Interaction) -> None:
        """Tell one person, in their language, what there is for them here."""
        standings = await self._standings(interaction)
        further = [
            it
            for it in slash_commands(self._client.tree)
            if it.name not in FIRST and may_use(interaction, it.default_permissions)
        ]
        view = guide_card(self._client.mentions, further, standings, in_server=interaction.guild_id is not None)
        await interaction.response.send_message(view=view, ephemeral=True)

    async def act(self, interaction: Interaction, click: Click) -> None:
        """Nothing can be pressed in this version."""
        await say(interaction, tr(texts.FORM_TOO_OLD))

    async def _standings(self, interaction: Interaction) -> Sequence[Standing] | None:
        """None where the database does not say: the rest of the card helps all the same."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._owner.allowance(context_of(interaction))
        except (StoreUnavailable, TimeoutError) as exc:
            log.warning("the database does not say what is left of a quota", error=type(exc).__name__)
            return None


def slash_commands(tree: app_commands.CommandTree[Any]) -> Sequence[Slash]:
    """All slash commands by name."""
    return sorted(tree.get_commands(type=discord.AppCommandType.chat_input), key=lambda it: it.name)


def guide_card(
    mentions: Mentions, further: Sequence[Slash], standings: Sequence[Standing] | None, *, in_server: bool
) -> ui.LayoutView:
    """The card, in the language of the moment."""
    parts = ["\n".join(_beginning(mentions)), "\n".join(_buttons())]
    if further:
        parts.append("\n".join([f"**{tr('More commands')}**", *_further(mentions, further)]))
    parts.append("\n".join([*_left(standings), *_whom_to_ask(in_server=in_server)]))
    texts_shown = [ui.TextDisplay[Any](part) for part in parts]
    items: list[ui.Item[Any]] = []
    for shown in texts_shown:
        items += [shown, ui.Separator[Any]()]
    return card(GOOD, *items[:-1])


def _beginning(mentions: Mentions) -> Iterator[str]:
    """What Easel is, and one example to try."""
    yield f"### {tr('Easel paints pictures from your words')}"
    yield tr("{imagine} paints what you describe. {edit} changes pictures that you attach.", **_of(mentions))
    prompt, count = word(OPTION_NAME, "prompt", language()), word(OPTION_NAME, "count", language())
    example = tr("a red fox in the snow, oil painting")
    yield tr("Try it: {example}", example=f"`/imagine {prompt}:{example} {count}:2`")
    yield tr("The reply shows at once how far the picture is, and changes by itself until it is there.")


def _of(mentions: Mentions) -> Mapping[str, str]:
    """The commands that the first lines mention."""
    return {name: _named(mentions.of(name), name) for name in ("imagine", "edit")}


def _named(mention: str, name: str) -> str:
    """A mention with the name that the person's own menu has: Discord never translates mentions."""
    local = word(COMMAND_NAME, name, language())
    return mention if local == name else f"{mention} (`/{local}`)"


def _buttons() -> Iterator[str]:
    """What the buttons and menus do."""
    yield tr("Under each picture:")
    yield f"- {tr('**Again** repeats it')}"
    yield f"- {tr('**Remix** lets you change words and options first')}"
    yield f"- {tr('**Edit** changes the picture itself')}"
    yield f"- {tr('**Details** shows everything about it')}"
    menus = [word(MENU_NAME, name, language()) for name in ("Edit image", "Imagine this")]
    yield tr(
        "On any message: right-click or press long, then Apps → **{edit_image}** or **{imagine_this}**.",
        edit_image=menus[0],
        imagine_this=menus[1],
    )


def _further(mentions: Mentions, commands: Sequence[Slash]) -> Iterator[str]:
    """The other commands with their own descriptions, as many as fit into one message."""
    room = FURTHER_CHARS
    for command in commands:
        is_group = isinstance(command, app_commands.Group)
        mention = f"`/{command.name}`" if is_group else mentions.of(command.name)
        line = f"- {_named(mention, command.name)} – {tr(command.description)}"
        room -= len(line)
        if room < 0:
            return
        yield line


def _left(standings: Sequence[Standing] | None) -> Iterator[str]:
    """What is left of each quota that holds for this person here."""
    if standings is None:
        return
    if not standings:
        yield tr("There is no limit on pictures for you here.")
    for it in standings:
        is_money = it.quota.what is What.SPEND
        left, limit = (texts.money(n) if is_money else str(n) for n in (it.left, it.quota.limit))
        when = discord.utils.format_dt(it.renews_at, "R")
        line = tr(LEFT[it.quota.whose, it.quota.what], left=left, limit=limit, when=when)
        role = f" {by_roles([it.quota.role_id])}" if it.quota.role_id is not None else ""
        yield f"**{tr(_SPANS[it.quota.span])}**: {line}{role}"


def _whom_to_ask(*, in_server: bool) -> Iterator[str]:
    """Who decides here, and who runs the bot."""
    if in_server:
        said = tr(
            "-# Members with the permission Manage Server decide what holds here. About anything else ask whoever runs "
            "this bot."
        )
    else:
        said = tr("-# If something does not work, ask whoever runs this bot.")
    yield f"{said} {texts.whom_to_ask()}".rstrip()
