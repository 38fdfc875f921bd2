"""Tests side by side: each waits for its own job most of the time, so those of one module wait together.

`@abreast` makes a test of a coroutine function. When the first of a module comes up, all that were selected are
begun, AT_ONCE of the module at a time (4 where it says nothing), and each test then waits for its own. Parameters
come from `parametrize` and from fixtures of the module; fixtures of the single test are not there.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

Story = Callable[..., Coroutine[Any, Any, None]]
STORY = "__story__"
AT_ONCE = 4
TOLD = pytest.StashKey[bool]()


class Abreast:
    """The stories of one module that are to be told in this run."""

    def __init__(self, at_once: int, *, again: bool) -> None:
        """`again` says that the module was told before, and a story of it that failed is to be told anew, alone."""
        self._again = again
        self._beginnings: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {}
        self._told: dict[str, asyncio.Task[None]] | None = None
        self._room = asyncio.Semaphore(at_once)

    def add(self, name: str, begin: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._beginnings[name] = begin

    async def outcome(self, name: str) -> None:
        """Wait until this story is told; raises what it raised."""
        if not self._told:
            self._told = {name: asyncio.create_task(self._tell(begin)) for name, begin in self._beginnings.items()}
        if name not in self._told:  # run once more after it failed
            self._told[name] = asyncio.create_task(self._tell(self._beginnings[name]))
        try:
            await self._told[name]
        except BaseException:
            self._told.pop(name)
            raise

    async def _tell(self, begin: Callable[[], Coroutine[Any, Any, None]]) -> None:
        async with self._room:
            await begin()


def abreast(story: Story) -> Callable[..., Awaitable[None]]:
    """A test that tells this story beside the others of its module."""

    async def test(stories: Abreast, request: pytest.FixtureRequest, **_: Any) -> None:
        await stories.outcome(request.node.nodeid)

    own = (pytest.FixtureRequest, Abreast)
    extra = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind)
        for name, kind in zip(("request", "stories"), own, strict=True)
    ]
    test.__name__, test.__qualname__, test.__module__ = story.__name__, story.__qualname__, story.__module__
    test.__doc__ = story.__doc__
    setattr(test, "__signature__", inspect.Signature([*inspect.signature(story).parameters.values(), *extra]))  # noqa: B010
    setattr(test, STORY, story)
    return test


@pytest.fixture(scope="module")
def stories(request: pytest.FixtureRequest) -> Abreast:
    """What `@abreast` needs; a fixture of every module that imports it by its conftest."""
    module = request.node
    assert isinstance(module, pytest.Module)
    together = Abreast(getattr(module.obj, "AT_ONCE", AT_ONCE), again=TOLD in module.stash)
    module.stash[TOLD] = True
    for item in request.session.items:
        story: Story | None = getattr(getattr(item, "function", None), STORY, None)
        if isinstance(item, pytest.Function) and item.getparent(pytest.Module) is module and story is not None:
            together.add(item.nodeid, _beginning(item, story, request))
    return together


def _beginning(
    item: pytest.Function, story: Story, request: pytest.FixtureRequest
) -> Callable[[], Coroutine[Any, Any, None]]:
    chosen: dict[str, Any] = item.callspec.params if hasattr(item, "callspec") else {}
    names = inspect.signature(story).parameters
    arguments = {name: chosen[name] if name in chosen else request.getfixturevalue(name) for name in names}
    return lambda: story(**arguments)
