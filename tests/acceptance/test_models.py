"""MODELS: what is on offer changes between two starts, and nothing that was made with the old models breaks."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image

from sandbox.discord.person import Person
from sandbox.discord.reply import ModalForm, Reply
from tests.acceptance.conftest import House, house_in, says, with_pictures
from tests.acceptance.processes import TOKEN, forked_easel

OLD, NEW, STANDARD = "painter-1", "xai/painter:2", "grok-imagine-image"
LABEL = "New *best*"
SHOWN = r"New \*best\*"  # as a text shows it
BEFORE = {
    "MODELS": f"{OLD}=Classic,{STANDARD}=Standard",
    "PRICE_LIST": f"{OLD}:1k=0.1,{OLD}:2k=0.1,{STANDARD}:1k=0.02,{STANDARD}:2k=0.02",
}
AFTER = {
    "MODELS": f"{NEW}={LABEL},{STANDARD}=Standard",
    "PRICE_LIST": f"{NEW}:1k=0.03,{NEW}:2k=0.03,{STANDARD}:1k=0.02,{STANDARD}:2k=0.02",
    "MAX_SPEND_PER_DAY": "50",
}


@asynccontextmanager
async def a_house(folder: Path, first: Mapping[str, str] = BEFORE) -> AsyncGenerator[House]:
    async with house_in(folder, variables={"MAX_JOBS_PER_USER": "50", **first}) as house:
        yield house


async def now_with(house: House, variables: Mapping[str, str]) -> None:
    """A redeploy with other settings. The image API paints with whatever there is."""
    await house.bot.stop()
    house.bot.set(**variables)
    await house.start_bot()


def any_model(house: House) -> House:
    house.image_api.behaviour.models = (OLD, NEW, STANDARD, "grok-imagine-image-quality")
    return house


async def painted(person: Person, prompt: str = "a red fox", **options: Any) -> Reply:
    reply = await person.command("imagine", prompt=prompt, **options)
    await reply.until(with_pictures)
    return reply


def bought(house: House) -> str:
    return house.image_api.accepted[-1].submission.model


def form_of(answer: Reply) -> ModalForm:
    assert isinstance(answer, ModalForm), answer.message.text
    return answer


def chosen(form: ModalForm, label: str = "Model") -> object:
    return next(field.value for field in form.fields if field.label == label)


def offered(form: ModalForm, label: str = "Model") -> list[str]:
    return [name for name, _ in next(field.options for field in form.fields if field.label == label)]


def choices(person: Person, command: str, option: str) -> list[dict[str, Any]]:
    """The choices of an option, as they are registered."""
    spec = next(it for it in person.commands() if it["name"] == command)
    return cast("list[dict[str, Any]]", next(it for it in spec["options"] if it["name"] == option)["choices"])


async def test_choices_forms_and_cards_follow_the_setting(tmp_path: Path) -> None:
    async with a_house(tmp_path, AFTER) as whole:
        house = any_model(whole)
        ada = house.ada
        for command in ("imagine", "edit"):
            there = choices(ada, command, "model")
            assert [(it["name"], it["value"]) for it in there] == [(LABEL, NEW), ("Standard", STANDARD)]
            assert not there[0].get("name_localizations")  # an operator's label is no sentence of ours
            assert "fr" in there[1]["name_localizations"]
        assert [it["name"] for it in choices(ada, "settings", "models")] == ["all", LABEL, "Standard"]
        suggested = await ada.autocomplete("settings", "value", "", rule="Models")
        assert [(it.name, it.value) for it in suggested] == [(LABEL, NEW), ("Standard", STANDARD)]
        reply = await painted(ada)
        assert (bought(house), house.image_api.accepted[-1].submission.resolution) == (NEW, "1k")
        assert SHOWN in reply.message.text
        assert f"**Settings**: {SHOWN}" in (await ada.press(reply, "Details")).message.text
        remix = form_of(await ada.press(reply, "Remix"))
        assert (offered(remix), chosen(remix)) == ([LABEL, "Standard"], (NEW,))
        await (await ada.submit(remix, Model=["Standard"])).until(with_pictures)
        assert bought(house) == STANDARD
        several = await painted(ada, count=2)
        edit = form_of(await ada.press(several, "Edit"))
        assert offered(edit, "Model and resolution")[:2] == [f"{LABEL}, 1k", f"{LABEL}, 2k"]
        answers = {"Prompt": "in snow", "Model and resolution": [f"{LABEL}, 2k"]}
        await (await ada.submit(edit, answers)).until(with_pictures)
        assert bought(house) == NEW
        usage = await ada.command("usage")
        await usage.until(lambda message: message.pictures)
        panel = await ada.press(usage, "This server's usage")
        await panel.until(lambda message: "By model" in message.text)
        assert f"{SHOWN}: " in panel.message.text


async def test_the_default_models_are_translated_as_ever(tmp_path: Path) -> None:
    async with a_house(tmp_path, {}) as house:
        quality = choices(house.ada, "imagine", "model")[1]
        assert (quality["name"], quality["name_localizations"]["de"]) == ("Quality", "Qualität")
        spec = next(it for it in house.ada.commands() if it["name"] == "imagine")
        about = next(it for it in spec["options"] if it["name"] == "model")
        assert "Standard is quick" in about["description"]


async def test_again_on_a_model_that_is_gone_says_which_there_are_and_can_be_changed(tmp_path: Path) -> None:
    async with a_house(tmp_path) as whole:
        house = any_model(whole)
        reply = await painted(house.ada, "a fox that nobody lost", model="Classic")
        assert bought(house) == OLD
        assert "Classic" in reply.message.text
        await now_with(house, AFTER)
        for person in (house.ada, house.ben):
            before = len(house.submissions())
            refusal = await person.press(reply, "Again")
            assert refusal.ephemeral
            assert says(f"no model {OLD} here any more", f"There are: {SHOWN}, Standard", "Nothing was started")(
                refusal.message
            )
            assert "a fox that nobody lost" in refusal.message.text
            form = form_of(await person.press(refusal, "Change and try again"))
            assert (offered(form), chosen(form)) == ([LABEL, "Standard"], (NEW,))
            assert len(house.submissions()) == before
            await (await person.submit(form)).until(with_pictures)
            assert bought(house) == NEW
        details = await house.ben.press(reply, "Details")
        assert f"**Settings**: {OLD} " in details.message.text
        for button in ("Remix", "Edit"):
            form = form_of(await house.ada.press(reply, button))
            assert (offered(form), chosen(form)) == ([LABEL, "Standard"], (NEW,))
        jobs = await house.ada.command("jobs")
        assert OLD in jobs.message.text
        await now_with(house, BEFORE | {"MAX_SPEND_PER_DAY": ""})
        await (await house.ada.press(reply, "Again")).until(with_pictures)
        assert bought(house) == OLD


async def test_rules_presets_drafts_and_questions_with_a_model_that_is_gone(tmp_path: Path) -> None:
    async with a_house(tmp_path) as whole:
        house = any_model(whole)
        ada, ben = house.ada, house.ben
        form = form_of(await ada.press(await ada.command("presets"), "New preset"))
        await ada.submit(form, Name="Classy", Words="in oil", Model=["Classic"])
        for line in (
            "/settings rule:Defaults for what members leave out value:Classic",
            "/settings models:Classic max_count:2 confirm_over:0.15",
        ):
            settings = await ada.say(line)
            await settings.until(lambda message: not message.loading)
        assert says("**Models**: Classic", "leave out**: Classic")((await ada.press(settings, "Offer")).message)
        refused = await ben.command("imagine", prompt="too many of them", count=4)
        question = await ben.command("imagine", prompt="a dear one", count=2)
        assert "about $0.20" in question.message.text

        await now_with(house, AFTER)

        panel = await ada.press(await ada.command("settings"), "Offer")
        assert "**Models**: all" in panel.message.text
        assert OLD not in panel.message.text
        defaults = form_of(await ada.press(panel, "Change defaults"))
        assert offered(defaults) == ["No default", LABEL, "Standard"]
        await painted(ben)
        assert bought(house) == NEW
        change = form_of(await ben.press(refused, "Change and try again"))
        assert chosen(change) == (NEW,)
        await (await ben.submit(change)).until(with_pictures)
        before = len(house.submissions())
        answer = await ben.press(question, "Confirm")
        assert says(f"no model {OLD}", SHOWN)(answer.message)
        assert len(house.submissions()) == before
        shown = await painted(ada, "a tower", preset="Classy")
        assert bought(house) == NEW
        assert "in oil" in house.image_api.accepted[-1].submission.prompt
        assert shown.message.text.count(OLD) == 0
        picked = await ada.say("/settings models:Standard")
        await picked.until(lambda message: not message.loading)
        assert "**Models**: Standard" in picked.message.text
        refusal = await ben.command("imagine", prompt="x", model=LABEL)
        assert says("not offered here", "Offered: Standard")(refusal.message)


async def test_the_edit_form_that_remembers_a_model_that_is_gone_opens_with_one_that_is_there(tmp_path: Path) -> None:
    async with a_house(tmp_path) as whole:
        house = any_model(whole)
        Image.new("RGB", (64, 64), "teal").save(tmp_path / "d.png")
        message = await house.ada.post("look", files=[tmp_path / "d.png"])
        form = form_of(await house.ada.message_menu("Edit image", message))
        assert chosen(form) == (OLD,)
        await (await house.ada.submit(form, Prompt="in snow", Model=["Classic"])).until(with_pictures)
        await now_with(house, AFTER)
        form = form_of(await house.ada.message_menu("Edit image", message))
        assert (offered(form), chosen(form)) == ([LABEL, "Standard"], (NEW,))
        await (await house.ada.submit(form, Prompt="in rain")).until(with_pictures)
        assert bought(house) == NEW


async def test_a_request_in_line_is_painted_with_the_model_that_it_asked_for(tmp_path: Path) -> None:
    async with a_house(tmp_path, BEFORE | {"MAX_ACTIVE_JOBS": "1"}) as whole:
        house = any_model(whole)
        first = await house.ada.command("imagine", prompt="[[slow]] a fox")
        waiting = await house.ada.command("imagine", prompt="a second fox", model="Classic")
        await now_with(house, AFTER)
        for reply in (first, waiting):
            await reply.until(with_pictures)
        assert [it.submission.model for it in house.image_api.accepted] == [OLD, OLD]


@pytest.mark.parametrize("value", ["a=", "a,a", "a=One,b=one", ",", "a b=C"])
async def test_a_wrong_list_ends_the_start_with_a_sentence(tmp_path: Path, value: str) -> None:
    settings = {"DISCORD_TOKEN": TOKEN, "UNIALL_API_KEY": "key", "MODELS": value, "MAX_JOBS_PER_USER": "0"}
    async with forked_easel(tmp_path, **settings) as bot:
        assert await bot.wait() == 2
    assert [line.split()[0] for line in bot.err] == ["UNIALL_BASE_URL", "MODELS", "MAX_JOBS_PER_USER"]
