"""*Delete my data* leaves nothing of a person on the disk: every byte of it is searched, not only the tables."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.discord.person import Person
from sandbox.discord.reply import ModalForm
from sandbox.image_api.latency import Latency
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import House, OpenHouse, eventually, final, picture, says, with_pictures
from tests.databases import KINDS, rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

WORD = "zebrafinch"
#: A job for each way to end: what is written behind the prompt, and what the reply says then.
ENDS = {
    "delivered": "",
    "in the answer": " [[results-b64]]",
    "refused": " [[refuse]]",
    "uncertain": " [[error-after-accept]]",
    "timed out": " [[stuck]]",
    "lost": " [[fail-silent]]",
}


def folder_of(house: House) -> Path:
    """Where this house's bot keeps everything."""
    return Path(house.bot._environment["TMPDIR"])  # pyright: ignore[reportPrivateUsage] a test's own bot


def stored_bytes(house: House) -> Iterator[tuple[str, bytes]]:
    """All that is on the disk: the files as they are, deleted pages and SQLite's log included, and a dump."""
    for path in folder_of(house).rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes()
    if house.database.startswith("postgresql"):
        dump = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_dump"))
        program = str(dump[-1]) if dump else shutil.which("pg_dump")
        assert program is not None
        yield "dump", subprocess.run([program, house.database], capture_output=True, check=True, timeout=30).stdout


def traces(house: House, *words: str) -> dict[str, list[str]]:
    """Which of the words stand where. On PostgreSQL `words` are looked for in what its users can see."""
    found = {place: [word for word in words if word.encode() in data] for place, data in stored_bytes(house)}
    return {place: said for place, said in found.items() if said}


async def no_traces(house: House, *words: str) -> None:
    """Wait until nothing is left; says where the words stand if something is."""
    with contextlib.suppress(TimeoutError):
        await eventually(lambda: not traces(house, *words))
    assert traces(house, *words) == {}


async def live(house: House, person: Person, photo: Path) -> None:
    """Everything that a person can leave behind."""
    ends = [await person.command("imagine", prompt=f"{WORD} {end}{scenario}") for end, scenario in ENDS.items()]
    await asyncio.gather(*(reply.until(final) for reply in ends))
    edit = await person.command("edit", prompt=f"{WORD} edited", image=photo)
    await edit.until(with_pictures)
    cancelled = await person.command("imagine", prompt=f"{WORD} cancelled [[slow]]")
    await cancelled.until(says("painting"))
    await person.press(cancelled, "Cancel")
    shelved = await person.command("imagine", prompt=f"{WORD} on the shelf [[results-b64]]")
    await shelved.until(says("painting"))
    await house.ada.delete(shelved)
    count = "SELECT count(*) FROM jobs WHERE failure LIKE '%reply_deleted%'"
    await eventually(lambda: rows(house.database, count) == [(1,)])
    await person.choose(await person.command("preferences"), "Who may edit my pictures", "Anyone")
    # Somebody else has a form open on a picture of theirs, and has edited it.
    post = await person.post(f"{WORD} of my own", [photo])
    form = await house.ada.message_menu("Edit image", post)
    assert isinstance(form, ModalForm)
    await (await house.ada.submit(form, {"prompt": "warmer"})).until(with_pictures)
    await house.ada.message_menu("Edit image", post)


@pytest.mark.parametrize("kind", KINDS)
@abreast
async def test_not_a_byte_of_a_person_is_left_on_the_disk(
    open_house: OpenHouse, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    photo = picture(tmp_path_factory.mktemp("photo") / f"{WORD}.png")
    variables = {"JOB_TIMEOUT_S": "4", "MAX_JOBS_PER_USER": "20"}
    async with open_house(kind, variables=variables, latency=Latency.fixed(0.3)) as house:
        ben = house.ben
        await live(house, ben, photo)
        words = (WORD, str(ben.user.id))
        assert traces(house, *words), "the search finds what is there"
        panel = await ben.command("privacy")
        await ben.press(panel, "Delete my data")
        await ben.press(panel, "Yes, delete it")
        await panel.until(says("Your data is deleted"))
        # At once: every word of theirs, and every picture.
        await no_traces(house, WORD)
        held = [it for it in folder_of(house).rglob("*") if it.is_file() and {".held", "held"} & set(names(it))]
        assert held == []
        # And who they are: what they had this month is counted on under a number that is not theirs.
        await eventually(lambda: rows(house.database, "SELECT * FROM meta WHERE name LIKE 'forget:%'") == [])
        await no_traces(house, *words)
        # What is Ada's is there still.
        assert rows(house.database, "SELECT count(*) FROM jobs") == [(1,)]


def names(path: Path) -> list[str]:
    """The endings and names of the folders that a file lies in."""
    return [part.rpartition(".")[1] + part.rpartition(".")[2] for part in path.parts[:-1]]
