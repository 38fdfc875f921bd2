"""Why something could not be reached, in a few words that an operator understands."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Mapping

_BY_KIND: Mapping[type[BaseException], str] = {
    socket.gaierror: "its name is not known to this machine",
    TimeoutError: "no answer in time",
    ConnectionRefusedError: "connection refused",
    ConnectionResetError: "connection broken off",
    BrokenPipeError: "connection broken off",
    ssl.SSLError: "no encrypted connection came about",
}
_BY_NUMBER: Mapping[int, str] = {
    errno.ENETUNREACH: "no way into that network",
    errno.EHOSTUNREACH: "no way to that machine",
}


def cause_of(error: BaseException | None) -> str:
    """The cause in words; the name of the error where there are none."""
    certificate = getattr(error, "certificate_error", None)
    # aiohttp wraps the errors of the operating system and of OpenSSL, which say more
    inner = certificate or getattr(error, "os_error", error)
    if isinstance(inner, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted, {inner.verify_message}: look at the clock of this machine, and where a "
            "proxy of your network signs for others, let SSL_CERT_FILE name that proxy's certificate"
        )
    if isinstance(inner, OSError) and (words := _BY_NUMBER.get(inner.errno or 0)):
        return words
    if type(inner).__str__ is not OSError.__str__ and isinstance(inner, OSError) and not inner.errno:
        return str(inner)  # one of our own, whose text is meant for people
    named = next((words for kind, words in _BY_KIND.items() if isinstance(inner, kind)), None)
    return named or type(inner).__name__
