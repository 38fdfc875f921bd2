"""Connections to Discord that go out through the proxy of the settings, the gateway's WebSocket included.

discord.py knows one proxy for everything. Which one is right depends on the address, so it is chosen here, where every
request and every WebSocket of aiohttp comes by.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
from yarl import URL

from bot.config.proxies import Proxies

if TYPE_CHECKING:
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace


CONNECT_S = 30.0
#: Longest that Discord may say nothing once a request is out, in seconds.
SILENCE_S = 120.0
#: How much the kernel may hold of what a connection has yet to send, in bytes. Linux would take up to 4 MB of each
#: upload, which on a slow line is out of sight for minutes after the last piece was read.
UNSENT_BYTES = 128 * 1024


def bound_by_silence(client: discord.Client) -> None:
    """Let requests of a client that has logged in take as long as they need, while Discord does not fall silent.

    aiohttp ends a request after five minutes in all, an upload on a slow line too. discord.py makes the session and
    gives no name to it. Callers bound their requests themselves.
    """
    session: aiohttp.ClientSession = vars(client.http)["_HTTPClient__session"]
    session._timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=SILENCE_S)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # aiohttp names it only for reading


def _socket(address: tuple[Any, ...]) -> socket.socket:
    """A socket for an address as `getaddrinfo` tells it."""
    family, kind, protocol = address[:3]
    made = socket.socket(family, kind, protocol)
    if (unsent := getattr(socket, "TCP_NOTSENT_LOWAT", None)) is not None:  # Linux and macOS know it
        made.setsockopt(socket.IPPROTO_TCP, unsent, UNSENT_BYTES)
    return made


class ProxyConnector(aiohttp.TCPConnector):
    """Connects directly, or through the proxy that the settings name for the address."""

    def __init__(self, proxies: Proxies) -> None:
        # discord.py's own value: its buckets bound what is asked at once
        super().__init__(limit=0, socket_factory=_socket)  # pyright: ignore[reportUnknownMemberType]  # aiohttp leaves one argument untyped
        self._proxies = proxies

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  # aiohttp's own signature
    ) -> Connection:
        """Give a connection for `req`."""
        proxy = self._proxies.for_url(str(req.url))
        if proxy is not None and req.proxy is None:
            url = URL(proxy)
            login = aiohttp.BasicAuth(url.user, url.password or "") if url.user else None
            req.update_proxy(url.with_user(None), login, None)
            if req.url.scheme == "ws":  # a proxy reads the whole address of a plain request, and knows http alone
                req.url = req.url.with_scheme("http")
        return await super().connect(req, traces, timeout)
