"""Which addresses may be fetched: public hosts by http or https, and the few hosts that settings name.

Addresses of pictures come from outside, so they could point into the operator's own network. Every hop is checked
here: literal addresses in the URL, and what DNS answers for a name, which is then the address connected to.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver
from yarl import URL

from bot.errors import AddressRefused

#: Longer than any signed address of an object store; edges add tokens of several kilobytes.
MAX_ADDRESS_CHARS = 32_768

_QUAD = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}")
_NUMBER = re.compile(r"(?:\d+|0x[0-9a-f]*)")
#: Networks that carry an IPv4 address in their last 32 bits, or in the bits after the prefix (6to4).
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_V4_COMPATIBLE = ipaddress.IPv6Network("::/96")
#: Not in the internet either, though Python's own list (3.11) takes them for it: IETF protocol assignments, where a
#: cloud had its metadata (192.0.0.192), and the documentation prefix of RFC 9637.
_NOT_PUBLIC = (ipaddress.IPv4Network("192.0.0.0/24"), ipaddress.IPv6Network("3fff::/20"))
#: What a transparent proxy (Clash, sing-box, Surge) answers for every name, to recognise the connection by. Nothing
#: of the operator's lies there by its purpose (RFC 2544), so it is taken as an answer for a name, never as a literal.
_FAKE_ANSWERS = ipaddress.IPv4Network("198.18.0.0/15")


def normal_host(host: str) -> str:
    """The one spelling of a host name that comparisons use: lower case, no final dot, no brackets."""
    return host.strip().strip("[]").rstrip(".").lower()


def parse_address(text: str, *, base: URL | None = None) -> URL:
    """Read an address from outside, relative ones against `base`. Raises AddressRefused.

    Plain ASCII is taken as it is, since another spelling of an escape can break a signature.
    """
    try:
        url = URL(text, encoded=text.isascii() and text.isprintable() and " " not in text)
        url = url if base is None else base.join(url)
        _origin(url)  # host and port are read when asked for: ask here, where a fault has a name
        return url
    except ValueError as error:
        raise AddressRefused("not an address") from error


def open_host(entry: str) -> str:
    """An entry of RESULT_HOSTS (`minio.lan`, `10.0.0.5:9000`, `[::1]`) in the spelling that comparisons use."""
    bare_ipv6 = entry.count(":") > 1 and not entry.startswith("[")
    url = URL(f"http://[{entry}]" if bare_ipv6 else f"http://{entry}")
    host = normal_host(url.raw_host or "")
    return _named(host, url.explicit_port)


def is_open(host: str, port: int | None, open_hosts: Collection[str]) -> bool:
    """Whether settings name this host, alone or with this port. Hosts are in their normal spelling."""
    with_port = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return host in open_hosts or with_port in open_hosts


def at_home(url: URL, home: URL) -> URL:
    """The same address with the scheme of `home` where it names that host by plain http.

    Gateways behind a TLS proxy take themselves for plain http. Asked so, their edge redirects, and an asking without
    the key in between would be refused.
    """
    same_host = normal_host(url.raw_host or "") == normal_host(home.raw_host or "")
    is_usual = url.scheme == "http" and url.port == 80 and home.scheme == "https" and home.port == 443
    return url.with_scheme("https").with_port(None) if same_host and is_usual else url


def same_origin(one: URL, other: URL) -> bool:
    """Scheme, host and port are the same."""
    return _origin(one) == _origin(other)


def _origin(url: URL) -> tuple[str, str, int | None]:
    return url.scheme, normal_host(url.raw_host or ""), url.port


def is_public(ip: IPv4Address | IPv6Address) -> bool:
    """True for an address in the public internet.

    False for private, loopback, link-local (so also cloud metadata), carrier-grade NAT, unspecified, multicast and
    reserved ones, and for IPv6 addresses that merely wrap an IPv4 address that is none.
    """
    if isinstance(ip, IPv6Address):
        inner = _wrapped_ipv4(ip)
        if inner is not None:
            return ip.teredo is None and is_public(inner)
        if ip.is_site_local or ip.scope_id is not None:
            return False
    if any(ip in network for network in _NOT_PUBLIC):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _wrapped_ipv4(ip: IPv6Address) -> IPv4Address | None:
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip.sixtofour is not None:
        return ip.sixtofour
    if ip.teredo is not None:
        return ip.teredo[1]
    if ip in _V4_COMPATIBLE or any(ip in network for network in _NAT64):
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return None


def check_address(url: URL, open_hosts: Collection[str]) -> None:
    """Let an address pass or raise AddressRefused. Names are checked again when DNS has answered (GuardedResolver).

    `open_hosts` holds hosts in their normal spelling, alone or with a port, that may lie in a private network.
    """
    if url.scheme not in {"http", "https"} or not url.raw_host:
        raise AddressRefused("not an http address")
    if url.user is not None or url.password is not None:
        raise AddressRefused("an address with a user name in it")
    if len(str(url)) > MAX_ADDRESS_CHARS:
        raise AddressRefused("an address that is too long")
    host = normal_host(url.raw_host)
    if not is_open(host, url.port, open_hosts) and not _may_be_public(host):
        raise AddressRefused("an address in a private network", host=_named(host, url.port, url.scheme))


def _named(host: str, port: int | None, scheme: str = "") -> str:
    """A host as RESULT_HOSTS would name it: with its port where that is not the usual one."""
    if port in {None, 0} or port == {"http": 80, "https": 443}.get(scheme):
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _may_be_public(host: str) -> bool:
    """True for a public literal address, and for a name, whose addresses only DNS knows."""
    if ":" in host:
        return _literal_is_public(host)
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        # 2130706433, 0x7f.1 and 0177.0.0.1 are spellings of 127.0.0.1: only the plain dotted quad is taken
        return _QUAD.fullmatch(host) is not None and _literal_is_public(host)
    return bool(host)


def _literal_is_public(text: str) -> bool:
    try:
        return is_public(ipaddress.ip_address(text))
    except ValueError:
        return False


def _may_answer(address: str) -> bool:
    """Whether DNS may answer so for a name."""
    try:
        return ipaddress.ip_address(address) in _FAKE_ANSWERS or _literal_is_public(address)
    except ValueError:
        return False


class GuardedResolver(AbstractResolver):
    """DNS that answers only with addresses that may be connected to.

    aiohttp connects to what its resolver returns, so a name cannot lead elsewhere between the check and the
    connection. Raises AddressRefused where every address of a name is forbidden.
    """

    def __init__(self, open_hosts: Collection[str], resolver: AbstractResolver | None = None) -> None:
        self._open_hosts = frozenset(open_hosts)
        self._resolver = resolver or DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name that may be asked. Raises OSError where none is allowed."""
        answers = await self._resolver.resolve(host, port, family)
        if is_open(normal_host(host), port, self._open_hosts):
            return answers
        allowed = [answer for answer in answers if _may_answer(answer["host"])]
        if answers and not allowed:
            raise AddressRefused("a name that leads into a private network", host=_named(normal_host(host), port))
        return allowed

    async def close(self) -> None:
        """Let the resolver behind it go."""
        await self._resolver.close()
