"""Connections to Discord that go out through the proxy of the settings, the gateway's WebSocket included.

discord.py knows one proxy for everything. Which one is right depends on the address, so it is chosen here, where every
request and every WebSocket of aiohttp comes by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from bot.config.proxies import Proxies

if TYPE_CHECKING:
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace


class ProxyConnector(aiohttp.TCPConnector):
    """Connects directly, or through the proxy that the settings name for the address."""

    def __init__(self, proxies: Proxies) -> None:
        # discord.py's own value: its buckets bound what is asked at once
        super().__init__(limit=0)  # pyright: ignore[reportUnknownMemberType]  # aiohttp leaves one argument untyped
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
