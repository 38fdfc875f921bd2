"""The panel of `/preferences`: what one person has chosen for themselves, to be changed with one click each.

The panel holds no state: it is built anew from the database at every click, in any process, days later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import discord
from discord import ui

from bot.jobs.policies import Policies
from bot.jobs.records.presets import PresetBook
from bot.policy.preferences import EditChoice, Notify, Preferences
from bot.policy.preset import NONE, Preset
from bot.ui.kit import texts
from bot.ui.kit.command_words import OPTION_NAME
from bot.ui.kit.dispatch import Click, custom_id
from bot.ui.kit.interactions import Interaction, say
from bot.ui.kit.language import language, mark, tr, word
from bot.ui.kit.widgets import NEUTRAL, card, text
from bot.ui.panels.preset_cards import MAX_OPTION_CHARS
from bot.ui.requests.preset_choice import suggested

PANEL = "preferences"
NOTIFY, PRESET, EDITS, SHOWCASE = "notify", "preset", "edits", "showcase"  # the menus, by their words in the custom ids
SERVER_RULE = "server"  # the choice that leaves it to the server
MORE = "more"  # the choice that turns the page of the presets
PAGE = 23  # of the 25 choices that a menu has; the other two are none and more

NOTIFY_CHOICES: Mapping[Notify, tuple[str, str]] = MappingProxyType(
    {
        Notify.NEVER: (mark("Never"), mark("The reply changes by itself, without a message")),
        Notify.LONG: (mark("When it takes long"), mark("After more than a minute")),
        Notify.ALWAYS: (mark("Always"), mark("Under every finished picture that others see too")),
    }
)
EDIT_CHOICES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        SERVER_RULE: (mark("As the server says"), mark("Nobody else, unless it opens them to all")),
        EditChoice.ANYONE: (mark("Anyone"), mark("Unless the server forbids it altogether")),
        EditChoice.NOBODY: (mark("Nobody"), mark("Nobody but you, whatever the server says")),
    }
)

SHOW, HIDE = "show", "hide"
SHOWCASE_CHOICES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        HIDE: (mark("Leave it out"), mark("Only your pictures and your name are shown")),
        SHOW: (mark("Show it"), mark("Your words stand above your pictures")),
    }
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the panel shows.

    `presets` are those that the person may use here; `is_elsewhere` says that the chosen one is another server's.
    """

    preferences: Preferences
    presets: Sequence[Preset]
    is_elsewhere: bool = False


class PreferencePanel:
    """The panel `preferences`. It only ever speaks of whoever clicks."""

    name = PANEL

    def __init__(self, policies: Policies, presets: PresetBook) -> None:
        self._preferences = policies.preferences
        self._presets = presets

    async def open(self, interaction: Interaction) -> None:
        """What the one who asks has chosen, for nobody else to see."""
        chosen = await self._chosen(interaction, await self._preferences.read(interaction.user.id))
        await interaction.response.send_message(view=panel(chosen), ephemeral=True)

    async def act(self, interaction: Interaction, click: Click) -> None:
        """Keep a choice at once, and show what holds then."""
        page, preferences, user_id = 0, None, interaction.user.id
        match [*click.words, *click.values]:
            case ["notify", when] if when in set(Notify):
                preferences = await self._preferences.change(user_id, lambda it: replace(it, notify=Notify(when)))
            case ["edits", who] if who in EDIT_CHOICES:
                choice = None if who == SERVER_RULE else EditChoice(who)
                preferences = await self._preferences.change(user_id, lambda it: replace(it, edits=choice))
            case ["showcase", ("show" | "hide") as how]:
                shows = how == SHOW
                preferences = await self._preferences.change(user_id, lambda it: replace(it, shows_prompt=shows))
            case ["preset", turn] if turn.startswith(f"{MORE}:"):
                number = turn.removeprefix(f"{MORE}:")
                page = int(number) if number.isdecimal() and len(number) < 3 else 0
                preferences = await self._preferences.read(user_id)
            case ["preset", preset_id] if preset_id == NONE or await self._may_use(interaction, preset_id):
                preset = None if preset_id == NONE else preset_id
                preferences = await self._preferences.change(user_id, lambda it: replace(it, preset=preset))
            case ["preset", _]:  # deleted since the menu was shown: the panel without it
                preferences = await self._preferences.read(user_id)
            case _:
                pass
        if preferences is None:
            await say(interaction, tr(texts.FORM_TOO_OLD))
            return
        await interaction.response.edit_message(view=panel(await self._chosen(interaction, preferences), page))

    async def _may_use(self, interaction: Interaction, preset_id: str) -> bool:
        return await self._presets.get(preset_id, interaction.user.id, interaction.guild_id) is not None

    async def _chosen(self, interaction: Interaction, preferences: Preferences) -> Chosen:
        """The choices with what they mean in this place."""
        there = await self._presets.visible(interaction.user.id, interaction.guild_id)
        chosen = preferences.preset
        hidden = chosen is not None and chosen not in {preset.id for preset in there}
        return Chosen(preferences, there, is_elsewhere=hidden and await self._presets.is_there(chosen or ""))


def panel(chosen: Chosen, page: int = 0) -> ui.LayoutView:
    """The card, in the language of the moment. `page` is that of the menu of presets, from 0."""
    preferences = chosen.preferences
    option = word(OPTION_NAME, "preset", language())
    head = [tr("### Your preferences"), tr("-# They apply wherever you use Easel. A choice takes effect at once.")]
    notify = [
        f"**{tr('Notify me')}**",
        tr("A short message under the finished picture mentions you. Private pictures get none."),
    ]
    style = [
        f"**{tr('Preset')}**",
        tr(
            "Used for each new request in which you name none. {without} leaves it out once.",
            without=f"`{option}:{NONE}`",
        ),
        _passed_over(chosen),
    ]
    edits = [f"**{tr('Who may edit my pictures')}**", tr("With **Edit image**, on pictures that you have posted.")]
    when = _menu(NOTIFY, tr("Notify me"), NOTIFY_CHOICES, preferences.notify or Notify.NEVER)
    who = _menu(EDITS, tr("Who may edit my pictures"), EDIT_CHOICES, preferences.edits or SERVER_RULE)
    prompt = [
        f"**{tr('My prompt in the showcase')}**",
        tr("When a server puts pictures of yours into its showcase, your words can stand above them."),
    ]
    label = tr("My prompt in the showcase")
    above = _menu(SHOWCASE, label, SHOWCASE_CHOICES, SHOW if preferences.shows_prompt else HIDE)
    parts: list[ui.Item[Any]] = [text(*head)]
    for lines, menu in ((notify, when), (style, _preset_menu(chosen, page)), (edits, who), (prompt, above)):
        parts += [ui.Separator[Any](), text(*lines), ui.ActionRow[Any](menu)]
    return card(NEUTRAL, *parts)


def _passed_over(chosen: Chosen) -> str:
    """Why the chosen preset is not used here; empty where it is."""
    preset_id = chosen.preferences.preset
    if preset_id is None or any(preset.id == preset_id for preset in chosen.presets):
        return ""
    if chosen.is_elsewhere:
        return tr("⚠️ The one you chose belongs to another server. Here none is used.")
    return tr("⚠️ The one you chose was deleted. None is used until you choose another.")


def _menu(word: str, label: str, choices: Mapping[Any, tuple[str, str]], chosen: str) -> ui.Select[Any]:
    """A menu of fixed choices, each with its sentence."""
    options = [
        discord.SelectOption(label=tr(name), value=str(value), description=tr(about), default=value == chosen)
        for value, (name, about) in choices.items()
    ]
    return ui.Select(custom_id=custom_id(PANEL, word), placeholder=label, options=options)


def _preset_menu(chosen: Chosen, page: int) -> ui.Select[Any]:
    """None, the presets of one page with the chosen one first of all, and a way to the next page."""
    preset_id = chosen.preferences.preset
    presets = sorted(chosen.presets, key=lambda preset: preset.id != preset_id)
    pages = max(1, -(-len(presets) // PAGE))
    page %= pages
    options = [discord.SelectOption(label=tr("No preset"), value=NONE, default=preset_id is None)]
    options += [
        discord.SelectOption(
            label=suggested(preset),
            value=preset.id,
            description=texts.shortened(preset.words, MAX_OPTION_CHARS) or None,
            default=preset.id == preset_id,
        )
        for preset in presets[page * PAGE : (page + 1) * PAGE]
    ]
    if pages > 1:
        label = tr("More presets ({page} of {pages})", page=page + 1, pages=pages)
        options.append(discord.SelectOption(label=label, value=f"{MORE}:{(page + 1) % pages}"))
    return ui.Select(custom_id=custom_id(PANEL, PRESET), placeholder=tr("Preset"), options=options)
