"""The settings: one table of variables, and the only reader of the environment.

The fields of `Settings` are the table; each part of it stands in a file of its own. VARIABLES, the sentences about
faults and `.env.example` derive from it. Nothing is read when this module is imported.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from bot.config.access import AccessSettings
from bot.config.connections import ConnectionSettings
from bot.config.env_file import RENAMED, EnvFile, read_env_file
from bot.config.limits import LimitSettings
from bot.config.operation import OperationSettings
from bot.config.variable import NO_TEXT, NOT_SET, QUOTED, REQUIRED, SettingEntry, SettingFault
from bot.config.version import command
from bot.errors import SettingsError
from bot.policy.catalog import EntryFaults

_PROJECT = Path(__file__).parents[2]
#: Beside the project; in the current folder where Easel is installed among other packages.
ENV_FILE = Path(".env") if _PROJECT.name in {"site-packages", "dist-packages"} else _PROJECT / ".env"
#: Other spellings that the environment of a machine has for some, as curl reads them: the small one goes first.
_SMALL_TOO = frozenset({"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"})
#: Control signs besides white space, and what Python makes of bytes that are not UTF-8.
_NO_SIGNS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Variable:
    """One line of the manual. `default` is the default as text, or "required", "off", "automatic", "empty"."""

    name: str
    default: str
    help: str
    example: str

    @property
    def required(self) -> bool:
        """Whether the bot cannot start without it."""
        return self.default == REQUIRED


@dataclass(frozen=True, kw_only=True)
class Settings(OperationSettings, LimitSettings, AccessSettings, ConnectionSettings):
    """All that an operator can set, read and checked. Made by `load`; frozen; secrets stay out of its repr.

    The table reads from the last of its parts to the first: that is the order in which a dataclass gathers them.
    """

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be seen in a log: tokens, keys, passwords."""
        return (*self.connection_secrets, *filter(None, [self.moderation_key]))


@dataclass(frozen=True, slots=True)
class _Row:
    """A field of `Settings`, as the table has it. A required one has MISSING for its default."""

    field: str
    default: Any
    entry: SettingEntry

    @property
    def variable(self) -> Variable:
        about = self.entry.about
        default = REQUIRED if self.default is MISSING else about.unset or str(self.default)
        return Variable(self.field.upper(), default, about.help, about.example)


_TABLE: Sequence[_Row] = tuple(_Row(it.name, it.default, it.metadata[SettingEntry.__name__]) for it in fields(Settings))
VARIABLES: Sequence[Variable] = tuple(row.variable for row in _TABLE)
NAMES = frozenset(variable.name for variable in VARIABLES)

#: What stands for a required variable where a verb does without it.
_STAND_INS = {"DISCORD_TOKEN": "none", "UNIALL_API_KEY": "none", "UNIALL_BASE_URL": "http://127.0.0.1"}


@dataclass(frozen=True, slots=True)
class Sources:
    """Where settings come from: a file, and the environment, which wins. An empty value counts as not set."""

    file: EnvFile
    environ: Mapping[str, str]

    @classmethod
    def read(
        cls, env_file: Path | None = ENV_FILE, environ: Mapping[str, str] = os.environ, *, file_required: bool = False
    ) -> Sources:
        """Raises SettingsError where the file cannot be read, or is required and not there."""
        file = read_env_file(env_file, required=file_required) if env_file else EnvFile(Path("none"), {})
        return cls(file, environ)

    def values(self) -> dict[str, str]:
        """Every variable that is set, by its name in the table."""
        old_names = {new: old for old, new in RENAMED.items()}
        found: dict[str, str] = {}
        for name in NAMES:
            small = (name.lower(),) if name in _SMALL_TOO else ()
            spellings = (*small, name, *([old_names[name]] if name in old_names else []))
            given = [source.get(spelling, "") for source in (self.environ, self.file.values) for spelling in spellings]
            if value := next(filter(str.strip, given), ""):
                found[name] = value
        return found

    def notices(self) -> Sequence[str]:
        """A sentence for each thing in the sources that works, or is passed over, and is not as it should be."""
        renamed = [
            f"{old} is now called {new}: the old name still works; please write the new one."
            for old, new in RENAMED.items()
            if self.environ.get(old, "").strip() or self.file.values.get(old, "").strip()
        ]
        return [*renamed, *self.file.slips(NAMES)]

    def settings(self, unneeded: Collection[str] = ()) -> Settings:
        """Check everything. Raises SettingsError with one sentence for every fault; none repeats a secret.

        Required variables that are `unneeded` for what is to be done may be missing or wrong: a stand-in takes their
        place.
        """
        values = self.values() | {name: _STAND_INS[name] for name in unneeded}
        read: dict[str, Any] = {}
        faults: list[str] = []
        for row in _TABLE:
            try:
                read[row.field] = _value(row, values.get(row.field.upper(), "").strip(), read)
            except ValueError as fault:
                faults += _sentences(row, fault)
        if faults:
            raise SettingsError([*([] if self.values() else [_no_settings()]), *faults])
        return Settings(**read)


def _value(row: _Row, text: str, before: Mapping[str, Any]) -> object:
    """Empty text, and "off" or "automatic" where the manual calls the default so, count as not set."""
    if text.lower() not in {"", row.entry.about.unset}:
        if _NO_SIGNS.search(text):
            raise ValueError(NO_TEXT)
        # docker's --env-file takes quotes along, which other readers of such files take off
        if not row.entry.may_be_quoted and len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
            raise ValueError(QUOTED)
        return row.entry.read(text, before)
    if row.default is MISSING:
        raise ValueError(NOT_SET)
    return row.default


def _no_settings() -> str:
    return (
        f"There are no settings yet: `{command()} setup` asks for what is needed; "
        f"`{command()} sandbox` tries the bot without any account."
    )


def load(env_file: Path | None = ENV_FILE, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read `.env`, then the environment, which wins. Raises SettingsError with one sentence for every fault."""
    return Sources.read(env_file, environ).settings()


def _sentences(row: _Row, fault: ValueError) -> Iterator[str]:
    write = fault.write if isinstance(fault, SettingFault) else row.entry.about.write
    for reason in fault.reasons if isinstance(fault, EntryFaults) else [str(fault)]:
        yield f"{row.field.upper()} {reason}: write {write}."
