"""**Change and try again**: the form under a refusal, filled with what was refused."""

from __future__ import annotations

from bot.jobs.policies import Policies
from bot.jobs.records.drafts import DraftBook
from bot.policy.request_input import RequestInput
from bot.ui.kit import texts
from bot.ui.kit.dispatch import Click, custom_id
from bot.ui.kit.interactions import Interaction, context_of, regret
from bot.ui.kit.language import mark, tr
from bot.ui.requests import forms
from bot.ui.requests.intake import Intake, Parent
from bot.ui.requests.refusals import PANEL

TOO_OLD = mark("This request is no longer kept. Please ask for the picture once more.")


class RetryPanel:
    """The panel `retry`. What was typed lies in the database, so its button works after a restart too."""

    name = PANEL

    def __init__(self, intake: Intake, policies: Policies, drafts: DraftBook) -> None:
        self._intake = intake
        self._policies = policies
        self._drafts = drafts

    async def act(self, interaction: Interaction, click: Click) -> None:
        """Open the form on what was typed, or take what it holds."""
        match click.words:
            case [("open" | "send") as verb, draft_id]:
                draft = await self._drafts.get(draft_id, interaction.user.id)
            case _:
                await regret(interaction, tr(texts.FORM_TOO_OLD))
                return
        if draft is None:
            await regret(interaction, tr(TOO_OLD))
        elif verb == "open":
            offer = await self._policies.offer(context_of(interaction))
            identity = custom_id(PANEL, "send", draft_id)
            await interaction.response.send_modal(forms.change_form(identity, draft.request, offer))
        else:
            try:
                request = forms.remixed(draft.request, click)
            except (ValueError, LookupError):
                await regret(interaction, tr(texts.FORM_TOO_OLD))
                return
            await self._intake.start(interaction, RequestInput.of(request), Parent(draft.parent_id, draft.parent_link))
