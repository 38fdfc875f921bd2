"""Calls to the image API's own origin: the key goes here and nowhere else.

A POST can cost money, so each goes over a fresh connection: a kept-alive one that the server has just closed would
leave open whether the request was read. What is not certain is AnswerLost; only a connection that never came about
is Unreachable. Questions (GET) may always be asked again, so all their trouble is Unreachable.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from urllib.parse import quote

import aiohttp
from yarl import URL

from bot.config.causes import cause_of
from bot.errors import AddressRefused, AnswerLost, Unreachable
from bot.image_api.addresses import at_home, parse_address, same_origin
from bot.image_api.breaker import Breaker
from bot.image_api.counted import counted_call
from bot.image_api.heads import MAX_HEADER_BYTES, MAX_HEADERS, BoundedConnector
from bot.image_api.limits import Limits
from bot.image_api.listener import UNHEARD, ApiListener
from bot.image_api.wire.answers import MAX_TEXT_BYTES, ApiAnswer
from bot.image_api.wire.blobs import MAX_ANSWER_BYTES, AnswerTooLong, BlobFolder, LongStrings
from bot.model import Charged
from bot.telemetry import Measures

log = logging.getLogger(__name__)

USER_AGENT = "Easel"
PIECE_BYTES = 64 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
#: All that can happen to a call on its way. UnicodeError: headers that are no text. OSError: a full disk, too.
BROKEN = (aiohttp.ClientError, TimeoutError, OSError, UnicodeError, AnswerTooLong)


#: The proxy through which an address is reached; None for the direct way.
ProxyFor = Callable[[str], str | None]


def no_proxy(_url: str) -> str | None:
    """Every address is reached directly."""
    return None


@dataclass(slots=True)
class _Contact:
    """Did a connection, with TLS where it is asked for, come about? Before that nothing of a request is sent."""

    made: bool = False


async def _note_contact(_session: object, context: SimpleNamespace, _params: object) -> None:
    context.trace_request_ctx.made = True


def open_session(connector: aiohttp.BaseConnector, *traces: aiohttp.TraceConfig) -> aiohttp.ClientSession:
    """A session that keeps no cookies and reads nothing from the environment."""
    return aiohttp.ClientSession(
        connector=connector,
        trace_configs=list(traces),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": USER_AGENT},
        trust_env=False,
        max_line_size=MAX_HEADER_BYTES,
        max_field_size=MAX_HEADER_BYTES,
        max_headers=MAX_HEADERS,
        raise_for_status=False,
    )


def redirect_target(response: aiohttp.ClientResponse) -> URL | None:
    """Where a response sends its reader; None where it is no redirect. Raises AddressRefused for no address."""
    location = response.headers.get("Location")
    if response.status not in _REDIRECTS or location is None:
        return None
    return parse_address(location, base=response.url)


class Transport:
    """Sends one call each and gives back the Answer, whatever its status. `base` is the address before `/v1`."""

    def __init__(
        self,
        base: URL,
        api_key: str,
        limits: Limits,
        breaker: Breaker,
        holding: BlobFolder,
        measures: Measures,
        proxy_for: ProxyFor = no_proxy,
        listener: ApiListener = UNHEARD,
    ) -> None:
        self._root = base / "v1"
        self._headers = {"Authorization": f"Bearer {api_key}", "Accept": "application/json"}
        self._limits = limits
        self._breaker = breaker
        self._holding = holding
        self._measures = measures
        self._proxy_for = proxy_for
        self._listener = listener
        self._asking: aiohttp.ClientSession | None = None
        self._submitting: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Let the connections go."""
        for session in (self._asking, self._submitting):
            if session is not None:
                await session.close()
        self._asking = self._submitting = None

    async def ask(self, *path: str, of_one_task: bool = False) -> ApiAnswer:
        """GET /v1/`path`. Raises Unreachable where no whole answer came.

        `of_one_task`: what fails may be about the one task that is asked for, see breaker.py. The answer may hold its
        pictures; of the answer to any other question no long string is kept.
        """
        url = self._url(path)
        with self._breaker.call(of_one_task=of_one_task) as verdict, counted_call(self._measures, "GET", *path) as call:
            self._listener.sends("GET", str(url))
            try:
                answer = await self._ask_hop_by_hop(url, may_hold=of_one_task)
            except BROKEN as error:
                verdict.ok = False
                self._listener.breaks(cause_of(error))
                raise Unreachable(f"no whole answer from the image API ({cause_of(error)})") from error
            self._listener.hears(answer)
            call.status = answer.status
            if answer.status < 500:
                verdict.ok = True
            elif not answer.body.lstrip().startswith(b"{"):
                # a fault in JSON is the API's own word about one task, no sign that it is down
                verdict.ok = False
        return answer

    async def submit(
        self,
        *path: str,
        json: Mapping[str, object] | None = None,
        form: aiohttp.FormData | None = None,
        total_s: float,
        user_id: int | None = None,
    ) -> ApiAnswer:
        """POST /v1/`path`, once, for `user_id`, whom a failure may be about, see breaker.py.

        Raises Unreachable where nothing was sent, AnswerLost where it may have arrived.
        """
        timeout = aiohttp.ClientTimeout(total=total_s, sock_connect=self._limits.connect_s)
        contact = _Contact()
        with self._breaker.call(user_id=user_id) as verdict, counted_call(self._measures, "POST", *path) as call:
            self._listener.sends("POST", str(self._url(path)), json)
            try:
                async with self._submitter().post(
                    self._url(path),
                    json=json,
                    data=form,
                    headers=self._headers,
                    timeout=timeout,
                    allow_redirects=False,
                    proxy=self._proxy_for(str(self._root)),
                    trace_request_ctx=contact,
                ) as response:
                    answer = await self._read(response)
            except BROKEN as error:
                verdict.ok = False
                self._listener.breaks(cause_of(error))
                if not contact.made:
                    verdict.user_id = None  # it was not even sent
                    raise Unreachable(f"no connection to the image API ({cause_of(error)})") from error
                raise AnswerLost(
                    f"the connection to the image API broke after the request ({cause_of(error)})",
                    charged=Charged.MAYBE,
                ) from error
            self._listener.hears(answer)
            call.status = answer.status
            verdict.ok = answer.status < 500
        return answer

    def _submitter(self) -> aiohttp.ClientSession:
        """No limit of its own: the caller bounds how many submissions are out, and waiting would look like trouble."""
        if self._submitting is None:
            trace = aiohttp.TraceConfig()
            trace.on_connection_create_end.append(_note_contact)
            # neither comes first; they stand here so that no way leads round the note
            trace.on_connection_reuseconn.append(_note_contact)
            trace.on_request_headers_sent.append(_note_contact)
            self._submitting = open_session(BoundedConnector(force_close=True), trace)
        return self._submitting

    def _url(self, path: tuple[str, ...]) -> URL:
        return self._root.joinpath(*(quote(part, safe="") for part in path), encoded=True)

    async def _ask_hop_by_hop(self, url: URL, *, may_hold: bool) -> ApiAnswer:
        """Follow redirects as long as they stay at the API's origin; any other is given back as it is."""
        if self._asking is None:
            # The polling budget bounds the questions. A limit here would let them wait inside their own timeout.
            self._asking = open_session(BoundedConnector())
        timeout = aiohttp.ClientTimeout(total=self._limits.get_s, sock_connect=self._limits.connect_s)
        for _ in range(self._limits.max_hops):
            way = self._proxy_for(str(url))
            async with self._asking.get(
                url, headers=self._headers, timeout=timeout, allow_redirects=False, proxy=way
            ) as response:
                target = self._next_hop(response)
                if target is None:
                    return await self._read(response, may_hold=may_hold)
                url = target
        raise Unreachable("the image API redirects in a circle; check UNIALL_BASE_URL")

    def _next_hop(self, response: aiohttp.ClientResponse) -> URL | None:
        try:
            target = redirect_target(response)
        except AddressRefused:
            return None
        target = None if target is None else at_home(target, self._root)
        return target if target is not None and same_origin(target, self._root) else None

    async def _read(self, response: aiohttp.ClientResponse, *, may_hold: bool = True) -> ApiAnswer:
        """The whole answer. `may_hold`: there may be pictures in it, as long strings that are then kept."""
        with LongStrings(self._holding, max_bytes=MAX_ANSWER_BYTES if may_hold else MAX_TEXT_BYTES) as text:
            try:
                async for piece in response.content.iter_chunked(PIECE_BYTES):
                    text.feed(piece)
                    # A few bytes may have been unpacked to many pieces of which each takes 50 ms: others go on between.
                    await asyncio.sleep(0)
            except BROKEN:
                if response.status < 300:
                    raise
                # the status says enough: a refusal stays a refusal when its text is lost
            if response.status >= 300 or not may_hold:
                text.discard()
        body = text.finish()
        log.debug("image API %s %s -> %s %.500r", response.method, response.url.path, response.status, body)
        return ApiAnswer(response.status, body, headers_of(response), text.names)


def headers_of(response: aiohttp.ClientResponse) -> Mapping[str, str]:
    """The headers of an answer by their names in lower case."""
    return {name.lower(): value for name, value in response.headers.items()}
