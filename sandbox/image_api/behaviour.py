"""The switch board of the local image API: which scenarios are on, for everybody or for one prompt."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bot.model import QUALITY, STANDARD
from sandbox.image_api.scenarios import SCENARIOS
from sandbox.image_api.script import Fate, Fault, Moment, Outage, Phrasing, Scenario, Stage, merged

_MARKER = re.compile(r"\[\[([^\[\]]*)\]\]")
_WORD = re.compile(r"([a-z0-9-]+)(?:\s+(\d+))?\Z")
_EVERY_MOMENT = frozenset(Moment)


@dataclass(slots=True)
class Switch:
    """A scenario that is on. `left` counts the requests it still strikes; None means all of them."""

    scenario: Scenario
    left: int | None

    def __post_init__(self) -> None:
        if self.left is not None and self.left < 1:
            raise ValueError("a scenario is switched on for at least one request")

    @property
    def is_live(self) -> bool:
        return self.left is None or self.left > 0

    def strike(self) -> None:
        """Count one request that the scenario has changed."""
        if self.left is not None:
            self.left -= 1


@dataclass(slots=True)
class Markers:
    """The scenarios that one prompt asks for, and what is left of them."""

    switches: tuple[Switch, ...] = ()


def strip_markers(prompt: str) -> str:
    """The prompt without its `[[…]]` markers, for captions."""
    return " ".join(_MARKER.sub(" ", prompt).split())


def _read_markers(prompt: str) -> Iterator[Switch]:
    for marker in _MARKER.findall(prompt):
        for part in marker.split(","):
            word = _WORD.match(part.strip().lower())
            if word and word[1] in SCENARIOS:
                scenario = SCENARIOS[word[1]]
                times = int(word[2]) if word[2] else scenario.times
                yield Switch(scenario, max(1, times) if times is not None else None)


@dataclass
class Behaviour:
    """What the API does differently from the ordinary. May be changed at any time, from Python or over HTTP.

    `fate` and `phrasing` are the ground on which scenarios lie; set them for what no scenario has a name for.
    `strict` refuses fields that the documented routes do not have. `models` are those that it paints with, told by
    `GET /v1/models`; without `lists_models` it has no such route. `on_outage` is called when an outage begins.
    Where `submissions_per_s` is set, more in a second are refused with 429 and a pause of 1 s.
    """

    fate: Fate = field(default_factory=Fate)
    phrasing: Phrasing = field(default_factory=Phrasing)
    strict: bool = True
    models: tuple[str, ...] = (STANDARD, QUALITY)
    lists_models: bool = True
    on_outage: Callable[[Outage], None] = lambda outage: None
    submissions_per_s: int | None = None
    _taken: deque[float] = field(default_factory=deque[float])
    _switches: dict[str, Switch] = field(default_factory=dict[str, Switch])
    _prompts: dict[str, Markers] = field(default_factory=dict[str, Markers])

    def is_crowded(self) -> bool:
        """Whether this second has no room for one more submission; otherwise it is counted."""
        if self.submissions_per_s is None:
            return False
        now = time.monotonic()
        while self._taken and self._taken[0] <= now - 1:
            self._taken.popleft()
        if len(self._taken) >= self.submissions_per_s:
            return True
        self._taken.append(now)
        return False

    @property
    def active(self) -> Mapping[str, int | None]:
        """The scenarios that are on for everybody, with the number of requests they still strike."""
        return MappingProxyType({name: switch.left for name, switch in self._switches.items() if switch.is_live})

    def switch_on(self, name: str, times: int | None = None) -> None:
        """Switch a scenario on for the next `times` requests, or for as many as it names itself. An outage begins now.

        Raises KeyError for a name that no scenario has, ValueError for `times` below 1.
        """
        scenario = SCENARIOS[name]
        if isinstance(scenario.effect, Outage):
            self.on_outage(scenario.effect)
            return
        self._switches[name] = Switch(scenario, scenario.times if times is None else times)

    def switch_off(self, name: str) -> None:
        """Switch a scenario off; nothing happens if it is not on."""
        self._switches.pop(name, None)

    def reset(self) -> None:
        """Back to the ordinary, for everybody and for every prompt."""
        self.fate, self.phrasing, self.strict = Fate(), Phrasing(), True
        self._switches.clear()
        self._prompts.clear()

    def markers_of(self, prompt: str) -> Markers:
        """The scenarios a prompt asks for. The same prompt gets the same counts, so that a repetition can succeed."""
        if "[[" not in prompt:
            return Markers()
        return self._prompts.setdefault(prompt, Markers(tuple(_read_markers(prompt))))

    def forget(self, prompt: str) -> None:
        """Count anew from here: the prompt's last submission went through without a fault."""
        self._prompts.pop(prompt, None)

    def fresh_markers_of(self, prompt: str) -> Markers:
        """The same with counts of their own, for what an accepted task meets later."""
        return Markers(tuple(_read_markers(prompt)))

    def fault(
        self, stage: Stage, markers: Markers | None = None, moments: frozenset[Moment] = _EVERY_MOMENT
    ) -> Fault | None:
        """The fault that strikes this request, counted as having struck."""
        for switch in self._live(markers):
            effect = switch.scenario.effect
            if isinstance(effect, Fault) and effect.stage is stage and effect.moment in moments:
                switch.strike()
                return effect
        return None

    def fate_of(self, markers: Markers) -> Fate:
        """How a task that is accepted now will end, counted."""
        fate = self.fate
        for switch in self._live(markers):
            if isinstance(switch.scenario.effect, Fate):
                switch.strike()
                fate = merged(fate, switch.scenario.effect)
        return fate

    def phrasing_of(self, markers: Markers | None = None) -> Phrasing:
        """How an answer is worded, counted."""
        phrasing = self.phrasing
        for switch in self._live(markers):
            if isinstance(switch.scenario.effect, Phrasing):
                switch.strike()
                phrasing = merged(phrasing, switch.scenario.effect)
        return phrasing

    def outage_of(self, markers: Markers) -> Outage | None:
        """The outage that follows on the acceptance of a prompt, counted."""
        for switch in self._live(markers):
            if isinstance(switch.scenario.effect, Outage):
                switch.strike()
                return switch.scenario.effect
        return None

    def _live(self, markers: Markers | None) -> Iterator[Switch]:
        everybody = tuple(self._switches.values())
        asked = markers.switches if markers else ()
        return (switch for switch in (*asked, *everybody) if switch.is_live)
