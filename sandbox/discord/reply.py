"""What came back from something a person did: a message over time, a form, or silence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sandbox.discord.forms import Field, fields_of
from sandbox.discord.interactions import DID_NOT_RESPOND, Interaction
from sandbox.discord.payloads import Json
from sandbox.discord.sight import Button, Message, Picture
from sandbox.discord.stored import StoredMessage
from sandbox.discord.world import World

#: In seconds. On a busy machine everything takes a while, and waiting costs nothing where it comes soon.
PATIENCE_S = 60.0


class Reply:
    """The bot's response to one interaction. It lives: `message` is always the current state."""

    def __init__(
        self, world: World, interaction: Interaction, stored: StoredMessage | None = None, since: int = 0
    ) -> None:
        self._world = world
        self._stored = stored
        self._since = since
        self.interaction = interaction

    @property
    def error(self) -> str | None:
        """Why there is no response, as Discord's client says it."""
        return None if self.interaction.answered else DID_NOT_RESPOND

    @property
    def message(self) -> Message:
        """The message as it stands now, the last state if it was deleted. Raises LookupError where there is none."""
        if self._stored is None:
            raise LookupError(self.error or "The bot answered with no message.")
        return self._stored.states[-1] if self._stored.deleted else self._world.messages.look(self._stored)

    @property
    def states(self) -> list[Message]:
        """Every state since the interaction, in order."""
        return self._stored.states[self._since :] if self._stored else []

    @property
    def follow_ups(self) -> list[Message]:
        """Further messages of this interaction, as they stand."""
        return [self._world.messages.look(one) for one in self.interaction.follow_ups if not one.deleted]

    @property
    def deleted(self) -> bool:
        return self._stored is not None and self._stored.deleted

    @property
    def ephemeral(self) -> bool:
        return self.message.ephemeral

    @property
    def text(self) -> str:
        return self.message.text

    @property
    def pictures(self) -> list[Picture]:
        return self.message.pictures

    @property
    def buttons(self) -> list[Button]:
        return self.message.buttons

    @property
    def labels(self) -> list[str]:
        return self.message.labels

    async def until(self, predicate: Callable[[Message], object], timeout: float = PATIENCE_S) -> Message:  # noqa: ASYNC109 raises with the last state
        """The first state since the interaction that fits, waiting for it if need be. Raises TimeoutError."""
        stored = self._stored
        if stored is None:
            raise LookupError(self.error or "The bot answered with no message.")
        looked = self._since
        try:
            async with asyncio.timeout(timeout):
                while True:
                    while looked < len(stored.states):
                        looked += 1
                        if predicate(stored.states[looked - 1]):
                            return stored.states[looked - 1]
                    await stored.changed.wait()
        except TimeoutError:
            raise TimeoutError(f"No state of the message fitted; the last one: {stored.states[-1].text!r}") from None

    async def until_deleted(self, timeout: float = PATIENCE_S) -> None:  # noqa: ASYNC109 raises with the last state
        """Wait until the message is gone. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while self._stored and not self._stored.deleted:
                await self._stored.changed.wait()

    async def until_follow_up(self, count: int = 1, timeout: float = PATIENCE_S) -> Message:  # noqa: ASYNC109 raises with the last state
        """The `count`-th further message of this interaction. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while len(self.interaction.follow_ups) < count:
                await self.interaction.followed_up.wait()
        return self._world.messages.look(self.interaction.follow_ups[count - 1])

    async def download(self, picture: Picture) -> bytes:
        """The bytes of a picture, as the person's client loads it. Raises LookupError for one from elsewhere."""
        if picture.attachment_id is None:
            raise LookupError("The picture lies outside this Discord.")
        return self._world.cdn.bytes(picture.attachment_id)


class ModalForm(Reply):
    """The bot opened a form. Submit it with `Person.submit`."""

    def __init__(self, world: World, interaction: Interaction, modal: Json) -> None:
        super().__init__(world, interaction)
        self.modal = modal

    @property
    def title(self) -> str:
        return self.modal["title"]

    @property
    def custom_id(self) -> str:
        return self.modal["custom_id"]

    @property
    def fields(self) -> list[Field]:
        return fields_of(self.modal)

    def field(self, label: str) -> Field:
        """The field of this label. Raises KeyError."""
        for field in self.fields:
            if field.label == label:
                return field
        raise KeyError(label)
