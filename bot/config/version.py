"""Which version of Easel this is, the only place that says so, and what a person types to run it."""

from __future__ import annotations

import sys
from pathlib import Path

VERSION = "1.0.0"
#: The command that an installed Easel has, beside `python -m bot`.
INSTALLED_COMMAND = "easel"


def command() -> str:
    """What to type for a verb of Easel in the place where this process was started: to be shown to a person.

    `easel` where that was typed. Where Python is that of a folder below this one, such as .venv, its path from here.
    """
    if Path(sys.argv[0]).stem == INSTALLED_COMMAND:
        return INSTALLED_COMMAND
    try:
        python = Path(sys.executable).relative_to(Path.cwd())
    except (OSError, ValueError):  # another Python, or the folder is gone
        return "python -m bot"
    return f"{python.with_suffix('')} -m bot"
