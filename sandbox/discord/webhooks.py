"""/webhooks/{app}/{token}: what an interaction's token can do after the first response."""

from __future__ import annotations

from sandbox.discord.callbacks import Callbacks
from sandbox.discord.calls import Call, Route
from sandbox.discord.drafts import draft
from sandbox.discord.interactions import Interaction, Interactions
from sandbox.discord.payloads import Json
from sandbox.discord.refusals import TOO_MANY_FOLLOW_UPS, UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK, Refusal
from sandbox.discord.stored import StoredMessage
from sandbox.discord.world import World

MAX_USER_FOLLOW_UPS = 5
ORIGINAL = "@original"
_MESSAGE = "/webhooks/{app}/{token}/messages/{message}"


class Webhooks:
    """Follow-ups and edits by interaction token. The token is the only credential."""

    def __init__(self, world: World, interactions: Interactions, callbacks: Callbacks) -> None:
        self._world = world
        self._interactions = interactions
        self._callbacks = callbacks

    def routes(self) -> list[Route]:
        return [
            Route("POST", "/webhooks/{app}/{token}", self.follow_up, bot=False),
            Route("GET", _MESSAGE, self.show, bot=False),
            Route("PATCH", _MESSAGE, self.edit, bot=False),
            Route("DELETE", _MESSAGE, self.delete, bot=False),
        ]

    def follow_up(self, call: Call) -> Json:
        """A new message. The first one after a deferral fills the placeholder instead, as Discord still does."""
        interaction = self._usable(call)
        original = interaction.original
        if original and original.is_loading and not original.deleted:
            return self._change(interaction, original, call)
        if interaction.only_user_installed and len(interaction.follow_ups) >= MAX_USER_FOLLOW_UPS:
            raise Refusal(*TOO_MANY_FOLLOW_UPS)
        desk = self._callbacks.desk(interaction, ephemeral=self._callbacks.is_ephemeral(interaction, call.form))
        posted = self._callbacks.post(interaction, draft(desk, call.form, call.files))
        interaction.follow_ups.append(posted)
        interaction.followed_up.ring()
        return self._world.messages.look(posted).json

    def show(self, call: Call) -> Json:
        return self._world.messages.look(self._message(self._usable(call), call)).json

    def edit(self, call: Call) -> Json:
        interaction = self._usable(call)
        return self._change(interaction, self._message(interaction, call), call)

    def delete(self, call: Call) -> None:
        self._world.messages.delete(self._message(self._usable(call), call))

    def _change(self, interaction: Interaction, stored: StoredMessage, call: Call) -> Json:
        desk = self._callbacks.desk(interaction, ephemeral=stored.ephemeral_to is not None)
        self._world.messages.edit(stored, draft(desk, call.form, call.files, stored.draft))
        return self._world.messages.look(stored).json

    def _usable(self, call: Call) -> Interaction:
        if call.id("app") != self._world.application_id:
            raise Refusal(*UNKNOWN_WEBHOOK)
        return self._interactions.usable(call.params["token"])

    def _message(self, interaction: Interaction, call: Call) -> StoredMessage:
        wanted = call.params["message"]
        # The message that was clicked is within reach of the click's token too.
        mine = [*interaction.messages, *([interaction.source] if interaction.source else [])]
        found = interaction.original if wanted == ORIGINAL else next((m for m in mine if str(m.id) == wanted), None)
        if found is None or found.deleted:
            raise Refusal(*UNKNOWN_MESSAGE)
        return found
