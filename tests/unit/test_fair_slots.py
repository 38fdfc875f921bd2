"""Nobody's transfers hold up those of others."""

from __future__ import annotations

import asyncio

from bot.jobs.fair_slots import MOST_OF_USER, FairSlots

HOLD_S = 0.05


async def test_what_hangs_gives_its_slot_on() -> None:
    slots = FairSlots(2, hold_s=HOLD_S)
    never = asyncio.Event()
    begun: list[str] = []

    async def hang(user: int) -> None:
        async with slots.turn("slow.example", user):
            begun.append("slow")
            await never.wait()

    hanging = [asyncio.create_task(hang(user)) for user in range(6)]
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        async with slots.turn("quick.example", 99):
            began_before = len(begun)
    assert began_before <= 4, "a host that hangs is not served as a whole before another one"
    never.set()
    await asyncio.gather(*hanging)
    assert len(begun) == 6


async def test_one_user_of_a_host_is_not_before_the_others() -> None:
    slots = FairSlots(1)
    order: list[int] = []

    async def transfer(user: int) -> None:
        async with slots.turn("example", user):
            order.append(user)
            await asyncio.sleep(0)

    await asyncio.gather(*(transfer(user) for user in (1, 1, 1, 1, 2)))
    assert order.index(2) <= 2


async def test_a_user_waits_for_their_own_transfers_only() -> None:
    slots = FairSlots(2, hold_s=0.001)
    never = asyncio.Event()
    begun = 0

    async def hang() -> None:
        nonlocal begun
        async with slots.turn("example", 1):
            begun += 1
            await never.wait()

    hanging = [asyncio.create_task(hang()) for _ in range(MOST_OF_USER + 5)]
    await asyncio.sleep(0.2)
    assert begun == MOST_OF_USER
    async with asyncio.timeout(10), slots.turn("example", 2):
        pass
    never.set()
    await asyncio.gather(*hanging)


async def test_what_is_cancelled_while_it_waits_or_works_gives_everything_back() -> None:
    slots = FairSlots(1)
    never = asyncio.Event()

    async def hang() -> None:
        async with slots.turn("example", 1):
            await never.wait()

    tasks = [asyncio.create_task(hang()) for _ in range(3)]
    await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(10), slots.turn("example", 1):
        pass
