"""What pictures cost: the operator's price list, read from PRICE_LIST.

Prices are whole millionths of a dollar, so that sums are exact. A model without a price is painted and counted, and
costs an unknown amount: where a budget holds, that is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

from bot.model import ImageRequest, Model, Resolution
from bot.policy.catalog import ECHO_CHARS, EntryFaults

INPUT = "input"
MICROS = 1_000_000  # millionths in one US dollar
_AMOUNT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
MAX_PRICE = Decimal(1000)  # US dollars; a higher price for one picture is a slip of the hand


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices in millionths of a US dollar by (model, resolution or "input")."""

    micros: Mapping[tuple[Model, str], int] = field(default_factory=lambda: MappingProxyType({}))

    def cost_micros(self, request: ImageRequest, delivered: int) -> int | None:
        """What `delivered` pictures of this request cost, in millionths of a US dollar.

        None where the list has no price for the model at this resolution. A model without an input price
        takes nothing for the sources of an edit.
        """
        picture = self.micros.get((request.model, request.resolution.value))
        if picture is None:
            return None
        return picture * delivered + self.input_micros(request.model) * len(request.sources)

    def input_micros(self, model: Model) -> int:
        """What each source of an edit costs; 0 where the list has no price for it."""
        return self.micros.get((model, INPUT), 0)

    def unpriced(
        self, models: Sequence[Model], resolutions: Sequence[Resolution] | None = None
    ) -> Sequence[tuple[Model, Resolution]]:
        """What is on offer and has no price: with it no budget can be kept. None or empty offers all resolutions."""
        offered = ((model, resolution) for model in models for resolution in resolutions or Resolution)
        return [(model, resolution) for model, resolution in offered if (model, resolution.value) not in self.micros]


def parse(text: str, models: Sequence[Model] | None) -> Prices:
    """Read `model:resolution=price,model:input=price,…`, prices in US dollars. Raises EntryFaults.

    `models` are those on offer, the only ones that an entry may name; None where they could not be read.
    """
    micros: dict[tuple[Model, str], int] = {}
    reasons: list[str] = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        try:
            key, price = _entry(entry, models)
        except ValueError as fault:
            reasons.append(f'has "{entry[:ECHO_CHARS]}", {fault}')
            continue
        if key in micros:
            reasons.append(f'has two prices for "{key[0]}:{key[1]}"')
        micros[key] = price
    if reasons:
        raise EntryFaults(reasons)
    return Prices(MappingProxyType(micros))


def _entry(entry: str, models: Sequence[Model] | None) -> tuple[tuple[Model, str], int]:
    name, equals, price = (part.strip() for part in entry.partition("="))
    model, colon, kind = (part.strip() for part in name.rpartition(":"))  # a model's id may hold a colon itself
    if not (equals and colon):
        raise ValueError("which is not of the form model:resolution=price")
    if models is not None and model not in models:
        raise ValueError(f"whose model is none of {', '.join(models)}, which MODELS offers")
    kinds = (*Resolution, INPUT)
    if kind not in kinds:
        raise ValueError(f"whose part after the colon is none of {', '.join(kinds)}")
    return (Model(model), kind), _micros(price)


def read_amount(text: str) -> Decimal:
    """A decimal number such as 2.50, as people write it. Raises ValueError; "1e3" and "nan" are none."""
    if not _AMOUNT.fullmatch(text):
        raise ValueError(text)
    return Decimal(text)


def _micros(price: str) -> int:
    try:
        dollars = read_amount(price)
    except ValueError:
        raise ValueError("whose price is not a number") from None
    if not 0 <= dollars <= MAX_PRICE:
        raise ValueError(f"whose price is not between 0 and {MAX_PRICE} US dollars")
    micros = dollars * MICROS
    if micros != micros.to_integral_value():
        raise ValueError("whose price has more than six decimal places")
    return int(micros)
