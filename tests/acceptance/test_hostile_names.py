"""Names that mean harm, of servers, people, roles, channels and files: they stay names wherever they are shown."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from sandbox.discord.cdn import Upload
from sandbox.discord.person import Person
from sandbox.discord.reply import ModalForm, Reply
from tests.acceptance.conftest import House, eventually, final, house_in, picture, set_rules, with_pictures
from tests.acceptance.hostile import files, spool_of, stranger, unhindered, wished

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Markdown, a masked link, mentions, text that turns round, piled marks, controls, and a line of its own.
NAME = "**@everyone** [free](https://evil.example) <@1> \u202etfel\u202c e\u0301\u0301\u0301\u0301\u0301 \x07\n# Big"
#: What none of it may become: a link with a label, a mention, a turn of direction, a heading.
BECOMES = re.compile(r"(?<!\\)\]\(https://evil|@everyone|<@1>|[\u202a-\u202e\u2066-\u2069]|^# Big", re.MULTILINE)
FILES = (
    "../../../etc/passwd.png",
    "a\nb\x00\x1b[31m.png",
    "\u202egnp.exe.png",
    "x" * 300 + ".png",
    "-rf *.png",
    ".png",
)


def texts(reply: Reply) -> Sequence[str]:
    return [state.text for state in reply.states]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house_in(tmp_path_factory.mktemp("house"), variables={"MAX_JOBS_PER_USER": "50"}) as whole:
        await whole.kill_bot()
        stranger(whole, 1)
        guild = whole.discord.world.channel("pictures").guild
        assert guild is not None
        guild.name = NAME
        for role in guild.roles.values():
            role.name = NAME
        whole.discord.world.channel("general").name = NAME
        whole.ben.user.name = NAME
        await whole.start_bot()
        yield whole


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def alone_s(house: House) -> float:
    """Seconds that somebody with an honest name waits in direct messages before anything is tried."""
    return await wished(neighbour(house))


def neighbour(house: House) -> Person:
    return house.discord.person("stranger 1").at("dm")


async def test_names_stay_names_in_cards_panels_and_the_log_channel(house: House, alone_s: float) -> None:
    ada, ben = house.ada, house.ben
    shown: list[Reply] = []
    await set_rules(ada, rule="Log channel", value="#pictures")
    async with unhindered(neighbour(house), alone_s):
        made = await ben.command("imagine", prompt=NAME[:200])
        await made.until(with_pictures)
    shown += [made, await ada.command("settings"), await ada.command("usage")]
    for command in ("help", "jobs", "gallery", "privacy", "presets", "preferences"):
        shown.append(await ben.command(command))
    panel = shown[1]
    for section in ("Access", "Limits", "Offer", "Safety"):
        shown.append(await ada.press(panel, section))
    shown.append(await ada.press(shown[2], "This server") if "This server" in shown[2].labels else shown[2])
    await eventually(lambda: any("request" in it.text.lower() for it in ada.sees()))
    for text in (text for reply in shown for text in texts(reply)):
        assert not BECOMES.search(text), text
    for message in ada.sees():
        if message.author != NAME:
            assert not BECOMES.search(message.text), message.text


async def test_a_files_name_is_no_path_and_no_command(
    house: House, alone_s: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    who, data = house.ben, picture(tmp_path_factory.mktemp("a") / "a.png").read_bytes()
    named = [Upload(name, data) for name in FILES]
    async with unhindered(neighbour(house), alone_s):
        for first, second, third in (named[:3], named[3:]):
            reply = await who.command("edit", prompt="a name", image=first, image2=second, image3=third)
            message = await reply.until(final, 30)
            assert message.pictures, message.text
            assert not BECOMES.search(message.text)
    form = await who.message_menu("Edit image", await who.post("photos", named))
    assert isinstance(form, ModalForm), form.text
    await (await who.submit(form, {"prompt": "by menu"})).until(with_pictures, 30)
    await eventually(lambda: files(spool_of(house)) == [])
    beside = {it.name for it in files(spool_of(house).parent)}
    assert {it for it in beside if not it.startswith("easel.db")} == set()
