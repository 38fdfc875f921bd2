"""What the torture tells of a job that it counts as lost: the state of its row, on both databases."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.image_api.client import ImageApi
from bot.model import Failure, FailureKind, Job, JobState
from sandbox.discord.server import LocalDiscord
from sandbox.image_api.server import LocalImageApi
from tools.torture.count import count
from tools.torture.fates import read_fates
from tools.torture.stillness import Stillness
from tools.torture.users import Wish

if TYPE_CHECKING:
    from tests.integration.conftest import Scene


async def asked(scene: Scene, prompt: str, *, private: bool = False) -> Job:
    new = scene.new()
    request, target = replace(new.request, prompt=prompt), replace(new.target, ephemeral=private)
    return (await scene.receive(replace(new, request=request, target=target))).job


async def test_a_job_is_told_with_what_its_row_says(scene: Scene, database_url: str) -> None:
    bought, shy, far = [await asked(scene, name, private=name == "shy") for name in ("bought", "shy", "far")]
    bought = await scene.move(bought, JobState.SUBMITTING, attempts=1)
    shy_end = Failure(FailureKind.INTERRUPTED)
    await scene.move(shy, JobState.FAILED, failure=shy_end, announced=True)
    far = await scene.move(far, JobState.DELIVERING, target=replace(far.target, bot_member=False, message_id=5))
    await scene.store.jobs.change(far.id, failure=Failure(FailureKind.UNDELIVERABLE))
    fates = read_fates(database_url)
    words = {prompt: str(fate) for prompt, fate in fates.items()}
    assert words["bought"].startswith("submitting, no task known, not announced, 1 attempts, leased to here until 2026")
    assert words["bought"].endswith("token kept, reply not known, channel of a server")
    assert words["shy"].startswith("failed (interrupted), no task known, announced, 0 attempts, no lease, no token")
    assert words["shy"].endswith("private reply")
    assert words["far"].endswith("reply known, user install, the bot is no member")
    assert [prompt for prompt, fate in fates.items() if fate.is_under_jobs_alone] == ["far"]

    async with LocalDiscord() as discord, LocalImageApi() as api:
        async with ImageApi(base_url=api.base_url, api_key="sandbox") as client:
            await client.submit(bought.request)
        wishes = [Wish(discord.person("Ada"), "bought", late=True), Wish(discord.person("Ada"), "never")]
        counted = count(wishes, api, Stillness(), kills=0, faults=[], fates=fates, at_a_click=0)
    assert not counted.holds
    assert counted.breaches["bought though not acknowledged"] == [f"bought [{words['bought']}; token of 15 s]"]
