"""Clicks and forms that no message offers, as a client of one's own can send them: each is asked for its rights."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio

from sandbox.discord.forms import FieldValue
from sandbox.discord.permissions import Permission
from sandbox.discord.person import Person
from sandbox.discord.places import Overwrite
from sandbox.discord.reply import ModalForm, Reply
from tests.acceptance.conftest import House, eventually, final, house_in, picture, with_pictures
from tests.acceptance.showcases import choose_showcase, painted, shown, stands, star
from tests.databases import rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "a wish that nobody else may read"
#: What a click on somebody's private reply, or a form about it, may do for anybody else: nothing.
CLICKS = ("again", "remix", "edit", "details", "delete", "check", "show", "star", "post", "cancel")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    variables = {"MAX_JOBS_PER_USER": "50"}
    async with house_in(tmp_path_factory.mktemp("house"), variables=variables) as whole:
        yield whole


def job_of(house: House, prompt: str) -> str:
    [(job_id,)] = rows(house.database, f"SELECT id FROM jobs WHERE request LIKE '%{prompt}%'")
    return str(job_id)


async def sent_as(person: Person, form: Reply, custom_id: str, values: Mapping[str, FieldValue] | None = None) -> Reply:
    """Fill in a form that was opened honestly, and say that it is another one."""
    assert isinstance(form, ModalForm)
    form.modal = {**form.modal, "custom_id": custom_id}
    return await person.submit(form, values)


@pytest.mark.parametrize("kind", ["imagine", "edit"])
async def test_a_private_request_is_nobody_elses_by_any_click_or_form(
    house: House, tmp_path_factory: pytest.TempPathFactory, kind: str
) -> None:
    options = {"image": picture(tmp_path_factory.mktemp("a") / "a.png")} if kind == "edit" else {}
    prompt = f"{SECRET} {kind}"
    private = await house.ben.command(kind, prompt=prompt, private=True, **options)
    await private.until(with_pictures)
    job = job_of(house, prompt)
    own = await painted(house.ada, f"something of hers beside {kind}")
    bought = len(house.submissions())
    for verb in CLICKS:
        answer = await house.ada.forge(own, f"easel:{verb}:{job}")
        assert not isinstance(answer, ModalForm), verb
        assert answer.ephemeral, verb
        assert SECRET not in answer.message.text, verb
    for identity in (f"easel-form:remix:{job}", f"easel-form:edit:{job}", f"easel-presets:save:{job}"):
        answer = await sent_as(house.ada, await house.ada.press(own, "Remix"), identity)
        assert answer.ephemeral, identity
        assert SECRET not in answer.message.text, identity
    await asyncio.sleep(0.5)
    assert len(house.submissions()) == bought
    assert private.message.pictures
    assert "a wish" in (await house.ben.press(private, "Details")).message.text


async def test_delete_takes_ones_own_reply_and_no_other_message(house: House) -> None:
    """Whose job it is and which message goes are told apart in the button: the one does not vouch for the other."""
    own, other = await painted(house.ben, "mine to delete"), await painted(house.ada, "hers to keep")
    words = await house.ada.post("a message of a person")
    job = job_of(house, "mine to delete")
    for message in (other.message, words):
        answer = await house.ben.forge(own, f"easel-delete:yes:{job}:{message.id}")
        await asyncio.sleep(0.3)
        assert house.ada.seen(message.id), answer.message.text
    # Nor by the click of somebody who has just been asked about theirs.
    private = await house.ada.command("imagine", prompt="hers alone", private=True)
    await private.until(with_pictures)
    await house.ada.press(private, "Delete")
    await house.ben.forge(own, f"easel-delete:yes:{job}:{private.message.id}")
    await asyncio.sleep(0.3)
    assert not private.deleted
    await house.ben.press(await house.ben.press(own, "Delete"), "Yes, delete")
    await eventually(lambda: own.deleted)


async def test_a_forged_click_changes_no_message_that_others_read(house: House) -> None:
    """Panels answer by changing the message of the click, which is a private one unless the click is forged."""
    hers = await painted(house.ada, "her finished fox")
    await painted(house.ben, "a fox to forge with")
    job, before = job_of(house, "a fox to forge with"), (hers.text, hers.message.labels)
    privacy, presets = ("keep", "ask"), ("new:own", "page:own:0", "list")
    identities = [f"easel:{verb}:{job}" for verb in ("show", "delete", "check", "cancel", "star")]
    identities += [f"easel-delete:{it}:{job}:{hers.message.id}" for it in ("no", "yes")]
    identities += [f"easel-{it}" for it in ("showcase:keep", "help:more", "usage:show:mine", "jobs:page:mine:0")]
    identities += [f"easel-privacy:{it}" for it in privacy] + [f"easel-presets:{it}" for it in presets]
    identities += ["easel-preferences:show", "easel-gallery:page:0", "easel-retry:open:x", "easel-confirm:no:x"]
    for identity in identities:
        await house.ben.forge(hers, identity)
    for identity in ("easel-presets:make:own", "easel-presets:add:own", "easel-preferences:save", "easel-gallery:find"):
        await sent_as(house.ben, await house.ben.press(hers, "Remix"), identity)
    await asyncio.sleep(0.5)
    assert (hers.text, hers.message.labels) == before
    assert hers.message.pictures


async def test_a_post_is_taken_out_where_it_stands_and_not_from_elsewhere(house: House) -> None:
    await choose_showcase(house)
    reply = await painted(house.ada, "a shown fox")
    await star(house.ada, reply)
    await stands(house, "a shown fox")
    job = job_of(house, "a shown fox")
    abroad = house.ben.at("dm")
    await abroad.forge(await abroad.command("help"), f"easel-showcase:yes:{job}")
    # Nor by whoever looks after the messages of another channel.
    here = await painted(house.ben, "a fox of Ben's")
    channel = house.discord.world.channel("pictures")
    channel.overwrites[house.ben.user.id] = Overwrite(is_member=True, allow=Permission.MANAGE_MESSAGES)
    try:
        await house.ben.forge(here, f"easel-showcase:yes:{job}")
    finally:
        del channel.overwrites[house.ben.user.id]
    await asyncio.sleep(1.0)
    assert shown(house, "a shown fox")


async def test_numbers_and_names_in_forms_that_no_form_offers_are_refused(house: House) -> None:
    reply = await painted(house.ben, "a fox with numbers")
    job = job_of(house, "a fox with numbers")
    bought = len(house.submissions())
    for number in ("99", "-7", "1e3", "9" * 5000, "", "x"):
        form = await house.ben.press(reply, "Edit")
        assert isinstance(form, ModalForm)
        answer = await sent_as(house.ben, form, f"easel-form:{number[:20] or 'edit'}:{job}", {"prompt": "harm"})
        assert answer.error is None
        await answer.until(final)
    words = ("easel", "easel:", "easel::", "easel-:x", "easel-form", f"easel:again:{job}:x", "easel:" + "x" * 90)
    for identity in words:
        await house.ben.forge(reply, identity)
    assert house.bot.is_running
    assert len(house.submissions()) - bought <= 1
