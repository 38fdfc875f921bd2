"""`/jobs`: what runs and what has ended, Cancel from afar, and pictures whose reply is gone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sandbox.discord.person import Person
from sandbox.discord.reply import Reply
from sandbox.discord.sight import Message
from sandbox.image_api.latency import Latency
from tests.acceptance.abreast import abreast
from tests.acceptance.conftest import House, OpenHouse, eventually, final, house_in, says, with_pictures
from tests.databases import rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOT_YOURS = "only the person who asked for this"
NOBODY_ELSES = "only members with the permission"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house whose jobs take a moment, so that they can be cancelled and their replies deleted."""
    variables = {"MAX_JOBS_PER_USER": "50"}
    async with house_in(tmp_path_factory.mktemp("house"), variables=variables, latency=Latency.fixed(3.0)) as whole:
        yield whole


async def listed(person: Person) -> Reply:
    reply = await person.command("jobs")
    assert reply.ephemeral
    return reply


async def painting(person: Person, prompt: str, **options: object) -> Reply:
    reply = await person.command("imagine", prompt=prompt, **options)  # pyright: ignore[reportArgumentType]
    await reply.until(says("painting"))
    return reply


def button(reply: Reply | Message, word: str, job_id: str = "") -> str:
    """The custom id of a button of the list, such as `cancel` of a job."""
    return next(it.custom_id or "" for it in reply.buttons if f":{word}:{job_id}" in (it.custom_id or ""))


def job_of(house: House, prompt: str) -> str:
    return str(rows(house.database, f"SELECT id FROM jobs WHERE request LIKE '%{prompt}%'")[0][0])


def ended(house: House, prompt: str) -> bool:
    return rows(house.database, f"SELECT told FROM jobs WHERE request LIKE '%{prompt}%'")[0][0] in (1, True)


async def test_a_running_request_is_listed_and_cancelled_from_the_list(house: House) -> None:
    reply = await painting(house.ada, "a running fox")
    panel = await listed(house.ada)
    assert says("Painting", "a running fox", "Go to the reply")(panel.message)
    pressed = await house.ada.press(panel, button(panel, "cancel", job_of(house, "a running fox")))
    assert says("cancelled")(await reply.until(final))
    assert pressed.message.id == panel.message.id
    await house.ada.press(panel, "Refresh")
    assert says("Cancelled", "a running fox")(panel.message)
    assert not [it for it in panel.buttons if "cancel:" in (it.custom_id or "")]


@abreast
async def test_pictures_of_a_deleted_reply_are_found_under_jobs(house: House) -> None:
    reply = await painting(house.ada, "deleted with two pictures", count=2)
    await house.ada.delete(reply)
    await eventually(lambda: ended(house, "deleted with two pictures"))
    job = job_of(house, "deleted with two pictures")
    panel = await listed(house.ada)
    assert says("deleted with two pictures", "the reply was deleted")(panel.message)
    shown = await house.ada.press(panel, button(panel, "show", job))
    message = await shown.until(with_pictures)
    assert message.ephemeral
    assert [it.alt for it in message.pictures] == ["deleted with two pictures"] * 2
    assert len([it for it in house.image_api.accepted if it.submission.prompt == "deleted with two pictures"]) == 1
    assert "deleted with two pictures" not in str([it.json for it in house.ben.sees()])


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@abreast
async def test_they_are_found_after_a_restart_too(open_house: OpenHouse, kind: str) -> None:
    async with open_house(kind, latency=Latency.fixed(3.0)) as house:
        reply = await painting(house.ada, "deleted for good")
        await house.ada.delete(reply)
        await eventually(lambda: ended(house, "deleted for good"))
        await house.restart_bot()
        panel = await listed(house.ada)
        shown = await house.ada.press(panel, "Show pictures")
        assert [it.alt for it in (await shown.until(with_pictures)).pictures] == ["deleted for good"]
        assert len(house.image_api.accepted) == 1


@abreast
async def test_private_pictures_can_be_seen_again_by_their_user_alone(house: House) -> None:
    reply = await house.ben.command("imagine", prompt="a secret", private=True)
    await reply.until(with_pictures)
    job = job_of(house, "a secret")
    panel = await listed(house.ben)
    assert says("a secret", "private: only you see it")(panel.message)
    shown = await house.ben.press(panel, button(panel, "show", job))
    assert (await shown.until(with_pictures)).ephemeral
    others = await listed(house.ada)
    forged = await house.ada.forge(others, f"easel-jobs:show:{job}")
    assert says("Only the person who asked for these pictures")(forged.message)
    assert not forged.pictures
    server = await house.ada.press(others, "This server's requests")
    assert says("a private request")(server.message)
    assert "a secret" not in server.text


@abreast
async def test_who_manages_the_server_sees_and_cancels_what_runs_there(house: House) -> None:
    reply = await painting(house.ben, "a fox of Ben's")
    panel = await listed(house.ada)
    assert "a fox of Ben's" not in panel.text
    server = await house.ada.press(panel, "This server's requests")
    assert says("a fox of Ben's", f"<@{house.ben.user.id}>")(server.message)
    await house.ada.press(panel, button(panel, "cancel", job_of(house, "a fox of Ben''s")))
    assert says("cancelled")(await reply.until(final))


@abreast
async def test_others_neither_see_nor_cancel_it_by_forged_buttons_either(house: House) -> None:
    reply = await painting(house.ada, "a fox of Ada's")
    job = job_of(house, "a fox of Ada''s")
    panel = await listed(house.ben)
    assert "This server's requests" not in panel.labels
    for word in ("page:server:0", "page:channel:0"):
        forged = await house.ben.forge(panel, f"easel-jobs:{word}")
        assert says(NOBODY_ELSES)(forged.message)
    assert says(NOT_YOURS)((await house.ben.forge(panel, f"easel-jobs:cancel:{job}:mine:0")).message)
    # Ben owns the other server, which gives him no right over this one.
    abroad = await listed(house.ben.at("dm"))
    assert says(NOT_YOURS)((await house.ben.at("dm").forge(abroad, f"easel-jobs:cancel:{job}:server:0")).message)
    await reply.until(with_pictures)


async def test_a_long_list_has_pages(open_house: OpenHouse) -> None:
    async with open_house(variables={"MAX_JOBS_PER_USER": "50"}) as house:
        for number in range(8):
            await (await house.ben.command("imagine", prompt=f"number {number}")).until(with_pictures)
        panel = await listed(house.ben)
        assert "number 7" in panel.text
        assert "number 1" not in panel.text
        await house.ben.press(panel, "Older")
        assert says("number 1", "number 0")(panel.message)
        assert "Older" not in panel.labels
        await house.ben.press(panel, "Newer")
        assert says("number 7")(panel.message)
        assert says("Nothing here yet")((await listed(house.ada)).message)
