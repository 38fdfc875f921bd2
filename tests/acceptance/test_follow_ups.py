"""Again, Remix and Edit: each card links back to what it came from, but never to what only one person sees."""

from __future__ import annotations

import pytest

from sandbox.discord.reply import ModalForm, Reply
from tests.acceptance.conftest import House, with_pictures

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def finished(house: House, **options: str | bool) -> Reply:
    reply = await house.ada.command("imagine", prompt="a red fox", **options)
    await reply.until(with_pictures)
    return reply


def address(house: House, reply: Reply) -> str:
    message = reply.message
    channel = house.ada.channel
    return f"https://discord.com/channels/{channel.guild.id if channel.guild else '@me'}/{channel.id}/{message.id}"


async def filled(house: House, reply: Reply, button: str, **fields: str) -> Reply:
    form = await house.ben.press(reply, button)
    assert isinstance(form, ModalForm)
    follow_up = await house.ben.submit(form, fields)
    await follow_up.until(with_pictures)
    return follow_up


async def test_every_follow_up_links_back_and_says_what_it_is(house: House) -> None:
    first = await finished(house)
    link = address(house, first)
    again = await house.ben.press(first, "Again")
    await again.until(with_pictures)
    assert f"-# Asked once more, after [this message]({link})" in again.message.text
    remix = await filled(house, first, "Remix", Prompt="a blue fox")
    assert f"-# Remix of [this message]({link})" in remix.message.text
    edit = await filled(house, first, "Edit", Prompt="in snow")
    assert f"-# Edit of a picture in [this message]({link})" in edit.message.text
    assert any(picture.filename.startswith("source-") for picture in edit.message.pictures)
    assert "[this message]" not in first.message.text


async def test_a_menu_links_to_the_message_it_was_used_on(house: House) -> None:
    message = await house.ben.post("a castle in the clouds")
    reply = await house.ada.message_menu("Imagine this", message)
    await reply.until(with_pictures)
    assert "Painted from the words of [this message](https://discord.com/channels/" in reply.message.text
    assert f"/{message.id})" in reply.message.text


async def test_a_private_reply_is_never_linked(house: House) -> None:
    first = await finished(house, private=True)
    again = await house.ada.press(first, "Again")
    await again.until(with_pictures)
    assert "discord.com" not in again.message.text


async def test_links_lead_back_in_direct_messages_too(house: House) -> None:
    ada = house.ada.at("dm")
    first = await ada.command("imagine", prompt="a red fox")
    await first.until(with_pictures)
    again = await ada.press(first, "Again")
    await again.until(with_pictures)
    assert f"(https://discord.com/channels/@me/{ada.channel.id}/{first.message.id})" in again.message.text
