"""Money at odd moments: prices that change under way, clicks that come too early, more than was asked for."""

from __future__ import annotations

import pytest

from sandbox.image_api.latency import Latency
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import (
    OpenHouse,
    a_day_long_enough,
    eventually,
    final,
    picture,
    says,
    set_rules,
    with_pictures,
)
from tests.acceptance.hostile import stranger, unhindered, wished, wishes_of_others
from tests.acceptance.purses import prices, spent
from tests.databases import rows

pytestmark = pytest.mark.asyncio(loop_scope="module")
kinds = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])


@abreast
async def test_a_price_that_changes_while_a_picture_is_painted_counts_as_it_is_when_it_comes(
    open_house: OpenHouse,
) -> None:
    """Neither way leads to more than the budget: what is asked for next is held to what really went."""
    await a_day_long_enough()
    variables = {"PRICE_LIST": prices("0.02"), "MAX_SPEND_PER_DAY": "0.13"}
    async with open_house(variables=variables, latency=Latency.fixed(1.5)) as house:
        alone = await wished(house.ada)
        reply = await house.ben.command("imagine", prompt="a fox of two cents")
        await reply.until(says("painting"))
        assert spent(house) == 20_000 + 20_000
        house.bot.set(PRICE_LIST=prices("0.07"))
        await house.restart_bot()
        await reply.until(with_pictures)
        assert spent(house) == 20_000 + 70_000
        refused = await house.ben.command("imagine", prompt="a fox of seven cents")
        assert says("$0.04 of it is left")(refused.message), refused.text
        house.bot.set(PRICE_LIST=prices("0.01"))
        await house.restart_bot()
        async with unhindered(house.ada, alone):
            cheap = await house.ben.command("imagine", prompt="three foxes of a cent", count=3)
            await cheap.until(with_pictures)
        assert (spent(house, house.ben), spent(house)) == (100_000, 130_000)
        assert len(wishes_of_others(house)) == 2


@abreast
async def test_a_yes_to_one_price_is_none_to_a_higher_one(open_house: OpenHouse) -> None:
    async with open_house(variables={"PRICE_LIST": prices("0.02")}) as house:
        await set_rules(house.ada, confirm_over="0.05")
        alone = await wished(house.ada)
        question = await house.ben.command("imagine", prompt="a dear fox", count=4)
        assert says("costs about $0.08")(question.message), question.text
        house.bot.set(PRICE_LIST=prices("0.50"))
        await house.restart_bot()
        anew = await house.ben.press(question, "Confirm")
        assert says("costs about $2.00")(anew.message), anew.text
        assert wishes_of_others(house) == []
        house.bot.set(PRICE_LIST=prices("0.03"))
        await house.restart_bot()
        async with unhindered(house.ada, alone):
            await (await house.ben.press(anew, "Confirm")).until(with_pictures)
        assert spent(house, house.ben) == 120_000
        assert len(wishes_of_others(house)) == 1


@kinds
@pytest.mark.parametrize("mode", ["tasks", "sync"])
@abreast
async def test_what_is_cancelled_while_its_submission_is_on_its_way_counts_and_is_bought_once(
    open_house: OpenHouse, kind: str, mode: str
) -> None:
    """The answer drips for a second. Whoever cancels in it gets no free pictures out of a budget."""
    await a_day_long_enough()
    variables = {"PRICE_LIST": prices(), "MAX_SPEND_PER_DAY": "0.09", "UNIALL_MODE": mode, "MAX_JOBS_PER_USER": "9"}
    async with open_house(kind, variables=variables) as house:
        alone = await wished(house.ada)
        async with unhindered(house.ada, alone):
            for number in range(2):
                reply = await house.ben.command("imagine", prompt=f"a fox {number} [[trickle]]")
                await eventually(lambda number=number: len(wishes_of_others(house)) > number)
                await house.ben.press(reply, "Cancel")
                await reply.until(final, 30)
                assert not reply.message.pictures
        refused = await house.ben.command("imagine", prompt="one more")
        assert says("$0.01 of it is left")(refused.message), refused.text
        assert (spent(house), spent(house, house.ben)) == (80_000, 40_000)
        assert (len(house.submissions()), len(wishes_of_others(house))) == (4, 2)
        assert house.image_api.charged_micros > 0


@abreast
async def test_pictures_that_nobody_asked_for_are_counted_and_fit_into_one_message(
    open_house: OpenHouse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Ten results and three sources are more files than a message holds: what does not fit is linked."""
    file = picture(tmp_path_factory.mktemp("a") / "a.png")
    variables = {"PRICE_LIST": prices(), "MAX_SPEND_PER_DAY": "1.00"}
    async with open_house(variables=variables) as house:
        alone = await wished(house.ada)
        async with unhindered(house.ada, alone):
            reply = await house.ben.command("edit", prompt="x [[more]]", count=4, image=file, image2=file, image3=file)
            message = await reply.until(with_pictures, 30)
        assert len(message.pictures) == 7 + 3
        assert message.text.count("Original") == 3
        (counted,) = rows(
            house.database, f"SELECT pictures, cost_micros FROM ledger WHERE user_id = {house.ben.user.id}"
        )
        assert counted == (10, 230_000)


@abreast
async def test_a_spent_purse_is_spent_wherever_somebody_asks_and_showing_again_costs_nothing(
    open_house: OpenHouse,
) -> None:
    """In a server, in direct messages, and by one's own app in a group or a server that the bot is not in.

    Whoever asked with the last two cents has their picture as soon as if nobody else asked.
    """
    await a_day_long_enough()
    variables = {"PRICE_LIST": prices(), "MAX_SPEND_PER_DAY": "0.08"}
    async with open_house(variables=variables) as house:
        other = stranger(house, 1)
        alone = await wished(other)
        private = await house.ben.command("imagine", prompt="a private fox", private=True)
        await private.until(with_pictures)
        await (await house.ada.at("elsewhere").command("imagine", prompt="abroad")).until(with_pictures)
        async with unhindered(other, alone):
            await eventually(lambda: spent(house) == 80_000)
            for person in (house.ben, house.ben.at("dm"), *map(house.ada.at, ("dm", "thread", "group", "elsewhere"))):
                refused = await person.command("imagine", prompt="one more")
                assert says("This bot's budget per day is $0.08")(refused.message), refused.text
            forwarded = await house.ada.forward(await house.ada.post("a castle"), "dm")
            refused = await house.ada.at("dm").message_menu("Imagine this", forwarded)
            assert says("This bot's budget per day is $0.08")(refused.message), refused.text
        await (await house.ben.press(private, "Post here")).until(with_pictures)
        assert (spent(house), len(house.submissions())) == (80_000, 4)
