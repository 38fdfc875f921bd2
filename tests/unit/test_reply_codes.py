"""What an answer of Discord means for a reply: only codes that are known are final."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import discord

from bot.errors import ChannelGone, ReplyGone, ReplyOutOfReach, ReplyUnavailable
from bot.ui.reply.transport import BlockedByAutoMod, TokenDead, UploadTooLarge, _translated  # pyright: ignore[reportPrivateUsage]
from tests.each import each


@each(
    ("status", "code", "meaning"),
    [
        (404, 10008, ReplyGone),
        (404, 10003, ChannelGone),
        (404, 10015, TokenDead),
        (401, 50027, TokenDead),
        (403, 50001, ReplyOutOfReach),
        (403, 50013, ReplyOutOfReach),
        (400, 50083, ReplyOutOfReach),
        (429, 30046, ReplyOutOfReach),
        (413, 0, UploadTooLarge),
        (400, 240000, BlockedByAutoMod),
        (400, 200000, BlockedByAutoMod),
        (403, 0, ReplyUnavailable),
        (403, 40333, ReplyUnavailable),
        (404, 0, ReplyUnavailable),
        (405, 0, ReplyUnavailable),
        (429, 0, ReplyUnavailable),
        (502, 0, ReplyUnavailable),
    ],
)
def test_only_known_codes_are_final(status: int, code: int, meaning: type[Exception]) -> None:
    response = cast("Any", SimpleNamespace(status=status, reason=""))
    body: Any = {"code": code, "message": "no"} if code else "<html>no</html>"
    assert type(_translated(discord.HTTPException(response, body))) is meaning
