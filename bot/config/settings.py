"""The settings: one table of variables, and the only reader of the environment.

The fields of `Settings` are the table; each part of it stands in a file of its own. VARIABLES, the sentences about
faults and `.env.example` derive from it. Nothing is read when this module is imported.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails

from bot.config.access import AccessSettings
from bot.config.connections import ConnectionSettings
from bot.config.env_file import RENAMED, EnvFile, read_env_file
from bot.config.limits import LimitSettings
from bot.config.operation import OperationSettings
from bot.config.variable import REQUIRED, About, SettingFault
from bot.config.version import command
from bot.errors import SettingsError
from bot.policy.catalog import EntryFaults

_PROJECT = Path(__file__).parents[2]
#: Beside the project; in the current folder where Easel is installed among other packages.
ENV_FILE = Path(".env") if _PROJECT.name in {"site-packages", "dist-packages"} else _PROJECT / ".env"
#: Other spellings that the environment of a machine has for some, as curl reads them: the small one goes first.
_SMALL_TOO = frozenset({"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"})


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


class Settings(OperationSettings, LimitSettings, AccessSettings, ConnectionSettings):
    """All that an operator can set, read and checked. Made by `load`; frozen; secrets stay out of its repr.

    The table reads from the last of its parts to the first: that is the order in which pydantic gathers them.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_what_is_not_set(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Empty text, and "off" or "automatic" where the manual calls the default so, count as not set."""
        return {name: value for name, value in values.items() if not _means_not_set(name, value)}

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be seen in a log: tokens, keys, passwords."""
        moderation = self.moderation_api_key
        return (*self.connection_secrets, *([moderation.get_secret_value()] if moderation else []))


def _about(field: str) -> About:
    return next(part for part in Settings.model_fields[field].metadata if isinstance(part, About))


def _means_not_set(field: str, value: object) -> bool:
    if not isinstance(value, str):
        return False
    return value.strip().lower() in {"", _about(field).unset if field in Settings.model_fields else ""}


def _variables() -> Iterator[Variable]:
    for name, field in Settings.model_fields.items():
        about = _about(name)
        default = REQUIRED if field.is_required() else about.unset or str(field.default)
        yield Variable(name.upper(), default, about.help, about.example)


VARIABLES: Sequence[Variable] = tuple(_variables())
NAMES = frozenset(variable.name for variable in VARIABLES)

#: What stands for a required variable where a verb does without it.
_STAND_INS = {"DISCORD_TOKEN": "none", "UNIALL_API_KEY": "none", "UNIALL_BASE_URL": "http://127.0.0.1"}

REASONS = {
    "missing": "is missing",
    "int_parsing": "is not a whole number",
    "int_parsing_size": "is too large",
    "int_from_float": "is not a whole number",
    "greater_than_equal": "is below 1",
    "less_than_equal": "is too large",
    "literal_error": "is no word that is known here",
    "enum": "is no word that is known here",
}


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
        try:
            return Settings.model_validate({name.lower(): value for name, value in values.items()})
        except ValidationError as error:
            first = [] if self.values() else [_no_settings()]
            faults = [sentence for detail in error.errors() for sentence in _sentences(detail)]
            raise SettingsError([*first, *faults]) from None


def _no_settings() -> str:
    return (
        f"There are no settings yet: `{command()} setup` asks for what is needed; "
        f"`{command()} sandbox` tries the bot without any account."
    )


def load(env_file: Path | None = ENV_FILE, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read `.env`, then the environment, which wins. Raises SettingsError with one sentence for every fault."""
    return Sources.read(env_file, environ).settings()


def _sentences(detail: ErrorDetails) -> Iterator[str]:
    field = str(detail["loc"][0])
    raised = detail.get("ctx", {}).get("error")
    write = raised.write if isinstance(raised, SettingFault) else _about(field).write
    for reason in _reasons(detail, raised):
        yield f"{field.upper()} {reason}: write {write}."


def _reasons(detail: ErrorDetails, raised: object) -> Sequence[str]:
    if isinstance(raised, EntryFaults):
        return raised.reasons
    return [str(raised) if isinstance(raised, ValueError) else REASONS.get(detail["type"], "cannot be understood")]
