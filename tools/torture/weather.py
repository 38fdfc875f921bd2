"""Random trouble: with single prompts, with the image API as a whole, and with Discord."""

from __future__ import annotations

import asyncio
import random

from sandbox.discord.faults import Faults
from sandbox.discord.server import LocalDiscord
from sandbox.image_api.server import LocalImageApi

#: Scenarios of the local image API that a prompt may ask for. Those that hang for a minute are left out.
MISFORTUNES = (
    *("busy-once", "busy 2", "busy-date", "busy-bare 1", "busy-503 1", "drop", "drop-after-accept", "error-500"),
    *("error-504-after-accept", "cut-after-accept", "null-in-200", "refuse-at-once", "balance", "bad-input"),
    *("fail", "fail-silent", "refuse", "fewer", "late-addresses", "duplicate", "short-lived", "expired-address"),
    *("status-429", "status-500", "status-404", "status-null", "status-cut", "status-drop", "words-odd", "slow"),
    *("download-403-once", "download-500-once", "download-cut-once", "results-b64", "other-origin", "trickle"),
)
#: Hosts that have nothing for 20 s, in a hard plan.
HARD = ("late-files",) * 6
UNLUCKY = 0.45  # share of prompts that something happens to
DISCORD_EVERY_S = 0.6
GATEWAY_SHARE = 0.03  # of these, how often the gateway is in trouble too
API_EVERY_S = 8.0

PLACES_OF_TROUBLE = (
    "PATCH /webhooks/*/messages/*",
    "PATCH /channels/*/messages/*",
    "POST /channels/*/messages",
    "GET /webhooks/*/messages/*",
    "GET /channels/*/messages/*",
    "POST /interactions/*/callback",
)


def misfortune(chance: random.Random, *, hard: bool) -> str:
    """What a prompt asks for: nothing, or one of MISFORTUNES."""
    possible = MISFORTUNES + HARD if hard else MISFORTUNES
    return f" [[{chance.choice(possible)}]]" if chance.random() < UNLUCKY else ""


async def over_discord(discord: LocalDiscord, chance: random.Random) -> None:
    """Trouble with single requests, and now and then with the gateway. Until cancelled."""
    gateway = discord.gateway
    while True:
        await asyncio.sleep(chance.expovariate(1 / DISCORD_EVERY_S))
        _strike(discord.faults, chance)
        if chance.random() < GATEWAY_SHARE:
            chance.choice((gateway.cut, gateway.ask_to_reconnect, gateway.invalidate))()


def _strike(faults: Faults, chance: random.Random) -> None:
    pattern, processed = chance.choice(PLACES_OF_TROUBLE), chance.random() < 0.5
    times = chance.choice((1, 1, 2, 3))
    match chance.choice(("busy", "cloudflare", "error", "reset", "slow")):
        case "busy":
            faults.answer(pattern, 429, times=times, retry_after=chance.uniform(0.1, 1.5))
        case "cloudflare":
            faults.answer(pattern, 429, times=times, retry_after=0.5, via=False)
        case "error":
            faults.answer(pattern, chance.choice((500, 502, 503)), times=times, processed=processed)
        case "reset":
            faults.reset(pattern, times=times, processed=processed)
        case _:
            faults.slow(pattern, chance.uniform(0.2, 2.0), times=times, processed=processed)


async def over_image_api(image_api: LocalImageApi, chance: random.Random) -> None:
    """Short outages. Until cancelled."""
    while True:
        await asyncio.sleep(chance.expovariate(1 / API_EVERY_S))
        # Some connections break only after a while: by then nobody has noticed, and more are on their way.
        held_s = chance.choice((0.0, 0.5))
        image_api.go_away(chance.uniform(0.2, 2.0), refused=chance.random() < 0.5, held_s=held_s)
