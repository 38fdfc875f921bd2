"""The log: one line per event, discord.py's lines included, and nothing in it that nobody may see."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bot.config.logs import configure

TOKEN = "MTE5.fake.bot-token"
KEY = 'sk-key"with a quote'
DISCORD = "discord.shard"


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    others = {name: logging.getLogger(name).level for name in ("discord", "aiohttp.access", "alembic")}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in others.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()


def start(level: str = "INFO", style: str = "text") -> io.StringIO:
    stream = io.StringIO()
    configure(level, style, (TOKEN, KEY), stream)
    return stream


def fail(error: BaseException) -> BaseException:
    """The same error with a traceback."""
    try:
        raise error
    except type(error) as raised:
        return raised


def test_an_event_is_one_readable_line() -> None:
    stream = start()
    structlog.get_logger("bot.run").info("Easel is ready", guilds=3, name="a b", job=None)
    line = stream.getvalue()
    assert line.endswith(" INFO bot.run Easel is ready guilds=3 job=None name='a b'\n")
    assert line.count("\n") == 1


def test_a_line_break_in_a_value_cannot_forge_a_line() -> None:
    stream = start()
    structlog.get_logger("bot").info("first\nsecond", guild="x\ny")
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize("sign", ["\x1b[2J", "\x9b31m", "\x08", "\x85", "\u2028", "\u202e", "\u2066", "\x00", "\v"])
@pytest.mark.parametrize("style", ["text", "json"])
def test_no_sign_forges_a_line_moves_the_cursor_or_turns_the_text(sign: str, style: str) -> None:
    stream = start(style=style)
    structlog.get_logger("bot").info(f"Easel{sign}is ready", **{f"guild{sign}": f"a{sign}b"})
    logging.getLogger("discord.gateway").warning("Shard %s", f"1{sign}2")
    said = stream.getvalue()
    assert sign not in said
    assert len(said.splitlines()) == 2
    assert all(it.isprintable() for it in said.splitlines())


def test_json_lines_hold_the_same_event() -> None:
    stream = start(style="json")
    structlog.get_logger("bot.run").warning("done", seconds=1.5)
    logging.getLogger("discord.http").warning("limited for %s s", 3)
    ours, theirs = map(json.loads, stream.getvalue().splitlines())
    assert (ours["event"], ours["level"], ours["logger"], ours["seconds"]) == ("done", "warning", "bot.run", 1.5)
    assert (theirs["event"], theirs["logger"]) == ("limited for 3 s", "discord.http")


def test_words_bound_to_the_context_stand_in_every_line() -> None:
    stream = start()
    with structlog.contextvars.bound_contextvars(job="j1"):
        structlog.get_logger("bot").info("submitted")
    assert stream.getvalue().endswith("submitted job=j1\n")


def test_the_level_is_kept() -> None:
    stream = start("WARNING")
    structlog.get_logger("bot").info("quiet")
    logging.getLogger("discord").info("quiet too")
    structlog.get_logger("bot").warning("loud")
    assert "quiet" not in stream.getvalue()
    assert "loud" in stream.getvalue()


@pytest.mark.parametrize("style", ["text", "json"])
@pytest.mark.parametrize(
    "text",
    [
        f"token {TOKEN}",
        f"key {KEY}",
        "PATCH http://127.0.0.1/api/v10/webhooks/123/aW50ZXJhY3Rpb24tdG9rZW4/messages/@original",
        "POST https://discord.com/api/v10/interactions/1/aW50ZXJhY3Rpb24tdG9rZW4/callback?with_response=1",
        "{'id': '1', 'token': 'aW50ZXJhY3Rpb24tdG9rZW4'}",
        '{"token": "aW50ZXJhY3Rpb24tdG9rZW4"}',
        "Authorization: Bearer aW50ZXJhY3Rpb24tdG9rZW4",
        "postgresql://easel:aW50ZXJhY3Rpb24tdG9rZW4@db/easel",
    ],
)
def test_secrets_and_interaction_tokens_are_taken_out(text: str, style: str) -> None:
    stream = start(style=style)
    logging.getLogger("somewhere").info(text)
    structlog.get_logger("bot").error("told", detail=text)
    shown = stream.getvalue()
    assert "aW50ZXJhY3Rpb24tdG9rZW4" not in shown
    assert TOKEN not in shown
    assert "with a quote" not in shown
    assert shown.count("[hidden]") == 2


def test_an_address_stays_readable_when_its_token_is_taken_out() -> None:
    stream = start()
    logging.getLogger("x").info("PATCH /webhooks/123/abcdef/messages/@original failed")
    assert "PATCH /webhooks/123/[hidden]/messages/@original failed" in stream.getvalue()


def test_the_message_of_an_exception_is_not_told_since_it_may_quote_a_prompt() -> None:
    stream = start()
    inner = fail(ValueError("a red fox"))
    outer = RuntimeError("a red fox again")
    outer.__cause__ = inner
    structlog.get_logger("bot").error("unexpected", exc_info=fail(outer))
    logging.getLogger("discord.app_commands.tree").error("Ignoring", exc_info=fail(KeyError("a red fox")))
    shown = stream.getvalue()
    assert "a red fox" not in shown
    assert "ValueError" in shown
    assert "RuntimeError" in shown
    assert "KeyError" in shown
    assert "raise error" in shown  # the place is told


def test_the_exception_being_handled_is_told() -> None:
    stream = start()
    try:
        raise OSError(28, "No space left on device")
    except OSError:
        structlog.get_logger("bot").exception("unexpected")
    assert stream.getvalue().endswith("OSError: [Errno 28] No space left on device\n")


def test_debug_tells_the_message_of_an_exception() -> None:
    stream = start("DEBUG")
    structlog.get_logger("bot").error("unexpected", exc_info=fail(ValueError("the details")))
    assert "ValueError: the details" in stream.getvalue()


def test_a_forgotten_task_is_told_without_its_values() -> None:
    stream = start()
    context = {"message": "Task exception was never retrieved", "exception": fail(ValueError("a red fox"))}
    loop = asyncio.new_event_loop()
    loop.call_exception_handler({**context, "detail": "a red fox"})
    loop.close()
    assert "Task exception was never retrieved" in stream.getvalue()
    assert "ValueError" in stream.getvalue()
    assert "a red fox" not in stream.getvalue()


def test_a_lost_connection_to_discord_is_one_line_without_a_traceback() -> None:
    stream = start()
    refused = fail(ConnectionRefusedError(111, "Connect call failed"))
    logging.getLogger(DISCORD).error("Attempting a reconnect for shard ID %s in %.2fs", 2, 4.23, exc_info=refused)
    assert stream.getvalue().endswith(
        " WARNING discord.shard Discord cannot be reached (connection refused); next try in 4.2 s shard=2\n"
    )


def test_discord_debug_lines_which_hold_tokens_and_prompts_never_show() -> None:
    stream = start("DEBUG")
    logging.getLogger("discord.gateway").debug("For Shard ID 0: WebSocket Event: a red fox")
    structlog.get_logger("bot").debug("ours")
    assert "a red fox" not in stream.getvalue()
    assert "ours" in stream.getvalue()


def test_advice_about_voice_and_what_is_told_elsewhere_are_left_out() -> None:
    stream = start()
    logging.getLogger("discord.client").warning("davey is not installed, voice will NOT be supported")
    logging.getLogger(DISCORD).error("Failed to connect for shard_id: %s. Retrying...", 0, exc_info=fail(OSError()))
    assert not stream.getvalue()
