"""What the value of a variable must be: pure checks, each raising ValueError with the end of a sentence about it."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import SecretStr

from bot.policy.prices import MICROS, parse

DISCORD_API_PATH = "/api/v10"
MAX_DOLLARS = 1_000_000  # more is a slip of the hand
_POSTGRESQL = frozenset({"postgresql", "postgres", "postgresql+psycopg"})


def header_value(secret: SecretStr) -> SecretStr:
    """What goes into an Authorization header is one word of visible ASCII."""
    text = secret.get_secret_value()
    if text.lower().startswith(("bot ", "bearer ")):
        raise ValueError('begins with "Bot" or "Bearer", which Easel adds by itself')
    if not (text.isascii() and text.isprintable()) or set(" \"'") & set(text):
        raise ValueError("holds a space, a quote or another sign that cannot be part of it")
    return secret


def http_url(text: str) -> str:
    """An address without the slash at its end."""
    try:
        parts = urlsplit(text)
        port_is_known = parts.port != 0
    except ValueError:
        raise ValueError("is not an address") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_known or not text.isprintable():
        raise ValueError("is not an http or https address")
    if parts.username is not None or parts.query or parts.fragment or " " in text:
        raise ValueError("is not a plain address (it has a user name, a space, ? or # in it)")
    return text.rstrip("/")


def uniall_base(text: str) -> str:
    """The base without the /v1 that every route of the image API begins with."""
    return http_url(text).removesuffix("/v1").rstrip("/")


def discord_base(text: str) -> str:
    """Discord's REST base, which names the version of the API that this program speaks."""
    base = http_url(text)
    if not base.endswith(DISCORD_API_PATH):
        raise ValueError(f"does not end in {DISCORD_API_PATH}")
    return base


def database(url: str) -> str:
    """A SQLite file or a PostgreSQL server; a database in memory would lose every job."""
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        return _sqlite(url, rest)
    if scheme not in _POSTGRESQL:
        raise ValueError("names no kind of database that Easel knows")
    # the server begins after the last "@", since a password may hold any other sign
    server, _, name = rest.rpartition("@")[2].partition("/")
    if not name and "dbname=" not in server:
        raise ValueError("names no database after the server")
    return url


def _sqlite(url: str, rest: str) -> str:
    if rest in {"", "/", "/:memory:"}:
        raise ValueError("names no file to keep the jobs in")
    if not rest.startswith("/"):
        raise ValueError("has a slash too few after sqlite:")
    if "?" in rest:
        raise ValueError("has options after the name of the file")
    return url


def listening(text: str) -> str:
    """An address of this machine to listen on."""
    try:
        return "127.0.0.1" if text.lower() == "localhost" else str(ip_address(text))
    except ValueError:
        raise ValueError("is no IP address") from None


def numbers(text: object) -> object:
    """Whole numbers with commas between them, as a tuple."""
    if not isinstance(text, str):
        return text
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError("is not a list of whole numbers")
    return tuple(int(part) for part in parts)


def prices(text: object) -> object:
    """A price list, read. Raises PriceListFault with a reason for each wrong entry."""
    return parse(text) if isinstance(text, str) else text


def upper(text: object) -> object:
    """Text in capitals, for words in which case means nothing."""
    return text.upper() if isinstance(text, str) else text


def lower(text: object) -> object:
    """Text in small letters, for words in which case means nothing."""
    return text.lower() if isinstance(text, str) else text


def dollars(text: object) -> object:
    """An amount in US dollars above 0, in micros."""
    if not isinstance(text, str):
        return text
    try:
        amount = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        raise ValueError("is not an amount of money") from None
    if not amount.is_finite() or not 0 < amount <= MAX_DOLLARS:
        raise ValueError(f"is not between 0 and {MAX_DOLLARS} US dollars")
    micros = amount * MICROS
    if micros != micros.to_integral_value():
        raise ValueError("has more than six decimal places")
    return int(micros)
