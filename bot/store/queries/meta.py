"""Small named texts that outlive the process.

Values are texts, and what they mean is up to whoever wrote them. It is for a handful of names, not for data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Connection, insert, select, update

from bot.store.schema import meta
from bot.store.sync import advisory_locks as locks
from bot.store.thread import Run


class Meta:
    """For instance the hash of the commands that were last registered with Discord."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def get(self, name: str) -> str | None:
        """The text called `name`, None if there is none."""
        query = select(meta.c.value).where(meta.c.name == name)
        return await self._run(lambda connection: connection.execute(query).scalar_one_or_none())

    async def put(self, name: str, value: str) -> None:
        """Write or replace the text called `name` (at most 64 characters)."""

        def write(connection: Connection) -> None:
            change = update(meta).where(meta.c.name == name).values(value=value).returning(meta.c.name)
            if connection.execute(change).first() is None:
                # Should another process be quicker, this fails, and the second try finds its row.
                connection.execute(insert(meta).values(name=name, value=value))

        await self._run(write)

    async def revise(self, prefix: str, change: Callable[[Mapping[str, str]], Mapping[str, str]]) -> Mapping[str, str]:
        """Read all texts whose names begin with `prefix`, write what `change` makes of them, return all as they are.

        No other process writes them in between. `change` must have no effect: it may be called more than once.
        """
        query = select(meta.c.name, meta.c.value).where(meta.c.name.startswith(prefix, autoescape=True))

        def write(connection: Connection) -> Mapping[str, str]:
            # The lock carries the name of what is revised, so that two things of different names never wait.
            locks.hold(connection, [locks.of_name(prefix)])
            texts = {row.name: row.value for row in connection.execute(query)}
            changed = change(texts)
            for name, value in changed.items():
                if name in texts:
                    connection.execute(update(meta).where(meta.c.name == name).values(value=value))
                else:
                    connection.execute(insert(meta).values(name=name, value=value))
            return {**texts, **changed}

        return await self._run(write)
