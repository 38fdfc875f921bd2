"""What `/metrics` tells that is not always known."""

from __future__ import annotations

from bot.ops.health.metrics import Metrics
from bot.policy.catalog import DEFAULT_CATALOG

BALANCE = "easel_image_api_balance_dollars"


def test_a_balance_is_published_only_while_the_image_api_tells_it() -> None:
    metrics = Metrics(DEFAULT_CATALOG.models)
    seen: list[str] = []
    for left in (None, 12.5, 3.0, None, 0.0):
        metrics.balance_left(left)
        seen.append("".join(line for line in metrics.text({}).decode().splitlines() if line.startswith(BALANCE)))
    assert seen == ["", f"{BALANCE} 12.5", f"{BALANCE} 3.0", "", f"{BALANCE} 0.0"]
