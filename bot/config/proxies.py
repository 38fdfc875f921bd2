"""The way out of this network: which proxy, if any, an address is reached through.

HTTPS_PROXY, HTTP_PROXY and NO_PROXY mean what they mean to curl (its manual, section "Proxy environment variables",
and lib/noproxy.c): a proxy without a scheme speaks http, one without a port listens on 1080, and an entry of NO_PROXY
matches its host and all hosts below it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from urllib.parse import quote, unquote, urlsplit

from bot.config.variable import is_host

_DEFAULT_PORTS = {"http": 1080, "https": 443}  # as curl has them
_SECURE = frozenset({"https", "wss"})


def proxy_url(text: str) -> str:
    """The address of a proxy, whole: with scheme and port, user and password escaped."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "http", text
    scheme = scheme.lower()
    if scheme not in _DEFAULT_PORTS:
        raise ValueError("names a kind of proxy that Easel cannot use: only http and https proxies are")
    # the user ends at the last "@", since a password may hold any other sign
    login, at, server = rest.rpartition("@")
    try:
        parts = urlsplit(f"//{server.partition('/')[0]}")
        host, port = parts.hostname, parts.port or _DEFAULT_PORTS[scheme]
    except ValueError:
        raise ValueError("is not the address of a proxy") from None
    if not host or not is_host(host) or not text.isprintable():
        raise ValueError("is not the address of a proxy")
    user, colon, password = login.partition(":")
    login = f"{quote(unquote(user), safe='')}{colon}{quote(unquote(password), safe='')}{at}"
    return f"{scheme}://{login}{f'[{host}]' if ':' in host else host}:{port}"


@dataclass(frozen=True, slots=True)
class Proxies:
    """What the settings say about the way out. Addresses are those of `proxy_url`; None is no proxy."""

    https: str | None = field(default=None, repr=False)  # may hold a password
    http: str | None = field(default=None, repr=False)
    exceptions: str = ""  # NO_PROXY

    def for_url(self, url: str) -> str | None:
        """The proxy to reach `url` (http, https, ws or wss) through; None for none."""
        parts = urlsplit(url)
        proxy = self.https if parts.scheme in _SECURE else self.http
        if proxy is None or not parts.hostname or _is_excepted(parts.hostname, self.exceptions):
            return None
        return proxy


def _is_excepted(host: str, exceptions: str) -> bool:
    if exceptions.strip() == "*":
        return True
    host = host.lower().rstrip(".")
    return any(_matches(host, entry) for entry in exceptions.lower().replace(",", " ").split())


def _matches(host: str, entry: str) -> bool:
    """Whether one entry of NO_PROXY means this host. An address is only matched by an address or a network."""
    address = entry.removeprefix("[").removesuffix("]")
    try:
        literal = ip_address(host)
    except ValueError:
        name = entry.strip(".")
        return bool(name) and (host == name or host.endswith(f".{name}"))
    try:
        return literal in ip_network(address, strict=False)
    except ValueError:
        return False
