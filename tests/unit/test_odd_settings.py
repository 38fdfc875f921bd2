"""Values that are nearly right: pasted with quotes, with signs that nobody sees, or as a program would write them."""

from __future__ import annotations

import pytest

from tests.each import each
from tests.unit.environments import faults, loaded


@each(
    ("name", "value", "told"),
    [
        ("PRICE_LIST", "\x1b[2Jgrok", "PRICE_LIST holds bytes that are no text"),
        ("MODELS", "painter\0", "MODELS holds bytes that are no text"),
        ("MODERATION_MODEL", "judge\x7f", "MODERATION_MODEL holds bytes that are no text"),
        ("MAX_JOBS_PER_USER", '"5"', "MAX_JOBS_PER_USER stands in quotes"),
        ("MODELS", "'painter=Painter'", "MODELS stands in quotes"),
        ("NO_PROXY", '"localhost"', "NO_PROXY stands in quotes"),
        ("DATABASE_URL", '"sqlite:///data/easel.db"', "DATABASE_URL stands in quotes"),
        ("UNIALL_BASE_URL", "https://a..example", "UNIALL_BASE_URL holds a sign that no address has, or a host"),
        ("UNIALL_BASE_URL", "https://<host>", "UNIALL_BASE_URL holds a sign that no address has, or a host"),
        ("UNIALL_BASE_URL", "https://${HOST}/v1", "UNIALL_BASE_URL holds a sign that no address has, or a host"),
        ("UNIALL_BASE_URL", "https://api.example\\v1", "UNIALL_BASE_URL holds a sign that no address has, or a host"),
        ("UNIALL_BASE_URL", "https://1.2.3.4.5", "UNIALL_BASE_URL holds a sign that no address has, or a host"),
        ("UNIALL_BASE_URL", f"https://{'a' * 64}.example", "UNIALL_BASE_URL holds a sign"),
        ("UNIALL_BASE_URL", "https://a.example,https://b.example", "UNIALL_BASE_URL is not an http or https address"),
        ("MODERATION_BASE_URL", "https://.", "MODERATION_BASE_URL holds a sign that no address has, or a host"),
        ("UNIALL_BASE_URL", "https://a.example:", "UNIALL_BASE_URL is not an http or https address"),
        ("RESULT_HOSTS", "*.lan", "RESULT_HOSTS holds something that is no host"),
        ("RESULT_HOSTS", "minio.lan,${HOST}", "RESULT_HOSTS holds something that is no host"),
        ("HTTPS_PROXY", "http://<proxy>:3128", "HTTPS_PROXY is not the address of a proxy"),
        ("ALLOWED_SERVERS", "9" * 5000, "ALLOWED_SERVERS is not a list of ids"),
        ("DISCORD_SHARD_IDS", "9" * 5000, "DISCORD_SHARD_IDS is not a list of whole numbers"),
        ("MAX_SPEND_PER_DAY", "٣", "MAX_SPEND_PER_DAY is not an amount of money"),
        ("MAX_SPEND_PER_DAY", "1e3", "MAX_SPEND_PER_DAY is not an amount of money"),
        ("PRICE_LIST", "grok-imagine-image:1k=٣", 'PRICE_LIST has "grok-imagine-image:1k=٣", whose price is not a'),
        ("DATABASE_URL", "sqlite:////", "DATABASE_URL names no file"),
        ("DATABASE_URL", "sqlite:///data/", "DATABASE_URL names no file"),
        ("DATABASE_URL", "sqlite:///..", "DATABASE_URL names no file"),
        ("DATABASE_URL", "sqlite:///data/%00.db", "DATABASE_URL is not a database address"),
    ],
)  # fmt: skip
def test_it_gets_a_sentence_that_says_what_to_write(name: str, value: str, told: str) -> None:
    (fault,) = faults(**{name: value})
    assert fault.startswith(told)
    assert ": write " in fault
    assert fault.isprintable()


def test_what_is_wrong_for_certain_is_told_beside_the_fault_that_it_depends_on() -> None:
    told = faults(MODELS="a b", MAX_SPEND_PER_DAY="5", DISCORD_SHARD_COUNT="many", DISCORD_SHARD_IDS="0,0")
    assert sorted(fault.split()[0] for fault in told) == [
        *("DISCORD_SHARD_COUNT", "DISCORD_SHARD_IDS", "MAX_SPEND_PER_DAY", "MODELS")
    ]


@pytest.mark.parametrize(
    "host",
    ["api.example.com", "api.example.com.", "exämple.de", "my_api", "10.0.0.5", "[::1]:8080", "xn--bcher-kva.de"],
)
def test_a_host_may_be_a_name_of_any_script_or_a_number(host: str) -> None:
    assert loaded(UNIALL_BASE_URL=f"http://{host}").uniall_base_url == f"http://{host}"
    assert loaded(RESULT_HOSTS=host).result_hosts == {host.rstrip(".")}


def test_a_contact_may_stand_in_quotes() -> None:
    assert loaded(OPERATOR_CONTACT='"The Fox"').operator_contact == '"The Fox"'
