"""Part of the table of settings: how the program runs, what it keeps, and what it tells of itself."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from bot.config.variable import (
    A_LIMIT,
    A_NUMBER,
    MAX_PORT,
    OFF,
    About,
    number,
    one_of,
    port,
    setting,
)

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def listening(text: str) -> str:
    """An address of this machine to listen on."""
    try:
        return "127.0.0.1" if text.lower() == "localhost" else str(ip_address(text))
    except ValueError:
        raise ValueError("is no IP address") from None


@dataclass(frozen=True, kw_only=True)
class OperationSettings:
    """Data, questions to the image API, health and the log."""

    keep_data_days: int | None = setting(
        number,
        About(
            "After so many days a request that has ended is deleted, its prompt with it, and the ledger forgets who it "
            "was for. Off, because the buttons under its reply stop working then.",
            A_LIMIT,
            "365",
            OFF,
        ),
        None,
    )
    server_grace_days: int = setting(
        number,
        About("So many days after the bot has left a server its data goes; a return keeps it.", A_NUMBER, "7"),
        30,
    )
    poll_floor_ms: int = setting(
        number,
        About(
            "Least time in milliseconds between two questions about the same task. When to ask is learned from the "
            "tasks before.",
            A_NUMBER,
            "2000",
        ),
        500,
    )
    poll_budget_per_s: int = setting(
        number,
        About(
            "Questions about tasks that this process may ask the image API in a second, all jobs together.",
            A_NUMBER,
            "20",
        ),
        300,
    )
    http_port: int | None = setting(
        port,
        About(
            "Port that serves a status page (/), /healthz (JSON) and /metrics (Prometheus).",
            f"a port from 1 to {MAX_PORT}, or leave it out",
            "8080",
            OFF,
        ),
        None,
    )
    http_host: str = setting(
        listening,
        About(
            "Address of this machine that HTTP_PORT listens on. In a container write 0.0.0.0, all its IPv4 addresses, "
            "or ::, all of both kinds; anywhere else that shows everybody who reaches this machine how the bot is and "
            "what it spends.",
            "an address of this machine: 127.0.0.1, or :: for all of them",
            "0.0.0.0",  # noqa: S104  # an example, for containers
        ),
        "127.0.0.1",
    )
    log_level: str = setting(
        one_of(*LEVELS), About("How much is logged.", f"one of {', '.join(LEVELS)}", "WARNING"), "INFO"
    )
    log_format: str = setting(
        one_of("text", "json"), About("text for people, json for log collectors.", "text or json", "json"), "text"
    )
