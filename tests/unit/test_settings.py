"""The settings: every variable, every fault at once, and nothing secret in any sentence."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from bot.config.env_example import env_example
from bot.config.settings import VARIABLES, load
from bot.config.version import command
from bot.errors import SettingsError
from bot.model import ImageRequest
from bot.policy.door import Audience
from bot.policy.prices import Prices
from bot.store.url import read_url
from tests.each import each
from tests.unit.environments import REQUIRED, faults, loaded

ROOT = Path(__file__).parents[2]
WHOLE_PRICE_LIST = ",".join(
    f"grok-imagine-image{kind}:{resolution}=0.02" for kind in ("", "-quality") for resolution in ("1k", "2k")
)


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
        "MODELS": "grok-imagine-image=Standard,grok-imagine-image-quality=Quality",
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
        **dict.fromkeys(("MAX_SPEND_PER_DAY", "MAX_SPEND_PER_MONTH", "MAX_QUEUE_LENGTH"), "off"),
        **dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY"), "off"),
        **dict.fromkeys(("NO_PROXY", "RESULT_HOSTS", "OPERATOR_CONTACT"), "empty"),
        **dict.fromkeys(("ALLOWED_SERVERS", "ALLOWED_USERS", "BLOCKED_USERS", "BLOCKED_SERVERS"), "empty"),
        **dict.fromkeys(("DIRECT_MESSAGES", "USER_INSTALLS"), "automatic"),
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


@each("variable", VARIABLES)
def test_the_example_and_the_default_of_a_variable_are_values_it_takes(variable: object) -> None:
    named = next(known for known in VARIABLES if known == variable)
    others = {"DISCORD_SHARD_COUNT": "4"} if named.name == "DISCORD_SHARD_IDS" else {}
    others |= {"PRICE_LIST": WHOLE_PRICE_LIST} if named.name.startswith("MAX_SPEND") else {}
    example = "sk-example" if "…" in named.example else named.example
    assert loaded(**{named.name: example}, **others)
    if not named.required:
        default = named.default if named.default != "empty" else ""
        assert loaded(**{named.name: default}) == loaded()


def test_the_manual_beside_the_project_is_the_one_the_table_makes() -> None:
    assert (ROOT / ".env.example").read_text("utf-8") == env_example(), "write it anew: make env-example"


def test_other_variables_of_the_machine_are_left_alone() -> None:
    assert loaded(PATH="/bin", EASEL="?") == loaded()


def test_an_empty_environment_names_every_required_variable() -> None:
    with pytest.raises(SettingsError) as caught:
        load(None, {"DISCORD_TOKEN": ""})
    first, *faults = caught.value.faults
    assert f"{command()} setup" in first
    assert f"{command()} sandbox" in first
    assert [fault.split()[0] for fault in faults] == list(REQUIRED)
    assert all(" is missing: write " in fault for fault in faults)


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


@each(
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
        ("DATABASE_URL", "easel.db", "DATABASE_URL is not a database address"),
        ("DATABASE_URL", "oracle://host/name", "DATABASE_URL names no kind of database"),
        ("DATABASE_URL", "sqlite:///$DATA/easel.db", "DATABASE_URL holds a $NAME that nothing fills in"),
        ("DISCORD_TOKEN", "<MTE5.fake.token>", "DISCORD_TOKEN stands in brackets or quotes"),
        ("DISCORD_TOKEN", "'MTE5.fake.token'", "DISCORD_TOKEN stands in quotes, which are no part of it: write"),
        ("UNIALL_API_KEY", "“sk-fake”", "UNIALL_API_KEY stands in brackets or quotes"),
        ("UNIALL_BASE_URL", "https://a.example/v1/images/tasks", "UNIALL_BASE_URL has a route at its end"),
        ("UNIALL_BASE_URL", "https://a.example/x/v1/images/edits/", "UNIALL_BASE_URL has a route at its end"),
        ("UNIALL_BASE_URL", "https://a.example/v1/models", "UNIALL_BASE_URL has a route at its end"),
        ("DISCORD_API_URL", "https://discord.com/api/v10/users/@me", "DISCORD_API_URL has a route at its end"),
        ("ALLOWED_SERVERS", "My server", "ALLOWED_SERVERS is not a list of ids"),
        ("ALLOWED_USERS", "0", "ALLOWED_USERS is not a list of ids"),
        ("BLOCKED_USERS", "9" * 30, "BLOCKED_USERS is not a list of ids"),
        ("DIRECT_MESSAGES", "friends", "DIRECT_MESSAGES is no word that is known here"),
        ("OPERATOR_CONTACT", "http://example.com", "OPERATOR_CONTACT is an address that does not begin with https://"),
        ("OPERATOR_CONTACT", "x" * 101, "OPERATOR_CONTACT is not one line"),
        ("RESULT_HOSTS", "https://minio.lan/", "RESULT_HOSTS holds an address"),
        ("RESULT_HOSTS", "minio.lan:port", "RESULT_HOSTS holds something that is no host"),
        ("HTTPS_PROXY", "socks5://127.0.0.1:1080", "HTTPS_PROXY names a kind of proxy that Easel cannot use"),
        ("HTTP_PROXY", "http://proxy.lan:many", "HTTP_PROXY is not the address of a proxy"),
        ("DATABASE_URL", "sqlite://data/easel.db", "DATABASE_URL has a slash too few"),
        ("DATABASE_URL", "sqlite://", "DATABASE_URL names no file"),
        ("DATABASE_URL", "sqlite:///:memory:", "DATABASE_URL names no file"),
        ("DATABASE_URL", "postgresql://easel@host", "DATABASE_URL names no database"),
        ("DISCORD_SHARD_IDS", "0,1", "DISCORD_SHARD_IDS stands without DISCORD_SHARD_COUNT"),
        ("DISCORD_SHARD_IDS", "a", "DISCORD_SHARD_IDS is not a list of whole numbers"),
        ("DISCORD_SHARD_IDS", "0,-1", "DISCORD_SHARD_IDS is not a list of whole numbers"),
        ("MAX_ACTIVE_JOBS", "1__0", "MAX_ACTIVE_JOBS is not a whole number"),
        ("MAX_ACTIVE_JOBS", "٣", "MAX_ACTIVE_JOBS is not a whole number"),
        ("MAX_ACTIVE_JOBS", "-0", "MAX_ACTIVE_JOBS is below 1"),
        ("MODELS", "painter\udcff", "MODELS holds bytes that are no text"),
        ("NO_PROXY", "\udcff", "NO_PROXY holds bytes that are no text"),
    ],
)  # fmt: skip
def test_a_wrong_value_gets_a_sentence_that_says_what_to_write(name: str, value: str, told: str) -> None:
    (fault,) = faults(**{name: value})
    assert fault.startswith(told)
    assert ": write " in fault


@pytest.mark.parametrize(
    ("text", "number"), [("+7", 7), ("007", 7), ("1_000", 1000), ("7.0", 7), ("0" * 5000 + "7", 7)]
)
def test_a_whole_number_may_be_written_in_several_ways(text: str, number: int) -> None:
    assert loaded(MAX_ACTIVE_JOBS=text).max_active_jobs == number


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
        "postgresql://easel:a%21b%40c@host:5432/easel",
        "postgresql:///easel?host=/run/postgresql",
        "postgresql://host?dbname=easel",
    ],
)
def test_every_form_of_database_address_is_taken(url: str) -> None:
    assert loaded(DATABASE_URL=url).database_url == url


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgresql://easel:Hunter2@Winter2026@db.example/easel", "Hunter2@Winter2026"),
        ("postgresql://easel:Hunter2/@Winter2026@db.example/easel", "Hunter2/@Winter2026"),
        ("postgresql://easel:@@@db.example/easel?sslmode=require", "@@"),
        ("postgresql://easel:a!b%40c$d()e*_,%2F:;=?@db.example:5432/easel", "a!b@c$d()e*_,/:;=?"),
        ("postgresql://easel:word@db.example/easel?application_name=a@b", "word"),
        ("postgresql://easel:word@db.example?dbname=easel", "word"),
        ("postgresql://easel:word@[::1]:5432/easel", "word"),
    ],
)
def test_a_password_may_hold_any_sign_and_ends_where_the_server_begins(url: str, password: str) -> None:
    settings = loaded(DATABASE_URL=url)
    read = read_url(settings.database_url)
    assert (read.username, read.password) == ("easel", password)
    assert read.host in {"db.example", "::1"}
    assert password in settings.secrets


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://easel:Hunter2@Winter2026@db one/easel",
        "postgresql://easel:Hunter2@Winter2026/x?y@db/easel",
        "postgresql://easel:Hunter2@Winter2026@db",
        "mysql://easel:Hunter2@Winter2026@db/easel",
        "postgresql:/easel:Hunter2@Winter2026@db/easel",
    ],
)
def test_nothing_of_a_password_stands_in_a_sentence(url: str) -> None:
    (fault,) = faults(DATABASE_URL=url)
    assert fault.startswith("DATABASE_URL ")
    assert "Hunter2" not in fault
    assert "Winter" not in fault


@pytest.mark.parametrize("path", ["~/easel.db", "$HOME/easel.db", "${HOME}/easel.db"])
def test_the_home_folder_is_filled_in(path: str) -> None:
    assert loaded(DATABASE_URL=f"sqlite:///{path}").database_url == f"sqlite:///{Path.home()}/easel.db"


def test_secrets_stay_out_of_the_repr_but_are_known_to_the_log() -> None:
    settings = loaded(DATABASE_URL="postgresql://easel:p%40ssword@db/easel")
    assert "fake" not in repr(settings)
    assert "p%40ssword" not in repr(settings)
    assert settings.secrets == ("MTE5.fake.token", "sk-fake-key", "p@ssword", "p%40ssword")


@pytest.mark.parametrize(
    ("variables", "audience"),
    [
        ({}, Audience.EVERYONE),
        ({"ALLOWED_SERVERS": "1, 2"}, Audience.LISTED),
        ({"ALLOWED_USERS": "7"}, Audience.LISTED),
        ({"BLOCKED_USERS": "7"}, Audience.EVERYONE),
    ],
)
def test_a_list_of_anybody_closes_the_other_ways_in(variables: dict[str, str], audience: Audience) -> None:
    door = loaded(**variables).door
    assert (door.direct_messages, door.user_installs) == (audience, audience)
    kept_open = loaded(**variables, DIRECT_MESSAGES="Everyone", USER_INSTALLS="off").door
    assert (kept_open.direct_messages, kept_open.user_installs) == (Audience.EVERYONE, Audience.OFF)


def test_ids_and_hosts_are_read_as_lists() -> None:
    settings = loaded(ALLOWED_SERVERS="12, 34\t56", RESULT_HOSTS="MinIO.lan, 10.0.0.5:9000 [fd00::1]:80,fd00::2")
    assert settings.door.allowed_servers == {12, 34, 56}
    assert settings.result_hosts == {"minio.lan", "10.0.0.5:9000", "[fd00::1]:80", "[fd00::2]"}


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(loaded(), "log_level", "DEBUG")  # noqa: B010


# --- prices
