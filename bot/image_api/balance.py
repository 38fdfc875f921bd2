"""What is left on the account, where a server tells it: undocumented, but common among gateways of its kind.

The route belongs to the program that many such gateways run. Where it does not answer as expected, nothing is said
about money: a wrong balance would be worse than none.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.errors import ImageApiError
from bot.image_api.transport import Transport
from bot.image_api.wire.answers import Unreadable, as_object, read_json

_LIMIT = "hard_limit_usd"
_USED = "total_usage"  # in hundredths of a dollar
#: A number beyond this is no sum of money. Keys without a limit are said to have a hundred million dollars.
_MOST = 1e12


async def balance(transport: Transport) -> float | None:
    """US dollars left, or None where the server does not say. Costs nothing."""
    try:
        limit = await _number(transport, _LIMIT, "subscription")
        used = None if limit is None else await _number(transport, _USED, "usage")
    except (ImageApiError, Unreadable):
        return None
    return None if limit is None or used is None else limit - used / 100


async def _number(transport: Transport, name: str, page: str) -> float | None:
    answer = await transport.ask("dashboard", "billing", page)
    found: Mapping[str, object] = as_object(read_json(answer.body)) if answer.is_success else {}
    value = found.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) <= _MOST else None  # infinity is none, either
