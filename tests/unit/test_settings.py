"""The settings: every variable, every fault at once, and nothing secret in any sentence."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.config.env_example import env_example
from bot.config.settings import VARIABLES, Settings, load
from bot.errors import SettingsError
from bot.model import ImageRequest, Model, Resolution, Source
from bot.policy.prices import PriceListFault, Prices, parse

ROOT = Path(__file__).parents[2]
REQUIRED = {
    "DISCORD_TOKEN": "MTE5.fake.token",
    "UNIALL_API_KEY": "sk-fake-key",
    "UNIALL_BASE_URL": "https://api.example.com/v1",
}


def loaded(**variables: str) -> Settings:
    return load(None, {**REQUIRED, **variables})


def faults(**variables: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        loaded(**variables)
    return caught.value.faults


def test_the_required_variables_are_enough_and_the_rest_has_its_default() -> None:
    settings = loaded()
    assert settings.discord_token.get_secret_value() == "MTE5.fake.token"
    assert settings.uniall_api_key.get_secret_value() == "sk-fake-key"
    assert settings.database_url == "sqlite:///data/easel.db"
    assert settings.uniall_mode == "tasks"
    assert settings.discord_api_url == "https://discord.com/api/v10"
    assert (settings.discord_shard_ids, settings.discord_shard_count) == (None, None)
    assert (settings.max_jobs_per_user, settings.max_active_jobs, settings.job_timeout_s) == (3, 50, 600)
    assert settings.price_list == Prices()
    assert (settings.http_port, settings.http_host) == (None, "127.0.0.1")
    assert (settings.log_level, settings.log_format) == ("INFO", "text")


def test_every_variable_can_be_set() -> None:
    settings = loaded(
        DATABASE_URL="postgres://easel:pass@db/easel",
        UNIALL_MODE="Sync",
        DISCORD_API_URL="http://127.0.0.1:8201/api/v10/",
        DISCORD_SHARD_IDS="0, 3",
        DISCORD_SHARD_COUNT="4",
        MAX_JOBS_PER_USER="1",
        MAX_ACTIVE_JOBS=" 7 ",
        JOB_TIMEOUT_S="60",
        PRICE_LIST="grok-imagine-image:1k=0.02",
        HTTP_PORT="8080",
        HTTP_HOST="0.0.0.0",
        LOG_LEVEL="debug",
        LOG_FORMAT="JSON",
    )
    assert settings.database_url == "postgres://easel:pass@db/easel"
    assert settings.uniall_mode == "sync"
    assert settings.discord_api_url == "http://127.0.0.1:8201/api/v10"
    assert (settings.discord_shard_ids, settings.discord_shard_count) == ((0, 3), 4)
    assert (settings.max_jobs_per_user, settings.max_active_jobs, settings.job_timeout_s) == (1, 7, 60)
    assert settings.price_list.cost_micros(ImageRequest("x"), 1) == 20_000
    assert (settings.http_port, settings.http_host) == (8080, "0.0.0.0")
    assert (settings.log_level, settings.log_format) == ("DEBUG", "json")


def test_the_table_names_every_variable_with_its_default() -> None:
    assert {variable.name: variable.default for variable in VARIABLES} == {
        "DISCORD_TOKEN": "required",
        "UNIALL_API_KEY": "required",
        "UNIALL_BASE_URL": "required",
        "DATABASE_URL": "sqlite:///data/easel.db",
        "UNIALL_MODE": "tasks",
        "DISCORD_API_URL": "https://discord.com/api/v10",
        "DISCORD_SHARD_IDS": "automatic",
        "DISCORD_SHARD_COUNT": "automatic",
        "MAX_JOBS_PER_USER": "3",
        "MAX_ACTIVE_JOBS": "50",
        "JOB_TIMEOUT_S": "600",
        "POLL_FLOOR_MS": "500",
        "POLL_BUDGET_PER_S": "300",
        **dict.fromkeys(("MAX_PICTURES_PER_USER_PER_DAY", "MAX_PICTURES_PER_SERVER_PER_DAY"), "off"),
        **dict.fromkeys(("MAX_SPEND_PER_SERVER_PER_DAY", "MAX_SPEND_PER_SERVER_PER_MONTH"), "off"),
        **dict.fromkeys(("MAX_SPEND_PER_DAY", "MAX_SPEND_PER_MONTH", "MAX_LINE_LENGTH"), "off"),
        "PRICE_LIST": "empty",
        "MODERATION_BASE_URL": "off",
        "MODERATION_API_KEY": "empty",
        "MODERATION_MODEL": "empty",
        "MODERATION_WHEN_DOWN": "refuse",
        "KEEP_DATA_DAYS": "off",
        "SERVER_GRACE_DAYS": "30",
        "HTTP_PORT": "off",
        "HTTP_HOST": "127.0.0.1",
        "LOG_LEVEL": "INFO",
        "LOG_FORMAT": "text",
    }


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.name)
def test_the_example_and_the_default_of_a_variable_are_values_it_takes(variable: object) -> None:
    named = next(known for known in VARIABLES if known == variable)
    others = {"DISCORD_SHARD_COUNT": "4"} if named.name == "DISCORD_SHARD_IDS" else {}
    example = "sk-example" if "…" in named.example else named.example
    assert loaded(**{named.name: example}, **others)
    if not named.required:
        assert loaded(**{named.name: named.default if named.default != "empty" else ""}) == loaded()


def test_the_manual_beside_the_project_is_the_one_the_table_makes() -> None:
    assert (ROOT / ".env.example").read_text("utf-8") == env_example(), "write it anew: make env-example"


def test_the_manual_filled_in_is_a_file_that_starts_the_bot(tmp_path: Path) -> None:
    text = env_example()
    for name, value in REQUIRED.items():
        text = text.replace(f"\n{name}=\n", f"\n{name}={value}\n")
    file = tmp_path / ".env"
    file.write_text(text, "utf-8")
    assert load(file, {}) == loaded()
    # with every line taken in, the defaults come out the same
    file.write_text(
        "\n".join(
            line[1:] if line.startswith("#") and line[1:2] != " " and line[1:2] != "#" else line
            for line in text.splitlines()
        ),
        "utf-8",
    )
    assert load(file, {}) == loaded()


def test_the_environment_wins_over_the_file_and_empty_counts_as_not_set(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("MAX_ACTIVE_JOBS=5\nMAX_JOBS_PER_USER=6\nJOB_TIMEOUT_S=\n", "utf-8-sig")
    settings = load(file, {**REQUIRED, "MAX_ACTIVE_JOBS": "9", "MAX_JOBS_PER_USER": " "})
    assert (settings.max_active_jobs, settings.max_jobs_per_user, settings.job_timeout_s) == (9, 6, 600)


def test_a_file_that_is_not_there_is_no_fault(tmp_path: Path) -> None:
    assert load(tmp_path / ".env", REQUIRED) == loaded()


def test_a_file_that_is_no_text_is_one_fault(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"\xff\xfe\x00D")
    with pytest.raises(SettingsError, match="cannot be read"):
        load(file, REQUIRED)


def test_other_variables_of_the_machine_are_left_alone() -> None:
    assert loaded(PATH="/bin", EASEL="?") == loaded()


def test_an_empty_environment_names_every_required_variable() -> None:
    with pytest.raises(SettingsError) as caught:
        load(None, {"DISCORD_TOKEN": ""})
    assert [fault.split()[0] for fault in caught.value.faults] == list(REQUIRED)
    assert all(" is missing: write " in fault for fault in caught.value.faults)


def test_every_fault_is_told_at_once_in_one_sentence_each() -> None:
    wrong = {
        "DISCORD_TOKEN": "Bot abc",
        "UNIALL_API_KEY": "sk fake",
        "UNIALL_BASE_URL": "api.example.com",
        "DATABASE_URL": "mysql://root:hidden-password@db/easel",
        "UNIALL_MODE": "async",
        "DISCORD_API_URL": "https://discord.com/api",
        "DISCORD_SHARD_IDS": "0,1",
        "MAX_JOBS_PER_USER": "0",
        "MAX_ACTIVE_JOBS": "many",
        "JOB_TIMEOUT_S": "-1",
        "PRICE_LIST": "free",
        "HTTP_PORT": "70000",
        "LOG_LEVEL": "loud",
        "LOG_FORMAT": "xml",
    }
    told = faults(**wrong)
    assert sorted(fault.split()[0] for fault in told) == sorted(wrong)
    assert all(fault.endswith(".") and "\n" not in fault for fault in told)
    assert "abc" not in "".join(told)
    assert "hidden-password" not in "".join(told)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("MAX_JOBS_PER_USER", "0", "MAX_JOBS_PER_USER is below 1: write a whole number from 1 to 1000000."),
        ("MAX_ACTIVE_JOBS", "3.5", "MAX_ACTIVE_JOBS is not a whole number"),
        ("JOB_TIMEOUT_S", "9" * 30, "JOB_TIMEOUT_S is too large"),
        ("JOB_TIMEOUT_S", "9" * 5000, "JOB_TIMEOUT_S is too large"),
        ("HTTP_PORT", "0", "HTTP_PORT is below 1"),
        ("HTTP_HOST", "example.com", "HTTP_HOST is no IP address"),
        ("DISCORD_TOKEN", "abc\ndef", "DISCORD_TOKEN holds a space"),
        ("UNIALL_API_KEY", "Bearer sk-1", 'UNIALL_API_KEY begins with "Bot" or "Bearer"'),
        ("UNIALL_BASE_URL", "ftp://api.example.com", "UNIALL_BASE_URL is not an http or https address"),
        ("UNIALL_BASE_URL", "https://", "UNIALL_BASE_URL is not an http or https address"),
        ("UNIALL_BASE_URL", "https://host:port", "UNIALL_BASE_URL is not an address"),
        ("UNIALL_BASE_URL", "https://me:word@host", "UNIALL_BASE_URL is not a plain address"),
        ("UNIALL_BASE_URL", "https://[::1", "UNIALL_BASE_URL is not an address"),
        ("DISCORD_API_URL", "http://127.0.0.1:1/api/v9", "DISCORD_API_URL does not end in /api/v10"),
        ("DATABASE_URL", "easel.db", "DATABASE_URL names no kind of database"),
        ("DATABASE_URL", "sqlite://data/easel.db", "DATABASE_URL has a slash too few"),
        ("DATABASE_URL", "sqlite://", "DATABASE_URL names no file"),
        ("DATABASE_URL", "sqlite:///:memory:", "DATABASE_URL names no file"),
        ("DATABASE_URL", "postgresql://easel@host", "DATABASE_URL names no database"),
        ("DISCORD_SHARD_IDS", "0,1", "DISCORD_SHARD_IDS stands without DISCORD_SHARD_COUNT"),
        ("DISCORD_SHARD_IDS", "a", "DISCORD_SHARD_IDS is not a list of whole numbers"),
        ("DISCORD_SHARD_IDS", "0,-1", "DISCORD_SHARD_IDS is not a list of whole numbers"),
    ],
)  # fmt: skip
def test_a_wrong_value_gets_a_sentence_that_says_what_to_write(name: str, value: str, told: str) -> None:
    (fault,) = faults(**{name: value})
    assert fault.startswith(told)
    assert ": write " in fault


@pytest.mark.parametrize("ids", ["0,4", "1,1"])
def test_shards_must_exist_and_be_named_once(ids: str) -> None:
    (fault,) = faults(DISCORD_SHARD_IDS=ids, DISCORD_SHARD_COUNT="4")
    assert fault.startswith("DISCORD_SHARD_IDS names a shard twice or one that DISCORD_SHARD_COUNT does not reach")


def test_a_wrong_shard_count_is_told_once() -> None:
    (fault,) = faults(DISCORD_SHARD_IDS="0,1", DISCORD_SHARD_COUNT="two")
    assert fault.startswith("DISCORD_SHARD_COUNT is not a whole number")


@pytest.mark.parametrize("url", ["https://api.example.com", "https://api.example.com/", "https://api.example.com/v1/"])
def test_the_base_of_the_image_api_is_the_same_with_and_without_v1(url: str) -> None:
    assert loaded(UNIALL_BASE_URL=url).uniall_base_url == "https://api.example.com"


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////var/lib/easel.db",
        "postgresql://easel:a!b%40c$d()e*_,%2F:;=?@host:5432/easel",
        "postgresql:///easel?host=/run/postgresql",
        "postgresql://host?dbname=easel",
    ],
)
def test_every_form_of_database_address_is_taken(url: str) -> None:
    assert loaded(DATABASE_URL=url).database_url == url


def test_secrets_stay_out_of_the_repr_but_are_known_to_the_log() -> None:
    settings = loaded(DATABASE_URL="postgresql://easel:p%40ssword@db/easel")
    assert "fake" not in repr(settings)
    assert "p%40ssword" not in repr(settings)
    assert settings.secrets == ("MTE5.fake.token", "sk-fake-key", "p%40ssword", "p@ssword")


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(loaded(), "log_level", "DEBUG")  # noqa: B010


# --- prices


def test_a_picture_and_a_source_cost_what_the_list_says() -> None:
    prices = parse("grok-imagine-image:1k=0.02, grok-imagine-image:input=0.002")
    assert prices.cost_micros(ImageRequest("x", count=4), 3) == 60_000
    edit = ImageRequest("x", sources=(Source("https://a"), Source("https://b")))
    assert prices.cost_micros(edit, 1) == 24_000


def test_what_the_list_does_not_name_has_no_cost() -> None:
    prices = parse("grok-imagine-image:1k=0.02")
    assert prices.cost_micros(ImageRequest("x", resolution=Resolution.TWO_K), 1) is None
    assert prices.cost_micros(ImageRequest("x", model=Model.QUALITY), 1) is None
    assert Prices().cost_micros(ImageRequest("x"), 1) is None


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("free", "not of the form"),
        ("grok-imagine-image=1", "not of the form"),
        ("grok:1k=1", "whose model is none of"),
        ("grok-imagine-image:4k=1", "whose part after the colon is none of 1k, 2k, input"),
        ("grok-imagine-image:1k=", "whose price is not a number"),
        ("grok-imagine-image:1k=$1", "whose price is not a number"),
        ("grok-imagine-image:1k=-1", "between 0 and 1000"),
        ("grok-imagine-image:1k=NaN", "between 0 and 1000"),
        ("grok-imagine-image:1k=0.0000001", "six decimal places"),
        ("grok-imagine-image:1k=1,grok-imagine-image:1k=2", "two prices"),
    ],
)
def test_a_wrong_entry_says_what_is_wrong(entry: str, reason: str) -> None:
    with pytest.raises(PriceListFault, match=reason):
        parse(entry)


def test_every_wrong_entry_is_told() -> None:
    told = faults(PRICE_LIST="a,grok-imagine-image:1k=0.02,b")
    assert [fault.partition(",")[0] for fault in told] == ['PRICE_LIST has "a"', 'PRICE_LIST has "b"']


@given(st.integers(0, 1_000_000_000), st.integers(0, 4))
def test_no_price_is_rounded(micros: int, delivered: int) -> None:
    prices = parse(f"grok-imagine-image:1k={Decimal(micros) / 1_000_000}")
    assert prices.cost_micros(ImageRequest("x"), delivered) == micros * delivered
