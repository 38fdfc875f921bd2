"""Who may talk to the page: this machine's own browser, from the page itself. And the headers every answer carries."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

_OWN_NAMES = frozenset({"127.0.0.1", "localhost"})

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self' ws://{host}",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        # no script of this page may ever write HTML: content is untrusted
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)


def is_own(request: web.Request) -> bool:
    """Whether the request was made to this machine by name or number, and not by another site's script.

    A foreign Host means DNS rebinding, a foreign Origin a page from elsewhere. The port is left to the browser, so
    that a forwarded one works.
    """
    if urlsplit(f"//{request.host}").hostname not in _OWN_NAMES:
        return False
    origin = request.headers.get("Origin")
    return origin is None or origin == f"http://{request.host}"


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse strangers with 403."""
    if not is_own(request):
        raise web.HTTPForbidden(text="The sandbox answers its own page on this machine only.")
    return await handler(request)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """A signal handler for every answer, refusals included."""
    own = is_own(request)
    response.headers["Content-Security-Policy"] = _POLICY.format(host=request.host if own else "127.0.0.1")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers.setdefault("Cache-Control", "no-cache")
