"""What the tests of approved drafts share: setting it up, drafts, questions, and what was posted."""

from __future__ import annotations

from sandbox.discord.person import Person
from sandbox.discord.reply import Reply
from sandbox.discord.sight import Message
from tests.acceptance.conftest import House, eventually, set_rules, with_pictures

POST = "Post here"


async def approve_drafts(house: House) -> None:
    """Drafts are approved in #general from now on."""
    await set_rules(house.ada, rule="log channel", value="#general")
    await set_rules(house.ada, rule="drafts are approved", value="on")


async def draft(person: Person, prompt: str, **options: str | int | bool) -> Reply:
    """A private result."""
    reply = await person.command("imagine", prompt=prompt, private=True, **options)
    await reply.until(with_pictures)
    return reply


def questions(house: House, prompt: str) -> list[Message]:
    """What the log channel shows about a draft, decided or not."""
    return [it for it in house.ada.at("general").sees() if prompt in it.text and "post this in" in it.text]


async def asked(house: House, prompt: str, within: float = 60.0) -> Message:
    """The question, once it stands; there is one."""
    await eventually(lambda: any(it.labels for it in questions(house, prompt)), within)
    (question,) = [it for it in questions(house, prompt) if it.labels]
    return question


def posts(house: House, prompt: str, place: str = "pictures") -> list[Message]:
    """The public messages with this prompt."""
    return [it for it in house.ben.at(place).sees() if prompt in it.text and not it.ephemeral]


async def posted(house: House, prompt: str, within: float = 60.0) -> Message:
    """The post, once it stands; there is one."""
    await eventually(lambda: any(it.pictures for it in posts(house, prompt)), within)
    (post,) = posts(house, prompt)
    return post
