"""The bench of a year asks the store everything that can be asked of it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.store.store import Store
from tests.databases import sqlite_url
from tools.benchmarks.year.__main__ import ACTS
from tools.benchmarks.year.background import EXCEPTIONS
from tools.benchmarks.year.filling import fill
from tools.benchmarks.year.shape import Shape
from tools.benchmarks.year.world import World

JOBS = 200  # so few that all acts together take a second or two


def questions(store: Store) -> set[str]:
    """All public methods of the store and of its parts that touch the database, such as `lists.page`."""
    parts = {name: it for name, it in vars(store).items() if not name.startswith("_")}
    found = {name for name, _ in inspect.getmembers(store, inspect.iscoroutinefunction) if not name.startswith("_")}
    for part, it in parts.items():
        methods = inspect.getmembers(it, inspect.iscoroutinefunction)
        found |= {f"{part}.{name}" for name, _ in methods if not name.startswith("_")}
    return found


class Asked:
    """A part of the store that notes which of its methods are called."""

    def __init__(self, name: str, part: object, asked: set[str]) -> None:
        self._name, self._part, self._asked = name, part, asked

    def __getattr__(self, method: str) -> Callable[..., Any]:
        self._asked.add(f"{self._name}.{method}".lstrip("."))
        return getattr(self._part, method)


async def test_every_question_to_the_store_is_an_act_of_the_bench_or_an_exception_with_its_reason(
    tmp_path: Path,
) -> None:
    url, asked = sqlite_url(tmp_path), set[str]()
    await asyncio.to_thread(fill, url, Shape(JOBS))
    store = await Store.open(url)
    known = questions(store)
    watched: Any = Asked("", store, asked)
    for name in {it.split(".")[0] for it in known if "." in it}:
        vars(watched)[name] = Asked(name, getattr(store, name), asked)
    for number, act in enumerate(ACTS, start=1):
        world = World(store, Shape(JOBS), number)
        subject = await act.prepare(world)
        world.store = watched
        await act.do(world, subject)
    await store.close()

    assert known - asked == set(EXCEPTIONS), "give the bench an act for it, in tools/benchmarks/year"
    assert all(EXCEPTIONS.values())
