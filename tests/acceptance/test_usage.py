"""`/usage`: what was painted and what it cost, for whoever it is meant for, as text, chart and table."""

from __future__ import annotations

import csv
import io

import pytest
from PIL import Image

from sandbox.discord.person import Person
from sandbox.discord.reply import Reply
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import OpenHouse, a_day_long_enough, says, with_pictures

pytestmark = pytest.mark.asyncio(loop_scope="module")

PRICES = {
    "PRICE_LIST": "grok-imagine-image:1k=0.02",
    "MAX_PICTURES_PER_USER_PER_DAY": "10",
    "MAX_JOBS_PER_USER": "20",
}


async def painted(person: Person, prompt: str, **options: object) -> None:
    reply = await person.command("imagine", prompt=prompt, **options)  # pyright: ignore[reportArgumentType]
    await reply.until(with_pictures)


async def usage(person: Person) -> Reply:
    reply = await person.command("usage")
    await reply.until(lambda message: message.pictures)
    assert reply.ephemeral
    return reply


async def table(person: Person, panel: Reply) -> list[dict[str, str]]:
    exported = await person.press(panel, "Export as CSV")
    message = await exported.until(lambda it: it.files)
    assert message.ephemeral
    text = (await exported.download(message.files[0])).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@abreast
async def test_everybody_sees_their_own_and_managers_the_servers(open_house: OpenHouse, kind: str) -> None:
    await a_day_long_enough()
    async with open_house(kind, variables=PRICES) as house:
        await painted(house.ben, "three", count=3)
        await painted(house.ben, "one in private", private=True)
        await painted(house.ben.at("dm"), "outside the server", count=2)
        await painted(house.ada, "of Ada's", model="Quality")
        mine = await usage(house.ben)
        assert says("**Today**: 6 pictures · $0.12", "**This month**: 6 pictures · $0.12")(mine.message)
        assert says("Your pictures everywhere today: 4 of 10 left, renews <t:")(mine.message)
        assert "This server's usage" not in mine.labels
        assert mine.pictures[0].alt.startswith("US dollars per day of this month.")
        picture = Image.open(io.BytesIO(await mine.download(mine.pictures[0])))
        assert (picture.format, picture.size) == ("PNG", (800, 420))
        assert says("**US dollars per day** · This month")(mine.message)

        hers = await usage(house.ada)
        assert says("**Today**: 1 picture, unpriced")(hers.message)
        await house.ada.press(hers, "This server's usage")
        await hers.until(says("This server's usage", "By member"))
        assert says("5 pictures · $0.08 · 1 picture without a price")(hers.message)
        assert says(f"<@{house.ben.user.id}>: 4 pictures · $0.08", "Quality: 1 picture, unpriced")(hers.message)

        rows = await table(house.ada, hers)
        assert [(row["model"], row["pictures"], row["usd"]) for row in rows] == [
            ("grok-imagine-image", "3", "0.06"),
            ("grok-imagine-image", "1", "0.02"),
            ("grok-imagine-image-quality", "1", ""),
        ]
        assert rows[0]["member"] == f"user {house.ben.user.id}"
        assert rows[0]["time"].endswith("+00:00")
        assert len(await table(house.ben, mine)) == 3


@abreast
async def test_a_server_is_shown_to_nobody_else_by_forged_buttons_either(open_house: OpenHouse) -> None:
    async with open_house(variables=PRICES) as house:
        await painted(house.ada, "of Ada's")
        panel = await usage(house.ben)
        for word in ("show", "csv"):
            forged = await house.ben.forge(panel, f"easel-usage:{word}:server")
            assert says("Only members with the permission Manage Server")(forged.message)
            assert not forged.message.files
        # There is no server to manage in direct messages.
        direct = await usage(house.ada.at("dm"))
        forged = await house.ada.at("dm").forge(direct, "easel-usage:csv:server")
        assert says("Only members with the permission Manage Server")(forged.message)


@abreast
async def test_a_servers_table_has_the_words_of_public_requests_alone(open_house: OpenHouse) -> None:
    async with open_house(variables=PRICES) as house:
        await painted(house.ben, "=HYPERLINK(1)")
        await painted(house.ben, "hush", private=True)
        await painted(house.ben, "a fox;=1+1")
        await painted(house.ben.at("dm"), "elsewhere")
        panel = await usage(house.ada)
        await house.ada.press(panel, "This server's usage")
        await panel.until(says("By member"))
        found = await table(house.ada, panel)
        assert [row["prompt"] for row in found] == ["'=HYPERLINK(1)", "", "a fox;'=1+1"]
        assert "hush" not in str(found)
        assert "prompt" not in (await table(house.ben, await usage(house.ben)))[0]


@abreast
async def test_a_link_to_share_leads_others_to_buttons_on_their_own_quota(open_house: OpenHouse) -> None:
    async with open_house(variables=PRICES) as house:
        reply = await house.ada.command("imagine", prompt="shared")
        await reply.until(with_pictures)
        details = await house.ada.press(reply, "Details")
        channel = house.discord.world.channel("pictures")
        assert channel.guild is not None
        link = f"https://discord.com/channels/{channel.guild.id}/{channel.id}/{reply.message.id}"
        assert f"**Link to share**: {link}" in details.message.text
        await (await house.ben.press(reply, "Again")).until(with_pictures)
        assert says("9 of 10 left")((await usage(house.ben)).message)
        assert says("9 of 10 left")((await usage(house.ada)).message)
        hidden = await house.ada.command("imagine", prompt="hush", private=True)
        await hidden.until(with_pictures)
        assert "Link to share" not in (await house.ada.press(hidden, "Details")).message.text


@abreast
async def test_without_prices_pictures_are_counted_and_no_cost_is_made_up(open_house: OpenHouse) -> None:
    async with open_house() as house:
        empty = await usage(house.ben)
        assert says("**Today**: 0 pictures")(empty.message)
        await painted(house.ben, "two", count=2)
        panel = await usage(house.ben)
        assert says("**Today**: 2 pictures, unpriced")(panel.message)
        assert "$" not in panel.text
        assert panel.pictures[0].alt.startswith("Pictures per day of this month.")
