"""The verbs `backup` and `move-to`: what they print, and the files that go with a database.

Pictures of unfinished jobs that exist only on this machine go along with the database, because the image API gives
some of them only once.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.config.paths import Paths, paths_of
from bot.config.settings import Settings
from bot.errors import StoreError
from bot.ops.terminal import Waiting
from bot.store.offline.backup import back_up
from bot.store.offline.moving import move, read_target

HELD = "held:"  # how the result addresses begin that name a file in the folder of held pictures


def backup(settings: Settings, file: Path, line: Waiting) -> str:
    """Copy the database into `file`; returns one line for the operator. Raises StoreError or StartError."""
    made = back_up(settings.database_url, file, _telling(line))
    return f"{file}: {_counted(made.jobs, 'job')} ({made.unfinished} unfinished), {made.bytes} bytes."


def move_to(settings: Settings, address: str, line: Waiting) -> str:
    """Move everything to the database at `address`; returns what to do next. Raises StoreError or StartError."""
    address = read_target(address)
    source = paths_of(settings.database_url)
    brought: list[Path] = []

    def bring(addresses: Sequence[str]) -> None:
        """Copy the pictures that these addresses name."""
        brought.extend(_bring_held(addresses, source, paths_of(address)))

    moved = move(settings.database_url, address, bring, _telling(line))
    jobs = moved.rows["jobs"]
    lines = [
        f"{_counted(jobs, 'job')} and {_counted(sum(moved.rows.values()) - jobs, 'other row')} "
        f"moved from {moved.source} to {moved.target}.",
        "Now set DATABASE_URL to the new address and start Easel. Never start it on the old database again: "
        "it would paint and post the unfinished jobs a second time.",
    ]
    if brought:
        lines.insert(
            1, f"{_counted(len(brought), 'picture')} of unfinished jobs copied into {brought[0].parent.absolute()}."
        )
    return "\n".join(lines)


def _bring_held(addresses: Sequence[str], source: Paths, target: Paths) -> list[Path]:
    """Copy the held pictures of unfinished jobs, as old as they are; returns what was copied."""
    names = [address.removeprefix(HELD) for address in addresses if address.startswith(HELD)]
    found = [source.held / name for name in names if (source.held / name).is_file()]
    if not found or source.held.absolute() == target.held.absolute():
        return []
    try:
        target.held.mkdir(parents=True, exist_ok=True)
        return [Path(shutil.copy2(path, target.held / path.name)) for path in found]
    except OSError as error:
        raise StoreError(f"The folder {target.held.absolute()} cannot be written: {error.strerror}.") from None


def _telling(line: Waiting) -> Callable[[int], None]:
    """Let the line that says what is waited for say how far it is."""

    def tell(rows: int) -> None:
        line.detail = f"{rows:,} rows copied"

    return tell


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
