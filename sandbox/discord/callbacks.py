"""POST /interactions/{id}/{token}/callback: the bot's first response to an interaction."""

from __future__ import annotations

from sandbox.discord.calls import Call, Route
from sandbox.discord.components import Faults
from sandbox.discord.drafts import Desk, draft
from sandbox.discord.interactions import Answer, Interaction, InteractionKind, Interactions
from sandbox.discord.modals import check_modal
from sandbox.discord.payloads import Json
from sandbox.discord.refusals import (
    ALREADY_ACKNOWLEDGED,
    UNKNOWN_INTERACTION,
    UNKNOWN_MESSAGE,
    FormFault,
    Refusal,
    check,
    invalid_form,
)
from sandbox.discord.sight import EPHEMERAL, LOADING
from sandbox.discord.stored import Draft, MessageKind, Origin, StoredMessage
from sandbox.discord.world import World

MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, CHOICES, MODAL = range(4, 10)
MAX_CHOICES = 25

_ALLOWED = {
    InteractionKind.COMMAND: {MESSAGE, DEFERRED, MODAL},
    InteractionKind.COMPONENT: {MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, MODAL},
    InteractionKind.AUTOCOMPLETE: {CHOICES},
    InteractionKind.MODAL: {MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE},
}
_CONTEXT_MENUS = (2, 3)


class Callbacks:
    """Carries first responses out."""

    def __init__(self, world: World, interactions: Interactions) -> None:
        self._world = world
        self._interactions = interactions

    def routes(self) -> list[Route]:
        return [Route("POST", "/interactions/{id}/{token}/callback", self.answer, bot=False)]

    def answer(self, call: Call) -> Json | None:
        interaction = self._interactions.find(call.params["token"])
        if interaction is None or interaction.id != call.id("id"):
            raise Refusal(*UNKNOWN_INTERACTION)
        # a second response is told apart from a late one even after the three seconds
        if interaction.answered:
            raise Refusal(*ALREADY_ACKNOWLEDGED)
        if self._interactions.is_late(interaction):
            raise Refusal(*UNKNOWN_INTERACTION)
        kind = int(call.form.get("type") or 0)
        self._check_kind(interaction, kind)
        answer = self._carry_out(interaction, kind, call)
        interaction.answer.set_result(answer)
        if answer.modal:
            self._tell_modal(interaction, answer.modal)
        with_response = call.query.get("with_response", "").lower() in ("1", "true")
        return self._response(interaction, kind, answer) if with_response else None

    def _check_kind(self, interaction: Interaction, kind: int) -> None:
        allowed = _ALLOWED[interaction.kind]
        if kind not in allowed or (kind in (DEFERRED_UPDATE, UPDATE) and interaction.source is None):
            text = f"Value must be one of {{{', '.join(map(str, sorted(allowed)))}}}."
            raise invalid_form([FormFault(("type",), "BASE_TYPE_CHOICES", text)])

    def _carry_out(self, interaction: Interaction, kind: int, call: Call) -> Answer:
        data: Json = call.form.get("data") or {}
        if kind == MODAL:
            return Answer(modal=check_modal(data))
        if kind == CHOICES:
            return Answer(choices=_choices(data))
        if kind in (DEFERRED_UPDATE, UPDATE):
            interaction.original = self._living_source(interaction)
            if kind == UPDATE:
                self._update(interaction, interaction.original, data, call)
        elif kind == DEFERRED:
            flags = LOADING | (int(data.get("flags") or 0) & EPHEMERAL)
            interaction.original = self.post(interaction, Draft(flags=flags))
        else:
            desk = self.desk(interaction, ephemeral=self.is_ephemeral(interaction, data))
            interaction.original = self.post(interaction, draft(desk, data, call.files))
        return Answer(message=interaction.original)

    def _living_source(self, interaction: Interaction) -> StoredMessage:
        if interaction.source is None or interaction.source.deleted:
            raise Refusal(*UNKNOWN_MESSAGE)
        return interaction.source

    def _update(self, interaction: Interaction, source: StoredMessage, data: Json, call: Call) -> None:
        desk = self.desk(interaction, ephemeral=source.ephemeral_to is not None)
        self._world.messages.edit(source, draft(desk, data, call.files, source.draft))

    def desk(self, interaction: Interaction, *, ephemeral: bool) -> Desk:
        """Where messages of this interaction are drafted."""
        folder = self._world.application_id if ephemeral else interaction.channel.id
        return Desk(self._world.cdn, folder, self._interactions.upload_limit(interaction), ephemeral=ephemeral)

    def is_ephemeral(self, interaction: Interaction, data: Json) -> bool:
        wanted = bool(int(data.get("flags") or 0) & EPHEMERAL)
        return wanted or self._interactions.is_forced_ephemeral(interaction)

    def post(self, interaction: Interaction, content: Draft) -> StoredMessage:
        """Put a new message of this interaction into its channel."""
        origin = Origin(
            kind=_message_kind(interaction),
            interaction=self._interactions.metadata(interaction),
            application_id=self._world.application_id,
            reply_to=_reply_to(interaction),
        )
        hidden = bool(content.flags & EPHEMERAL) or self._interactions.is_forced_ephemeral(interaction)
        reader = interaction.user if hidden else None
        return self._world.messages.add(interaction.channel, self._world.bot, content, origin, ephemeral_to=reader)

    def _tell_modal(self, interaction: Interaction, modal: Json) -> None:
        event: Json = {
            "type": "modal_opened",
            "place": interaction.channel.key,
            "channel_id": str(interaction.channel.id),
            "interaction_id": str(interaction.id),
            "modal": modal,
        }
        self._world.events.publish(event, lambda user: user is interaction.user)

    def _response(self, interaction: Interaction, kind: int, answer: Answer) -> Json:
        about: Json = {"id": str(interaction.id), "type": int(interaction.kind)}
        about["channel_id"] = str(interaction.channel.id)
        if interaction.channel.guild:
            about["guild_id"] = str(interaction.channel.guild.id)
        if answer.message:
            about["response_message_id"] = str(answer.message.id)
            about["response_message_loading"] = answer.message.is_loading
            about["response_message_ephemeral"] = answer.message.ephemeral_to is not None
        response: Json = {"interaction": about}
        if answer.message and kind in (MESSAGE, UPDATE):
            response["resource"] = {"type": kind, "message": self._world.messages.look(answer.message).json}
        return response


def _message_kind(interaction: Interaction) -> MessageKind:
    if _reply_to(interaction):
        return MessageKind.REPLY
    first = interaction.trigger or interaction
    is_menu = first.data.get("type") in _CONTEXT_MENUS
    return MessageKind.CONTEXT_MENU_COMMAND if is_menu else MessageKind.CHAT_INPUT_COMMAND


def _reply_to(interaction: Interaction) -> int | None:
    """Later messages of an interaction answer the first, those of a component answer its message."""
    about = interaction.original or interaction.source
    return about.id if about else None


def _choices(data: Json) -> tuple[Json, ...]:
    choices: list[Json] = data.get("choices") or []
    faults = Faults()
    faults.length(("data", "choices"), choices, 0, MAX_CHOICES)
    for index, choice in enumerate(choices):
        faults.length(("data", "choices", index, "name"), choice.get("name"), 1, 100)
    check(faults.faults)
    return tuple(choices)
