"""What holds in a server is obeyed by commands, buttons and forms: a private sentence, nothing written, nothing bought.

The rules are set by another process on the same PostgreSQL, and hold at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from bot.model import QUALITY, Resolution
from bot.policy.request_input import Options
from bot.policy.rules import WHOLE_SERVER, AgeRule, Rules, SpoilerRule
from bot.store.store import Store
from sandbox.discord.ids import snowflake
from sandbox.discord.person import Person
from sandbox.discord.places import Channel, ChannelKind
from sandbox.discord.reply import Reply
from tests.acceptance.conftest import House, OpenHouse, a_day_long_enough, eventually, final, says, with_pictures
from tests.databases import rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

PRICES = "grok-imagine-image:1k=0.02,grok-imagine-image:2k=0.05"
VARIABLES = {"MAX_JOBS_PER_USER": "100", "PRICE_LIST": PRICES, "MAX_PICTURES_PER_USER_PER_DAY": "60"}


class Town:
    """A house, and a second process on its database in which the owner sets the rules."""

    def __init__(self, house: House, store: Store) -> None:
        self.house = house
        self.store = store
        self.world = house.discord.world
        self.guild = next(it for it in self.world.guilds.values() if it.name == "Easel Studio")

    async def rule(self, channel: str | None = None, **values: Any) -> None:
        """Set the rules of the server, or of a channel, to these and no others."""
        where = self.world.channel(channel).id if channel else WHOLE_SERVER
        await self.store.rules.change(
            self.guild.id, lambda _: Rules(**values), by=1, now=datetime.now(UTC), channel_id=where
        )

    def jobs(self) -> int:
        return len(rows(self.house.database, "SELECT id FROM jobs"))

    def spent(self, column: str, whose: str = "true") -> int:
        """The sum of a column of today's ledger in this server."""
        today = datetime.now(UTC).date().isoformat()
        query = (
            f"SELECT coalesce(sum({column}), 0) FROM ledger WHERE guild_id={self.guild.id} AND {whose}"
            f" AND reserved_at >= timestamptz '{today} 00:00:00+00'"
        )
        return int(str(rows(self.house.database, query)[0][0]))

    async def refuses(self, reply: Reply, *words: str) -> None:
        """The reply is private, says what is in the way, and nothing came of it; at most it can be changed."""
        assert reply.ephemeral, reply.text
        assert says(*words)(reply.message), reply.text
        assert set(reply.message.labels) <= {"Change and try again"}

    async def paints(self, person: Person, **options: Any) -> Reply:
        reply = await person.command("imagine", **{"prompt": "a red fox"} | options)
        await reply.until(with_pictures)
        return reply


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def towns(open_house: OpenHouse) -> AsyncIterator[Town]:
    async with open_house("postgresql", variables=VARIABLES) as house:
        store = await Store.open(house.database)
        yield Town(house, store)
        await store.close()


@pytest_asyncio.fixture(loop_scope="module")
async def town(towns: Town) -> AsyncIterator[Town]:
    """The town with no rule set, before and after."""
    yield towns
    await towns.rule()
    for channel in ("pictures", "thread"):
        await towns.rule(channel)


async def test_a_blocked_member_is_refused_by_command_button_and_form_and_only_in_that_server(town: Town) -> None:
    ada, ben = town.house.ada, town.house.ben
    reply = await town.paints(ada)
    form = await ben.press(reply, "Remix")
    before = town.jobs()
    await town.store.rules.block(town.guild.id, ben.user.id, by=ada.user.id, now=datetime.now(UTC))
    await town.refuses(
        await ben.command("imagine", prompt="x"), "You may not use Easel in this server", "Manage Server"
    )
    await town.refuses(await ben.press(reply, "Again"), "You may not use Easel")
    await town.refuses(await ben.submit(form), "You may not use Easel")
    assert town.jobs() == before
    await town.paints(ben.at("dm"))
    await town.store.rules.unblock(town.guild.id, ben.user.id, now=datetime.now(UTC))
    await town.paints(ben)


async def test_easel_works_where_the_server_says_threads_with_their_channel(town: Town) -> None:
    pictures, general = town.world.channel("pictures"), town.world.channel("general")
    await town.rule(channels=(general.id,))
    await town.refuses(await town.house.ada.command("imagine", prompt="x"), f"<#{general.id}>")
    await town.refuses(await town.house.ada.at("thread").command("imagine", prompt="x"), f"<#{general.id}>")
    await town.paints(town.house.ada.at("general"))
    await town.rule(channels=(pictures.id,))
    await town.paints(town.house.ada.at("thread"))


async def test_a_long_prompt_comes_back_whole_where_no_form_keeps_it(town: Town) -> None:
    general = town.world.channel("general")
    await town.rule(channels=(general.id,))
    prompt = ("*a* red_fox " * 400)[:3999] + "!"
    reply = await town.house.ben.command("imagine", prompt=prompt)
    await town.refuses(reply, f"<#{general.id}>", "red\\_fox")
    (file,) = reply.message.files
    assert (await reply.download(file)).decode() == prompt
    # Where a form keeps it, that is enough.
    await town.rule(max_count=1)
    kept = await town.house.ben.command("imagine", prompt=prompt, count=2)
    await town.refuses(kept, "one picture at a time")
    assert kept.labels == ["Change and try again"]
    assert kept.message.files == []


async def test_roles_say_who_may_use_it_also_in_one_channel_only(town: Town) -> None:
    curator = next(role for role in town.guild.roles.values() if role.name == "Curator")
    await town.rule("pictures", roles=(curator.id,))
    await town.refuses(await town.house.ben.command("imagine", prompt="x"), f"<@&{curator.id}>")
    await town.refuses(await town.house.ben.at("thread").command("imagine", prompt="x"), f"<@&{curator.id}>")
    await town.paints(town.house.ben.at("general"))
    await town.paints(town.house.ada)


async def test_what_is_not_offered_is_refused_and_what_is_left_open_is_filled_in(town: Town) -> None:
    defaults = Options(resolution=Resolution.TWO_K, count=3)
    await town.rule(models=(QUALITY,), max_count=2, defaults=defaults)
    ada = town.house.ada
    await town.refuses(await ada.command("imagine", prompt="x", model="Standard"), "not offered", "Quality")
    await town.refuses(await ada.command("imagine", prompt="x", count=3), "at most 2")
    reply = await town.paints(ada)
    bought = town.house.image_api.accepted[-1].submission
    assert (bought.model, bought.resolution, bought.count) == ("grok-imagine-image-quality", "2k", 2)
    await town.rule(resolutions=(Resolution.ONE_K,))
    await town.refuses(await ada.press(reply, "Again"), "resolution", "1k")


async def test_spoilers_and_privacy_are_the_servers_to_decide(town: Town) -> None:
    await town.rule(spoiler=SpoilerRule.ALWAYS, private_only=True)
    reply = await town.paints(town.house.ada, spoiler=False)
    assert reply.ephemeral
    assert all(picture.spoiler for picture in reply.pictures)
    await town.rule(spoiler=SpoilerRule.NEVER)
    assert not any(picture.spoiler for picture in (await town.paints(town.house.ada, spoiler=True)).pictures)


async def test_the_server_decides_about_age_restricted_channels(town: Town) -> None:
    pictures = town.house.discord.world.channel("pictures")
    adults = Channel(snowflake(), "adults", "adults", ChannelKind.TEXT, pictures.guild, nsfw=True)
    town.house.discord.world.open_channel(adults)
    ada = town.house.ada
    await town.rule(age_restricted=AgeRule.ONLY)
    await town.refuses(await ada.command("imagine", prompt="x"), "age-restricted channels only")
    await (await ada.at("adults").command("imagine", prompt="x")).until(with_pictures)
    await town.rule(age_restricted=AgeRule.NEVER)
    await town.refuses(await ada.at("adults").command("imagine", prompt="x"), "not work in age-restricted")
    await town.paints(ada)


async def test_the_blocklist_holds_in_commands_and_forms(town: Town) -> None:
    reply = await town.paints(town.house.ada)
    form = await town.house.ada.press(reply, "Remix")
    await town.rule(blocked_words=("dragon",), blocked_patterns=(r"gr[e3]mlin\d",))
    for prompt in ("a DRAGON flies", "gr3mlin7"):
        await town.refuses(await town.house.ada.command("imagine", prompt=prompt), "does not allow something")
    await town.refuses(await town.house.ada.submit(form, Prompt="a dragon"), "does not allow something")
    await town.paints(town.house.ada, prompt="dragonfly")


async def test_a_public_reply_speaks_the_servers_language_and_a_private_one_the_persons(town: Town) -> None:
    ben = town.house.ben
    ben.user.locale = "fr"
    await town.rule(language="de")
    reply = await ben.command("imagine", prompt="x")
    private = await ben.command("imagine", prompt="y", private=True)
    await reply.until(final)
    await private.until(final)
    found = rows(town.house.database, "SELECT locale FROM jobs ORDER BY seq DESC LIMIT 2")
    ben.user.locale = "en-US"
    assert found == [("fr",), ("de",)]


async def test_quotas_say_what_is_left_when_it_renews_and_who_can_change_it(town: Town) -> None:
    await a_day_long_enough()
    curator = next(role for role in town.guild.roles.values() if role.name == "Curator")
    ada, ben = town.house.ada, town.house.ben
    spent = town.spent("pictures", f"user_id={ben.user.id}")
    await town.rule(pictures_per_member_day=spent + 3, exempt_roles=(curator.id,))
    await town.paints(ben, count=2)
    await town.refuses(
        await ben.command("imagine", prompt="x", count=2), "You have 1 left", "<t:", ":R>", "Manage Server"
    )
    await town.paints(ada, count=4)
    await town.rule(pictures_per_member_day=spent + 4)
    await town.paints(ben, count=2)


async def test_a_failed_or_cancelled_job_gives_its_slot_back(town: Town) -> None:
    await a_day_long_enough()
    ben = town.house.ben
    spent = town.spent("pictures", f"user_id={ben.user.id}")
    await town.rule(pictures_per_member_day=spent + 1)
    for _ in range(2):
        refused = await ben.command("imagine", prompt="x [[balance]]")
        await refused.until(final)
    town.house.image_api.behaviour.switch_on("busy")
    waiting = await ben.command("imagine", prompt="x")
    await town.refuses(await ben.command("imagine", prompt="y"), "You have 0 left")
    await ben.press(waiting, "Cancel")
    await waiting.until(says("cancelled"))
    town.house.image_api.behaviour.reset()
    await town.paints(ben)
    await town.refuses(await ben.command("imagine", prompt="y"), "You have 0 left")


async def test_fifty_at_once_never_overrun_a_budget_and_a_killed_bot_loses_no_slot(town: Town) -> None:
    await a_day_long_enough()
    spent = town.spent("cost_micros")
    people = [town.world.add_user(f"member {number}") for number in range(50)]
    for person in people:
        town.world.add_member(town.guild, person)
    crowd: list[Person] = [town.house.discord.person(person.name) for person in people]
    await town.rule(spend_per_day=spent + 7 * 20_000)
    replies: list[Reply] = []
    while crowd:
        asked = await asyncio.gather(*(person.command("imagine", prompt="[[slow]] x") for person in crowd))
        # Where the machine does many things at once, some are asked to come again.
        crowd = [person for person, reply in zip(crowd, asked, strict=True) if says("cannot write down")(reply.message)]
        replies += [reply for reply in asked if not says("cannot write down")(reply.message)]
    taken = [reply for reply in replies if not reply.ephemeral]
    assert len(taken) == 7
    assert all(says("budget per day", "$0.00")(reply.message) for reply in replies if reply.ephemeral)
    await town.house.restart_bot()
    for reply in taken:
        await reply.until(final, 60)  # one that was just being sent is uncertain, and keeps what it may have cost
    assert town.spent("cost_micros") == spent + 7 * 20_000
    await eventually(lambda: not rows(town.house.database, "SELECT job_id FROM ledger WHERE settled_at IS NULL"))
