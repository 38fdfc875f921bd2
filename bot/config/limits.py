"""Part of the table of settings: how much may be asked for, what it costs, and who looks at prompts first.

Money is in micros (millionths of a US dollar) from here on, as whole numbers, so that sums of a year stay exact. A
limit that is left out is None and costs no query.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.config.variable import (
    A_LIMIT,
    A_NUMBER,
    EMPTY,
    OFF,
    About,
    Before,
    Secret,
    SettingFault,
    api_base,
    number,
    one_of,
    secret,
    setting,
    setting_after,
)
from bot.policy.catalog import ModelCatalog
from bot.policy.prices import MICROS, Prices, parse, read_amount
from bot.policy.quotas import Ceilings

MAX_DOLLARS = 1_000_000  # more is a slip of the hand

_AN_AMOUNT = "an amount in US dollars above 0, such as 2.50, or leave it out"


def dollars(text: str) -> int:
    """An amount in US dollars above 0, in micros."""
    try:
        amount = read_amount(text.removeprefix("$"))
    except ValueError:
        raise ValueError("is not an amount of money") from None
    if not 0 < amount <= MAX_DOLLARS:
        raise ValueError(f"is not between 0 and {MAX_DOLLARS} US dollars")
    micros = amount * MICROS
    if micros != micros.to_integral_value():
        raise ValueError("has more than six decimal places")
    return int(micros)


def _prices(text: str, before: Before) -> Prices:
    """The price list, which names only models on offer. Where MODELS is wrong, that alone is said of them."""
    catalog: ModelCatalog | None = before.get("models")
    return parse(text, catalog and catalog.models)


def _budget(text: str, before: Before) -> int:
    """An amount in micros that no request without a price slips through, else it could not be kept.

    Where MODELS is wrong only an empty list of prices is a fault for certain.
    """
    budget = dollars(text)
    prices: Prices | None = before.get("price_list")
    catalog: ModelCatalog | None = before.get("models")
    if prices and not catalog and not prices.micros:
        raise SettingFault("cannot be kept, since PRICE_LIST is empty", "prices into it, or leave the limit out")
    if unpriced := prices.unpriced(catalog.models) if prices and catalog else ():
        missing = ", ".join(f"{model}:{resolution}" for model, resolution in unpriced)
        raise SettingFault(
            f"cannot be kept, since PRICE_LIST has no price for {missing}",
            "a price for each of them into PRICE_LIST, or leave the limit out",
        )
    return budget


@dataclass(frozen=True, kw_only=True)
class LimitSettings:
    """The operator's ceilings, which no server exceeds, and the moderation of prompts."""

    max_jobs_per_user: int = setting(number, About("Jobs a user may have in flight.", A_NUMBER, "5"), 3)
    max_active_jobs: int = setting(
        number, About("Jobs in flight at the image API from this process; more wait in line.", A_NUMBER, "20"), 50
    )
    max_queue_length: int | None = setting(
        number,
        About(
            "Requests that may wait in line, of all processes together; one more is told to come later.",
            A_LIMIT,
            "100",
            OFF,
        ),
        None,
    )
    job_timeout_s: int = setting(
        number, About('After so many seconds at the image API a job ends as "timed out".', A_NUMBER, "900"), 600
    )
    max_pictures_per_user_per_day: int | None = setting(
        number,
        About("Pictures that a user may ask for per day (UTC), in all places together.", A_LIMIT, "40", OFF),
        None,
    )
    max_pictures_per_server_per_day: int | None = setting(
        number,
        About(
            "Pictures per day that may be asked for in one server; it can set less with /settings.", A_LIMIT, "200", OFF
        ),
        None,
    )
    price_list: Prices = setting_after(
        _prices,
        About(
            "Prices for the spend ledger in US dollars, with commas: model:resolution=price for a picture made, "
            "model:input=price for a source given. A model without a price has its pictures counted, not their cost.",
            "entries such as grok-imagine-image:1k=0.02 with commas between them",
            "grok-imagine-image:1k=0.02,grok-imagine-image:input=0.002",
            EMPTY,
        ),
        Prices(),
    )
    max_spend_per_server_per_day: int | None = setting_after(
        _budget,
        About(
            "US dollars per day (UTC) in one server. Needs a price in PRICE_LIST for every model and resolution, as "
            "the three below do.",
            _AN_AMOUNT,
            "5",
            OFF,
        ),
        None,
    )
    max_spend_per_server_per_month: int | None = setting_after(
        _budget, About("US dollars per calendar month (UTC) in one server.", _AN_AMOUNT, "50", OFF), None
    )
    max_spend_per_day: int | None = setting_after(
        _budget, About("US dollars per day (UTC) in all places together.", _AN_AMOUNT, "20", OFF), None
    )
    max_spend_per_month: int | None = setting_after(
        _budget, About("US dollars per calendar month (UTC) in all places together.", _AN_AMOUNT, "200", OFF), None
    )
    moderation_base_url: str | None = setting(
        api_base,
        About(
            "Address of an OpenAI-compatible moderation route, with or without a trailing /v1: each prompt is sent to "
            "/v1/moderations before anything is bought, and a flagged one is refused.",
            "the address of the moderation route, such as https://api.openai.com, or leave it out",
            "https://api.openai.com",
            OFF,
        ),
        None,
    )
    moderation_api_key: Secret | None = setting(
        secret,
        About(
            "Key for the moderation route, sent as a Bearer token to its address and nowhere else.",
            "the key of your account there, or leave it out",
            "sk-…",
            EMPTY,
        ),
        None,
    )
    moderation_model: str | None = setting(
        str,
        About(
            "Model that the moderation route is asked for; left out, the route takes its own.",
            "a name that the moderation route knows, or leave it out",
            "omni-moderation-latest",
            EMPTY,
        ),
        None,
    )
    moderation_when_down: str = setting(
        one_of("allow", "refuse"),
        About("What happens to a prompt while the moderation route does not answer.", "allow or refuse", "allow"),
        "refuse",
    )

    @property
    def moderation_key(self) -> str | None:
        """The key for the moderation route, in plain."""
        return self.moderation_api_key and self.moderation_api_key.get_secret_value()

    @property
    def ceilings(self) -> Ceilings:
        """What no server may exceed."""
        return Ceilings(
            pictures_per_user_day=self.max_pictures_per_user_per_day,
            pictures_per_server_day=self.max_pictures_per_server_per_day,
            spend_per_server_day=self.max_spend_per_server_per_day,
            spend_per_server_month=self.max_spend_per_server_per_month,
            spend_per_day=self.max_spend_per_day,
            spend_per_month=self.max_spend_per_month,
            line_length=self.max_queue_length,
        )
