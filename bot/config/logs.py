"""The log: one readable line per event, or JSON for collectors, on standard error.

structlog stands over the standard library, so that discord.py's and aiohttp's own lines go the same way.
No secret, no interaction token and no prompt stands in it at INFO or above: secrets are taken out of every
finished line, and an exception is told by its types and places, without its message, which may quote a prompt.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Iterable, Iterator
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, WrappedLogger

from bot.config.causes import cause_of
from bot.config.redaction import Redaction

_LEAST_LEVELS = {
    "discord": logging.INFO,  # its DEBUG lines hold whole payloads: interaction tokens and prompts
    "aiohttp.access": logging.WARNING,
    "alembic": logging.WARNING,  # it tells every plugin it sets up
}
# advice about a part that is not used, and a traceback that reconnect.py tells in one line
_UNWANTED = ("voice will NOT be supported", "Failed to connect for shard_id")
# what ends a line somewhere, moves a terminal's cursor, or turns the order of what is read
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
# what discord.py says when a connection to the Discord gateway is lost; it tries again by itself
_OUTAGE = re.compile(r"Attempting a reconnect(?: for shard ID (?P<shard>\S+))? in (?P<pause>[\d.]+)s")


def configure(
    level: str = "INFO", style: str = "text", secrets: Iterable[str] = (), stream: TextIO | None = None
) -> None:
    """Send every log line of the process to `stream` (standard error when None), as `style` "text" or "json"."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_formatter(style, Redaction(secrets), with_messages=level == "DEBUG"))
    handler.addFilter(_is_wanted)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in _LEAST_LEVELS.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


class _RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    """Redacts the finished text, whatever it was made of."""

    def __init__(self, redaction: Redaction, processors: list[structlog.typing.Processor]) -> None:
        super().__init__(processors=processors)
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        """One line of the log, without a secret."""
        return self._redaction(super().format(record))


def _formatter(style: str, redaction: Redaction, *, with_messages: bool) -> logging.Formatter:
    exceptions = _exception_with_message if with_messages else _exception_without_message
    renderer = _one_object if style == "json" else _one_line
    return _RedactingFormatter(
        redaction,
        [
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _discord_outage,
            _first_line_of_asyncio,
            exceptions,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            renderer,
        ],
    )


def _is_wanted(record: logging.LogRecord) -> bool:
    return not (record.name.startswith("discord.") and any(part in str(record.msg) for part in _UNWANTED))


def _discord_outage(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Make one line of discord.py's traceback about a connection that failed and will be tried again."""
    outage = _OUTAGE.match(str(event["event"]))
    if outage is None or not event["_record"].name.startswith("discord."):
        return event
    cause = _exception_of(event.pop("exc_info", None))
    event["event"] = outage_line(cause, float(outage["pause"]))
    event["level"] = "warning"
    if outage["shard"]:
        event["shard"] = outage["shard"]
    return event


def outage_line(cause: BaseException | str | None, pause: float) -> str:
    """How the log says that Discord cannot be reached. `pause` is in seconds."""
    words = cause if isinstance(cause, str) else cause_of(cause)
    return f"Discord cannot be reached ({words}); next try in {pause:.1f} s"


def _first_line_of_asyncio(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The further lines of asyncio's complaints hold the text of the exception and the task's arguments."""
    if event["_record"].name == "asyncio":
        event["event"] = str(event["event"]).partition("\n")[0]
    return event


def _exception_with_message(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    error = _exception_of(event.pop("exc_info", None))
    if error is not None:
        event["exception"] = "".join(traceback.format_exception(error)).rstrip()
    return event


def _exception_without_message(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    error = _exception_of(event.pop("exc_info", None))
    if error is not None:
        event["exception"] = "\n".join(_told_without_messages(error))
    return event


def _told_without_messages(error: BaseException) -> Iterator[str]:
    """The traceback of an error and of what led to it. Only the operating system's messages quote nobody."""
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None:
        yield from _told_without_messages(earlier)
        yield "which led to:"
    yield from "".join(traceback.format_tb(error.__traceback__)).splitlines()
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    yield f"{name}: {error}" if isinstance(error, OSError) else name


def _exception_of(exc_info: object) -> BaseException | None:
    """What `exc_info=` may be: True for the one being handled, an exception, or the triple of sys.exc_info()."""
    if isinstance(exc_info, BaseException):
        return exc_info
    if exc_info is True:
        return sys.exception()
    if isinstance(exc_info, tuple):
        return next((part for part in cast("tuple[object, ...]", exc_info) if isinstance(part, BaseException)), None)
    return None


def _one_line(_: WrappedLogger, __: str, event: EventDict) -> str:
    """`2026-01-31T12:00:00Z INFO bot.run Easel is ready guilds=3`; only a traceback adds lines."""
    exception = event.pop("exception", None)
    head = f"{event.pop('timestamp')} {event.pop('level').upper()} {event.pop('logger')} {event.pop('event')}"
    pairs = [f"{key}={value!r}" if _needs_quotes(value) else f"{key}={value}" for key, value in sorted(event.items())]
    line = _escaped(" ".join((head, *pairs)))
    return f"{line}\n{exception}" if exception else line


def _one_object(_: WrappedLogger, __: str, event: EventDict) -> str:
    """The same as JSON, whose own escapes leave some of those signs alone."""
    return _escaped(json.dumps(event, default=repr, ensure_ascii=False))


def _escaped(line: str) -> str:
    return _UNPRINTABLE.sub(lambda it: {"\n": "\\n", "\r": "\\r"}.get(it[0], f"\\u{ord(it[0]):04x}"), line)


def _needs_quotes(value: object) -> bool:
    return isinstance(value, str) and (not value.isprintable() or " " in value or not value)
