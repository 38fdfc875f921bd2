"""A server's own budget: it is set where it can be kept, and nowhere else."""

from __future__ import annotations

from sandbox.discord.reply import Reply
from tests.acceptance.conftest import House, OpenHouse, says

STANDARD_ALONE = "grok-imagine-image:1k=0.02,grok-imagine-image:2k=0.04"


async def typed(house: House, line: str) -> Reply:
    """The answer to a command with options, once what it asked for is done."""
    reply = await house.ada.say(line)
    await reply.until(lambda message: not message.loading)
    return reply


async def test_a_budget_is_set_only_where_every_price_is_known(open_house: OpenHouse) -> None:
    async with open_house(variables={"PRICE_LIST": STANDARD_ALONE}) as house:
        refused = await typed(house, "/settings spend_per_day:2.50")
        assert says("there is none for Quality 1k, Quality 2k", "Nothing was changed", "$2.50")(refused.message), (
            refused.text
        )
        panel = await house.ada.press(await house.ada.command("settings"), "Limits")
        money = await house.ada.press(panel, "Change money")
        answer = await house.ada.submit(money, {"spend_per_month": "30"})
        assert says("there is none for Quality 1k, Quality 2k", "$30.00")(await answer.until_follow_up())
        kept = await typed(house, "/settings spend_per_day:2.50 models:Standard")
        assert says("Spend per day**: $2.50")(kept.message)
        widened = await house.ada.choose(
            await house.ada.press(await house.ada.command("settings"), "Offer"), "Models", "Quality"
        )
        assert says("there is none for Quality 1k, Quality 2k")(await widened.until_follow_up())
        await typed(house, "/settings max_count:2")  # other rules stay free to change
