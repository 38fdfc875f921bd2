"""`check --paint` against the local image API in every scenario: one request, no secret, an honest end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence

import pytest
from aiohttp import web

from bot.config.settings import Settings, load
from bot.ops.check.conversation import Conversation
from bot.ops.check.findings import Finding, Status
from bot.ops.check.paint import Pace, buy
from sandbox.image_api.latency import Latency
from sandbox.image_api.scenarios import SCENARIOS
from sandbox.image_api.server import LocalImageApi
from sandbox.image_api.studio import PaintMode
from tests.integration.uniall_servers import HURRY, JPEG, Reply, playing, reply

KEY = "sk-sandbox-nobody-may-see"
TOKEN = "Abcdefghijklmnopqrstuvwxyz.Abcdef.abcdefghijklmnopqrstuvwxyz0"
QUICK = Pace(pause_s=0.02, later_s=0.02, nothing_else_s=0.2)
#: These take time by design, or begin by themselves.
SLOW = {"slow", "very-slow", "stuck", "short-lived", "offline", "resets", "trickle", "status-trickle"} | {
    "download-trickle",
    "poll-pause",
}


def settings_of(base_url: str, mode: str = "tasks", **others: str) -> Settings:
    required = {"DISCORD_TOKEN": TOKEN, "UNIALL_API_KEY": KEY, "UNIALL_BASE_URL": base_url, "JOB_TIMEOUT_S": "3"}
    return load(None, {**required, "UNIALL_MODE": mode, **others})


@pytest.fixture
async def api() -> AsyncIterator[LocalImageApi]:
    async with LocalImageApi(api_key=KEY, latency=Latency.zero(), paint=PaintMode.TINY) as started:
        yield started


async def bought(base_url: str, mode: str = "tasks", **others: str) -> Sequence[Finding]:
    return await buy(settings_of(base_url, mode, **others), QUICK, HURRY)


def told(findings: Sequence[Finding], status: Status) -> list[str]:
    return [it.text for it in findings if it.status is status]


@pytest.mark.parametrize("mode", ["tasks", "sync"])
@pytest.mark.parametrize("name", [name for name in SCENARIOS if name not in SLOW])
async def test_every_scenario_is_one_request_and_an_honest_end(
    api: LocalImageApi, capsys: pytest.CaptureFixture[str], name: str, mode: str
) -> None:
    api.behaviour.switch_on(name)
    findings = await bought(api.base_url, mode)
    out = capsys.readouterr().out + "".join(it.text for it in findings)
    assert sum(request.method == "POST" for request in api.requests) == 1
    assert KEY not in out
    assert "sig=" not in out
    failed, came = told(findings, Status.FAIL), [it for it in told(findings, Status.OK) if "The picture came" in it]
    assert len(failed) + len(came) == 1
    if api.charged_micros:
        assert not any("Nothing was bought" in it or "Nothing was charged" in it for it in failed)
    if failed and not api.accepted:
        assert not any("The picture was bought" in it for it in failed)


@pytest.mark.parametrize(
    ("name", "difference"),
    [
        ("words-raw", "The status IN_PROGRESS is not on the page; read as running."),
        ("words-video", "The status completed is not on the page; read as succeeded."),
        ("words-odd", "Easel does not know it and goes on asking."),
        ("progress-integer", "The progress is not a text such as 30%, but "),
        ("progress-null", "The progress is not a text such as 30%, but None."),
        ("progress-missing", "The task lacks progress."),
        ("bare-status", "Answers about a task come without the envelope (code, message, data)."),
        ("wrapped-submit", "The answer to a submission is wrapped: the task stands inside code, data, message."),
        ("accepted-202", "A submission is answered with HTTP 202."),
        ("id-field", "The id of the task stands in id, not in task_id."),
        ("results-objects", "The address of a finished picture does not stand alone in result_url."),
        ("results-b64", "The picture itself stands in the answer, although response_format asks for an address."),
        ("relative-address", "The address of a picture has no scheme and no host."),
        ("data-address", "The picture itself stands in the answer, although response_format asks for an address."),
        ("gif", "A picture in the format jpeg was asked for, and gif came."),
        ("other-format", "A picture in the format jpeg was asked for, and png came."),
        ("late-addresses", "A task that has succeeded names no picture at first."),
        ("status-drop", "A question about the task got no whole answer ("),
        ("status-404", "A question about a task is answered with HTTP 404."),
        ("status-html", "A question about a task is answered as text/html, not as application/json."),
        ("download-html-once", "The picture cannot be fetched at first: the bytes are no picture that Discord shows."),
        ("download-404-once", "The picture cannot be fetched at first: the host answered with HTTP 404."),
    ],
)
async def test_each_difference_is_told_in_plain_words(api: LocalImageApi, name: str, difference: str) -> None:
    ordinary = set(told(await bought(api.base_url), Status.WARN))
    api.behaviour.switch_on(name)
    if name == "words-raw":  # a task that is painted at once is never seen in between
        api.behaviour.switch_on("late-addresses")
        difference = "The status SUCCESS is not on the page; read as succeeded."
    if name == "words-odd":
        difference = difference.removesuffix(".")
    found = [it for it in told(await bought(api.base_url), Status.WARN) if it not in ordinary]
    assert any(difference in it for it in found), found
    assert all(it.startswith("Differs from the page: ") for it in found)


@pytest.mark.parametrize(
    ("body", "difference"),
    [
        ({"created": 1, "data": [{"b64_json": "/9j/" + "A" * 99}]}, "The picture comes as base64 in b64_json"),
        ({"data": [{"url": "/x.jpg", "revised_prompt": ""}]}, "The answer lacks created."),
        ({"created": 1, "data": [{"url": "/x.jpg"}]}, "A picture in data lacks revised_prompt."),
        ({"created": 1, "images": ["/x.jpg"]}, "The pictures do not stand in the list data."),
    ],
)
async def test_the_synchronous_route_has_differences_of_its_own(body: object, difference: str) -> None:
    async def answers(request: web.Request) -> Reply:
        return reply(200, body, Content_Type="application/json") if request.method == "POST" else reply(200, JPEG)

    async with playing(answers) as played:
        found = told(await bought(played.url, "sync"), Status.WARN)
    assert played.count("POST") == 1
    assert any(difference in it for it in found), found


async def test_where_nothing_differs_that_is_said(api: LocalImageApi) -> None:
    for mode in ("tasks", "sync"):
        findings = await bought(api.base_url, mode)
        assert [it.status for it in findings] == [Status.OK, Status.OK], findings
        assert findings[1].text == "The API answers as its page says."


async def test_a_host_that_is_refused_is_named_with_the_setting_that_opens_it() -> None:
    async def answers(_: web.Request) -> Reply:
        return reply(200, {"created": 1, "data": [{"url": "http://10.0.0.5:9000/a.jpg?sig=abc"}]})

    async with playing(answers) as played:
        (failed,) = told(await bought(played.url, "sync"), Status.FAIL)
    assert "10.0.0.5:9000 into RESULT_HOSTS" in failed
    assert failed.startswith("The picture was bought.")


SECRETS = [
    ({"url": "https://cdn.example/a.png?X-Amz-Signature=hush1234&e=1"}, "hush1234"),
    ({"url": "https:\\/\\/cdn.example\\/a.png?token=hush1234"}, "hush1234"),
    ({"text": "see https://user:hush1234@cdn.example/a"}, "hush1234"),
    ({"url": "https://cdn.example/" + "h" * 70 + "/a.png"}, "h" * 66),
    ({"message": f"Incorrect API key {KEY}"}, KEY),
    ({"message": "Incorrect API key sk-abc***9876"}, "9876"),
    ({"access_token": "hush1234"}, "hush1234"),
    ({"nested": [{"api_key": "hush1234"}]}, "hush1234"),
    ({"url": "/v1/files/a.png#sig=hush1234"}, "hush1234"),
    ({"email": "owner@hush1234.example"}, "hush1234"),
]


@pytest.mark.parametrize(("body", "secret"), SECRETS)
async def test_no_secret_of_an_answer_is_shown(
    capsys: pytest.CaptureFixture[str], body: dict[str, object], secret: str
) -> None:
    raw = json.dumps({"error": body}).replace("\\\\/", "\\/").encode()

    async def answers(_: web.Request) -> Reply:
        return web.Response(status=400, body=raw, content_type="application/json")

    async with playing(answers) as played:
        findings = await bought(played.url)
    out = capsys.readouterr().out + "".join(it.text for it in findings)
    assert "< HTTP 400" in out
    assert secret not in out


async def test_the_key_is_not_shown_in_a_header_either(capsys: pytest.CaptureFixture[str]) -> None:
    async def answers(_: web.Request) -> Reply:
        return reply(302, b"", Location=f"https://elsewhere.example/?key={KEY}", Server=f"x {KEY}")

    async with playing(answers) as played:
        await bought(played.url)
    assert KEY not in capsys.readouterr().out


def test_control_characters_of_an_answer_do_not_reach_the_terminal() -> None:
    assert Conversation([]).clean("a\x1b[2Jb\r\nc") == "a [2Jb  c"
