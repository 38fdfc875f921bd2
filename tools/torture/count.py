"""What came of every job, as Discord and the image API saw it.

The bot's own word decides nothing, but for pictures that only `/jobs` shows. Beside each job that is counted as lost
stands what its row says, which tells the moment that went wrong.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sandbox.discord.sight import Message
from sandbox.image_api.server import LocalImageApi
from tools.torture.fates import NO_ROW, Fate
from tools.torture.stillness import Stillness
from tools.torture.users import Wish

LOST = "The pictures are lost"
UNWRITTEN = "cannot write down your request"
UNCERTAIN = "Nobody knows whether this was painted"


@dataclass(frozen=True, slots=True)
class Count:
    """How it went. What stands in `breaches` must be nought, each by its name."""

    asked: int
    kills: int
    acknowledged: int
    delivered: int
    ended: Counter[str]
    deleted: int
    bought: int
    clicks: int
    unwritten: int
    listed: int
    at_a_click: int
    faults: Sequence[str]
    breaches: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    @property
    def holds(self) -> bool:
        """Whether every promise was kept."""
        return not any(self.breaches.values())

    def table(self) -> str:
        """For people."""
        return "\n".join(f"{name:<42}{value:>8}" for name, value in self._lines())

    def _lines(self) -> Iterator[tuple[str, object]]:
        yield "commands", self.asked
        yield "kill -9", self.kills
        yield "submissions accepted by the image API", self.bought
        yield "clicks on Show pictures", self.clicks
        yield "refused while nothing could be written", self.unwritten
        yield "jobs acknowledged", self.acknowledged
        yield "  delivered", self.delivered
        yield "  to be fetched under /jobs alone", self.listed
        yield "  end told at a click on its card", self.at_a_click
        yield "  reply deleted by a person", self.deleted
        yield "  uncertain", self.ended[UNCERTAIN]
        for headline, number in sorted(self.ended.items()):
            if headline != UNCERTAIN:
                yield f"  {headline}", number
        for name, found in self.breaches.items():
            yield f"{name} (must be 0)", len(found)
            for one in found[:10]:
                yield f"    {one}", ""


def count(
    wishes: Sequence[Wish],
    image_api: LocalImageApi,
    stillness: Stillness,
    *,
    kills: int,
    faults: Sequence[str],
    fates: Mapping[str, Fate],
    at_a_click: int,
) -> Count:
    """Look at every place and at all that was bought.

    `fates` are what the rows say, by prompt. `at_a_click` is how many cards have told an end when they were pressed.
    """
    listed = {prompt for prompt, fate in fates.items() if fate.is_under_jobs_alone}
    bought = Counter(accepted.submission.prompt for accepted in image_api.accepted)
    posted = _posted(wishes)
    acknowledged = [wish for wish in wishes if wish.is_acknowledged]
    ended = {wish.prompt: headline for wish in acknowledged if (headline := wish.headline) and not wish.deleted}
    refused = [wish for wish in wishes if UNWRITTEN in wish.last_text]
    excused = [wish for wish in refused if stillness.excuses(wish.asked_at, wish.answered_at)]
    breaches: dict[str, list[str]] = {
        "lost": [
            f"{_told(wish, fates)}: {wish.last_text}{' (over its pictures)' if wish.once_had_pictures else ''}"
            for wish in acknowledged
            if not posted[wish.prompt] and wish.prompt not in ended and not wish.deleted and wish.prompt not in listed
        ],
        "told as lost": [
            _told(wish, fates) for wish in acknowledged if ended.get(wish.prompt) == LOST and not posted[wish.prompt]
        ],
        "bought twice": [prompt for prompt, times in bought.items() if times > 1],
        "posted twice": [prompt for prompt, messages in posted.items() if len(messages) > 1],
        "posted after its deletion": [
            wish.prompt for wish in wishes if wish.deleted and not wish.had_pictures and posted[wish.prompt]
        ],
        "bought though not acknowledged": [
            _told(wish, fates) for wish in wishes if not wish.is_acknowledged and bought[wish.prompt]
        ],
        "paid, but said to be free": [
            f"{wish.prompt}: {wish.last_text}"
            for wish in acknowledged
            if "Nothing was charged" in wish.last_text and not _is_free(image_api, wish)
        ],
        "refused for the bookkeeping's sake": [
            f"{wish.prompt}: after {wish.answered_at - wish.asked_at:.1f} s" for wish in refused if wish not in excused
        ],
        "faults of the program": list(faults),
    }
    return Count(
        asked=len(wishes),
        kills=kills,
        acknowledged=len(acknowledged),
        delivered=sum(bool(posted[wish.prompt]) and not wish.deleted for wish in acknowledged),
        ended=Counter(headline for prompt, headline in ended.items() if not posted[prompt]),
        deleted=sum(wish.deleted for wish in acknowledged),
        bought=sum(bought.values()),
        clicks=sum(wish.clicks for wish in wishes),
        unwritten=len(excused),
        at_a_click=at_a_click,
        listed=sum(wish.prompt in listed and not posted[wish.prompt] for wish in acknowledged),
        faults=faults,
        breaches=breaches,
    )


def _told(wish: Wish, fates: Mapping[str, Fate]) -> str:
    """A wish, by what its row says."""
    age = "token of 15 s" if wish.late else "token of 15 min"
    return f"{wish.prompt} [{fates.get(wish.prompt, NO_ROW)}; {age}]"


def _posted(wishes: Sequence[Wish]) -> Mapping[str, Sequence[Message]]:
    """By the prompt of each wish: the messages in its place that show its pictures.

    Thousands are asked for in few places, so each place is looked at once with each pair of eyes.
    """
    seen: dict[tuple[int, int], dict[str, list[Message]]] = {}
    for person in (wish.person for wish in wishes):
        if (place := (person.user.id, person.channel.id)) not in seen:
            seen[place] = defaultdict(list)
            for message in person.sees():
                for alt in {picture.alt for picture in message.pictures}:
                    seen[place][alt].append(message)
    return {wish.prompt: seen[wish.person.user.id, wish.person.channel.id].get(wish.prompt, []) for wish in wishes}


def _is_free(image_api: LocalImageApi, wish: Wish) -> bool:
    """Whether nothing was paid for a wish in the end."""
    tasks = [it for it in image_api.tasks.values() if it.accepted.submission.prompt == wish.prompt]
    return all(task.refunded for task in tasks)
