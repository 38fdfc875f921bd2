"""The lines of servers' logs that wait in the database: how many find room, and which outlast their message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from bot.policy.server_log import LogLine
from bot.store.audit import lines as audit
from bot.store.audit.lines import LogBatch
from bot.store.audit.table import server_log
from tests.integration.conftest import Scene

GATHER, LEASE = timedelta(seconds=2), timedelta(seconds=13)
CHANNEL = 7


def line(text: str, *, is_setting: bool = False) -> LogLine:
    return LogLine(13, CHANNEL, "en-US", text, user_id=1, who="Ada", is_setting=is_setting)


async def claimed(scene: Scene) -> LogBatch:
    """The next batch of the channel."""
    scene.now += GATHER * 2
    (batch,) = await scene.store.server_log.claim("here", now=scene.now, lease=LEASE, gather=GATHER, at_most=5)
    return batch


async def kept(scene: Scene) -> Sequence[str]:
    """What of the server is kept although no message is to tell it."""
    query = select(server_log.c.text).where(server_log.c.channel_id.is_(None)).order_by(server_log.c.seq)
    return await scene.store.run(lambda connection: list(connection.execute(query).scalars()))


async def test_of_more_lines_than_find_room_the_oldest_go_and_are_counted(scene: Scene) -> None:
    first = [line(f"setting {number}", is_setting=True) for number in range(3)]
    await scene.store.server_log.add(first, scene.now)
    await scene.store.server_log.add([line(f"line {it}") for it in range(audit.MAX_WAITING + 17)], scene.now)
    batch = await claimed(scene)
    assert batch.left_out == 20
    assert batch.lines[0].text == "line 17"
    assert await kept(scene) == ['"setting 0"', '"setting 1"', '"setting 2"']
    # Those of a batch stay together, whatever comes after them.
    await scene.store.server_log.add([line(f"late {it}") for it in range(40)], scene.now)
    assert await scene.store.server_log.claim("here", now=scene.now, lease=LEASE, gather=GATHER, at_most=5) == []
    await scene.store.server_log.done(batch)
    following = await claimed(scene)
    assert following.left_out == 40
    assert following.number != batch.number


async def test_of_a_servers_settings_the_latest_are_kept(scene: Scene) -> None:
    count = audit.KEPT_OF_A_SERVER
    for start in (0, count - 10):
        await scene.store.server_log.add(
            [line(f"{start + it}", is_setting=True) for it in range(count - 10)], scene.now
        )
        while waiting := await scene.store.server_log.claim(
            "here", now=scene.now + GATHER * 2, lease=LEASE, gather=GATHER, at_most=5
        ):
            await scene.store.server_log.done(waiting[0])
    left = await kept(scene)
    assert len(left) == count
    assert left[-1] == f'"{2 * count - 21}"'
