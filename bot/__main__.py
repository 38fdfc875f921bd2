"""The verbs of `python -m bot`. A start that fails becomes one sentence per fault and an exit code."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from bot.config.waits import WAITS, Waits
from bot.errors import EaselError, SettingsError

ENV_FILE = Path(__file__).parent.parent / ".env"
EXIT_FAILED = 1
EXIT_SETTINGS = 2
MAX_PORT = 65535
EPILOG = (
    "The settings are variables of the environment, or lines of the file .env beside the project: see .env.example."
)


def main(arguments: Sequence[str] | None = None, waits: Waits = WAITS) -> int:
    """Do one verb; returns the exit code. Only tests have other waits than the product's."""
    options = _parser().parse_args(arguments)
    options.waits = waits
    verb: Callable[[argparse.Namespace], int] = options.verb
    # until the verb handles signals itself, an end during the imports is no traceback either
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    try:
        return verb(options)
    except SettingsError as error:
        return _say(error.faults, EXIT_SETTINGS)
    except EaselError as error:
        return _say([str(error)], EXIT_FAILED)


def _say(sentences: Sequence[str], code: int) -> int:
    for sentence in sentences:
        print(sentence, file=sys.stderr)  # noqa: T201  # for the person at the terminal
    return code


def _end(_: int, __: FrameType | None) -> None:
    raise SystemExit(0)


def _run(options: argparse.Namespace) -> int:
    from bot.config.settings import load

    settings = load(options.env_file)
    from bot.run import run

    run(settings, options.waits)
    return 0


def _work(options: argparse.Namespace) -> int:
    from bot.config.settings import load

    settings = load(options.env_file)
    from bot.run import work

    work(settings, options.waits)
    return 0


def _sync(options: argparse.Namespace) -> int:
    from bot.config.settings import load

    settings = load(options.env_file)
    from bot.run import sync

    print(f"{sync(settings)} commands registered.")  # noqa: T201
    return 0


def _check(options: argparse.Namespace) -> int:
    from bot.config.settings import load
    from bot.ops.check.check import check

    return 0 if asyncio.run(check(load(options.env_file), channel=options.channel)) else EXIT_FAILED


def _backup(options: argparse.Namespace) -> int:
    from bot.config.settings import load
    from bot.ops.database_files import backup

    _tell_of_an_end()
    print(backup(load(options.env_file), options.file))  # noqa: T201
    return 0


def _move_to(options: argparse.Namespace) -> int:
    from bot.config.settings import load
    from bot.ops.database_files import move_to

    _tell_of_an_end()
    print(move_to(load(options.env_file), options.url))  # noqa: T201
    return 0


def _tell_of_an_end() -> None:
    """Let a signal break off with a sentence and an exit code: half a copy is none."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _broken_off)


def _broken_off(_: int, __: FrameType | None) -> None:
    raise EaselError("Broken off; nothing was written.")


def _sandbox(options: argparse.Namespace) -> int:
    from sandbox.play import SandboxOptions, run_sandbox

    chosen = SandboxOptions(port=options.port, say=tuple(options.say), out=options.out, real_api=options.real_api)
    return asyncio.run(run_sandbox(chosen))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bot", description="Easel, a Discord bot that paints.", epilog=EPILOG
    )
    parser.set_defaults(verb=_run, env_file=ENV_FILE)
    add = parser.add_subparsers(title="verbs", metavar="VERB").add_parser
    check = _verb(add, "check", _check, "say whether settings, database, Discord token and image API answer")
    check.add_argument(
        "--channel", type=_id, metavar="ID", help="look at the bot's permissions in this channel of Discord too"
    )
    backup = _verb(add, "backup", _backup, "copy the database into a new SQLite file, while the bot runs")
    backup.add_argument("file", type=Path, metavar="FILE", help="where the copy goes; it must not be there yet")
    move_to = _verb(add, "move-to", _move_to, "move everything into another database, while no bot runs")
    move_to.add_argument("url", metavar="URL", help="its address, as DATABASE_URL has it; it must be empty")
    for verb in (
        *(backup, move_to),
        _verb(add, "run", _run, "run the bot; the same as no verb at all"),
        _verb(add, "work", _work, "take jobs from the shared PostgreSQL, with no Discord gateway connection"),
        check,
        _verb(add, "sync", _sync, "register the slash commands now"),
    ):
        verb.add_argument(
            "--env-file", type=Path, default=ENV_FILE, metavar="FILE", help="read the settings from FILE, not from .env"
        )
    sandbox = _verb(add, "sandbox", _sandbox, "run the bot without account, token or network, on a local chat page")
    sandbox.add_argument("--port", type=_port, default=8200, help="where the page answers on 127.0.0.1 (default 8200)")
    sandbox.add_argument(
        "--say",
        action="append",
        default=[],
        metavar="LINE",
        help="no page: play this line as a user, such as '/imagine prompt:a red fox count:2'; may be repeated",
    )
    sandbox.add_argument(
        "--out", type=Path, default=Path("sandbox-out"), metavar="DIR", help="where --say saves the pictures"
    )
    sandbox.add_argument("--real-api", action="store_true", help="use the image API of the environment")
    return parser


def _verb(
    add: Callable[..., argparse.ArgumentParser], name: str, does: Callable[[argparse.Namespace], int], told: str
) -> argparse.ArgumentParser:
    parser = add(name, help=told, description=f"{told[0].upper()}{told[1:]}.")
    parser.set_defaults(verb=does)
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
