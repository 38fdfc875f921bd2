"""`make screenshots`: play the sandbox, take all shots, say which files changed."""

from __future__ import annotations

import asyncio
import sys

from tools.screenshots.scenes import Takes, play
from tools.screenshots.stage import CannotStart, stage


def main() -> int:
    """Exit code 1, with one sentence, where no pictures can be made here."""
    takes = Takes()
    try:
        asyncio.run(_make(takes))
    except CannotStart as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    changed = f"changed: {', '.join(takes.changed)}" if takes.changed else "none shows anything new"
    sys.stdout.write(f"{len(takes.taken)} pictures in docs/pictures; {changed}\n")
    return 0


async def _make(takes: Takes) -> None:
    async with stage() as opened:
        await play(opened, takes)


if __name__ == "__main__":
    sys.exit(main())
