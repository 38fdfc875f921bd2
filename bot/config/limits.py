"""Entries of the table of variables: the operator's ceilings, the moderation of prompts, and how long data is kept."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

from bot.config.kinds import A_NUMBER, EMPTY, OFF, About, Number, Secret
from bot.config.values import dollars, lower, uniall_base

_A_LIMIT = f"{A_NUMBER}, or leave it out"
_AN_AMOUNT = "an amount in US dollars above 0, such as 2.50, or leave it out"

Limit = Number | None
Budget = Annotated[int | None, BeforeValidator(dollars)]

PicturesPerUserPerDay = Annotated[
    Limit,
    About("Pictures that a user may ask for per day (UTC), in all places together.", _A_LIMIT, "40", OFF),
]
PicturesPerServerPerDay = Annotated[
    Limit,
    About(
        "Pictures per day that may be asked for in one server; it can set less with /settings.", _A_LIMIT, "200", OFF
    ),
]
SpendPerServerPerDay = Annotated[
    Budget,
    About(
        "US dollars per day (UTC) in one server, by PRICE_LIST; what has no price is not counted.", _AN_AMOUNT, "5", OFF
    ),
]
SpendPerServerPerMonth = Annotated[
    Budget, About("US dollars per calendar month (UTC) in one server, by PRICE_LIST.", _AN_AMOUNT, "50", OFF)
]
SpendPerDay = Annotated[
    Budget, About("US dollars per day (UTC) in all places together, by PRICE_LIST.", _AN_AMOUNT, "20", OFF)
]
SpendPerMonth = Annotated[
    Budget, About("US dollars per calendar month (UTC) in all places together, by PRICE_LIST.", _AN_AMOUNT, "200", OFF)
]
LineLength = Annotated[
    Limit,
    About(
        "Requests that may wait in line, of all processes together; one more is told to come later.",
        _A_LIMIT,
        "100",
        OFF,
    ),
]

ModerationBaseUrl = Annotated[
    str | None,
    BeforeValidator(lambda text: uniall_base(text) if isinstance(text, str) else text),
    About(
        "Address of an OpenAI-compatible moderation route, with or without a trailing /v1: each prompt is sent to "
        "/v1/moderations before anything is bought, and a flagged one is refused.",
        "the address of the moderation route, such as https://api.openai.com, or leave it out",
        "https://api.openai.com",
        OFF,
    ),
]
ModerationApiKey = Annotated[
    Secret | None,
    About(
        "Key for the moderation route, sent as a Bearer token to its address and nowhere else.",
        "the key of your account there, or leave it out",
        "sk-…",
        EMPTY,
    ),
]
ModerationModel = Annotated[
    str | None,
    About(
        "Model that the moderation route is asked for; left out, the route takes its own.",
        "a name that the moderation route knows, or leave it out",
        "omni-moderation-latest",
        EMPTY,
    ),
]
ModerationWhenDown = Annotated[
    Literal["allow", "refuse"],
    BeforeValidator(lower),
    About("What happens to a prompt while the moderation route does not answer.", "allow or refuse", "allow"),
]

KeepDataDays = Annotated[
    Limit,
    About(
        "After so many days a request that has ended is deleted, its prompt with it, and the ledger forgets who it "
        "was for. Off, because the buttons under its reply stop working then.",
        _A_LIMIT,
        "365",
        OFF,
    ),
]
ServerGraceDays = Annotated[
    Number, About("So many days after the bot has left a server its data goes; a return keeps it.", A_NUMBER, "7")
]
