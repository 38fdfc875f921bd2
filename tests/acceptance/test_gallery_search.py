"""Pictures found again by words of their prompts, in every script, and by those alone who may see them."""

from __future__ import annotations

import pytest

from sandbox.discord.permissions import Permission
from sandbox.discord.person import Person
from sandbox.discord.reply import ModalForm
from sandbox.discord.sight import Message
from tests.acceptance.conftest import House, says, with_pictures

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def painted(person: Person, *prompts: str) -> None:
    replies = [await person.command("imagine", prompt=prompt) for prompt in prompts]
    for reply in replies:
        await reply.until(with_pictures)


def arrived(message: Message) -> bool:
    return not message.loading and bool(message.labels)


async def search(person: Person, words: str, **options: str | bool) -> Message:
    reply = await person.command("gallery", search=words, **options)
    assert reply.ephemeral
    return await reply.until(arrived)


def prompts(page: Message) -> list[str]:
    return [picture.alt for picture in page.pictures]


async def test_words_of_a_prompt_find_its_picture(house: House) -> None:
    await painted(house.ada, "A red FOX in the rain", "a grey mouse", "Füchse im Wald", "赤い狐が森にいる")
    assert prompts(await search(house.ben, "rain fox")) == ["A red FOX in the rain"]
    assert prompts(await search(house.ben, "FÜCHSE")) == ["Füchse im Wald"]
    assert prompts(await search(house.ben, "狐")) == ["赤い狐が森にいる"]
    nothing = await search(house.ben, "fox mouse")
    assert nothing.pictures == []
    assert says("has these words", "fox mouse")(nothing)


async def test_what_is_typed_is_taken_literally_and_shown_escaped(house: House) -> None:
    await painted(house.ada, "100% real", "a_b c")
    for wild in ("%", "a_b"):
        assert len(prompts(await search(house.ben, wild))) == 1, wild
    assert prompts(await search(house.ben, "1%0")) == []
    hostile = await search(house.ben, "**@everyone** <@1> `x` : [y](http://z.zz)")
    assert "@everyone" not in hostile.text
    assert "\\<@1\\>" in hostile.text
    longest = "🦊" * 40
    assert says("has these words")(await search(house.ben, longest))


async def test_a_search_goes_through_pages_and_outlives_the_bot(house: House) -> None:
    await painted(house.ada, *(f"owl number {number}" for number in range(10)), "a last mouse")
    page = await search(house.ben, "owl")
    assert prompts(page) == [f"owl number {number}" for number in range(9, 1, -1)]
    await house.restart_bot()
    older = await (await house.ben.press(page, "Older ▶")).until(says("owl number 1"))
    assert prompts(older) == ["owl number 1", "owl number 0"]
    back = await (await house.ben.press(older, "◀ Newer")).until(says("owl number 9"))
    assert prompts(back) == prompts(page)
    mine = await (await house.ben.press(back, "Mine")).until(says("my pictures"))
    assert says("has these words", "owl")(mine)


async def test_the_button_opens_a_form_that_keeps_the_words(house: House) -> None:
    page = await search(house.ben, "owl", member=str(house.ada.user.id))
    form = await house.ben.press(page, "Search")
    assert isinstance(form, ModalForm)
    found = await house.ben.submit(form, **{"Words of the prompt": "mouse: last"})
    nothing = await found.until(says("has these words"))
    assert says(f"Pictures of <@{house.ada.user.id}>", "mouse: last")(nothing)
    again = await house.ben.press(nothing, "Search")
    assert isinstance(again, ModalForm)
    assert [field.value for field in again.fields] == ["mouse: last"]
    everything = await house.ben.submit(again, **{"Words of the prompt": ""})
    assert len((await everything.until(says("a last mouse"))).pictures) == 8


async def test_a_search_shows_nothing_that_one_may_not_see(house: House) -> None:
    world = house.discord.world
    await painted(house.ada.at("general"), "a hidden plan")
    private = await house.ada.command("imagine", prompt="a private plan", private=True)
    await private.until(with_pictures)
    world.deny("general", Permission.VIEW_CHANNEL, "Ben")
    assert prompts(await search(house.ada, "plan")) == ["a hidden plan"]
    assert says("has these words")(await search(house.ben, "plan"))
    assert says("a private plan", "a hidden plan")(await search(house.ada, "plan", mine=True))


async def test_an_empty_day_is_named(house: House) -> None:
    page = await search(house.ben, "owl", date="2020-01-01")
    assert says("2020-01-01", "has these words")(page)
