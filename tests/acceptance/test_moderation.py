"""The operator's own moderation of prompts: asked once the reply stands, and before anything is bought."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from tests.acceptance.conftest import House, final, house_in, says, with_pictures
from tests.databases import rows
from tests.integration.uniall_servers import Played, playing, reply
from tests.integration.uniall_servers import Reply as Answer

KEY = "sk-moderation-tell-tale"


class Judge:
    """A moderation route: flags what speaks of dragons, and is ill in the way that `ill` says."""

    def __init__(self) -> None:
        self.ill = ""
        self.elsewhere: Played | None = None

    async def __call__(self, request: web.Request) -> Answer:
        match self.ill:
            case "hangs":
                await asyncio.sleep(30)
            case "cuts":
                return None
            case "fails":
                return reply(500, {"error": {"message": str(await request.text())}})
            case "babbles":
                return reply(200, b"<html>")
            case "says nothing":
                return reply(200, {"results": []})
            case "sends away":
                assert self.elsewhere is not None
                return reply(307, Location=f"{self.elsewhere.url}/v1/moderations")
            case _:
                pass
        asked = await request.json()
        return reply(200, {"id": "1", "model": asked["model"], "results": [{"flagged": "dragon" in asked["input"]}]})


ILLNESSES = ("hangs", "cuts", "fails", "babbles", "says nothing", "sends away")


def variables(route: Played, when_down: str) -> dict[str, str]:
    return {
        "MODERATION_BASE_URL": f"{route.url}/v1",
        "MODERATION_API_KEY": KEY,
        "MODERATION_MODEL": "some-model",
        "MODERATION_WHEN_DOWN": when_down,
        "MAX_JOBS_PER_USER": "20",
        "LOG_LEVEL": "INFO",
    }


@pytest.mark.parametrize("when_down", ["refuse", "allow"])
async def test_a_flagged_prompt_is_never_bought_and_an_outage_follows_the_operators_choice(
    tmp_path: Path, when_down: str, capfd: pytest.CaptureFixture[str]
) -> None:
    judge = Judge()
    async with (
        playing(judge) as elsewhere,
        playing(judge) as route,
        house_in(tmp_path, variables=variables(route, when_down)) as house,
    ):
        judge.elsewhere = elsewhere
        await judged(house, route)
        for illness in ILLNESSES:
            judge.ill = illness
            ill = await house.ada.command("imagine", prompt=f"a quiet fox, it {illness}")
            if when_down == "allow":
                await ill.until(with_pictures)
            else:
                await ill.until(says("could not be checked", "Nothing was charged"))
        assert elsewhere.seen == []
        assert len(house.submissions()) == 1 + (len(ILLNESSES) if when_down == "allow" else 0)
    log = capfd.readouterr().err
    assert "the moderation route gave no usable answer" in log
    assert not [word for word in (KEY, "quiet", "dragon") if word in log]


async def judged(house: House, route: Played) -> None:
    flagged = await house.ada.command("imagine", prompt="a dragon")
    assert says("Waiting in line")(flagged.states[0])
    message = await flagged.until(final)
    assert says("Not allowed here", "Nothing was charged")(message)
    assert "Again" not in message.labels
    assert rows(house.database, "SELECT job_id FROM ledger") == []
    allowed = await house.ada.command("imagine", prompt="a quiet fox")
    await allowed.until(with_pictures)
    assert [it.path for it in route.seen] == ["/v1/moderations"] * 2
    assert route.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert route.seen[0].json == {"input": "a dragon", "model": "some-model"}
    assert [it.submission.prompt for it in house.image_api.accepted] == ["a quiet fox"]
