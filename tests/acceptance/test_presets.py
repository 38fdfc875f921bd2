"""Presets: made, suggested, used, changed, shared and deleted in the real program."""

from __future__ import annotations

from typing import Any, cast

import pytest

from sandbox.discord.person import Person
from sandbox.discord.reply import ModalForm, Reply
from tests.acceptance.conftest import House, says, set_rules, with_pictures

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def opened(form: Reply) -> ModalForm:
    assert isinstance(form, ModalForm), form.error or form.message.text
    return form


async def made(person: Person, name: str, words: str, whose: str = "mine", **options: Any) -> Reply:
    """Make a preset in the panel; the panel then shows it."""
    panel = await person.command("presets")
    if whose == "server":
        panel = await person.press(panel, "Presets of this server")
    form = await opened(await person.press(panel, "New preset"))
    return await person.submit(form, {"Name": name, "Words": words, **options})


def painted(house: House) -> dict[str, Any]:
    return cast("dict[str, Any]", house.submissions()[-1].json)


async def test_a_preset_is_made_suggested_and_used(house: House) -> None:
    shown = await made(house.ada, "Watercolour", "soft watercolour", Aspect_ratio=["16:9 – wide"], Resolution=["2k"])
    assert says("watercolour", "16:9", "2k")(shown.message)
    [choice] = await house.ada.autocomplete("imagine", "preset", "wat")
    assert choice.name == "Watercolour"
    reply = await house.ada.command("imagine", prompt="a red fox", preset=str(choice.value), resolution="1k")
    await reply.until(with_pictures)
    body = painted(house)
    assert (body["prompt"], body["aspect_ratio"], body["resolution"]) == ("a red fox, soft watercolour", "16:9", "1k")
    assert says("with the preset", "watercolour")(reply.message)
    details = await house.ben.press(reply, "Details")
    assert says("**preset**: watercolour")(details.message)


async def test_the_words_may_say_where_the_prompt_goes_and_a_typed_name_is_enough(house: House) -> None:
    await made(house.ada, "Poster", "a poster of {prompt}, {bold} type")
    reply = await house.ada.command("imagine", prompt="a {prompt} fox", preset="poster")
    await reply.until(with_pictures)
    assert painted(house)["prompt"] == "a poster of a {prompt} fox, {bold} type"


async def test_nobody_uses_or_sees_the_presets_of_others(house: House) -> None:
    await made(house.ada, "Secret style", "secret words")
    [choice] = await house.ada.autocomplete("imagine", "preset", "secret")
    before = len(house.submissions())
    for wanted in (str(choice.value), "Secret style"):
        reply = await house.ben.command("imagine", prompt="a fox", preset=wanted)
        assert reply.ephemeral
        assert says("no preset", "a fox")(reply.message)
    assert not await house.ben.autocomplete("imagine", "preset", "secret")
    assert len(house.submissions()) == before


async def test_only_managers_make_the_servers_presets_and_all_members_use_them(house: House) -> None:
    await made(house.ada, "House style", "in our colours", "server")
    panel = await house.ben.press(await house.ben.command("presets"), "Presets of this server")
    assert "New preset" not in panel.message.labels
    shown = await house.ben.choose(panel, "Look at a preset", "House style")
    assert "Change" not in shown.message.labels
    assert says("in our colours")(shown.message)
    reply = await house.ben.command("imagine", prompt="a hat", preset="house STYLE")
    await reply.until(with_pictures)
    assert painted(house)["prompt"] == "a hat, in our colours"
    at_home = await house.ben.at("dm").command("imagine", prompt="a hat", preset="House style")
    assert says("no preset")(at_home.message)


async def test_a_preset_is_made_from_a_finished_picture(house: House) -> None:
    reply = await house.ben.command("imagine", prompt="oil on canvas", model="Quality", format="png")
    await reply.until(with_pictures)
    details = await house.ben.press(reply, "Details")
    form = await opened(await house.ben.press(details, "Save as preset"))
    assert "For whom" not in [field.label for field in form.fields]
    assert {field.label: field.value for field in form.fields}["Words"] == ""  # what it shows is no style
    saved = await house.ben.submit(
        form, {"Name": "Oil", "Words": "oil on canvas", "Options to keep": ["model", "format"]}
    )
    assert saved.ephemeral
    await saved.until(says("oil on canvas", "quality", "png"))
    assert says("“a knight” becomes “a knight, oil on canvas”")(saved.message)
    again = await house.ben.command("imagine", prompt="a pear", preset="Oil")
    await again.until(with_pictures)
    body = painted(house)
    assert (body["prompt"], body["model"], body["aspect_ratio"]) == (
        "a pear, oil on canvas",
        "grok-imagine-image-quality",
        "1:1",
    )


async def test_a_preset_is_changed_shared_and_deleted_in_its_panel(house: House) -> None:
    shown = await made(house.ada, "Ink", "black ink")
    form = await opened(await house.ada.press(shown, "Change"))
    shown = await house.ada.submit(form, {"Name": "Ink drawing", "Words": "black ink on white"})
    assert says("ink drawing", "black ink on white")(shown.message)
    shared = await house.ada.press(shown, "Share with the server")
    assert says("everyone in this server")(shared.message)
    assert [it.name for it in await house.ben.autocomplete("imagine", "preset", "ink d")] == [
        "Ink drawing (this server)"
    ]
    asked = await house.ada.press(shared, "Delete")
    listed = await house.ada.press(asked, "Yes, delete")
    assert not says("ink drawing")(listed.message)
    assert not await house.ben.autocomplete("imagine", "preset", "ink d")


async def test_a_name_is_taken_once_and_fifty_are_enough(house: House) -> None:
    carl = house.ben.at("dm")
    await made(carl, "Twice", "a")
    again = await made(carl, "TWICE", "b")
    assert says("already", "another name")(again.message)
    for number in range(60):
        last = await made(carl, f"Style {number}", "x")
        if says("no more can be kept")(last.message):
            break
    else:
        pytest.fail("there is no limit")
    panel = await carl.command("presets")
    assert says("50 of 50", "page 1 of 5")(panel.message)
    assert says("page 2 of 5")((await carl.press(panel, "▶")).message)
    assert len(await carl.autocomplete("imagine", "preset", "")) == 25


async def test_words_that_make_a_prompt_too_long_are_refused_kindly(house: House) -> None:
    await made(house.ada, "Long", "w" * 3000)
    before = len(house.submissions())
    reply = await house.ada.command("imagine", prompt="p" * 1000, preset="Long")
    assert reply.ephemeral
    assert says("2 characters too long", "nothing was started", "p" * 1000)(reply.message)
    assert len(house.submissions()) == before


async def test_hostile_names_and_words_stay_text(house: House) -> None:
    shown = await made(house.ada, "**@everyone** [x](http://evil)", "# <@1> ||spoiler|| " + "*_~`" * 700)
    assert "<@1>" not in shown.message.text
    assert "\\*\\*@\u200beveryone" in shown.message.text
    panel = await house.ada.command("presets")
    assert "\\[x\\](http" in panel.message.text


async def test_the_nearest_default_is_used_and_none_leaves_all_out(house: House) -> None:
    guild = house.discord.world.channel("pictures").guild
    assert guild is not None
    house.discord.world.add_member(guild, house.discord.world.add_user("Styler"))
    ada, ben = house.ada, house.discord.person("Styler")  # one whose presets no other story fills up

    async def words(**options: Any) -> str:
        reply = await ben.command("imagine", prompt="x", **options)
        await reply.until(with_pictures)
        return cast("str", painted(house)["prompt"])

    for name, whose in (("Of server", "server"), ("Of channel", "server")):
        await made(ada, name, name.lower(), whose)
    for name in ("Own", "Named"):
        await made(ben, name, name.lower())
    rule = "Preset when none is named"
    try:
        said = await set_rules(ada, rule=rule, value="Of server")
        await said.until(says(f"**{rule}**", "of server"))
        assert await words() == "x, of server"
        said = await set_rules(ada, channel="pictures", rule=rule, value="Of channel")
        await said.until(says(f"**{rule}**", "of channel"))
        assert await words() == "x, of channel"
        await ben.choose(await ben.command("preferences"), "Preset", "Own")
        reply = await ben.command("imagine", prompt="x")
        await reply.until(with_pictures)
        assert painted(house)["prompt"] == "x, own"
        assert await words(preset="Named") == "x, named"
        assert await words(preset="none") == "x"
        await ben.choose(await ben.command("preferences"), "Preset", "No preset")
        form = await opened(await ben.press(reply, "Remix"))
        await (await ben.submit(form, {"Prompt": "remixed"})).until(with_pictures)
        assert painted(house)["prompt"] == "remixed"
    finally:
        await ben.choose(await ben.command("preferences"), "Preset", "No preset")
        await set_rules(ada, channel="pictures", reset="everything")
        await set_rules(ada, reset="everything")


async def test_presets_outlive_a_restart(house: House) -> None:
    await made(house.ada, "Lasting", "for ever")
    panel = await house.ada.command("presets")
    await house.restart_bot()
    shown = await house.ada.choose(panel, "Look at a preset", "Lasting")
    assert says("for ever")(shown.message)
