"""The way out: which proxy an address is reached through, as curl decides it."""

from __future__ import annotations

import pytest

from bot.config.proxies import Proxies, proxy_url
from bot.config.settings import Settings, load
from tests.each import each

NEEDED = {"DISCORD_TOKEN": "MTE5.fake.token", "UNIALL_API_KEY": "sk-fake-key", "UNIALL_BASE_URL": "https://a.example"}
SECURE, PLAIN = "http://secure.lan:3128", "http://plain.lan:3128"


def loaded(**variables: str) -> Settings:
    return load(None, NEEDED | variables)


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://discord.com/api/v10", SECURE),
        ("wss://gateway.discord.gg/?v=10", SECURE),
        ("http://pictures.example/a.png", PLAIN),
        ("ws://127.0.0.1:8201/", PLAIN),
    ],
)
def test_each_kind_of_address_has_its_proxy(url: str, proxy: str) -> None:
    assert Proxies(SECURE, PLAIN).for_url(url) == proxy
    assert Proxies().for_url(url) is None
    assert Proxies(SECURE, PLAIN, "*").for_url(url) is None


@each(
    ("exceptions", "host", "excepted"),
    [
        ("example.com", "example.com", True),
        ("example.com", "EXAMPLE.com.", True),
        ("example.com", "www.example.com", True),
        (".example.com", "www.example.com", True),
        (".example.com", "example.com", True),
        ("example.com", "notexample.com", False),
        ("example.com", "example.com.evil.org", False),
        ("a.example, b.example", "b.example", True),
        ("a.example b.example", "b.example", True),
        ("", "example.com", False),
        (",,", "example.com", False),
        ("10.0.0.5", "10.0.0.5", True),
        ("10.0.0.0/8", "10.200.0.5", True),
        ("10.0.0.0/8", "11.0.0.5", False),
        ("0.0.5", "10.0.0.5", False),
        ("::1", "[::1]", True),
        ("[::1]", "[::1]", True),
        ("fd00::/8", "[fd00::7]", True),
        ("a,*", "example.com", False),
    ],
)
def test_exceptions_mean_what_they_mean_to_curl(exceptions: str, host: str, excepted: bool) -> None:
    proxy = Proxies(SECURE, PLAIN, exceptions).for_url(f"https://{host}:8443/x")
    assert (proxy is None) is excepted


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("proxy.lan", "http://proxy.lan:1080"),
        ("proxy.lan:3128", "http://proxy.lan:3128"),
        ("HTTP://Proxy.lan:3128/", "http://proxy.lan:3128"),
        ("https://proxy.lan", "https://proxy.lan:443"),
        ("http://[fd00::1]:3128", "http://[fd00::1]:3128"),
        ("http://ann:pa@ss/w@proxy.lan:3128", "http://ann:pa%40ss%2Fw@proxy.lan:3128"),
        ("ann:p%40ss@proxy.lan", "http://ann:p%40ss@proxy.lan:1080"),
    ],
)
def test_a_proxy_is_read_as_curl_reads_it(text: str, url: str) -> None:
    assert proxy_url(text) == url


def test_the_small_spelling_goes_first_and_passwords_are_secrets() -> None:
    settings = loaded(
        HTTPS_PROXY="http://ann:Hunter2@a.lan:1", https_proxy="http://ann:Winter9@b.lan:2", no_proxy=".lan"
    )
    assert settings.proxies.for_url("https://discord.com") == "http://ann:Winter9@b.lan:2"
    assert settings.proxies.for_url("https://discord.lan") is None
    assert "Winter9" in settings.secrets
    assert "Winter9" not in repr(settings)
    assert "Winter9" not in repr(settings.proxies)
