"""A person in SimCord's Discord: makes interactions as a client does, and sees what becomes of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from simcord.backend import serializers
from simcord.backend.models import Interaction, User
from simcord.interactions import base_payload

from sandbox.discord.sight import Message
from tests.second_discord.carrier import Json, SecondDiscord

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL = 2, 3, 4, 5
SLASH, MESSAGE_MENU = 1, 3
ANSWER_S, PATIENCE_S = 10.0, 60.0
Files = Mapping[str, tuple[str, bytes]]
_TYPES = {str: 3, int: 4, bool: 5}


class Answered:
    """An interaction that was answered: its message as it stands, or the form that the bot opened."""

    def __init__(self, discord: SecondDiscord, record: Interaction) -> None:
        self._discord = discord
        self.record = record

    @property
    def modal(self) -> Json:
        assert self.record.modal is not None, "the bot opened no form"
        return self.record.modal

    @property
    def message(self) -> Message:
        assert self.record.message_id is not None
        return seen(self._discord, self.record.message_id)

    @property
    def is_private(self) -> bool:
        return self.record.ephemeral

    async def until(self, holds: Callable[[Message], bool]) -> Message:
        """Wait until the message shows something. Raises TimeoutError with what it shows instead."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not holds(self.message):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise TimeoutError(f"It shows: {self.message.text} {self.message.labels}") from None
        return self.message


def seen(discord: SecondDiscord, message_id: int) -> Message:
    """A message of the channel as Discord would send it."""
    stored = discord.backend.get_message(discord.channel.id, message_id)
    return Message(dict(serializers.message_payload(discord.backend, stored)), 0.0)


class Visitor:
    """One user of the server, in its channel."""

    def __init__(self, discord: SecondDiscord, user: User) -> None:
        self._discord = discord
        self.user = user

    async def command(
        self, name: str, /, attachments: Mapping[str, tuple[str, bytes]] | None = None, **options: Any
    ) -> Answered:
        """Use a slash command."""
        backend = self._discord.backend
        given = [{"name": key, "type": _TYPES[type(value)], "value": value} for key, value in options.items()]
        resolved: Json = {}
        for key, (filename, content) in (attachments or {}).items():
            identity = backend.snowflake()
            stored = backend.cdn.store_attachment(identity, self._discord.channel.id, filename, content, None)
            resolved[str(identity)] = stored
            given.append({"name": key, "type": 11, "value": str(identity)})
        data: Json = {**self._registered(name, SLASH), "options": given}
        return await self._act(COMMAND, data | ({"resolved": {"attachments": resolved}} if resolved else {}))

    async def menu(self, name: str, message_id: int) -> Answered:
        """Use an entry of a message's menu."""
        shown = dict(serializers.message_payload(self._discord.backend, self._stored(message_id)))
        data: Json = {**self._registered(name, MESSAGE_MENU), "target_id": str(message_id)}
        return await self._act(COMMAND, data | {"resolved": {"messages": {str(message_id): shown}}})

    async def press(self, message_id: int, label: str) -> Answered:
        """Press a button by its label."""
        button = next(it for it in seen(self._discord, message_id).buttons if it.label == label)
        return await self._act(COMPONENT, {"custom_id": button.custom_id, "component_type": 2}, message_id)

    async def submit(self, form: Answered, **fields: Any) -> Answered:
        """Fill in a form; fields are named by their labels, the others keep what they hold."""
        source = form.record.source_message_id
        components = [_filled(it, fields) for it in form.modal["components"]]
        return await self._act(MODAL, {"custom_id": form.modal["custom_id"], "components": components}, source)

    async def suggestions(self, name: str, option: str, typed: str) -> list[str]:
        """What the bot suggests while an option is being typed."""
        focused = {"name": option, "type": 3, "value": typed, "focused": True}
        answer = await self._act(AUTOCOMPLETE, {**self._registered(name, SLASH), "options": [focused]})
        return [it["name"] for it in answer.record.autocomplete_choices or []]

    def post(self, text: str) -> int:
        """Write an ordinary message; returns its id."""
        return self._discord.backend.create_message(self._discord.channel.id, self.user.id, text).id

    async def _act(self, kind: int, data: Json, source: int | None = None) -> Answered:
        discord = self._discord
        discord.keep_time()
        record, payload = base_payload(
            discord.backend,
            type=kind,
            channel_id=discord.channel.id,
            guild_id=discord.guild.id,
            user_id=self.user.id,
            data=data,
        )
        payload["authorizing_integration_owners"] = {"0": str(discord.guild.id)}
        if source is not None:
            record.source_message_id = source
            payload["message"] = dict(serializers.message_payload(discord.backend, self._stored(source)))
        discord.backend.emit("INTERACTION_CREATE", payload)
        async with asyncio.timeout(ANSWER_S):
            while not record.responded:
                await asyncio.sleep(0.01)
        return Answered(discord, record)

    def _registered(self, name: str, kind: int) -> Json:
        for scope in self._discord.backend.commands.values():
            if (name, kind) in scope:
                return {"id": str(scope[name, kind]["id"]), "name": name, "type": kind}
        raise AssertionError(f"{name} is not registered")

    def _stored(self, message_id: int) -> Any:
        return self._discord.backend.get_message(self._discord.channel.id, message_id)


def _filled(label: Json, fields: Mapping[str, Any]) -> Json:
    """A field of a form as it comes back."""
    field: Json = label["component"]
    given = fields.get(label["label"].replace(" ", "_"))
    back: Json = {"type": field["type"], "id": field.get("id", 0), "custom_id": field["custom_id"]}
    if field["type"] == 4:
        back["value"] = field.get("value", "") if given is None else given
    elif given is not None:
        back["values"] = [it["value"] for it in field["options"] if it["label"] == given]
    else:
        back["values"] = [it["value"] for it in field.get("options", []) if it.get("default")]
    return {"type": label["type"], "id": label.get("id", 0), "component": back}
