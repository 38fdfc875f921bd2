"""The settings: one table of variables, and the only reader of the environment.

The fields of `Settings` are the table. VARIABLES, the sentences about faults and `.env.example` derive from it.
Nothing is read when this module is imported.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    InstanceOf,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from bot.config.kinds import A_NUMBER, AUTOMATIC, EMPTY, MAX_PORT, OFF, REQUIRED, About, Number, Port, Secret
from bot.config.limits import (
    KeepDataDays,
    LineLength,
    ModerationApiKey,
    ModerationBaseUrl,
    ModerationModel,
    ModerationWhenDown,
    PicturesPerServerPerDay,
    PicturesPerUserPerDay,
    ServerGraceDays,
    SpendPerDay,
    SpendPerMonth,
    SpendPerServerPerDay,
    SpendPerServerPerMonth,
)
from bot.config.values import (
    DISCORD_API_PATH,
    database,
    discord_base,
    listening,
    lower,
    numbers,
    prices,
    uniall_base,
    upper,
)
from bot.errors import SettingsError
from bot.policy.prices import PriceListFault, Prices
from bot.policy.quotas import Ceilings

ENV_FILE = Path(__file__).parents[2] / ".env"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True, slots=True)
class Variable:
    """One line of the manual. `default` is the default as text, or "required", "off", "automatic", "empty"."""

    name: str
    default: str
    help: str
    example: str

    @property
    def required(self) -> bool:
        return self.default == REQUIRED


class Settings(BaseSettings):
    """All that an operator can set, read and checked. Made by `load`; frozen; secrets stay out of its repr."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, env_file_encoding="utf-8-sig", str_strip_whitespace=True
    )

    discord_token: Annotated[
        Secret,
        About(
            "Bot token: Discord's developer portal, your application, page Bot, Reset Token.",
            "the token from the page Bot of your application in Discord's developer portal",
            "MTE5…",
        ),
    ]
    uniall_api_key: Annotated[
        Secret,
        About(
            "Key of the UniAll image API, sent as a Bearer token to the address below and nowhere else.",
            "the key of your account at the image API",
            "sk-…",
        ),
    ]
    uniall_base_url: Annotated[
        str,
        AfterValidator(uniall_base),
        About(
            "Address of the image API, with or without a trailing /v1.",
            "the address of the image API, such as https://api.example.com",
            "https://api.example.com",
        ),
    ]
    database_url: Annotated[
        str,
        AfterValidator(database),
        Field(repr=False),
        About(
            "Where jobs are kept: a SQLite file, or PostgreSQL for several processes and hosts without a lasting disk.",
            "sqlite:///data/easel.db or postgresql://user:password@host/name",
            "postgresql://easel:password@db.example.com/easel",
        ),
    ] = "sqlite:///data/easel.db"
    uniall_mode: Annotated[
        Literal["tasks", "sync"],
        BeforeValidator(lower),
        About(
            "tasks uses /v1/images/tasks; sync uses /v1/images/generations and /v1/images/edits, "
            "for an OpenAI-compatible server that has no task route.",
            "tasks or sync",
            "sync",
        ),
    ] = "tasks"
    discord_api_url: Annotated[
        str,
        AfterValidator(discord_base),
        About(
            f"REST base of Discord, ending in {DISCORD_API_PATH}; for a REST proxy or a stand-in. "
            "The WebSocket address is what its GET /gateway/bot answers.",
            f"a REST base that ends in {DISCORD_API_PATH}, or leave it out",
            "http://127.0.0.1:8201/api/v10",
        ),
    ] = f"https://discord.com{DISCORD_API_PATH}"
    discord_shard_count: Annotated[
        Number | None,
        About(
            "How many shards the bot has in all its processes together; left out, Discord says.",
            f"{A_NUMBER}, or leave it out",
            "4",
            AUTOMATIC,
        ),
    ] = None
    discord_shard_ids: Annotated[
        tuple[int, ...] | None,
        NoDecode,
        BeforeValidator(numbers),
        About(
            "Which shards this process runs, for several bot processes; needs DISCORD_SHARD_COUNT. Left out, all.",
            "shard numbers with commas, each from 0 to DISCORD_SHARD_COUNT - 1, such as 0,1",
            "0,1",
            AUTOMATIC,
        ),
    ] = None
    max_jobs_per_user: Annotated[Number, About("Jobs a user may have in flight.", A_NUMBER, "5")] = 3
    max_active_jobs: Annotated[
        Number, About("Jobs in flight at the image API from this process; more wait in line.", A_NUMBER, "20")
    ] = 50
    job_timeout_s: Annotated[
        Number, About('After so many seconds at the image API a job ends as "timed out".', A_NUMBER, "900")
    ] = 600
    poll_floor_ms: Annotated[
        Number,
        About(
            "Least time in milliseconds between two questions about the same task. When to ask is learned from the "
            "tasks before.",
            A_NUMBER,
            "2000",
        ),
    ] = 500
    poll_budget_per_s: Annotated[
        Number,
        About(
            "Questions about tasks that this process may ask the image API in a second, all jobs together.",
            A_NUMBER,
            "20",
        ),
    ] = 300
    max_pictures_per_user_per_day: PicturesPerUserPerDay = None
    max_pictures_per_server_per_day: PicturesPerServerPerDay = None
    max_spend_per_server_per_day: SpendPerServerPerDay = None
    max_spend_per_server_per_month: SpendPerServerPerMonth = None
    max_spend_per_day: SpendPerDay = None
    max_spend_per_month: SpendPerMonth = None
    max_line_length: LineLength = None
    price_list: Annotated[
        InstanceOf[Prices],
        NoDecode,
        BeforeValidator(prices),
        About(
            "Prices for the spend ledger in US dollars, with commas: model:resolution=price for a picture made, "
            "model:input=price for a source given. A model without a price has its pictures counted, not their cost.",
            "entries such as grok-imagine-image:1k=0.02 with commas between them",
            "grok-imagine-image:1k=0.02,grok-imagine-image:input=0.002",
            EMPTY,
        ),
    ] = Field(default_factory=Prices)
    moderation_base_url: ModerationBaseUrl = None
    moderation_api_key: ModerationApiKey = None
    moderation_model: ModerationModel = None
    moderation_when_down: ModerationWhenDown = "refuse"
    keep_data_days: KeepDataDays = None
    server_grace_days: ServerGraceDays = 30
    http_port: Annotated[
        Port | None,
        About(
            "Port that serves /healthz (JSON) and /metrics (Prometheus).",
            f"a port from 1 to {MAX_PORT}, or leave it out",
            "8080",
            OFF,
        ),
    ] = None
    http_host: Annotated[
        str,
        AfterValidator(listening),
        About(
            "Address of this machine that HTTP_PORT listens on. In a container write 0.0.0.0, all its addresses; "
            "anywhere else that shows everybody who reaches this machine how the bot is.",
            "an address of this machine: 127.0.0.1, or 0.0.0.0 for all of them",
            "0.0.0.0",  # noqa: S104  # an example, for containers
        ),
    ] = "127.0.0.1"
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        BeforeValidator(upper),
        About("How much is logged.", f"one of {', '.join(LEVELS)}", "WARNING"),
    ] = "INFO"
    log_format: Annotated[
        Literal["text", "json"],
        BeforeValidator(lower),
        About("text for people, json for log collectors.", "text or json", "json"),
    ] = "text"

    @model_validator(mode="before")
    @classmethod
    def _leave_out_what_is_not_set(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Empty text, and "off" or "automatic" where the manual calls the default so, count as not set."""
        return {name: value for name, value in values.items() if not _means_not_set(name, value)}

    @field_validator("discord_shard_ids")
    @classmethod
    def _shards_exist(cls, ids: tuple[int, ...] | None, info: ValidationInfo) -> tuple[int, ...] | None:
        """Runs after the count was read: fields are checked in the order of the table."""
        if ids is None or "discord_shard_count" not in info.data:
            return ids
        count: int | None = info.data["discord_shard_count"]
        if count is None:
            raise ValueError("stands without DISCORD_SHARD_COUNT, which must be set too")
        if max(ids) >= count or len(set(ids)) < len(ids):
            raise ValueError("names a shard twice or one that DISCORD_SHARD_COUNT does not reach")
        return ids

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """`load` hands the environment in, so that it can be another one; the file comes second."""
        return (init_settings, dotenv_settings)

    @property
    def ceilings(self) -> Ceilings:
        """What no server may exceed."""
        return Ceilings(
            pictures_per_user_day=self.max_pictures_per_user_per_day,
            pictures_per_server_day=self.max_pictures_per_server_per_day,
            spend_per_server_day=self.max_spend_per_server_per_day,
            spend_per_server_month=self.max_spend_per_server_per_month,
            spend_per_day=self.max_spend_per_day,
            spend_per_month=self.max_spend_per_month,
            line_length=self.max_line_length,
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be seen in a log: the token, the keys, the password of the database."""
        password = self.database_url.rpartition("@")[0].partition("://")[2].partition(":")[2]
        keys = (self.discord_token, self.uniall_api_key, self.moderation_api_key)
        every = (*(key.get_secret_value() for key in keys if key is not None), password)
        return tuple(dict.fromkeys(filter(None, (*every, unquote(password)))))


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

_REASONS = {
    "missing": "is missing",
    "int_parsing": "is not a whole number",
    "int_parsing_size": "is too large",
    "int_from_float": "is not a whole number",
    "greater_than_equal": "is below 1",
    "less_than_equal": "is too large",
    "literal_error": "is no word that is known here",
}


def load(env_file: Path | None = ENV_FILE, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read `.env`, then the environment, which wins; an empty value counts as not set.

    Raises SettingsError with one sentence for every fault. No sentence repeats a secret.
    """
    values = {variable.name.lower(): environ.get(variable.name, "") for variable in VARIABLES}
    given: dict[str, Any] = {name: value for name, value in values.items() if value.strip()}
    try:
        return Settings(_env_file=env_file, **given)  # pyright: ignore[reportCallIssue]  # BaseSettings' own parameter
    except ValidationError as error:
        faults = [sentence for detail in error.errors() for sentence in _sentences(detail)]
        raise SettingsError(faults) from None
    except (OSError, UnicodeDecodeError):
        raise SettingsError(
            [f"{env_file} cannot be read: make it a text file in UTF-8 that this user may read."]
        ) from None


def _sentences(detail: ErrorDetails) -> Iterator[str]:
    field = str(detail["loc"][0])
    for reason in _reasons(detail):
        yield f"{field.upper()} {reason}: write {_about(field).write}."


def _reasons(detail: ErrorDetails) -> Sequence[str]:
    raised = detail.get("ctx", {}).get("error")
    if isinstance(raised, PriceListFault):
        return raised.reasons
    return [str(raised) if isinstance(raised, ValueError) else _REASONS.get(detail["type"], "cannot be understood")]
