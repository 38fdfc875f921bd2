"""The verbs of `python -m bot`. A start that fails becomes one sentence per fault and an exit code."""

from __future__ import annotations

import os
import signal
import sys

if __name__ == "__main__":  # before the rest is imported: an end in the first moments is no traceback either
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _, __: os._exit(0))

import argparse
import logging
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from bot.config.version import VERSION, command
from bot.config.waits import WAITS, Waits
from bot.errors import EaselError, SettingsError, StartError
from bot.ops.heap import importing
from bot.ops.terminal import Mark, drop_output, marked, prepare_streams, say, waiting

# What is slow to import (asyncio, too) each verb does for itself, once signals end it in order.
if TYPE_CHECKING:
    from bot.config.settings import Settings, Sources

EXIT_FAILED = 1
EXIT_SETTINGS = 2
MAX_PORT = 65535
BROKEN_OFF, NOTHING_WRITTEN = "Broken off.", "Broken off; nothing was written."
EPILOG = (
    "The settings are variables of the environment, or lines of the file .env beside the project: see .env.example."
)


class _BrokenOff(SystemExit):
    """A signal came. Nobody takes it for a fault of what was just being asked, and no event loop goes on after it."""


def main(arguments: Sequence[str] | None = None, waits: Waits = WAITS) -> int:
    """Do one verb; returns the exit code. Only tests have other waits than the product's."""
    prepare_streams()
    try:
        code = _do(arguments, waits)
        _ignore_signals()
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        drop_output(sys.stdout)
        return EXIT_FAILED


def _do(arguments: Sequence[str] | None, waits: Waits) -> int:
    # until the verb handles signals itself, an end during the imports is no traceback either
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as end:  # after --help and --version; a wrong word has been told
        return int(end.code or 0)
    options.waits = waits
    if options.broken_off:
        _tell_of_an_end(options.broken_off)
    verb: Callable[[argparse.Namespace], int] = options.verb
    try:
        return verb(options)
    except _BrokenOff as end:
        return _tell([str(end)], EXIT_FAILED)
    except SettingsError as error:
        return _tell(error.faults, EXIT_SETTINGS)
    except EaselError as error:
        return _tell([str(error)], EXIT_FAILED)


def _tell(sentences: Sequence[str], code: int) -> int:
    try:
        for sentence in sentences:
            print(sentence, file=sys.stderr, flush=True)  # noqa: T201  # for the person at the terminal
    except OSError:  # nobody takes it; the exit code says as much
        drop_output(sys.stderr)
    return code


def _end(_: int, __: FrameType | None) -> None:
    _ignore_signals()
    raise SystemExit(0)


def _ignore_signals() -> None:
    """The end has come, so a further signal changes nothing; Python's own end would let it kill the process."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def _sources(options: argparse.Namespace) -> Sources:
    """The file that --env-file names, which must be there, or `.env`, which need not; and the environment."""
    from bot.config.settings import ENV_FILE, Sources

    return Sources.read(options.env_file or ENV_FILE, file_required=options.env_file is not None)


def _settings(options: argparse.Namespace) -> Settings:
    return _sources(options).settings()


def _run(options: argparse.Namespace) -> int:
    with importing():
        sources = _sources(options)
        settings = sources.settings()
        from bot.run import run

    run(settings, sources.notices(), options.waits)
    return 0


def _work(options: argparse.Namespace) -> int:
    with importing():
        sources = _sources(options)
        settings = sources.settings()
        from bot.run import work

    work(settings, sources.notices(), options.waits)
    return 0


def _sync(options: argparse.Namespace) -> int:
    settings = _settings(options)
    from bot.run import sync

    say(marked(Mark.GOOD, f"{sync(settings)} commands registered."))
    return 0


def _check(options: argparse.Namespace) -> int:
    import asyncio

    if options.paint:
        from bot.ops.check.paint import check_and_paint

        return 0 if check_and_paint(_sources(options), channel=options.channel, yes=options.yes) else EXIT_FAILED
    from bot.ops.check.check import check

    return 0 if asyncio.run(check(_sources(options), channel=options.channel)) else EXIT_FAILED


def _setup(options: argparse.Namespace) -> int:
    from bot.config.settings import ENV_FILE
    from bot.ops.setup.setup import setup

    setup(options.env_file or ENV_FILE)
    return 0


def _invite(options: argparse.Namespace) -> int:
    import asyncio

    from bot.discord_api.invite import invitation

    # the token is all that this needs, so a bot can be invited before the rest is written
    settings = _sources(options).settings(unneeded=("UNIALL_API_KEY", "UNIALL_BASE_URL"))
    with waiting("Asking Discord"):
        addresses = asyncio.run(invitation(settings))
    say(f"Into a server:       {addresses.server}")
    say(f"As an app of one's own: {addresses.user}")
    return 0


def _backup(options: argparse.Namespace) -> int:
    from bot.ops.database_files import backup

    settings = _settings(options)
    with waiting("Copying the database") as line:
        made = backup(settings, options.file, line)
    say(marked(Mark.GOOD, made))
    return 0


def _move_to(options: argparse.Namespace) -> int:
    from bot.ops.database_files import move_to

    settings = _settings(options)
    # on the command line every user of the machine can read the password
    url = options.url
    if url == "-":
        url = "" if sys.stdin is None else sys.stdin.readline().strip()
    with waiting("Moving everything") as line:
        moved = move_to(settings, url, line)
    say(marked(Mark.GOOD, moved))
    return 0


def _tell_of_an_end(sentence: str) -> None:
    """Let a signal break off with a sentence and an exit code: half a copy is none, and half a check says nothing."""

    def break_off(_: int, __: FrameType | None) -> None:
        _ignore_signals()
        # The exception leaves tasks and connections behind, of which Python would tell a page; the process ends anyhow.
        logging.getLogger("asyncio").disabled = True
        warnings.simplefilter("ignore")
        sys.unraisablehook = lambda _: None
        raise _BrokenOff(sentence)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, break_off)


def _sandbox(options: argparse.Namespace) -> int:
    import asyncio

    if options.say:  # the exit code tells whether all was delivered
        _tell_of_an_end(BROKEN_OFF)
    sources = _sources(options)
    try:
        from sandbox.play import SandboxOptions, run_sandbox
    except ModuleNotFoundError as error:
        if error.name != "sandbox":
            raise
        raise StartError("The sandbox is not installed here: it is in Easel's folder and in its wheel.") from None

    chosen = SandboxOptions(
        port=options.port, say=tuple(options.say), out=options.out, real_api=options.real_api, sources=sources
    )
    return asyncio.run(run_sandbox(chosen))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=command(), description="Easel, a Discord bot that paints.", epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"Easel {VERSION}")
    parser.add_argument("--env-file", type=Path, default=None, metavar="FILE", help=_ENV_FILE_HELP)
    parser.set_defaults(verb=_run, broken_off="")
    add = parser.add_subparsers(title="verbs", metavar="VERB").add_parser
    _verb(add, "setup", _setup, "ask for what is needed, check it, and write the settings", NOTHING_WRITTEN)
    check = _verb(add, "check", _check, "say whether settings, database, Discord and image API answer", BROKEN_OFF)
    check.add_argument(
        "--channel", type=_id, metavar="ID", help="look at the bot's permissions in this channel of Discord too"
    )
    check.add_argument(
        "--paint",
        action="store_true",
        help="then buy one picture after asking, show what is said to the image API and what it answers, without "
        "secrets, and say where it differs from its page: for a bug report",
    )
    check.add_argument("--yes", action="store_true", help="with --paint: buy the picture without asking")
    _verb(add, "run", _run, "run the bot; the same as no verb at all")
    _add_sandbox(_verb(add, "sandbox", _sandbox, "run the bot without account, token or network, on a local chat page"))
    _verb(add, "invite", _invite, "print the addresses that bring the bot into a server or to a user", BROKEN_OFF)
    _verb(add, "sync", _sync, "register the slash commands now", BROKEN_OFF)
    backup = _verb(add, "backup", _backup, "copy the database into a new file, while the bot runs", NOTHING_WRITTEN)
    backup.add_argument("file", type=Path, metavar="FILE", help="where the copy goes; it must not be there yet")
    move_to = _verb(
        add, "move-to", _move_to, "move everything into another database, while no bot runs", NOTHING_WRITTEN
    )
    move_to.add_argument(
        "url",
        metavar="URL",
        help="its address, as DATABASE_URL has it, or - to read it from standard input; it must be empty",
    )
    _verb(add, "work", _work, "take jobs from the shared PostgreSQL, with no Discord gateway connection")
    return parser


def _add_sandbox(sandbox: argparse.ArgumentParser) -> None:
    sandbox.add_argument("--port", type=_port, default=8200, help="where the page answers on 127.0.0.1 (default 8200)")
    sandbox.add_argument(
        "--say",
        action="append",
        default=[],
        metavar="LINE",
        help="no page: play this line as a user, such as '/imagine prompt:a red fox count:2'; may be repeated",
    )
    sandbox.add_argument(
        "--out",
        type=Path,
        default=Path("sandbox-out"),
        metavar="DIR",
        help="where --say saves the pictures (default sandbox-out)",
    )
    sandbox.add_argument("--real-api", action="store_true", help="use the image API of the environment")


_ENV_FILE_HELP = "read the settings from FILE, not from .env"


def _verb(
    add: Callable[..., argparse.ArgumentParser],
    name: str,
    does: Callable[[argparse.Namespace], int],
    about: str,
    broken_off: str = "",
) -> argparse.ArgumentParser:
    """A verb. A signal ends it with `broken_off` and exit code 1; one without that ends in order, or quietly with 0."""
    parser = add(name, help=about, description=f"{about[0].upper()}{about[1:]}.")
    parser.set_defaults(verb=does, broken_off=broken_off)
    # not given after the verb, it stays as it was given before it
    parser.add_argument("--env-file", type=Path, default=argparse.SUPPRESS, metavar="FILE", help=_ENV_FILE_HELP)
    return parser


def _id(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError("an id is a number: right-click the channel in Discord's developer mode")
    return int(text)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > MAX_PORT:
        raise argparse.ArgumentTypeError(f"a port is a number from 0, which takes any free one, to {MAX_PORT}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
