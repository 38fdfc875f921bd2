"""Answers `/settings` and the clicks on its panel.

The right to change settings is asked at every click, since roles change while a panel is open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import discord
import structlog

from bot.jobs.policies import Policies, RuleBook
from bot.jobs.records.presets import PresetBook
from bot.policy.rules import NO_RULES, WHOLE_SERVER, RoleLimits, Rules
from bot.ui.kit import permissions
from bot.ui.kit.dispatch import Click, custom_id
from bot.ui.kit.interactions import Interaction, say, show
from bot.ui.kit.language import mark, tr
from bot.ui.serverlog import wording
from bot.ui.settings import changes, forms, layout, rights, roles, usual_preset
from bot.ui.settings.blocking import Blocking
from bot.ui.settings.entries import InvalidEntry
from bot.ui.settings.forms import RefusedForms
from bot.ui.settings.layout import PANEL, Form, SettingsVerb, View
from bot.ui.settings.sections import EffectiveRules, Section, rules_of
from bot.ui.settings.typed import ParsedOptions
from bot.ui.showcase.trouble import approval_trouble, log_trouble, showcase_trouble

log = structlog.stdlib.get_logger(__name__)

STALE = mark("This panel is out of date. Please open `/settings` again.")
OTHER_SERVER = mark("That channel is not in this server, so nothing was changed.")
SAVED = mark("✓ Saved. It holds from now on.")

Edit = Callable[[Rules], Rules]


class SettingsPanel:
    """The panel of `/settings`. `ceilings` is what the operator allows at most, by the names of rules."""

    name = PANEL

    def __init__(self, owner: Policies, blocking: Blocking, ceilings: Mapping[str, int], presets: PresetBook) -> None:
        self._owner = owner
        self._presets = presets
        self._blocking = blocking
        self._ceilings = ceilings
        self._refused = RefusedForms()

    async def open(self, interaction: Interaction) -> None:
        """Show what holds in the server, to whoever may change it."""
        guild = await self._managed(interaction)
        if guild is not None:
            book = await self._owner.book_of(guild.id)
            view = await self._view(guild, book, Section.ACCESS, WHOLE_SERVER)
            await interaction.response.send_message(view=layout.panel(view), ephemeral=True)

    async def change(
        self,
        interaction: Interaction,
        guild: discord.Guild,
        channel_id: int,
        typed: ParsedOptions | None,
        *,
        member_id: int | None = None,
        unblocks: bool = False,
    ) -> None:
        """Do what options of the command ask for, and show what holds now. Rights are for the caller to ask."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        notices = [typed.notice] if typed and typed.notice else []
        edits = typed.edits if typed else ()
        try:
            book = await self._changed(interaction, guild, channel_id, *edits) if edits else None
        except InvalidEntry as unfit:
            await say(interaction, str(unfit))
            return
        if member_id is not None:
            act = self._blocking.unblock if unblocks else self._blocking.block
            notices.append(await act(interaction, guild, member_id))
            book = None
        book = book or await self._owner.book_of(guild.id)
        section = typed.section if typed else Section.ACCESS
        view = await self._view(guild, book, section, channel_id, notice="\n".join(notices))
        await interaction.edit_original_response(view=layout.panel(view))

    async def act(self, interaction: Interaction, click: Click) -> None:
        """Answer a click or a form."""
        guild = await self._managed(interaction)
        if guild is None:
            return
        try:
            section, channel_id, verb = Section(click.words[0]), int(click.words[1]), SettingsVerb(click.words[2])
            await self._act(interaction, guild, section, channel_id, verb, click)
        except InvalidEntry as unfit:
            await say(interaction, str(unfit))
        except (ValueError, LookupError):
            # forged, or of a version that named things otherwise
            await say(interaction, tr(STALE))

    async def _act(
        self,
        interaction: Interaction,
        guild: discord.Guild,
        section: Section,
        channel_id: int,
        verb: SettingsVerb,
        click: Click,
    ) -> None:
        """Do what a component of the panel stands for, in the section and channel that its id names."""
        if verb is SettingsVerb.SCOPE:
            channel_id = int(click.values[0]) if click.values else WHOLE_SERVER
        channel = rights.channel_in(guild, channel_id)
        if channel is None:
            await say(interaction, tr(OTHER_SERVER))
            return
        match verb:
            case SettingsVerb.SHOW | SettingsVerb.SCOPE | SettingsVerb.RESET:
                book = await self._owner.book_of(guild.id)
                view = await self._view(guild, book, section, channel, asks_to_reset=verb is SettingsVerb.RESET)
                await interaction.response.edit_message(view=layout.panel(view))
            case SettingsVerb.FORM | SettingsVerb.ROLE | SettingsVerb.ROLE_FORM:
                asked = click.values[0] if verb is SettingsVerb.ROLE else click.words[3]
                await self._open_form(interaction, guild, section, channel, verb, asked)
            case SettingsVerb.SAVE | SettingsVerb.ROLE_SAVE:
                await self._take_form(interaction, guild, section, channel, verb, click)
            case SettingsVerb.ROLE_OFF:
                edit = roles.take_off([int(value) for value in click.values])
                await self._save(interaction, guild, section, WHOLE_SERVER, edit)
            case SettingsVerb.PICK:
                name = click.words[3]
                if name not in rules_of(section, channel):
                    raise ValueError(name)
                if name == "preset":
                    edit = usual_preset.picked(click.values[0], await self._presets.of_server(guild.id))
                else:
                    edit = changes.picked(guild, name, click.values, self._owner.catalog.models)
                await self._save(interaction, guild, section, channel, edit)
            case SettingsVerb.RESET_NOW:
                edit = changes.lifted(rules_of(section, channel))
                await self._save(interaction, guild, section, channel, edit)
            case SettingsVerb.BLOCK | SettingsVerb.UNBLOCK:
                await self._block(interaction, guild, click, blocks=verb is SettingsVerb.BLOCK)

    async def _open_form(
        self,
        interaction: Interaction,
        guild: discord.Guild,
        section: Section,
        channel_id: int,
        verb: SettingsVerb,
        asked: str,
    ) -> None:
        """Open a form, or that of a role, with what is set now, or with what was typed and not taken."""
        own = _own(await self._owner.book_of(guild.id), channel_id)
        if verb is SettingsVerb.FORM:
            modal = forms.build(Form(asked), section, channel_id, own, self._owner.catalog.models)
        else:
            role = guild.get_role(int(asked))
            if role is None:
                raise LookupError(asked)
            present = next((it for it in own.role_limits or () if it.role_id == role.id), RoleLimits(role.id))
            identity = custom_id(PANEL, section, WHOLE_SERVER, SettingsVerb.ROLE_SAVE, role.id)
            modal = roles.form(identity, role.name, present, self._owner.catalog.models)
        await interaction.response.send_modal(self._refused.refill(interaction.user.id, guild.id, modal))

    async def _take_form(
        self,
        interaction: Interaction,
        guild: discord.Guild,
        section: Section,
        channel_id: int,
        verb: SettingsVerb,
        click: Click,
    ) -> None:
        """Save what a form says. One that cannot be taken is kept as it was typed, and a button opens it again."""
        refused: Sequence[str] = ()
        try:
            if verb is SettingsVerb.ROLE_SAVE:
                channel_id, edit = WHOLE_SERVER, roles.read(int(click.words[3]), click, self._owner.catalog.models)
            else:
                filled = forms.read(Form(click.words[3]), click, self._owner.pattern_fault)
                edit, refused = filled.edit, filled.refused
        except InvalidEntry as unfit:
            identity = custom_id(PANEL, section, channel_id, verb, click.words[3])
            self._refused.keep(interaction.user.id, guild.id, identity, click.fields or {})
            await show(interaction, layout.refused_form(str(unfit), section, channel_id, verb, click.words[3]))
            return
        await self._save(interaction, guild, section, channel_id, edit, *refused)

    async def _save(
        self,
        interaction: Interaction,
        guild: discord.Guild,
        section: Section,
        channel_id: int,
        edit: Edit,
        *refused: str,
    ) -> None:
        """Write a change, and show the section with what holds now and what was not taken."""
        await interaction.response.defer()
        book = await self._changed(interaction, guild, channel_id, edit)
        notice = "\n".join([tr(SAVED), *refused])
        await interaction.edit_original_response(
            view=layout.panel(await self._view(guild, book, section, channel_id, notice=notice))
        )

    async def _block(self, interaction: Interaction, guild: discord.Guild, click: Click, *, blocks: bool) -> None:
        """Block or unblock the chosen members, and say what became of each."""
        await interaction.response.defer()
        outcomes: list[str] = []
        for user_id in map(int, click.values):
            act = self._blocking.block if blocks else self._blocking.unblock
            outcomes.append(await act(interaction, guild, user_id))
        book = await self._owner.book_of(guild.id)
        view = await self._view(guild, book, Section.ACCESS, WHOLE_SERVER, notice="\n".join(outcomes))
        await interaction.edit_original_response(view=layout.panel(view))

    async def _changed(self, interaction: Interaction, guild: discord.Guild, channel_id: int, *edits: Edit) -> RuleBook:
        """Write changes in one go. They hold at once, in all processes."""
        holding = (await self._owner.book_of(guild.id)).server
        server = NO_RULES if channel_id == WHOLE_SERVER else holding
        tell = wording.settings(interaction, guild, channel_id, holding)
        kept = changes.keeping_budgets(changes.all_of(edits), server, self._owner.prices, self._owner.catalog.models)
        edit = changes.all_of([kept])
        book = await self._owner.change(guild.id, edit, by=interaction.user.id, channel_id=channel_id, tell=tell)
        log.info("settings of a server were changed", guild=guild.id, channel=channel_id, by=interaction.user.id)
        return book

    async def _managed(self, interaction: Interaction) -> discord.Guild | None:
        """The server whose settings somebody may see; None once they were told why they may not."""
        guild = rights.server_of(interaction)
        if guild is None:
            await say(interaction, rights.no_server(interaction))
        elif not permissions.manages_server(interaction):
            await say(interaction, tr(rights.NOT_A_MANAGER))
        else:
            return guild
        return None

    async def _view(
        self,
        guild: discord.Guild,
        book: RuleBook,
        section: Section,
        channel_id: int,
        *,
        notice: str = "",
        asks_to_reset: bool = False,
    ) -> View:
        """What the panel shows of a section."""
        server = NO_RULES if channel_id == WHOLE_SERVER else book.server
        holding = EffectiveRules(channel_id, _own(book, channel_id), server, self._ceilings, self._owner.catalog.models)
        role_names = {role.id: role.name for role in guild.roles}
        trouble = {Section.LOOK: showcase_trouble, Section.SAFETY: rights.report_trouble}.get(section)
        about_log = {Section.LOOK: approval_trouble, Section.SAFETY: log_trouble}.get(section)
        presets = await self._presets.of_server(guild.id) if section is Section.OFFER else ()
        return View(
            section,
            holding,
            sorted(book.blocked),
            notice,
            asks_to_reset,
            role_names,
            trouble(guild, book.server) if trouble else "",
            about_log(guild, book.server) if about_log else "",
            presets,
        )


def _own(book: RuleBook, channel_id: int) -> Rules:
    """The rules of the server itself, or those of one of its channels."""
    return book.server if channel_id == WHOLE_SERVER else book.channels.get(channel_id, NO_RULES)
