"""Plays typed lines as a user would, without a browser: prints each state of the reply and saves the pictures."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bot.errors import StartError
from sandbox.discord.clients import InvalidCommand
from sandbox.discord.person import Person
from sandbox.discord.render_text import message_lines
from sandbox.discord.reply import Reply
from sandbox.discord.sight import Message

#: Commands whose replies are jobs: they must end in pictures.
JOB_COMMANDS = frozenset({"imagine", "edit"})
PATIENCE_S = 1200.0  # twice the default JOB_TIMEOUT_S


async def play(person: Person, lines: Sequence[str], out: Path) -> bool:
    """Play the lines one after the other; False when one is no valid command or ended without its pictures."""
    results = [await _play_line(person, number, line, out) for number, line in enumerate(lines, start=1)]
    return all(results)


def expect_writable(out: Path) -> None:
    """Make the folder for the pictures. Raises StartError where none could be saved there: nobody is to wait for it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise StartError(f"{out} takes no pictures ({error.strerror}): name another folder with --out.") from None


async def _play_line(person: Person, number: int, line: str, out: Path) -> bool:
    _print(f"{person.user.name}: {line}")
    try:
        reply = await person.say(line)
    except InvalidCommand as refusal:
        print(refusal, file=sys.stderr)  # noqa: T201
        return False
    if reply.error:
        print(reply.error, file=sys.stderr)  # noqa: T201
        return False
    try:
        message = await reply.until(lambda state: _shown_until_final(state, person), PATIENCE_S)
    except TimeoutError:
        print(f"The reply did not come to an end within {PATIENCE_S:.0f} s.", file=sys.stderr)  # noqa: T201
        return False
    if line.split()[0].removeprefix("/") not in JOB_COMMANDS:
        return True
    return await _save(reply, message, number, out)


def _shown_until_final(message: Message, person: Person) -> bool:
    _print(*message_lines(message, person.name_of), "")
    return not message.loading and "Cancel" not in message.labels


async def _save(reply: Reply, message: Message, number: int, out: Path) -> bool:
    # The sources of an edit stand in the reply too, but they are not what was asked for.
    pictures = [picture for picture in message.pictures if not picture.filename.startswith("source-")]
    for picture in pictures:
        path = out / f"{number}-{picture.filename}"
        try:
            path.write_bytes(await reply.download(picture))
        except OSError as error:
            print(f"{path} cannot be saved: {error.strerror}.", file=sys.stderr)  # noqa: T201
            return False
        _print(f"saved {path}")
    return bool(pictures)


def _print(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)  # noqa: T201 - this is what --say is for
