"""The operator's view of `/usage`: for whom it is, what it shows, and that a block holds everywhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from bot.policy.door import BlockKind
from bot.store.store import Store
from sandbox.discord.ids import snowflake
from sandbox.discord.person import Person
from sandbox.discord.places import Guild, Team, TeamMember
from sandbox.discord.reply import ModalForm, Reply
from tests.acceptance.conftest import House, OpenHouse, a_day_long_enough, eventually, final, says, with_pictures

pytestmark = pytest.mark.asyncio(loop_scope="module")

ASKS_WHO = "GET /oauth2/applications/@me"
VARIABLES = {"PRICE_LIST": "grok-imagine-image:1k=0.02", "MAX_JOBS_PER_USER": "50", "MAX_ACTIVE_JOBS": "2"}
NOBODY = "Only whoever runs this bot"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(open_house: OpenHouse) -> AsyncIterator[House]:
    """A house on PostgreSQL, where other processes may change what holds."""
    await a_day_long_enough()
    async with open_house("postgresql", variables=VARIABLES) as whole:
        yield whole


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def elsewhere(house: House) -> AsyncIterator[Store]:
    """Another process on the same database."""
    store = await Store.open(house.database)
    yield store
    await store.close()


@pytest.fixture
def studio(house: House) -> Guild:
    guild = house.discord.world.channel("pictures").guild
    assert guild is not None
    return guild


async def usage(person: Person) -> Reply:
    panel = await person.command("usage")
    await panel.until(lambda message: not message.loading)
    assert panel.ephemeral
    return panel


async def all_servers(person: Person) -> Reply:
    panel = await usage(person)
    await person.press(panel, "All servers")
    await panel.until(says("### All servers"))
    return panel


async def found(person: Person, panel: Reply, kind: str, number: int) -> Reply:
    """The card of a server or a user, by its id."""
    form = await person.press(panel, "Find by ID")
    assert isinstance(form, ModalForm)
    shown = await person.submit(form, {"kind": [kind], "id": str(number)})
    await shown.until(says(f"`{number}`"))
    return shown


async def act(person: Person, panel: Reply, label: str, *, until: str) -> None:
    """Press a button, say yes to its question, and wait for what it says."""
    asked = await person.press(panel, label)
    await asked.until(lambda message: "Yes, do it" in message.labels)
    done = await person.press(panel, "Yes, do it")
    await done.until(says(until))


async def test_the_owner_sees_pictures_spend_failures_and_pace_of_all_servers(house: House) -> None:
    ways = ((house.ben, 3), (house.ada, 1), (house.ben.at("dm"), 1))
    asked = [await person.command("imagine", prompt="a fox", count=count) for person, count in ways]
    for reply in asked:
        await reply.until(with_pictures)
    for prompt in ("[[refuse]]", "[[refuse]]", "[[balance]]"):
        await (await house.ben.command("imagine", prompt=prompt)).until(final)
    panel = await all_servers(house.ada)
    told = ("**Today**: 7 pictures · $0.14", "**This month**: 7 pictures · $0.14", "Easel Studio: 6 pictures · $0.12")
    assert says(*told)(panel.message), panel.text
    assert says("**Failed**: 3 today, 3 this month · **Delivered**: 3 today, 3 this month")(panel.message), panel.text
    assert says("Refused by moderation: 2 today, 2 this month", "Out of balance: 1 today")(panel.message), panel.text
    # two requests are too few to call a server slow
    assert "Slowest" not in panel.text
    await (await house.ben.command("imagine", prompt="a third fox")).until(with_pictures)
    await house.ada.press(panel, "Refresh")
    await panel.until(says("Slowest servers today", "Slowest servers this month", "on average, 3 requests"))
    await house.ada.choose(panel, "A server in detail", "Easel Studio")
    await panel.until(says("### Easel Studio", "By member"))
    assert says(f"1. <@{house.ben.user.id}>: 6 pictures · $0.12", "on average, 3 requests")(panel.message), panel.text
    assert {"Leave server", "Block server"} < set(panel.message.labels)
    # in direct messages as well
    assert says("8 pictures · $0.16")((await all_servers(house.ada.at("dm"))).message)


async def test_nobody_else_has_the_button_or_gets_anything_by_a_forged_one(house: House, studio: Guild) -> None:
    curator = next(role for role in studio.roles.values() if role.name == "Curator")
    house.discord.world.add_member(studio, house.discord.world.add_user("Manager"), curator)
    manager = house.discord.person("Manager")
    forged = ("all", "blocked", f"server:{studio.id}", f"user:{house.ada.user.id}", "find", f"ask:leave:{studio.id}")
    acts = [f"yes:{verb}:{studio.id}" for verb in ("leave", "block-server", "unblock-server")]
    acts += [f"yes:{verb}:{house.ben.user.id}" for verb in ("block-user", "unblock-user")]
    for person in (manager, house.ben.at("dm")):
        panel = await usage(person)
        assert "All servers" not in panel.message.labels
        before = panel.text
        for word in (*forged, *acts):
            answer = await person.forge(panel, f"easel-operator:{word}")
            assert not isinstance(answer, ModalForm), word
            await answer.until(says(NOBODY)) if answer.message.id != panel.message.id else None
        assert panel.text == before
    private = [it for it in manager.sees() if says(NOBODY)(it)]
    assert len(private) == len(forged) + len(acts)
    assert house.discord.world.bot_is_member(studio)
    assert "BLOCKED" not in (await usage(house.ben)).text


async def test_an_operators_click_puts_no_figures_into_a_public_message(house: House) -> None:
    reply = await house.ben.command("imagine", prompt="a public fox")
    await reply.until(with_pictures)
    answer = await house.ada.forge(reply.message, "easel-operator:all")
    assert answer.ephemeral
    assert "All servers" not in house.ben.seen(reply.message.id).text


async def test_team_members_by_their_roles_and_never_by_an_old_answer(house: House, studio: Guild) -> None:
    world = house.discord.world
    people = {name: world.add_user(name) for name in ("Dev", "Reader", "Invited")}
    for user in people.values():
        world.add_member(studio, user)
    members = [
        TeamMember(house.ben.user, "admin"),
        TeamMember(people["Dev"]),
        TeamMember(people["Reader"], "read_only"),
        TeamMember(people["Invited"], accepted=False),
    ]
    world.team = Team(snowflake(), house.ben.user, members)
    try:
        await house.restart_bot()
        for name in ("Ada", "Invited"):
            assert "All servers" not in (await usage(house.discord.person(name))).message.labels
        reader = house.discord.person("Reader")
        looking = await all_servers(reader)
        assert "Find by ID" not in looking.message.labels
        await reader.choose(looking, "A server in detail", "Easel Studio")
        await looking.until(says("### Easel Studio"))
        assert "Block server" not in looking.message.labels
        await reader.forge(looking, f"easel-operator:yes:leave:{studio.id}")
        await eventually(lambda: any(says("lets you look, not change")(it) for it in reader.sees()))
        dev = house.discord.person("Dev")
        panel = await all_servers(dev)
        await dev.choose(panel, "A server in detail", "Easel Studio")
        await panel.until(says("### Easel Studio"))
        # out of the team since then: the next act asks Discord, whose last answer is some seconds old
        world.team = Team(snowflake(), house.ben.user, members[:1])
        await asyncio.sleep(3.2)
        await dev.press(panel, "Leave server")
        await eventually(lambda: any(says(NOBODY)(it) for it in dev.sees()))
        assert world.bot_is_member(studio)
    finally:
        world.team = None
        await house.restart_bot()


async def test_where_discord_does_not_say_nobody_is_an_operator_and_usage_still_opens(house: House) -> None:
    await house.restart_bot()
    fault = house.discord.faults.hang(ASKS_WHO, times=None)
    try:
        panel = await usage(house.ada)
        assert says("### Your usage")(panel.message)
        assert "All servers" not in panel.message.labels
        # and Discord is not asked at each opening
        await usage(house.ada)
        assert fault.hits == 1
    finally:
        house.discord.faults.remove(fault)
        await house.restart_bot()


async def test_a_blocked_user_is_refused_everywhere_and_what_waits_is_cancelled(house: House, studio: Guild) -> None:
    house.discord.world.add_member(studio, user := house.discord.world.add_user("Rude"))
    rude = house.discord.person("Rude")
    running = [await rude.command("imagine", prompt=f"[[stuck]] {number}") for number in range(4)]
    panel = await found(house.ada, await all_servers(house.ada), "user", user.id)
    await act(house.ada, panel, "Block user", until="is blocked everywhere")
    assert says("2 requests in line were cancelled")(panel.message), panel.text
    for person in (rude, rude.at("dm")):
        for command, options in (("imagine", {"prompt": "a fox"}), ("usage", {}), ("help", {})):
            refused = await person.command(command, **options)
            assert says("You may not use this bot")(refused.message), refused.text
    await eventually(lambda: sum(says("cancelled")(reply.message) for reply in running) == 2)
    await act(house.ada, panel, "Unblock user", until="is unblocked")
    for reply in [it for it in running if "Cancel" in it.message.labels]:
        await rude.press(reply, "Cancel")
    await (await rude.command("imagine", prompt="sorry")).until(with_pictures)
    # whoever runs the bot does not lock themselves out
    own = await found(house.ada, await all_servers(house.ada), "user", house.ada.user.id)
    await act(house.ada, own, "Block user", until="runs this bot")
    await (await house.ada.command("imagine", prompt="still here")).until(with_pictures)


async def test_a_block_by_another_process_holds_at_once_and_after_a_restart(
    house: House, studio: Guild, elsewhere: Store
) -> None:
    house.discord.world.add_member(studio, user := house.discord.world.add_user("Told on"))
    told_on = house.discord.person("Told on")
    bought = len(house.submissions())
    await elsewhere.operator_blocks.block(BlockKind.USER, user.id, by=house.ada.user.id, now=datetime.now(UTC))
    # in the moment before this process has looked, too: the database refuses the row
    asked = await asyncio.gather(*(told_on.command("imagine", prompt="a fox") for _ in range(5)))
    assert all(says("You may not use this bot")(reply.message) for reply in asked), [reply.text for reply in asked]
    await house.restart_bot()
    assert says("You may not use this bot")((await told_on.command("imagine", prompt="a fox")).message)
    assert len(house.submissions()) == bought
    listed = await all_servers(house.ada)
    await house.ada.press(listed, next(it for it in listed.message.labels if it.startswith("Blocked (")))
    await listed.until(says(f"<@{user.id}>"))
    await elsewhere.operator_blocks.unblock(BlockKind.USER, user.id)
    await asyncio.sleep(4)
    await (await told_on.command("imagine", prompt="a fox")).until(with_pictures)


async def test_a_blocked_server_is_left_and_refused_also_to_those_who_bring_the_app_along(
    house: House, studio: Guild
) -> None:
    world = house.discord.world
    abroad = world.channel("elsewhere").guild
    assert abroad is not None
    panel = await found(house.ada, await all_servers(house.ada), "server", abroad.id)
    assert says("not in this server")(panel.message)
    await act(house.ada, panel, "Block server", until="is blocked everywhere")
    refused = await house.ada.at("elsewhere").command("imagine", prompt="a fox")
    assert says("does not work in this server")(refused.message)
    here = await found(house.ada.at("dm"), await all_servers(house.ada.at("dm")), "server", studio.id)
    await act(house.ada.at("dm"), here, "Block server", until="Easel has left Easel Studio")
    await eventually(lambda: not world.bot_is_member(studio))
    assert "Unblock server" in here.message.labels
    await act(house.ada.at("dm"), here, "Unblock server", until="is unblocked")


async def test_blocks_of_the_settings_are_shown_and_only_changed_there(tmp_path: Path, open_house: OpenHouse) -> None:
    async with open_house(variables={"BLOCKED_USERS": "80351110224678912"}) as house:
        panel = await found(house.ada, await all_servers(house.ada), "user", 80351110224678912)
        assert says("`BLOCKED_USERS`")(panel.message)
        assert panel.message.labels == ["All servers"]
