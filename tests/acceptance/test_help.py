"""`/help`, and the languages in which Easel speaks."""

from __future__ import annotations

import re

import pytest

from sandbox.discord.reply import ModalForm
from tests.acceptance.conftest import House, says

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_help_is_private_and_mentions_commands_that_exist(house: House) -> None:
    reply = await house.ben.command("help")
    assert reply.ephemeral
    mentioned = dict(re.findall(r"</([\w ]+):(\d+)>", reply.message.text))
    assert {"imagine", "edit"} <= set(mentioned)
    assert mentioned == {one["name"]: one["id"] for one in house.ben.commands() if one["name"] in mentioned}
    assert says("no limit")(reply.message)


async def test_help_mentions_commands_after_a_restart_that_registered_nothing(house: House) -> None:
    before = len([it for it in house.discord.requests if it.method == "PUT" and it.path.endswith("/commands")])
    await house.restart_bot()
    reply = await house.ben.command("help")
    assert "</imagine:" in reply.message.text
    assert len([it for it in house.discord.requests if it.method == "PUT" and it.path.endswith("/commands")]) == before


async def test_a_reply_speaks_the_servers_language_and_a_private_sentence_the_persons(house: House) -> None:
    guild = house.ada.channel.guild
    assert guild is not None
    house.ben.user.locale = "de"
    house.discord.world.choose_language(guild, "fr")
    try:
        public = await house.ben.say("/imagine prompt:un renard anzahl:2")  # the option by its German name
        await public.until(lambda message: bool(message.pictures))
        assert public.message.labels == ["Encore", "Remix", "Modifier", "Détails", "Supprimer"]
        assert says("2 images")(public.message)
        details = await house.ben.press(public, "Détails")
        assert says("Einstellungen", "2 Bilder")(details.message)
        private = await house.ben.say("/imagine prompt:ein Fuchs privat:true")
        await private.until(lambda message: bool(message.pictures))
        assert private.message.labels == ["Nochmal", "Remix", "Bearbeiten", "Details", "Löschen", "Hier posten"]
    finally:
        house.ben.user.locale = "en-US"
        house.discord.world.choose_language(guild, None)


async def test_a_public_reply_speaks_the_askers_language_where_the_server_has_chosen_none(house: House) -> None:
    """Discord says American English of every server that is no Community, whatever its members speak."""
    guild = house.ada.channel.guild
    assert guild is not None
    house.ben.user.locale = "de"
    try:
        for community in (False, True):  # a Community that never chose is told as American English, too
            if community:
                house.discord.world.choose_language(guild, "en-US")
            public = await house.ben.say("/imagine prompt:ein Fuchs")
            await public.until(lambda message: bool(message.pictures))
            assert public.message.labels == ["Nochmal", "Remix", "Bearbeiten", "Details", "Löschen"]
    finally:
        house.ben.user.locale = "en-US"
        house.discord.world.choose_language(guild, None)


async def test_a_form_speaks_the_language_of_the_one_who_opens_it(house: House) -> None:
    reply = await house.ada.say("/imagine prompt:a fox")
    await reply.until(lambda message: bool(message.pictures))
    house.ben.user.locale = "ja"
    try:
        form = await house.ben.press(reply, "Remix")
        assert isinstance(form, ModalForm)
        assert form.modal["title"] == "リミックス"
        assert [part["label"] for part in form.modal["components"]][:2] == ["プロンプト", "モデル"]
    finally:
        house.ben.user.locale = "en-US"


async def test_a_language_that_easel_does_not_speak_is_answered_in_english(house: House) -> None:
    house.ben.user.locale = "nl"
    try:
        assert says("paints what you describe")((await house.ben.say("/help")).message)
    finally:
        house.ben.user.locale = "en-US"


async def test_text_from_right_to_left_is_shown_harmlessly_in_every_language(house: House) -> None:
    house.ben.user.locale = "de"
    try:
        reply = await house.ben.say("/imagine prompt:שלום \u202e@everyone **x** 🦊 privat:true")
        await reply.until(lambda message: bool(message.pictures))
        assert "@everyone" not in reply.message.text
        assert "\\*\\*x\\*\\*" in reply.message.text
    finally:
        house.ben.user.locale = "en-US"


async def test_help_names_commands_as_the_persons_menu_does(house: House) -> None:
    """Discord never translates a mention: `/jobs` stands in a German menu as `/aufträge`."""
    house.ben.user.locale = "de"
    try:
        reply = await house.ben.command("help")
    finally:
        house.ben.user.locale = "en-US"
    assert re.search(r"</jobs:\d+> \(`/aufträge`\)", reply.message.text), reply.text
    assert "(`/imagine`)" not in reply.message.text
