"""What people send and get lies on the disk for as long as it must: bounded, private, gone when they say so."""

from __future__ import annotations

import asyncio
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from sandbox.image_api.latency import Latency
from sandbox.image_api.studio import PaintMode
from tests.acceptance.conftest import OpenHouse, eventually, final, says, with_pictures
from tests.acceptance.hostile import MOST_DELAY_S, files, honest, spool_of, stranger, unhindered, watched, wished

pytestmark = pytest.mark.asyncio(loop_scope="module")

MB = 1_000_000
#: Long enough for twelve requests to come while the first is painted.
PAINTED_S = 8.0


def large_photo(path: Path, size: int = 9 * MB) -> Path:
    """A plain picture in a large file: noise that stands in no packer's way."""
    side = int((size / 3) ** 0.5)
    Image.effect_noise((side, side), 99).convert("RGB").save(path, "PNG", compress_level=0)
    return path


def used(folder: Path) -> int:
    return sum(it.stat().st_size for it in files(folder))


async def test_replies_deleted_while_they_run_leave_no_sources_and_no_growing_disk(
    open_house: OpenHouse, tmp_path: Path
) -> None:
    photo = large_photo(tmp_path / "a.png")
    async with open_house(latency=Latency.fixed(1.5)) as house:
        alone = await wished(house.ben)
        async with watched(house), unhindered(house.ben, alone):
            for _ in range(3):
                replies = [await house.ada.command("edit", prompt="x", image=photo, image2=photo) for _ in range(3)]
                for reply in replies:
                    await reply.until(says("painting"))
                    await house.ada.delete(reply)
                await eventually(lambda: not list(spool_of(house).rglob("source-*")), 60)
        assert used(spool_of(house)) < 5 * MB


async def test_everything_that_is_written_is_its_users_alone(open_house: OpenHouse, tmp_path: Path) -> None:
    photo = large_photo(tmp_path / "a.png", MB)
    async with open_house(latency=Latency.fixed(2.0)) as house:
        reply = await house.ada.command("edit", prompt="x", image=photo)
        await reply.until(says("painting"))
        root = spool_of(house)
        seen = {it: stat.S_IMODE(it.stat().st_mode) for it in (root, *root.rglob("*"))}
        assert any(it.name.startswith("source-") for it in seen)
        assert set(seen.values()) <= {0o700, 0o600}
        await reply.until(with_pictures)
        await eventually(lambda: not files(root))


@pytest.mark.lengthy
@pytest.mark.timeout(300)
async def test_more_than_a_persons_share_is_refused_kindly_and_nothing_is_bought(
    open_house: OpenHouse, tmp_path: Path
) -> None:
    """Twelve requests of three files of 9 MB: more than 250 MB of one person's, while somebody else's goes through."""
    photo = large_photo(tmp_path / "a.png")
    variables = {"MAX_JOBS_PER_USER": "20"}
    async with open_house(variables=variables, latency=Latency.fixed(PAINTED_S)) as house:
        house.discord.rules = replace(house.discord.rules, upload_limit=100 * MB)
        greedy = stranger(house, 1)
        async with watched(house):
            replies = [
                await greedy.command("edit", prompt="x", image=photo, image2=photo, image3=photo) for _ in range(12)
            ]
            assert await honest(house, photo) - PAINTED_S < MOST_DELAY_S
            ended = await asyncio.gather(*(reply.until(final, 200) for reply in replies))
        refused = [message for message in ended if not message.pictures]
        assert refused
        assert all(says("no room for more attached pictures", "nothing was charged")(it) for it in refused)
        assert all("Again" in it.labels for it in refused)
        assert len(house.submissions()) == len(ended) - len(refused) + 1


async def test_after_delete_my_data_the_disk_holds_nothing_of_the_person(open_house: OpenHouse, tmp_path: Path) -> None:
    photo = large_photo(tmp_path / "a.png", MB)
    async with open_house(latency=Latency.fixed(1.5)) as house:
        await (await house.ben.command("edit", prompt="over", image=photo)).until(with_pictures)
        shelved = await house.ben.command("edit", prompt="on the shelf", image=photo)
        await shelved.until(says("painting"))
        await house.ada.delete(shelved)
        await eventually(lambda: [it.name for it in files(spool_of(house))] == ["picture-1"])
        panel = await house.ben.command("privacy")
        await house.ben.press(panel, "Delete my data")
        await house.ben.press(panel, "Yes, delete it")
        await panel.until(says("Your data is deleted"))
        assert list(spool_of(house).iterdir()) == []
        assert files(Path(str(spool_of(house)).replace(".spool", ".held"))) == []


async def test_pictures_that_came_inside_an_answer_leave_the_disk_with_their_job(open_house: OpenHouse) -> None:
    """One that stands in no message stays: its user may still fetch it."""
    async with open_house(latency=Latency.fixed(1.0), paint=PaintMode.REAL) as house:
        held = Path(str(spool_of(house)).replace(".spool", ".held"))
        for mode in range(3):
            reply = await house.ada.command("imagine", prompt=f"a red fox {mode} [[results-b64]]", count=2)
            await reply.until(with_pictures)
        await eventually(lambda: files(held) == [])
        gone = await house.ada.command("imagine", prompt="a wolf [[results-b64]]")
        await gone.until(says("painting"))
        await house.ada.delete(gone)
        await eventually(lambda: [it.name for it in files(spool_of(house))] == ["picture-1"])
        assert len(files(held)) == 1
