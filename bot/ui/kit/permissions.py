"""Who may do what: every question about rights is answered here, and asked anew at each click.

Rights come from the interaction itself, where Discord has counted roles and overwrites of the channel together. A
custom id, a menu or a form is never believed. Outside servers nobody has rights over anything but their own.
"""

from __future__ import annotations

import discord

from bot.model import Job
from bot.ui.kit.interactions import Interaction

EVERYTHING = discord.Permissions.all()


def granted(interaction: Interaction) -> discord.Permissions:
    """What the person may do in the channel of the interaction: nothing outside servers, all for administrators."""
    if interaction.guild_id is None:
        return discord.Permissions.none()
    return EVERYTHING if interaction.permissions.administrator else interaction.permissions


def manages_server(interaction: Interaction) -> bool:
    """Whether somebody decides what holds in the server (Manage Server)."""
    return granted(interaction).manage_guild


def manages_messages(interaction: Interaction) -> bool:
    """Whether somebody looks after the messages of this channel (Manage Messages)."""
    return granted(interaction).manage_messages


def moderates(interaction: Interaction) -> bool:
    """Whether somebody deals with reports: Manage Messages or Manage Server."""
    return manages_messages(interaction) or manages_server(interaction)


def may_block(interaction: Interaction) -> bool:
    """Whether somebody may keep members from using Easel: whoever may keep them from talking, too."""
    return manages_server(interaction) or granted(interaction).moderate_members


def may_see(interaction: Interaction, job: Job) -> bool:
    """Whether a job may be told of to somebody: one with a private reply is its requester's alone.

    Only a forged click or form names the private job of another person; the server's table tells managers its id.
    """
    return interaction.user.id == job.user_id or not (job.request.private or job.target.ephemeral)


def may_change(interaction: Interaction, job: Job) -> bool:
    """Whether somebody may cancel a job or delete its reply: its requester, or who looks after its channel."""
    if interaction.user.id == job.user_id:
        return True
    in_its_channel = (interaction.guild_id, interaction.channel_id) == (job.target.guild_id, job.target.channel_id)
    return in_its_channel and manages_messages(interaction)


def may_cancel(interaction: Interaction, job: Job) -> bool:
    """Whether somebody may cancel a job from a list: as above, or who manages its server."""
    in_its_server = interaction.guild_id is not None and interaction.guild_id == job.target.guild_id
    return may_change(interaction, job) or (in_its_server and manages_server(interaction))


def may_use(interaction: Interaction, needed: discord.Permissions | None) -> bool:
    """Whether Discord offers a command with these default permissions to somebody here."""
    return needed is None or granted(interaction) >= needed
