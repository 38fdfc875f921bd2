"""The manual of the settings: the text of `.env.example`, written from the table of variables."""

from __future__ import annotations

import textwrap

from bot.config.settings import VARIABLES, Variable
from bot.config.variable import AUTOMATIC, EMPTY, OFF

_HEAD = """\
# The settings of Easel. Copy this file to .env beside it and fill in the first part.
# A variable of the environment wins over the same one in the file; an empty value counts as not set.
"""
_NO_VALUES = frozenset({OFF, AUTOMATIC, EMPTY})  # words for a default that is no value
_WIDTH = 110


def env_example() -> str:
    """Every variable with what it means, its default and an example: the required ones first."""
    required = "\n".join(_entry(variable) for variable in VARIABLES if variable.required)
    optional = "\n".join(_entry(variable) for variable in VARIABLES if not variable.required)
    return f"{_HEAD}\n## Required\n\n{required}\n## Optional: take away the # before one to change it\n\n{optional}"


def _entry(variable: Variable) -> str:
    lines = textwrap.wrap(variable.help, _WIDTH)
    if variable.required:
        lines.append(f"Example: {variable.example}")
        assignment = f"{variable.name}="
    else:
        lines.append(f"Default: {variable.default}. Example: {variable.example}")
        assignment = f"#{variable.name}={'' if variable.default in _NO_VALUES else variable.default}"
    return "".join(f"# {line}\n" for line in lines) + assignment + "\n"
