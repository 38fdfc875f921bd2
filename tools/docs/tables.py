"""Writes the computed parts of docs/operators.md: what members cost, and every alert of the alert rules.

Each part stands between two comments of its name. `python -m tools.docs.tables` writes them anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from bot.model import QUALITY, STANDARD, ImageRequest, Model, Resolution
from bot.policy.prices import MICROS, Prices, parse

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "operators.md"
ALERTS = ROOT / "deploy" / "alerts.yml"
DAYS = 30
MEMBERS, PICTURES_A_DAY = (5, 20, 100, 500), (1, 5, 20)
_PRICES = re.compile(r"the\s+notation\s+of\s+`PRICE_LIST`:\s+`([^`]+)`")
#: name, severity, summary, what to do
_ALERT = re.compile(
    r"- alert: (\w+)\n(?:(?!- alert).*\n)*?.*severity: (\w+)\}\n.*\n"
    r'.*summary: "(.+)"\n +runbook: >-\n((?: {12}\S.*\n?)+)'
)


def main() -> None:
    PAGE.write_text(with_tables(PAGE.read_text("utf-8")), "utf-8")


def with_tables(page: str) -> str:
    """The page with its computed parts as they should be."""
    for name, text in {"costs": costs(page), "alerts": alerts()}.items():
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, found, rest = page.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"{PAGE.name} has no part between {begin} and {end}")
        page = f"{before}{begin}\n{text}\n{end}{after}"
    return page


def costs(page: str) -> str:
    """Dollars a month, for the prices that the page itself names as its example."""
    found = _PRICES.search(page)
    if found is None:
        raise ValueError(f"{PAGE.name} names no example of PRICE_LIST")
    prices = parse(found[1], (STANDARD, QUALITY))
    cheap, dear = (STANDARD, Resolution.ONE_K), (QUALITY, Resolution.TWO_K)
    head = "| members who paint | " + " | ".join(f"{number} a day each" for number in PICTURES_A_DAY) + " |"
    lines = [
        f"| {members} | "
        + " | ".join(
            f"{dollars(prices, *cheap, members * each * DAYS)} to {dollars(prices, *dear, members * each * DAYS)}"
            for each in PICTURES_A_DAY
        )
        + " |"
        for members in MEMBERS
    ]
    ends = f"Standard in 1k ({dollars(prices, *cheap, 1)} a picture) to Quality in 2k ({dollars(prices, *dear, 1)})"
    return "\n".join(["", head, "|---" * (len(PICTURES_A_DAY) + 1) + "|", *lines, "", f"From all {ends}.", ""])


def dollars(prices: Prices, model: Model, resolution: Resolution, pictures: int) -> str:
    """What so many pictures cost, as the bot's own ledger counts it."""
    micros = prices.cost_micros(ImageRequest(prompt="x", model=model, resolution=resolution), pictures)
    if micros is None:
        raise ValueError(f"the example has no price for {model} in {resolution}")
    amount = micros / MICROS
    return f"${amount:,.2f}" if amount < 1 else f"${amount:,.0f}"


def rules() -> Mapping[str, tuple[str, str, str]]:
    """By the name of an alert: its severity, its summary and what to do."""
    text = ALERTS.read_text("utf-8")
    return {
        name: (
            severity,
            re.sub(r" at \{\{[^}]*\}\}", "", summary).replace("{{ $labels.state }}", "in one state"),
            " ".join(runbook.split()),
        )
        for name, severity, summary, runbook in _ALERT.findall(text)
    }


def alerts() -> str:
    """A heading for each alert, so that one can be linked to, with its meaning and what to do."""
    parts = [
        f"### {name}\n\n**{summary}** (*{severity}*) {runbook}"
        for name, (severity, summary, runbook) in rules().items()
    ]
    return "\n" + "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
