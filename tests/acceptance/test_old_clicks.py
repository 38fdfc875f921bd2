"""Clicks that nothing offers any more: of other versions, on what is gone or over, or forged. Each gets a sentence."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio

from sandbox.discord.person import Person
from sandbox.discord.reply import Reply
from tests.acceptance.conftest import House, eventually, final, house_in, says
from tests.acceptance.hostile import files, spool_of
from tests.acceptance.showcases import painted
from tests.acceptance.troubles import dead
from tests.databases import execute, rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

NO_JOB, GONE = "0" * 16, "no longer there"
TOO_OLD = "no longer read this form"
#: What a panel was never asked, by its name.
UNKNOWN: Mapping[str, tuple[str, ...]] = {
    "easel": ("sing:{job}", "again", "again:{job}:x", ""),
    "easel-presets": ("sing", "show:x", "list:mine", "make", "save:{job}:x"),
    "easel-jobs": ("sing", "page:everybody:0", "cancel:{job}", "show"),
    "easel-gallery": ("sing", "older:all:-1", "older:all:x", "date"),
    "easel-usage": ("sing", "show"),
    "easel-privacy": ("sing", "really"),
    "easel-preferences": ("sing",),
    "easel-album": ("sing", "on:2020-13:1", "on:2020-01:x"),
    "easel-delete": ("yes", "yes:{job}", "yes:{job}:x"),
    "easel-showcase": ("sing", "delete"),
    "easel-confirm": ("sing", "yes:x:{job}:y"),
    "easel-retry": ("sing", "open", "send:a:b"),
    "easel-help": ("more",),
    "easel-report": ("sing",),
    "easel-settings": ("sing", "access:0:sing", "access:x:show", "moods:0:show"),
    "easel-mirror": ("sing", "", "again:{job}"),
}
#: What these say instead, to somebody who may press them.
MANAGERS: Mapping[str, str] = {
    "easel-settings": "This panel is out of date",
    "easel-report": "dealt with",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house_in(tmp_path_factory.mktemp("house"), variables={"MAX_JOBS_PER_USER": "50"}) as whole:
        yield whole


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fox(house: House) -> Reply:
    return await painted(house.ben, "a fox of long ago")


def job_of(house: House, prompt: str = "a fox of long ago") -> str:
    [(job_id,)] = rows(house.database, f"SELECT id FROM jobs WHERE request LIKE '%{prompt}%'")
    return str(job_id)


async def answer(person: Person, message: Reply, custom_id: str) -> str:
    """What a press on a button of this name says, in private."""
    reply = await person.forge(message, custom_id)
    assert reply.error is None, custom_id
    told = await reply.until_follow_up() if reply.message.id == message.message.id else reply.message
    assert told.ephemeral, custom_id
    return told.text


@pytest.mark.parametrize("panel", UNKNOWN)
async def test_a_button_that_this_version_does_not_know_says_so(house: House, fox: Reply, panel: str) -> None:
    person = house.ben if panel not in MANAGERS else house.ada
    private = await person.press(fox, "Details")
    for words in UNKNOWN[panel]:
        said = await answer(person, private, f"{panel}:{words.format(job=job_of(house))}")
        assert MANAGERS.get(panel, TOO_OLD) in said, (panel, words, said)


async def test_what_is_over_is_told_as_over(house: House, fox: Reply) -> None:
    """Buttons of a moment ago, on a list or a card that has not been drawn anew since."""
    private, job = await house.ben.press(fox, "Details"), job_of(house)
    for identity, words in (
        (f"easel:cancel:{job}", "Too late to cancel"),
        (f"easel:check:{job}", "already"),
        (f"easel:edit:{job}", "no finished picture"),
        (f"easel:again:{NO_JOB}", "no longer knows"),
        (f"easel-jobs:cancel:{job}:mine:0", "Too late to cancel"),
        (f"easel-jobs:cancel:{NO_JOB}:mine:0", "no longer knows"),
        (f"easel-jobs:show:{NO_JOB}", "no longer knows"),
        (f"easel-delete:yes:{NO_JOB}:1", "no longer knows"),
        (f"easel-presets:show:{NO_JOB}:0", GONE),
        (f"easel-presets:share:{NO_JOB}:0", GONE),
        (f"easel-presets:save:{NO_JOB}", "no longer knows"),
        ("easel-presets:new:server", "Only members with the permission Manage Server"),
        ("easel-presets:make:server", "Only members with the permission Manage Server"),
        (f"easel-retry:open:{NO_JOB}", "no longer kept"),
        (f"easel-confirm:no:{NO_JOB}", "answered already"),
        (f"easel-report:new:{NO_JOB}", "nothing to report"),
    ):
        said = await answer(house.ben, private, identity)
        assert words in said, (identity, said)


async def test_a_click_for_pictures_of_a_request_that_failed_says_that_it_failed(house: House) -> None:
    house.image_api.behaviour.switch_on("refuse-text", 1)
    reply = await house.ben.command("imagine", prompt="a refused fox", private=True)
    ended = await reply.until(final)
    said = await house.ben.forge(reply, f"easel:show:{job_of(house, 'a refused fox')}")
    await eventually(lambda: said.message.text == ended.text)


async def test_missing_pictures_are_asked_for_by_the_button_of_before(house: House) -> None:
    reply = await painted(house.ben, "a fox of two", count=2)
    job = job_of(house, "a fox of two")
    await eventually(lambda: rows(house.database, f"SELECT 1 FROM jobs WHERE id = '{job}' AND state = 'delivered'"))
    await eventually(lambda: not files(spool_of(house)))  # else the click finds them there
    partial = '{"kind": "partial", "charged": "yes", "detail": "1 2"}'
    async with dead(house):  # as if one of them had not been there
        execute(house.database, f"UPDATE jobs SET failure = '{partial}' WHERE id = '{job}'")
    look = await house.ben.press(reply, "Details")
    uploads = len(house.uploads())
    house.image_api.behaviour.switch_on("download-drop")
    try:
        assert "nothing more yet" in await answer(house.ben, look, f"easel:check:{job}")
    finally:
        house.image_api.behaviour.switch_off("download-drop")
    await house.ben.forge(look, f"easel:check:{job}")
    await eventually(lambda: len(house.uploads()) == uploads + 1)
    assert len(reply.pictures) == 2


async def test_a_yes_deletes_the_messages_of_its_own_request_alone(house: House) -> None:
    """The button names request and message side by side; whoever asks for theirs may forge the other one."""
    mine, hers = await painted(house.ben, "a fox to delete"), await painted(house.ada, "a fox to keep")
    words = await house.ada.post("a message of a person")
    job, faults = job_of(house, "a fox to delete"), house.discord.faults
    for message in (hers.message, words):
        question = await house.ben.press(mine, "Delete")
        await house.ben.forge(question, f"easel-delete:yes:{job}:{message.id}")
        await question.until(says("did not let Easel delete"))
        assert house.ada.seen(message.id)
    question = await house.ben.press(mine, "Delete")
    said = await house.ben.forge(question, f"easel-delete:yes:{job_of(house, 'a fox to keep')}:{hers.message.id}")
    assert says("Only the person who asked for this")(said.message)
    faults.answer(f"DELETE /channels/*/messages/{mine.message.id}", 403, code=50013)
    faults.answer("DELETE /webhooks/*/messages/*", 404, code=10015)
    await house.ben.press(question, "Yes, delete")
    await question.until(says("did not let Easel delete"))
    assert mine.message.pictures
    # Somebody else is quicker: then it is gone, as was wished.
    question = await house.ben.press(mine, "Delete")
    await house.ada.delete(mine)
    await house.ben.press(question, "Yes, delete")
    await question.until(says("Deleted"))
