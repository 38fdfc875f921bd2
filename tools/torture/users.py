"""People: they ask at random moments in random places, and now and then cancel, delete, or fetch what is late."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

from sandbox.discord.clients import InvalidCommand
from sandbox.discord.permissions import Permission
from sandbox.discord.person import Person
from sandbox.discord.places import Channel, ChannelKind
from sandbox.discord.reply import Reply
from sandbox.discord.server import LocalDiscord
from sandbox.discord.sight import Message
from sandbox.discord.world import World
from tools.torture.weather import misfortune

NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn")
CANCELS, DELETES = 0.04, 0.03  # shares of jobs
LATE = 0.3  # share of commands whose interaction is nearly 15 minutes old
LATE_AGE_S = 885.0
CLICK_EVERY_S = 1.0
TRIES = 5


@dataclass(slots=True)
class Wish:
    """One command, and what became of it. Every prompt is another."""

    person: Person
    prompt: str
    reply: Reply | None = None
    deleted: bool = False
    had_pictures: bool = False  # when it was deleted
    clicks: int = 0
    plan: str = "wait"
    late: bool = False  # its interaction was nearly 15 minutes old
    asked_at: float = 0.0  # by the monotonic clock
    answered_at: float = 0.0

    @property
    def is_acknowledged(self) -> bool:
        """Whether a person sees a job in their channel, not silence or a refusal."""
        return self.reply is not None and any("Cancel" in state.labels for state in self.reply.states)

    @property
    def last(self) -> Message | None:
        return self.reply.states[-1] if self.reply is not None and self.reply.states else None

    @property
    def last_text(self) -> str:
        return self.last.text.replace("\n", " ") if self.last else ""

    @property
    def once_had_pictures(self) -> bool:
        return self.reply is not None and any(state.pictures for state in self.reply.states)

    @property
    def is_stale(self) -> bool:
        """Whether its card says that the job runs."""
        return self.last is not None and "Cancel" in self.last.labels

    @property
    def headline(self) -> str | None:
        """What the reply says about its end; None while the job runs."""
        last = self.last
        return None if last is None or "Cancel" in last.labels else last.text.split("\n")[0].strip("*> ")


def populate(world: World, shards: int) -> Sequence[str]:
    """More users, who may delete what the bot posts, and a server for every shard; returns where people ask."""
    studio = next(iter(world.guilds.values()))
    moderator = world.add_role(studio, "Moderator", Permission.MANAGE_MESSAGES)
    for name in NAMES:
        if name not in world.users:
            world.add_member(studio, world.add_user(name), moderator)
    places = ["pictures", "general", "thread", "dm"]
    served = {(studio.id >> 22) % shards}
    while len(served) < shards:
        guild = world.add_guild(f"Server {len(world.guilds)}", world.user("Ada"))
        if (guild.id >> 22) % shards in served:
            del world.guilds[guild.id]
            continue
        served.add((guild.id >> 22) % shards)
        for name in (*NAMES, world.bot.name):
            world.add_member(guild, world.users[name])
        key = f"server-{len(served)}"
        world.add_channel(Channel(guild.id + 1, key, key, ChannelKind.TEXT, guild))
        places.append(key)
    return places


class Crowd:
    """Everybody together. `wishes` is all that was asked for."""

    def __init__(
        self, discord: LocalDiscord, places: Sequence[str], chance: random.Random, *, hard: bool = False
    ) -> None:
        self._discord = discord
        self._hard = hard
        self._places = places
        self._chance = chance
        self.wishes: list[Wish] = []

    async def ask(self, jobs: int, within_s: float) -> None:
        """So many people's wishes, spread at random over the time."""
        moments = sorted(self._chance.uniform(0, within_s) for _ in range(jobs))
        began = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for moment in moments:
                await asyncio.sleep(max(began + moment - asyncio.get_running_loop().time(), 0))
                group.create_task(self._insist())

    async def fetch(self) -> None:
        """Click Show pictures wherever it stands. Until cancelled."""
        while True:
            await asyncio.sleep(CLICK_EVERY_S)
            for wish in self.wishes:
                if wish.last is not None and "Show pictures" in wish.last.labels:
                    await self._click(wish, "Show pictures")

    async def ask_what_became(self, ended: Container[str]) -> int:
        """Press Cancel on cards that still say that a job runs, of jobs that have `ended`, by their prompts.

        A card that nothing reaches is told how its job ended by a click. Returns how many were.
        """
        stale = [wish for wish in self.wishes if wish.is_stale and wish.prompt in ended and not wish.deleted]
        for wish in stale:
            await self._click(wish, "Cancel")
        return sum(not wish.is_stale for wish in stale)

    async def _insist(self) -> None:
        """Ask, and when the bot does not respond ask anew, as people do."""
        for _ in range(TRIES):
            wish = self._wish()
            await self._live(wish)
            if wish.is_acknowledged:
                return
            await asyncio.sleep(self._chance.uniform(0.5, 2))

    def _wish(self) -> Wish:
        chance = self._chance
        name = chance.choice(NAMES)
        places = [*self._places, *(("elsewhere", "group") if name == "Ada" else ())]
        person = self._discord.person(name, chance.choice(places))
        plan = chance.choices(("cancel", "delete", "wait"), (CANCELS, DELETES, 1 - CANCELS - DELETES))[0]
        wish = Wish(person, f"wish {len(self.wishes)}{misfortune(chance, hard=self._hard)}", plan=plan)
        self.wishes.append(wish)
        return wish

    async def _live(self, wish: Wish) -> None:
        chance = self._chance
        wish.late = chance.random() < LATE
        age_s = LATE_AGE_S if wish.late else 0.0
        self._discord.rules = replace(self._discord.rules, interaction_age_s=age_s)
        wish.asked_at = time.monotonic()
        wish.reply = await wish.person.command(
            "imagine", prompt=wish.prompt, count=chance.randint(1, 2), private=chance.random() < 0.15
        )
        wish.answered_at = time.monotonic()
        if wish.plan == "wait" or wish.reply.error:
            return
        await asyncio.sleep(chance.uniform(0, 4))
        try:
            if wish.plan == "cancel":
                await wish.person.press(wish.reply, "Cancel")
            else:
                pictures = bool(wish.reply.pictures)
                await wish.person.delete(wish.reply)
                wish.deleted, wish.had_pictures = True, pictures
        except InvalidCommand:
            pass  # the pictures were faster, or nobody may delete what only they see

    async def _click(self, wish: Wish, label: str) -> None:
        if wish.reply is None:
            return
        self._discord.rules = replace(self._discord.rules, interaction_age_s=0.0)
        try:
            await wish.person.press(wish.reply, label)
        except InvalidCommand:
            return
        wish.clicks += 1
