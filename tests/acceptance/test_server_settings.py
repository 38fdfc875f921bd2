"""`/settings`: every rule takes effect at once, and only members with Manage Server can touch any."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sandbox.discord.clients import InvalidCommand
from sandbox.discord.person import Person
from sandbox.discord.reply import ModalForm, Reply
from sandbox.discord.sight import Message
from tests.acceptance.conftest import House, house_in, says, typed, with_pictures

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL = "grok-imagine-image"
PRICES = f"{MODEL}:1k=0.02,{MODEL}:2k=0.04,{MODEL}-quality:1k=0.05,{MODEL}-quality:2k=0.07"
VARIABLES = {"MAX_JOBS_PER_USER": "50", "PRICE_LIST": PRICES}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def settings_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house_in(tmp_path_factory.mktemp("house"), variables=VARIABLES) as whole:
        yield whole


@pytest_asyncio.fixture(loop_scope="module")
async def house(settings_house: House) -> AsyncIterator[House]:
    """A house in which nothing is set, whatever the test before did."""
    yield settings_house
    for line in ("/settings reset:Everything", "/settings channel:#general reset:Everything"):
        await typed(settings_house, line)
    await typed(settings_house, "/settings block_member:@Ben remove:True")


async def opened(who: Person, section: str = "Access") -> Reply:
    """The panel at one of its sections."""
    panel = await who.command("settings")
    return await who.press(panel, section)


def channel_id(house: House, key: str) -> int:
    return house.discord.world.channel(key).id


async def test_without_options_the_panel_opens_for_the_manager_alone(house: House) -> None:
    panel = await house.ada.command("settings")
    assert panel.ephemeral
    assert panel.labels[:5] == ["Access", "Limits", "Offer", "Look", "Safety"]
    assert says("whole server", "everyone", "blocked members")(panel.message)


#: What is set, what Ben then asks for, and words of the refusal.
REFUSALS = {
    "channels": ("allow_channel:#general", "prompt:a fox", ["#"]),
    "roles": ("allow_role:@Curator", "prompt:a fox", ["role"]),
    "models": ("models:Standard", "prompt:a fox model:Quality", ["Standard"]),
    "resolutions": ("resolutions:1k", "prompt:a fox resolution:2k", ["1k"]),
    "max_count": ("max_count:2", "prompt:a fox count:3", ["2"]),
    "spend per day": ("spend_per_day:$0.01", "prompt:a fox", ["$0.01"]),
    "spend per month": ("spend_per_month:0,01", "prompt:a fox", ["$0.01"]),
    "pictures per member": ("pictures_per_member_day:1", "prompt:a fox count:2", ["1"]),
    "words": ("block_word:badger", "prompt:a Badger in snow", ["word"]),
    "patterns": ("block_word:/b.dger/", "prompt:a budger in snow", ["word"]),
    "block": ("block_member:@Ben", "prompt:a fox", ["may not use Easel"]),
}


@pytest.mark.parametrize(("option", "request_line", "words"), REFUSALS.values(), ids=REFUSALS)
async def test_a_rule_typed_as_an_option_holds_at_once(
    house: House, option: str, request_line: str, words: list[str]
) -> None:
    before = len(house.image_api.requests)
    shown = await typed(house, f"/settings {option}")
    assert shown.ephemeral
    assert says("✓")(shown.message) or says("no longer use")(shown.message)
    refusal = await house.ben.say(f"/imagine {request_line}")
    assert refusal.ephemeral
    assert says(*words)(refusal.message), refusal.text
    assert not house.submissions(before)


async def test_what_is_left_out_gets_the_servers_defaults(house: House) -> None:
    await typed(house, "/settings rule:Defaults for what members leave out value:2k, 16:9, 2 pictures")
    await (await house.ben.say("/imagine prompt:a fox")).until(with_pictures)
    asked = house.image_api.accepted[-1].submission
    assert (asked.resolution, asked.aspect_ratio, asked.count) == ("2k", "16:9", 2)


async def test_spoilers_and_private_replies_are_imposed(house: House) -> None:
    await typed(house, "/settings spoiler:always covered private_only:True")
    reply = await house.ben.say("/imagine prompt:a fox")
    shown = await reply.until(with_pictures)
    assert reply.ephemeral
    assert all(picture.spoiler for picture in shown.pictures)


async def test_a_member_with_an_exempt_role_is_not_held_back(house: House) -> None:
    await typed(house, "/settings pictures_per_member_day:1 exempt_role:@Curator")
    assert (await house.ben.say("/imagine prompt:a fox count:2")).ephemeral
    await (await house.ada.say("/imagine prompt:a fox count:2")).until(with_pictures)


async def test_a_list_grows_and_shrinks_by_options(house: House) -> None:
    await typed(house, "/settings allow_channel:#general")
    both = await typed(house, "/settings allow_channel:#pictures")
    ids = [channel_id(house, "general"), channel_id(house, "pictures")]
    assert both.message.menus[1].chosen == tuple(map(str, ids))
    one = await typed(house, "/settings allow_channel:#general remove:True")
    assert one.message.menus[1].chosen == (str(ids[1]),)
    none = await typed(house, "/settings reset:Access")
    assert none.message.menus[1].chosen == ()
    assert says("✓ Saved: Access (reset).")(none.message)


async def test_the_panels_menus_change_rules_and_show_what_holds(house: House) -> None:
    panel = await opened(house.ada)
    await house.ada.choose(panel, "Channels where Easel works", ["#general"])
    shown = await panel.until(says("Saved", f"<#{channel_id(house, 'general')}>"))
    assert shown.menus[1].chosen == (str(channel_id(house, "general")),)
    refusal = await house.ben.say("/imagine prompt:a fox")
    assert refusal.ephemeral
    await house.ada.choose(panel, "Channels where Easel works", [])
    await panel.until(says("Saved", "works**: all"))
    offer = await house.ada.press(panel, "Offer")
    await house.ada.choose(offer, "Models", ["Standard"])
    await offer.until(says("Models**: Standard"))
    assert says("Standard")((await house.ben.say("/imagine prompt:a fox model:Quality")).message)
    await house.ada.choose(offer, "Largest count", "2 pictures")
    await offer.until(says("Largest count**: 2"))
    look = await house.ada.press(panel, "Look")
    await house.ada.choose(look, "Language of public replies", "Deutsch")
    await look.until(says("Deutsch"))


async def test_forms_take_numbers_and_money_kindly(house: House) -> None:
    panel = await opened(house.ada, "Limits")
    pictures = await house.ada.press(panel, "Change pictures")
    assert isinstance(pictures, ModalForm)
    answers = {"pictures_per_member_day": " 1,000 ", "pictures_per_day": "none", "jobs_per_member": "2"}
    await house.ada.submit(pictures, answers)
    await panel.until(says("member and day**: 1000", "together**: no limit", "at once**: 2"))
    money = await house.ada.press(panel, "Change money")
    await house.ada.submit(money, {"spend_per_day": "$2,50", "spend_per_month": "30 USD", "confirm_over": "0"})
    await panel.until(says("per day**: $2.50", "per month**: $30.00", "above**: $0.00"))
    again = await house.ada.press(panel, "Change money")
    assert isinstance(again, ModalForm)
    assert again.field("Spend per day").value == "$2.50"


async def test_a_form_with_nonsense_changes_nothing_and_says_why(house: House) -> None:
    panel = await opened(house.ada, "Limits")
    pictures = await house.ada.press(panel, "Change pictures")
    refusal = await house.ada.submit(pictures, {"pictures_per_member_day": "5", "pictures_per_day": "-3 **cats**"})
    assert refusal.ephemeral
    assert says("whole number", "nothing was changed", "\\*\\*cats")(refusal.message)
    assert says("member and day**: no limit")((await opened(house.ada, "Limits")).message)


async def test_a_pattern_that_does_not_compile_is_named_and_the_rest_taken(house: House) -> None:
    panel = await opened(house.ada, "Safety")
    words = await house.ada.press(panel, "Change words")
    answers = {"blocked_words": "Badger\nbadger, two  words", "blocked_patterns": "b(dger\nc.t"}
    await house.ada.submit(words, answers)
    shown = await panel.until(says("Saved"))
    assert says("b(dger", "not taken", "Badger, two words", "c.t")(shown)
    assert (await house.ben.say("/imagine prompt:two words")).ephemeral
    refusal = await typed(house, "/settings block_word:/b(dger/")
    assert says("not taken", "nothing was changed")(refusal.message)


async def test_a_channel_differs_from_its_server(house: House) -> None:
    await typed(house, "/settings max_count:1")
    panel = await opened(house.ada, "Offer")
    await house.ada.choose(panel, panel.message.menus[0].custom_id, "#general")
    shown = await panel.until(says("Settings for <#", "1 (from the server)"))
    assert "Whole server" in shown.labels
    await house.ada.choose(panel, "Largest count", "3 pictures")
    await panel.until(says("Largest count**: 3"))
    assert (await house.ben.say("/imagine prompt:a fox count:3")).ephemeral
    await (await house.ben.at("general").say("/imagine prompt:a fox count:3")).until(with_pictures)
    lifted = await house.ada.choose(panel, "Largest count", "As in the whole server")
    await lifted.until(says("1 (from the server)"))
    assert (await house.ben.at("general").say("/imagine prompt:a fox count:3")).ephemeral


async def test_a_section_is_reset_after_a_second_yes(house: House) -> None:
    await typed(house, "/settings max_count:1 spoiler:always covered")
    panel = await opened(house.ada, "Offer")
    asked = await house.ada.press(panel, "Reset Offer")
    kept = await house.ada.press(asked, "Keep")
    assert says("Largest count**: 1")(kept.message)
    await house.ada.press(panel, "Reset Offer")
    await house.ada.press(panel, "Yes, reset Offer")
    await panel.until(says("Largest count**: 4"))
    assert says("always covered")((await opened(house.ada, "Look")).message)


async def test_settings_survive_a_restart_and_so_does_an_open_panel(house: House) -> None:
    panel = await opened(house.ada, "Limits")
    money = await house.ada.press(panel, "Change money")
    await typed(house, "/settings models:Standard")
    await house.restart_bot()
    await house.ada.submit(money, {"spend_per_day": "1"})
    await panel.until(says("Spend per day**: $1.00"))
    assert says("Standard")((await house.ben.say("/imagine prompt:a fox model:Quality")).message)
    assert says("Models**: Standard")((await house.ada.press(panel, "Offer")).message)


async def test_operator_ceilings_are_shown(house: House) -> None:
    panel = await opened(house.ada, "Limits")
    assert says("at most 50")(panel.message)


async def test_blocking_ends_what_waits_and_unblocking_lets_again(house: House) -> None:
    panel = await opened(house.ada)
    await house.ada.choose(panel, "Block members", ["@Ben"])
    await panel.until(says("can no longer use", f"<@{house.ben.user.id}>"))
    assert says("may not use Easel")((await house.ben.say("/imagine prompt:a fox")).message)
    await house.ada.choose(panel, "Unblock members", ["@Ben"])
    await panel.until(says("again", "Blocked members**: none"))
    await (await house.ben.say("/imagine prompt:a fox")).until(with_pictures)


async def test_the_user_menus_block_and_unblock(house: House) -> None:
    blocked = await house.ada.user_menu("Block from Easel", "Ben")
    await blocked.until(says("no longer use"))
    assert blocked.ephemeral
    await (await house.ada.user_menu("Block from Easel", "Ben")).until(says("already"))
    assert (await house.ben.say("/imagine prompt:a fox")).ephemeral
    await (await house.ada.user_menu("Unblock from Easel", "Ben")).until(says("again"))
    await (await house.ada.user_menu("Unblock from Easel", "Ben")).until(says("not blocked"))
    await (await house.ada.user_menu("Block from Easel", "Easel")).until(says("cannot be blocked"))
    await (await house.ada.user_menu("Block from Easel", "Ada")).until(says("yourself"))


@pytest.mark.parametrize("place", ["dm", "group", "elsewhere"])
async def test_where_there_is_no_server_of_easels_a_kind_sentence_stands(
    house: House, place: str, settings_house: House
) -> None:
    world = settings_house.discord.world
    if place == "elsewhere" and (abroad := world.channel(place).guild) and world.bot_is_member(abroad):
        world.remove_bot(abroad)
    # an administrator of the other server has it as a command of their own installation
    who = house.ada.at(place)
    try:
        answer = await who.command("settings")
    except InvalidCommand:
        assert place == "elsewhere"  # Ada manages nothing there
        return
    assert answer.ephemeral
    assert says("server")(answer.message)


async def test_the_panel_keeps_discords_limits_with_everything_set(house: House) -> None:
    world = house.discord.world
    guild = world.channel("pictures").guild
    assert guild is not None
    words = "\n".join(f"word number {number} that is rather long {'x' * 20}"[:55] for number in range(60))
    panel = await opened(house.ada, "Safety")
    await house.ada.submit(await house.ada.press(panel, "Change words"), {"blocked_words": words})
    await panel.until(says("Saved", "more"))
    for section in ("Access", "Limits", "Offer", "Look", "Safety"):
        shown: Message = (await house.ada.press(panel, section)).message
        assert len(shown.text) < 4000
