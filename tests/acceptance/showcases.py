"""What the tests of the showcase share: setting it up, starred pictures, and what stands in the channel."""

from __future__ import annotations

from sandbox.discord.person import Person
from sandbox.discord.reply import Reply
from sandbox.discord.sight import Message
from tests.acceptance.conftest import House, eventually, says, with_pictures


async def choose_showcase(house: House, channel: str = "general", *, stars: int = 2) -> None:
    """As the server's owner does it, in the panel of /settings."""
    panel = await house.ada.command("settings")
    panel = await house.ada.press(panel, "Look")
    channel_id = house.discord.world.channel(channel).id
    chosen = await house.ada.choose(panel, "Showcase channel", str(channel_id))
    await chosen.until(says("Saved", f"<#{channel_id}>"))
    await shows_prompts(house.ada, house.ben)
    counted = await house.ada.choose(chosen, "Stars that it takes to be shown there", str(stars))
    await counted.until(says(f"shown there**: {stars}"))


async def shows_prompts(*people: Person, how: str = "Show it") -> None:
    """They agree that their words stand above their pictures; without that they do not."""
    for person in people:
        panel = await person.command("preferences")
        await person.choose(panel, "My prompt in the showcase", how)


async def painted(person: Person, prompt: str, **options: str | int | bool) -> Reply:
    reply = await person.command("imagine", prompt=prompt, **options)
    await reply.until(with_pictures)
    return reply


def star_of(message: Message) -> str:
    """The label of the star under a reply; empty where there is none."""
    return next((it.label for it in message.buttons if (it.custom_id or "").startswith("easel:star:")), "")


async def star(person: Person, reply: Reply) -> Message:
    """Press the star; the private answer.

    Where the machine does much else the database may not answer in time. Whoever is told so presses again, and once
    more where that took back a star that was written all the same.
    """
    custom_id = next(it.custom_id for it in reply.message.buttons if (it.custom_id or "").startswith("easel:star:"))
    refused = False
    while True:
        answer = (await person.press(reply, custom_id or "")).message
        assert answer.ephemeral
        if says("cannot")(answer):
            refused = True
        elif not refused or not says("taken back")(answer):
            return answer


def newcomers(house: House, count: int) -> list[Person]:
    """Members without special rights, who have just joined."""
    world = house.discord.world
    guild = world.channel("pictures").guild
    assert guild is not None
    for number in range(count):
        if f"Fan {number}" not in world.users:
            world.add_member(guild, world.add_user(f"Fan {number}"))
    return [house.discord.person(f"Fan {number}") for number in range(count)]


def shown(house: House, prompt: str, place: str = "general") -> list[Message]:
    """The posts of the showcase with this prompt, as the server's owner sees them."""
    return [it for it in house.ada.at(place).sees() if it.labels == ["Remix", "Delete"] and prompt in it.text]


async def stands(house: House, prompt: str, place: str = "general", *, within: float = 60.0) -> Message:
    """Wait for the one post."""
    await eventually(lambda: shown(house, prompt, place), within)
    (post,) = shown(house, prompt, place)
    return post


async def gone(house: House, prompt: str, place: str = "general", *, within: float = 60.0) -> None:
    await eventually(lambda: not shown(house, prompt, place), within)
