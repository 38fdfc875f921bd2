"""The switches of the developer panel: what can go wrong at the image API, at Discord, and with the bot itself."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sandbox.discord.clients import InvalidCommand
from sandbox.discord.faults import Fault
from sandbox.discord.refusals import Json
from sandbox.discord.rules import DEFAULT_RULES
from sandbox.discord.server import LocalDiscord
from sandbox.image_api.scenarios import SCENARIOS, Scenario
from sandbox.image_api.server import LocalImageApi
from sandbox.page.control import BotControl

_KIB = 1024
UPLOAD_LIMITS = {
    "10 MiB, as on Discord": DEFAULT_RULES.upload_limit,
    "1 MiB": _KIB * _KIB,
    "200 KiB": 200 * _KIB,
    "40 KiB": 40 * _KIB,
}
#: Scenarios shown first: those a newcomer asks about.
FEATURED = ("offline", "slow", "busy", "refuse", "balance", "fail", "drop-after-accept", "stuck")
_IMAGE = "image:"


@dataclass(frozen=True, slots=True)
class Switch:
    """One line of the panel. An action happens once; a toggle is on or off."""

    name: str
    label: str
    summary: str
    act: Callable[[], Any]
    is_on: Callable[[], bool] | None = None
    is_open: Callable[[], bool] = lambda: True  # whether it can be turned now


class Switches:
    """All of them, shared by every tab: the world is one."""

    def __init__(self, discord: LocalDiscord, image_api: LocalImageApi | None, bot: BotControl | None) -> None:
        self._discord = discord
        self._image_api = image_api
        self._bot = bot
        self._lasting: dict[str, Fault] = {}
        self._turn = asyncio.Lock()
        self._acting: set[asyncio.Task[None]] = set()
        self._usual_timeout: Mapping[str, str | None] | None = None  # while the other one holds
        self._table = {one.name: one for one in (*self._discord_switches(), *self._bot_switches())}

    def state(self) -> Json:
        """Everything as it stands, for the panel."""
        return {
            "bot": None if self._bot is None else {"running": self._bot.is_running},
            "connected": len(self._discord.gateway.connected) > 0,
            "scenarios": self._scenarios(),
            "switches": [_shown(one) for one in self._table.values()],
            "upload_limit": self._discord.rules.upload_limit,
            "upload_limits": [{"label": label, "bytes": limit} for label, limit in UPLOAD_LIMITS.items()],
        }

    async def turn(self, name: str, value: Any = None) -> None:
        """Turn a switch. Raises InvalidCommand for one that is not there."""
        if name.startswith(_IMAGE):
            self._turn_scenario(name.removeprefix(_IMAGE), on=bool(value))
        elif name == "upload_limit":
            self._limit_uploads(value)
        elif name == "all-off":
            await self._whole(self._all_off())
        elif name in self._table:
            done = self._table[name].act()
            if inspect.iscoroutine(done):
                await self._whole(done)
        else:
            raise InvalidCommand("There is no such switch.")

    def _turn_scenario(self, name: str, *, on: bool) -> None:
        if self._image_api is None or name not in SCENARIOS:
            raise InvalidCommand("There is no such switch.")
        behaviour = self._image_api.behaviour
        if on:
            behaviour.switch_on(name)
        else:
            behaviour.switch_off(name)

    async def _whole(self, act: Coroutine[Any, Any, None]) -> None:
        """Do something to its end, also where the tab that asked for it goes meanwhile: a half restart is none.

        One thing at a time, because two restarts at once are none either.
        """

        async def in_turn() -> None:
            async with self._turn:
                await act

        task = asyncio.create_task(in_turn())
        self._acting.add(task)
        task.add_done_callback(self._acting.discard)
        await asyncio.shield(task)

    async def settle(self) -> None:
        """Wait for what is being done."""
        await asyncio.gather(*self._acting, return_exceptions=True)

    def names_on(self) -> list[str]:
        """The labels of all that is on and lasts."""
        scenarios = sorted(self._image_api.behaviour.active) if self._image_api else []
        return [*scenarios, *(one.label for one in self._table.values() if one.is_on and one.is_on())]

    async def _all_off(self) -> None:
        """Switch off whatever is on."""
        for name in list(self._image_api.behaviour.active) if self._image_api else ():
            self._turn_scenario(name, on=False)
        for one in self._table.values():
            if one.is_on and one.is_on():
                done = one.act()
                if inspect.isawaitable(done):
                    await done

    async def _toggle_timeouts(self, bot: BotControl) -> None:
        """Let requests time out at once, or no longer; the bot reads its settings only at its start."""
        if self._usual_timeout is None:
            self._usual_timeout = bot.set(JOB_TIMEOUT_S="1")
        else:
            bot.set(**self._usual_timeout)
            self._usual_timeout = None
        if bot.is_running:
            await restart(bot)

    def _limit_uploads(self, value: Any) -> None:
        if value not in UPLOAD_LIMITS.values():
            raise InvalidCommand("There is no such limit.")
        self._discord.rules = replace(self._discord.rules, upload_limit=value)

    def _scenarios(self) -> list[Json]:
        if self._image_api is None:
            return []
        active = self._image_api.behaviour.active
        return [
            {
                "name": _IMAGE + scenario.name,
                "label": scenario.name,
                "summary": scenario.summary,
                "group": scenario.group,
                "featured": scenario.name in FEATURED,
                # an outage begins at once and ends by itself: there is nothing to switch off
                "once": scenario.group == "connection",
                "on": scenario.name in active,
                "left": active.get(scenario.name),
            }
            for scenario in sorted(SCENARIOS.values(), key=_rank)
        ]

    def _discord_switches(self) -> list[Switch]:
        faults = self._discord.faults
        edits, answers = "PATCH *", "POST /interactions/*"

        def lasting(name: str, label: str, summary: str, begin: Callable[[], Fault]) -> Switch:
            return Switch(name, label, summary, lambda: self._toggle(name, begin), lambda: name in self._lasting)

        return [
            Switch(
                "expire-tokens",
                "Tokens expire now",
                "Every reply so far is past its 15 minutes",
                self._discord.expire_tokens,
            ),
            Switch(
                "expire-addresses",
                "Picture addresses expire now",
                "Signed addresses handed out so far answer 404",
                self._discord.world.cdn.expire_addresses,
            ),
            lasting(
                "edits-429",
                "Edits are rate limited",
                "Every edit gets 429 with a pause of 2 s",
                lambda: faults.answer(edits, 429, times=None, retry_after=2.0),
            ),
            lasting(
                "edits-500",
                "Edits fail",
                "Every edit gets 500",
                lambda: faults.answer(edits, 500, times=None),
            ),
            lasting(
                "edits-slow",
                "Edits are slow",
                "Every edit takes 3 s longer",
                lambda: faults.slow(edits, 3.0, times=None),
            ),
            lasting(
                "answers-500",
                "Acknowledgements fail",
                "What the bot answers first gets 500",
                lambda: faults.answer(answers, 500, times=None),
            ),
        ]

    def _toggle(self, name: str, begin: Callable[[], Fault]) -> None:
        fault = self._lasting.pop(name, None)
        if fault is None:
            self._lasting[name] = begin()
        else:
            self._discord.faults.remove(fault)

    def _bot_switches(self) -> list[Switch]:
        bot = self._bot
        if bot is None:
            return []
        return [
            Switch(
                "bot-kill",
                "Kill the bot",
                "kill -9: no chance to write anything down",
                bot.kill,
                is_open=lambda: bot.is_running,
            ),
            Switch(
                "bot-start",
                "Start the bot",
                "It picks up every job where it stood",
                bot.start,
                is_open=lambda: not bot.is_running,
            ),
            Switch(
                "bot-restart",
                "Restart the bot",
                "SIGTERM, as a deploy does, and a new start",
                lambda: restart(bot),
                is_open=lambda: bot.is_running,
            ),
            Switch(
                "bot-timeouts",
                "Requests time out at once",
                "JOB_TIMEOUT_S is one second; the bot is restarted. Check again finds the pictures a little later",
                lambda: self._toggle_timeouts(bot),
                lambda: self._usual_timeout is not None,
            ),
        ]


async def restart(bot: BotControl) -> None:
    """End the bot in good order and start it again."""
    await bot.stop()
    await bot.start()


def _rank(scenario: Scenario) -> int:
    """The featured ones first, in their own order; the rest as they are listed."""
    return FEATURED.index(scenario.name) if scenario.name in FEATURED else len(FEATURED)


def _shown(switch: Switch) -> Json:
    return {
        "name": switch.name,
        "label": switch.label,
        "summary": switch.summary,
        "about": "bot" if switch.name.startswith("bot-") else "discord",
        "on": switch.is_on() if switch.is_on else None,
        "open": switch.is_open(),
    }
