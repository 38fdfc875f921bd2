"""Typed lines are read, and messages are written out, as a terminal needs them."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.discord.clients import InvalidCommand
from sandbox.discord.line import parse_line
from sandbox.discord.permissions import Permission
from sandbox.discord.render_text import message_lines, without_markup
from sandbox.discord.sight import Message
from sandbox.discord.stored import Draft
from sandbox.discord.world import easel_studio


def command(name: str, *options: str, **more: Any) -> dict[str, Any]:
    return {"type": 1, "name": name, "options": [{"type": 3, "name": option} for option in options], **more}


SAVE = command("save", "name")
OFFERED = [
    command("imagine", "prompt", "count", "image", "image2"),
    command("help"),
    {"type": 1, "name": "style", "options": [SAVE | {"type": 1}]},
]


@pytest.mark.parametrize(
    ("line", "name", "options"),
    [
        ("/imagine prompt:a red fox", "imagine", {"prompt": "a red fox"}),
        ("/imagine prompt:a red fox count:2", "imagine", {"prompt": "a red fox", "count": "2"}),
        ("  /imagine   count: 2   prompt: a  fox  ", "imagine", {"count": "2", "prompt": "a  fox"}),
        ("/imagine prompt:at 12:30, style:ink", "imagine", {"prompt": "at 12:30, style:ink"}),
        ('/imagine prompt:"count:2 foxes" count:3', "imagine", {"prompt": "count:2 foxes", "count": "3"}),
        ('/imagine prompt:"say \\"hi\\""', "imagine", {"prompt": 'say "hi"'}),
        ('/imagine prompt:"a" and "b" count:1', "imagine", {"prompt": '"a" and "b"', "count": "1"}),
        ("/imagine image:./a b.png image2:c.png", "imagine", {"image": "./a b.png", "image2": "c.png"}),
        ("/imagine prompt:", "imagine", {"prompt": ""}),
        ("/imagine", "imagine", {}),
        ("/help", "help", {}),
        ("/style save name:ink wash", "style save", {"name": "ink wash"}),
    ],
)
def test_a_line_is_read_as_discords_client_reads_it(line: str, name: str, options: dict[str, str]) -> None:
    typed = parse_line(line, OFFERED)
    assert (typed.name, typed.options) == (name, options)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("imagine prompt:a fox", "begins with a slash"),
        ("/", "no command /"),
        ("/paint prompt:a fox", "no command /paint"),
        ("/imagine a red fox", "comes an option"),
        ("/imagine prompt:a fox prompt:an owl", "given twice"),
        ("/help me", "takes no options"),
        ("/style", "no subcommand"),
        ("/style load name:x", "no subcommand load"),
    ],
)
def test_a_line_that_is_no_command_is_refused_with_a_sentence(line: str, sentence: str) -> None:
    with pytest.raises(InvalidCommand, match=sentence):
        parse_line(line, OFFERED)


def test_option_names_are_taken_in_the_users_language_too() -> None:
    spec = {"type": 3, "name": "prompt", "name_localizations": {"de": "bild"}}
    offered = [{"type": 1, "name": "imagine", "name_localizations": {"de": "male"}, "options": [spec]}]
    assert parse_line("/male bild:ein Fuchs", offered, "de").options == {"bild": "ein Fuchs"}
    with pytest.raises(InvalidCommand):
        parse_line("/male bild:ein Fuchs", offered)


def written(json: dict[str, Any]) -> list[str]:
    plain: dict[str, Any] = {
        "author": {"global_name": None, "username": "Easel"},
        "content": "",
        "embeds": [],
        "attachments": [],
        "components": [],
        "flags": 0,
        "edited_timestamp": None,
    }
    return message_lines(Message(plain | json, 0.0))


def test_a_placeholder_is_written_as_thinking() -> None:
    assert written({"flags": 1 << 7 | 1 << 6}) == ["Easel (only you can see this)", "  is thinking…"]


def test_a_layout_is_written_from_top_to_bottom() -> None:
    media = {"url": "http://x/fox.png?ex=1", "width": 64, "height": 48, "attachment_id": "7"}
    item = {"media": media, "description": "a fox", "spoiler": True}
    buttons = [
        {"type": 2, "style": 2, "label": "Again", "custom_id": "a"},
        {"type": 2, "style": 2, "label": "Delete", "custom_id": "d", "disabled": True},
    ]
    parts = [
        {"type": 10, "content": "done\nin 3 s"},
        {"type": 12, "items": [item]},
        {"type": 14, "divider": True},
        {"type": 1, "components": buttons},
    ]
    box = {"type": 17, "components": parts}
    assert written({"components": [box], "flags": 1 << 15, "edited_timestamp": "x"}) == [
        "Easel (edited)",
        "  done",
        "  in 3 s",
        "  [fox.png 64×48 (spoiler) — a fox]",
        "  ────────────────────",
        "  [Again] (Delete)",
    ]


def test_a_plain_message_is_written_with_its_files() -> None:
    file = {"id": "1", "filename": "a.png", "size": 5, "url": "u", "width": 1, "height": 2, "content_type": "image/png"}
    lines = written({"content": "look", "attachments": [file], "embeds": [{"title": "T", "description": "D"}]})
    assert lines == ["Easel", "  look", "  | T", "  | D", "  [a.png 1×2]"]


def test_permissions_follow_roles_and_the_channels_overwrites() -> None:
    world = easel_studio()
    ada, ben, pictures = world.user("Ada"), world.user("Ben"), world.channel("pictures")
    assert Permission.MANAGE_MESSAGES in pictures.permissions(ada)
    assert Permission.MANAGE_MESSAGES not in pictures.permissions(ben)
    world.deny("pictures", Permission.SEND_MESSAGES, "Ben")
    assert Permission.SEND_MESSAGES not in world.channel("thread").permissions(ben)
    assert Permission.SEND_MESSAGES in world.channel("general").permissions(ben)
    assert not world.channel("dm:Ada").permissions(ben)
    assert not world.channel("elsewhere").permissions(world.bot)
    with pytest.raises(KeyError):
        world.place(ben, "dm:Ada")


def test_a_hidden_channel_and_its_messages_are_not_seen() -> None:
    world = easel_studio()
    posted = world.messages.add(world.channel("pictures"), world.user("Ada"), Draft(content="x"))
    assert posted.is_visible_to(world.user("Ben"))
    world.deny("pictures", Permission.VIEW_CHANNEL, "Ben")
    assert not posted.is_visible_to(world.user("Ben"))


NAMES = {("@", 1): "@Ada", ("@&", 2): "@Booster", ("#", 3): "#general"}


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("-# <@1> asked in <#3> for <@&2>", "@Ada asked in #general for @Booster"),
        ("<@!1> and <@9>", "@Ada and @9"),
        ("**Painting** · expected <t:1012:R>", "Painting · expected in 12 s"),
        ("<t:800:R>, <t:1000:R>", "3 min ago, in 0 s"),
        ("### Use </settings:77>, not `x`", "Use /settings, not x"),
        (r"> 2 \* 3 \*\*not bold\*\* \<@1\> C:\path", r"> 2 * 3 **not bold** <@1> C:\path"),
        ("a_b_c # d - e", "a_b_c # d - e"),
        (
            "[**Go** there](https://discord.com/channels/1/2/3), [2](x)",
            "Go there (https://discord.com/channels/1/2/3), [2](x)",
        ),
    ],
)
def test_a_line_is_shown_without_its_markup(line: str, shown: str) -> None:
    assert without_markup(line, lambda kind, identity: NAMES.get((kind, identity)), 1000.0) == shown
