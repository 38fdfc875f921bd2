"""Which addresses may be fetched."""

from __future__ import annotations

import contextlib
import ipaddress
import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from bot.errors import AddressRefused
from bot.image_api.addresses import (
    GuardedResolver,
    at_home,
    check_address,
    is_public,
    normal_host,
    open_host,
    parse_address,
    same_origin,
)
from tests.each import each

PRIVATE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.8.9.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.0.9",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::10.0.0.1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "3fff::1",
    "3fff:fff:ffff::1",
]
FAKE = ["198.18.0.1", "198.18.3.77", "198.19.255.254"]
PUBLIC = ["8.8.8.8", "162.159.128.233", "2606:4700::6810:84e5", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]


@each("text", PRIVATE)
def test_no_private_address_is_public(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@given(st.ip_addresses(v=4))
def test_wrapping_an_address_changes_nothing(inner: ipaddress.IPv4Address) -> None:
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        wrapped = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | int(inner))
        assert is_public(wrapped) == is_public(inner)


@each(
    "address",
    [
        "http://127.0.0.1/x",
        "http://127.1/x",
        "http://2130706433/x",
        "http://0x7f000001/x",
        "http://0x7f.1/x",
        "http://0177.0.0.1/x",
        "http://017700000001/x",
        "http://127.0.0.1./x",
        "http://①②⑦.0.0.1/x",
        "http://[::1]/x",
        "http://[::ffff:127.0.0.1]/x",
        "http://[fe80::1%25eth0]/x",
        "http://169.254.169.254/latest/meta-data/",
        "http://8.8.8.8.8/x",
        "http://999.1.1.1/x",
        "http://./x",
        "http://user:secret@example.com/x",
        "http://user@example.com/x",
        "ftp://example.com/x",
        "file:///etc/passwd",
        "gopher://example.com/x",
        "data:text/plain,x",
        "//example.com/x",
        "/x",
        "",
        "https://example.com/" + "x" * 33_000,
    ],
)
def test_addresses_that_lead_inside_or_nowhere_are_refused(address: str) -> None:
    with pytest.raises(AddressRefused):
        check_address(parse_address(address), ())


@pytest.mark.parametrize("address", ["http://[::1", "http://h:99999/", "http://a\\@b/", "http://％31/"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(AddressRefused):
        parse_address(address)


@pytest.mark.parametrize(
    "address", ["https://cdn.example/a.png", "http://8.8.8.8/x", "https://[2606:4700::6810:84e5]:8443/x", "HTTP://A.de"]
)
def test_public_addresses_pass(address: str) -> None:
    check_address(parse_address(address), ())


def test_a_host_that_settings_name_is_open_at_every_port_and_no_other_is() -> None:
    check_address(URL("http://127.0.0.1:8201/x"), {"127.0.0.1"})
    check_address(URL("http://LOCALHOST.:8201/x"), {"localhost"})
    with pytest.raises(AddressRefused):
        check_address(URL("http://127.0.0.2:8201/x"), {"127.0.0.1"})


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    with contextlib.suppress(AddressRefused):
        check_address(parse_address(f"http://{text}"), ())


def test_signed_addresses_keep_their_spelling() -> None:
    signed = "https://cdn.example/a%2Fb/%7e?sig=a%2bb%3D%3d&x=1,2"
    assert str(parse_address(signed)) == signed


def test_relative_addresses_belong_to_the_api() -> None:
    base = URL("https://api.example/v1/")
    assert str(parse_address("/v1/videos/1/content", base=base)) == "https://api.example/v1/videos/1/content"
    assert str(parse_address("//cdn.example/x", base=base)) == "https://cdn.example/x"


def test_an_origin_is_scheme_host_and_port() -> None:
    api = URL("https://api.example/v1")
    assert same_origin(URL("https://API.example:443/other"), api)
    for other in (
        "http://api.example/",
        "https://api.example:444/",
        "https://api.example.evil/",
        "https://cdn.example",
    ):
        assert not same_origin(URL(other), api)


def test_hosts_have_one_spelling() -> None:
    assert normal_host("[::1]") == "::1"
    assert normal_host(" Proxy.Example.") == "proxy.example"


class Answers(AbstractResolver):
    """A resolver that answers from a list, as a hostile DNS server could."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self.addresses
        ]

    async def close(self) -> None:
        return None


@pytest.mark.parametrize("address", [address for address in PRIVATE if address not in FAKE])
async def test_a_name_that_leads_inside_is_refused(address: str) -> None:
    with pytest.raises(AddressRefused) as caught:
        await GuardedResolver((), Answers(address)).resolve("innocent.example", 9000)
    assert caught.value.host == "innocent.example:9000"


@pytest.mark.parametrize("address", FAKE)
async def test_a_transparent_proxy_may_answer_for_a_name_and_is_no_address_itself(address: str) -> None:
    found = await GuardedResolver((), Answers("10.0.0.1", address)).resolve("cdn.example", 443)
    assert [answer["host"] for answer in found] == [address]
    for literal in (f"http://{address}/a.png", f"http://[::ffff:{address}]/a.png", f"https://{address}:8443/"):
        with pytest.raises(AddressRefused):
            check_address(parse_address(literal), ())


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("minio.lan", "http://minio.lan:9000/a"),
        ("MinIO.lan.", "https://minio.lan/a"),
        ("10.0.0.5:9000", "http://10.0.0.5:9000/a"),
        ("10.0.0.5", "https://10.0.0.5/a"),
        ("[fd00::1]:9000", "http://[fd00::1]:9000/a"),
        ("fd00::1", "http://[fd00::1]/a"),
        ("localhost:80", "http://localhost/a"),
    ],
)
async def test_a_host_of_the_settings_is_open_with_its_port(entry: str, address: str) -> None:
    hosts, url = {open_host(entry)}, parse_address(address)
    check_address(url, hosts)
    await GuardedResolver(hosts, Answers("10.0.0.5")).resolve(url.raw_host or "", url.port or 0)


async def test_a_port_of_the_settings_opens_no_other_port() -> None:
    hosts = {open_host("10.0.0.5:9000"), open_host("minio.lan:9000")}
    for address in ("http://10.0.0.5:9001/a", "http://10.0.0.5/a", "http://10.0.0.6:9000/a"):
        with pytest.raises(AddressRefused) as caught:
            check_address(parse_address(address), hosts)
        assert caught.value.host in address
    with pytest.raises(AddressRefused):
        await GuardedResolver(hosts, Answers("10.0.0.5")).resolve("minio.lan", 22)


@pytest.mark.parametrize(
    ("address", "home", "asked"),
    [
        ("http://api.example/x?a=1", "https://api.example", "https://api.example/x?a=1"),
        ("http://API.example./x", "https://api.example", "https://api.example./x"),
        ("http://api.example:8443/x", "https://api.example:8443", "http://api.example:8443/x"),
        ("http://api.example:81/x", "https://api.example", "http://api.example:81/x"),
        ("http://cdn.example/x", "https://api.example", "http://cdn.example/x"),
        ("https://api.example/x", "http://api.example", "https://api.example/x"),
        ("http://api.example/x", "http://api.example", "http://api.example/x"),
    ],
)
def test_plain_http_of_the_apis_own_host_is_its_https(address: str, home: str, asked: str) -> None:
    assert str(at_home(URL(address), URL(home))) == asked


async def test_of_mixed_answers_only_public_addresses_are_left() -> None:
    found = await GuardedResolver((), Answers("127.0.0.1", "8.8.8.8", "fe80::1")).resolve("mixed.example")
    assert [answer["host"] for answer in found] == ["8.8.8.8"]


async def test_a_name_that_settings_mention_may_lead_inside() -> None:
    found = await GuardedResolver({"images.lan"}, Answers("10.0.0.7")).resolve("Images.LAN.")
    assert [answer["host"] for answer in found] == ["10.0.0.7"]
