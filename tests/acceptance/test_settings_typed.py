"""`/settings` as managers type it: each rule by its name, what autocomplete offers, and what is refused, and why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sandbox.discord.messages import GUILD_MESSAGES
from sandbox.discord.reply import ModalForm
from tests.acceptance.conftest import House, eventually, house_in, says, typed, with_pictures

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house_in(tmp_path_factory.mktemp("house"), variables={"MAX_JOBS_PER_USER": "50"}) as whole:
        for name in ("Ink", "Oil"):
            await preset(whole, name)
        yield whole


async def preset(house: House, name: str) -> None:
    """A preset of the server."""
    panel = await house.ada.press(await house.ada.command("presets"), "Presets of this server")
    form = await house.ada.press(panel, "New preset")
    assert isinstance(form, ModalForm)
    await house.ada.submit(form, {"Name": name, "Words": f"in {name.lower()}"})


#: What is typed, one line after the other, and words of the answer.
LINES = (
    ("rule:Blocked words value:badger, stoat", "badger, stoat"),
    ("rule:Blocked words value:stoat remove:True", "badger"),
    ("rule:Blocked patterns value:/b.dg?er/", "b.dg?er"),
    ("block_word:/b.dg?er/ remove:True", "Saved"),
    ("rule:Log channel value:#nowhere", "takes what is in this server only"),
    ("rule:Log channel", "together"),
    ("value:on", "together"),
    ("rule:Moods value:good", "no setting"),
    ("rule:access value:on", "no setting"),
    ("rule:Limits by role value:5", "role"),
    ("role:@Curator rule:Limits by role value:none", ""),
    ("role:@Curator pictures_per_member_day:7", "7"),
    ("role:@Curator reset:Everything", ""),
    ("role:@Curator block_word:badger", "role"),
    ("channel:#general rule:Log channel value:#general", "whole server"),
    ("rule:models value:Crayons", "Crayons"),
    ("rule:resolutions value:8k", "8k"),
    ("rule:resolutions value:all", "1k"),
    ("rule:Defaults for what members leave out value:2k, crayons", "crayons"),
    ("rule:Defaults for what members leave out value:2k png 16:9", "2k"),
    ("rule:Preset value:Nobody knows it", "no preset"),
    ("rule:Preset value:Ink", "Ink"),
    ("channel:#general rule:Preset value:none", "Saved: Preset"),
    ("rule:Preset value:Ink remove:True", ""),
    ("reset:Moods", "no setting"),
)


async def test_each_rule_is_read_by_its_name_and_faults_are_named(house: House) -> None:
    for line, words in LINES:
        shown = await typed(house, f"/settings {line}")
        assert words in shown.text, (line, shown.text)


async def test_the_form_and_the_menu_of_what_is_left_out_hold_at_once(house: House) -> None:
    panel = await house.ada.press(await house.ada.command("settings"), "Offer")
    form = await house.ada.press(panel, "Change defaults")
    assert isinstance(form, ModalForm)
    saved = await house.ada.submit(form, {"Aspect ratio": ["16:9"], "Count": ["2"], "Resolution": ["2k"]})
    assert says("Saved")(await saved.until(says("Saved")))
    await (await house.ada.choose(panel, "Preset", "Oil")).until(says("Oil"))
    await (await house.ben.say("/imagine prompt:a fox")).until(with_pictures)
    asked = house.image_api.accepted[-1].submission
    assert (asked.prompt, asked.aspect_ratio, asked.resolution, asked.count) == ("a fox, in oil", "16:9", "2k", 2)
    channel = await typed(house, "/settings channel:#general max_count:3")
    await house.ada.choose(channel, "Preset", "No preset")
    await (await house.ben.at("general").say("/imagine prompt:an owl")).until(with_pictures)
    assert house.image_api.accepted[-1].submission.prompt == "an owl"


async def test_what_fits_is_suggested_to_whoever_may_set_it(house: House) -> None:
    ada = house.ada
    for option, typed_so_far, rule, wanted in (
        ("rule", "log", "", "Log channel"),
        ("reset", "every", "", "Everything"),
        ("value", "gen", "Log channel", "#general"),
        ("value", "", "Preset when none is named", "Oil"),
        ("value", "on", "Reply to edit", "on"),
    ):
        choices = await ada.autocomplete("settings", option, typed_so_far, **({"rule": rule} if rule else {}))
        assert wanted in [it.name for it in choices], (option, choices)
    assert await ada.autocomplete("settings", "value", "", rule="Moods") == []
    assert await ada.autocomplete("settings", "value", "", rule="Access") == []


async def test_what_takes_a_new_session_is_tried_until_discord_gives_one(house: House) -> None:
    gateway = house.discord.gateway
    gateway.accepting = False
    await typed(house, "/settings rule:Reply to edit value:on")
    await asyncio.sleep(1.0)
    assert not any(it.intents & GUILD_MESSAGES for it in gateway.connected)
    gateway.accepting = True
    await eventually(lambda: gateway.connected and all(it.intents & GUILD_MESSAGES for it in gateway.connected))
    await (await house.ben.say("/imagine prompt:a heard fox")).until(with_pictures)
