"""Every way in which somebody can ask for a picture in a server: commands, buttons, forms, menus, presets, answers.

Each has two parts, so that anything may change between them: what is opened or prepared, and the act that asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.discord.messages import GUILD_MESSAGES
from sandbox.discord.person import Person
from sandbox.discord.reply import ModalForm, Reply
from sandbox.discord.sight import Message
from tests.acceptance.conftest import House, eventually, final, picture, says, set_rules, with_pictures
from tests.acceptance.hostile import wishes_of_others

#: A word that the server refuses, for the request that is refused and then changed.
BARRED_WORD = "gremlin"

Act = Callable[[], Awaitable[Reply]]


async def opened(form: Reply) -> ModalForm:
    """A form that was opened. Raises AssertionError where none was."""
    assert isinstance(form, ModalForm), form.error or form.message.text
    return form


@dataclass(frozen=True, slots=True)
class Ways:
    """What the ways begin with: a picture of somebody else's, an edit, words, and a photo of one's own."""

    house: House
    person: Person
    made: Reply
    edited: Reply
    words: Message
    photo: Message
    file: Path

    @classmethod
    async def prepare(cls, house: House, person: Person, folder: Path) -> Ways:
        """Paint and post what is needed, and let a preset and a blocked word be there."""
        file = picture(folder / "photo.png")
        panel = await house.ada.command("settings")
        await house.ada.choose(panel, "easel-settings:access:0:pick:reply_edits", "True")
        await eventually(lambda: _hears(house))  # in a new session
        await set_rules(house.ada, block_word=BARRED_WORD)
        form = await opened(await person.press(await person.command("presets"), "New preset"))
        await person.submit(form, {"Name": "Style", "Words": "in oil"})
        made = await house.ada.command("imagine", prompt="a fox of somebody else")
        edited = await person.command("edit", prompt="an edit of a photo", image=file)
        for reply in (made, edited):
            await reply.until(with_pictures)
        return cls(
            house=house,
            person=person,
            made=made,
            edited=edited,
            words=await person.post("a castle in words"),
            photo=await person.post("a photo", [file]),
            file=file,
        )

    async def open(self) -> Mapping[str, Act]:
        """The acts, by what they are, with every form open already."""
        who, made, edited = self.person, self.made, self.edited
        remix, edit = await opened(await who.press(made, "Remix")), await opened(await who.press(made, "Edit"))
        # Only so many refused requests of one person are kept.
        refused = await who.command("imagine", prompt=f"a {BARRED_WORD}")
        menu = await opened(await who.message_menu("Edit image", self.photo))
        change = await opened(await who.press(refused, "Change and try again"))
        return {
            "/imagine": lambda: who.command("imagine", prompt="a fox"),
            "/imagine with a preset": lambda: who.command("imagine", prompt="a fox", preset="Style"),
            "/imagine in private": lambda: who.command("imagine", prompt="a fox", private=True),
            "/imagine in a thread": lambda: who.at("thread").command("imagine", prompt="a fox"),
            "/edit": lambda: who.command("edit", prompt="an edit", image=self.file),
            "/edit of three pictures": lambda: who.command(
                "edit", prompt="an edit", image=self.file, image2=self.file, image3=self.file
            ),
            "Again": lambda: who.press(made, "Again"),
            "Again on an edit": lambda: who.press(edited, "Again"),
            "Remix": lambda: who.submit(remix, {"prompt": "another fox"}),
            "Edit": lambda: who.submit(edit, {"prompt": "another edit"}),
            "Edit image": lambda: who.submit(menu, {"prompt": "an edit by menu"}),
            "Imagine this": lambda: who.message_menu("Imagine this", self.words),
            "Change and try again": lambda: who.submit(change, {"prompt": "a fox without it"}),
        }

    async def all_paint(self) -> int:
        """Every way leads to pictures while nothing is in the way; returns how many were bought."""
        before = len(wishes_of_others(self.house))
        acts = await self.open()
        replies = {name: await act() for name, act in acts.items()}
        for name, reply in replies.items():
            message = await reply.until(final, 30)
            assert message.pictures, f"{name}: {message.text}"
        answered = await self.answer()
        await eventually(lambda: self.answers(answered) and all(with_pictures(it) for it in self.answers(answered)), 30)
        return len(wishes_of_others(self.house)) - before

    async def none_starts(self, acts: Mapping[str, Act], *words: str) -> None:
        """No way buys anything; each that can is answered in private with these words."""
        before = len(wishes_of_others(self.house))
        for name, act in acts.items():
            reply = await act()
            message = await reply.until(final, 30)
            assert reply.ephemeral, f"{name}: {message.text}"
            assert says(*words)(message), f"{name}: {message.text}"
            assert not message.pictures, name
        await self.answer()
        await asyncio.sleep(0.7)
        assert len(wishes_of_others(self.house)) == before

    async def answer(self) -> Message:
        """An answer to a picture that names Easel in its words: reply to edit."""
        return await self.person.reply(self.made, "@Easel make it blue")

    def answers(self, message: Message) -> list[Message]:
        """What Easel has answered to a message."""
        return [it for it in self.person.sees() if _answered(it) == str(message.id)]


def _hears(house: House) -> bool:
    sessions = house.discord.gateway.connected
    return len(sessions) == 1 and all(it.intents & GUILD_MESSAGES for it in sessions)


def _answered(message: Message) -> str | None:
    reference: dict[str, str] = message.json.get("message_reference") or {}
    return reference.get("message_id")
