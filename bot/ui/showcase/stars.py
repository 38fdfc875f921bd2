"""What a press on the star does, and on Delete under a post in the showcase.

Whoever presses is answered privately at once, since the number under the reply follows a few seconds later. A star by
a member with Manage Messages in the channel of the reply shows the pictures at once; the answer says so.
"""

from __future__ import annotations

from bot.jobs.policies import Policies
from bot.jobs.records.showcase import PostState, Showcase, Starred
from bot.jobs.service import JobService
from bot.model import Job, JobState
from bot.policy.rules import SHOWCASE_STARS, Rules
from bot.ui.kit import permissions, texts
from bot.ui.kit.dispatch import Click
from bot.ui.kit.interactions import Interaction, say, show
from bot.ui.kit.language import mark, tr, trn
from bot.ui.kit.widgets import NEUTRAL, card, text
from bot.ui.showcase import cards

NO_SHOWCASE = mark("This server has no showcase any more, so there are no stars.")
NO_PICTURE = mark("These pictures are no longer here, so they cannot get stars.")
BLOCKED = mark("You can't give stars in this server: its moderators have blocked you from Easel.")
TAKEN_OUT = mark("It is taken out of the showcase.")
NOT_SHOWN = mark("This does not stand in the showcase any more.")
KEPT = mark("It stays in the showcase.")


#: Pictures can be seen, and starred, a moment before their delivery is written down.
_SHOWN = frozenset({JobState.DELIVERING, JobState.DELIVERED})


class Stars:
    """The panel `showcase`, and the act of the star under a reply."""

    name = cards.PANEL

    def __init__(self, showcase: Showcase, service: JobService, policies: Policies) -> None:
        self._showcase = showcase
        self._service = service
        self._policies = policies

    async def press(self, interaction: Interaction, job: Job) -> None:
        """Give a star, or take one's own back."""
        here = job.target.guild_id is not None and job.target.guild_id == interaction.guild_id
        if not here or job.state not in _SHOWN or job.reply_deleted or job.target.ephemeral:
            await say(interaction, tr(NO_PICTURE))
            return
        book = await self._policies.book_of(interaction.guild_id or 0)
        if book.server.showcase_channel is None:
            await say(interaction, tr(NO_SHOWCASE))
        elif interaction.user.id in book.blocked:
            await say(interaction, tr(BLOCKED))
        else:
            moderates = interaction.channel_id == job.target.channel_id and permissions.manages_messages(interaction)
            starred = await self._showcase.star(job, interaction.user.id, book, at_once=moderates)
            await say(interaction, _said(starred, book.server))

    async def act(self, interaction: Interaction, click: Click) -> None:
        """Delete under a post: for who made the pictures, and for members with Manage Messages where it stands."""
        match click.words:
            case ["keep"]:
                await interaction.response.edit_message(view=card(NEUTRAL, text(tr(KEPT))))
            case [("delete" | "yes") as verb, job_id]:
                job = await self._service.get(job_id)
                made_it = job is not None and job.user_id == interaction.user.id
                if not made_it and not await self._looks_after(interaction, job_id):
                    await say(interaction, tr(texts.NOT_YOURS))
                elif verb == "delete":
                    await show(interaction, cards.question(job_id))
                else:
                    gone = await self._showcase.dismiss(job_id)
                    done = card(NEUTRAL, text(tr(TAKEN_OUT if gone else NOT_SHOWN)))
                    await interaction.response.edit_message(view=done)
            case _:
                await say(interaction, tr(texts.FORM_TOO_OLD))

    async def _looks_after(self, interaction: Interaction, job_id: str) -> bool:
        """Whether somebody has Manage Messages where the post of this job stands: in the channel, or in its forum."""
        if not permissions.manages_messages(interaction):
            return False
        showing = await self._showcase.showing(job_id)
        here = {interaction.channel_id, getattr(interaction.channel, "parent_id", None)} - {None}
        return showing is not None and showing.guild_id == interaction.guild_id and showing.channel_id in here


def _said(starred: Starred, rules: Rules) -> str:
    """What a press has done, and what comes of it."""
    if not starred.given:
        return trn(
            "Your star is taken back. {count} star is left.",
            "Your star is taken back. {count} stars are left.",
            starred.stars,
        )
    said = tr("Your star counts: ☆ {count} now. Press again to take it back.", count=starred.stars)
    channel = f"<#{rules.showcase_channel}>"
    if starred.state in {PostState.WANTED, PostState.POSTING, PostState.POSTED}:
        return said + " " + tr("The pictures are shown in {channel}.", channel=channel)
    if starred.state is PostState.NONE:
        needed = rules.showcase_stars or SHOWCASE_STARS
        return said + " " + tr("From ☆ {needed} on they are shown in {channel}.", needed=needed, channel=channel)
    return said
