"""`python -m bot check`: every fault is made at the other side, and told with what mends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from sandbox import serving
from sandbox.discord.permissions import Permission
from sandbox.discord.server import LocalDiscord
from sandbox.image_api.server import LocalImageApi
from sandbox.serving import free_port
from tests.acceptance.little_discord import TOKEN, LittleDiscord
from tests.acceptance.processes import KEY, easel, forked_easel, variables
from tests.databases import execute, sqlite_url
from tests.integration.uniall_servers import Reply, playing, reply

WHOLE_S = 30.0  # ten seconds are promised, on a machine that does nothing else


async def checked(home: Path, settings: Mapping[str, str], *arguments: str) -> tuple[int, list[str]]:
    """Exit code and lines of a check. It is over in time, and tells no secret."""
    start = easel if (home / ".env").exists() else forked_easel
    async with start(home, "check", *arguments, **settings) as bot:
        code = await bot.wait(WHOLE_S)
    assert bot.err == []
    assert not [secret for secret in (TOKEN, KEY) if secret in bot.output]
    return code, bot.out


@asynccontextmanager
async def an_image_api(balance: float | None = None) -> AsyncGenerator[LocalImageApi]:
    async with LocalImageApi(api_key=KEY, balance=balance) as api:
        yield api


def only_fault(lines: list[str]) -> str:
    """The one line that begins with FAIL, without that word. All begin with one of the three, and the last sums up."""
    assert {line.split()[0] for line in lines[:-1]} <= {"ok", "warn", "FAIL"}
    (fault,) = [line for line in lines[:-1] if line.startswith("FAIL")]
    return fault.removeprefix("FAIL ")


@pytest.mark.parametrize("balance", [12.5, None])
async def test_where_all_is_well_four_lines_say_so_and_one_sums_up(tmp_path: Path, balance: float | None) -> None:
    async with LittleDiscord().open() as discord, an_image_api(balance) as api:
        settings = variables(discord.api_url, UNIALL_BASE_URL=api.base_url)
        code, lines = await checked(tmp_path, settings)
    assert code == 0
    assert sorted(lines) == [
        "All is well: python -m bot starts it.",
        "ok   Discord    the bot is Easel",
        "ok   database",
        "ok   image API",
        "ok   settings",
    ]


@pytest.mark.parametrize(
    ("discord", "mend"),
    [
        (LittleDiscord(refuse=401), "make a new one on the page Bot"),
        (LittleDiscord(clock_ahead_s=45), "s behind Discord's: let it be set by NTP"),
        (LittleDiscord(clock_ahead_s=-3600), "s ahead of Discord's: let it be set by NTP"),
        (LittleDiscord(application={"install_params": {"scopes": ["bot"]}}), "add the scope applications.commands"),
        (
            LittleDiscord(
                application={"integration_types_config": {"0": {"oauth2_install_params": {"scopes": ["bot"]}}, "1": {}}}
            ),
            "add the scope applications.commands",
        ),
        (
            LittleDiscord(application={"interactions_endpoint_url": "https://example.com/"}),
            "empty the field Interactions Endpoint URL",
        ),
    ],
    ids=["token", "clock behind", "clock ahead", "scope", "scope of an install kind", "endpoint"],
)
async def test_what_is_wrong_at_discord_is_told_with_what_mends_it(
    tmp_path: Path, discord: LittleDiscord, mend: str
) -> None:
    async with discord.open(), an_image_api() as api:
        code, lines = await checked(tmp_path, variables(discord.api_url, UNIALL_BASE_URL=api.base_url))
    assert code == 1
    assert mend in only_fault(lines)


async def test_permissions_missing_in_a_channel_are_named(tmp_path: Path) -> None:
    async with LocalDiscord() as discord, an_image_api() as api:
        settings = variables(discord.api_url, UNIALL_BASE_URL=api.base_url, DISCORD_TOKEN=discord.token)
        key = next(iter(discord.world.channels))
        channel = str(discord.world.channels[key].id)
        assert (await checked(tmp_path, settings, "--channel", channel))[0] == 0
        discord.world.deny(key, Permission.ATTACH_FILES | Permission.READ_MESSAGE_HISTORY)
        code, lines = await checked(tmp_path, settings, "--channel", channel)
        assert code == 1
        assert only_fault(lines).endswith("give its role there Attach Files, Read Message History.")
        discord.world.deny(key, Permission.VIEW_CHANNEL)
        assert "cannot see the channel" in only_fault((await checked(tmp_path, settings, "--channel", channel))[1])
        assert "knows no channel 1:" in only_fault((await checked(tmp_path, settings, "--channel", "1"))[1])


async def test_the_database_of_another_bot_is_noticed(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    async with LittleDiscord(application={}).open() as discord, an_image_api() as api:
        settings = variables(discord.api_url, UNIALL_BASE_URL=api.base_url, DATABASE_URL=url)
        assert (await checked(tmp_path, settings))[0] == 0
        await asyncio.to_thread(execute, url, A_JOB)
        code, lines = await checked(tmp_path, settings)
    assert code == 1
    assert "of the application 777, and DISCORD_TOKEN is that of 1:" in only_fault(lines)


A_JOB = """INSERT INTO jobs (id, interaction_id, user_id, state, turn, request, application_id, token, token_expires_at,
channel_id, ephemeral, bot_member, upload_limit, locale, received_at, attempts, result_urls, cancel_requested,
reply_deleted, told) VALUES ('a', 1, 1, 'failed', 0, '{}', 777, '', '2020-01-01', 1, false, true, 1, 'en-US',
'2020-01-01', 0, '[]', false, false, true)"""


async def test_an_address_that_answers_with_a_web_page_is_told(tmp_path: Path) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><p>Hello", content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with LittleDiscord().open() as discord:
            code, lines = await checked(tmp_path, variables(discord.api_url, UNIALL_BASE_URL=address))
    finally:
        await serving.end(runner)
    assert code == 1
    assert "is not the image API; check UNIALL_BASE_URL" in only_fault(lines)


async def test_a_wrong_key_and_an_empty_balance_are_told(tmp_path: Path) -> None:
    async with LittleDiscord().open() as discord, an_image_api(balance=0.0) as api:
        settings = variables(discord.api_url, UNIALL_BASE_URL=api.base_url)
        code, lines = await checked(tmp_path, settings)
        assert code == 1
        assert only_fault(lines).endswith("0.00 US dollars are left: top up your account there.")
        code, lines = await checked(tmp_path, settings | {"UNIALL_API_KEY": "sk-another"})
        assert code == 1
        assert "write a key of your account there into UNIALL_API_KEY" in only_fault(lines)


@pytest.mark.parametrize(
    ("answer", "mend"),
    [
        (reply(200, {"results": [{"flagged": False}]}), None),
        (reply(401, {"error": {"message": KEY}}), "answers with HTTP 401: look at MODERATION_API_KEY."),
        (reply(404, b"<html>"), "answers with HTTP 404: look at MODERATION_BASE_URL and MODERATION_MODEL."),
        (reply(429), "answers with HTTP 429: look at the limits and the balance of your account there."),
        (reply(503), "answers with HTTP 503: it is out of order, so ask again later."),
        ("hangs", "does not answer within 4 s: look whether it runs, and at MODERATION_BASE_URL."),
        (reply(200, b"<html>"), "does not answer as an OpenAI-compatible one does: look at MODERATION_BASE_URL."),
        (None, "cannot be reached: look at MODERATION_BASE_URL and at the network of this machine."),
    ],
    ids=["well", "key", "address", "limit", "disorder", "hang", "page", "cut"],
)
async def test_a_moderation_route_that_does_not_judge_is_told(
    tmp_path: Path, answer: Reply | str, mend: str | None
) -> None:
    async def route(_: web.Request) -> Reply:
        if isinstance(answer, str):
            await asyncio.sleep(30)
            return None
        return answer

    async with LittleDiscord().open() as discord, an_image_api() as api, playing(route) as played:
        settings = variables(discord.api_url, UNIALL_BASE_URL=api.base_url, MODERATION_BASE_URL=played.url)
        code, lines = await checked(tmp_path, settings | {"MODERATION_API_KEY": KEY})
    assert code == (1 if mend else 0)
    assert [line for line in lines if " moderation " in line] == (
        [f"FAIL moderation The moderation route {mend}"] if mend else []
    )


async def test_a_port_that_is_taken_is_told_unless_a_running_bot_has_it(tmp_path: Path) -> None:
    async with LittleDiscord().open() as discord, an_image_api() as api:
        port = free_port()
        settings = variables(discord.api_url, UNIALL_BASE_URL=api.base_url, HTTP_PORT=str(port))
        async with forked_easel(tmp_path, **settings) as bot:
            await bot.line("Easel is at work")
            assert (await checked(tmp_path, settings))[0] == 0
        taken = settings | {"HTTP_PORT": str(discord.port)}
        code, lines = await checked(tmp_path, taken)
    assert code == 1
    taken_by = f"HTTP_PORT {discord.port} is taken by another program on 127.0.0.1"  # as a start says it
    assert only_fault(lines) == f"machine    {taken_by}: write another port, or stop that program."


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    async with LittleDiscord().open() as discord, an_image_api() as api:
        code, lines = await checked(tmp_path, variables(discord.api_url, UNIALL_BASE_URL=api.base_url))
    assert code == 1
    faults = [line for line in lines if line.startswith("FAIL")]
    assert any(fault.startswith("FAIL database   The database ") for fault in faults)
    assert all("cannot be written" in fault for fault in faults)


async def warned(home: Path, settings: Mapping[str, str]) -> list[str]:
    """The lines of a check that begin with warn; nothing fails."""
    code, lines = await checked(home, settings)
    assert code == 0, lines
    return [line.removeprefix("warn ") for line in lines if line.startswith("warn")]


async def test_a_public_bot_without_ceiling_and_list_is_a_warning(tmp_path: Path) -> None:
    async with LittleDiscord(application={}).open() as discord, an_image_api() as api:
        settings = variables(discord.api_url, UNIALL_BASE_URL=api.base_url)
        (warning,) = await warned(tmp_path, settings)
        assert warning.startswith("Discord    Anybody can add this bot to a server and spend your money")
        assert await warned(tmp_path, settings | {"ALLOWED_SERVERS": "1"}) == []
        assert await warned(tmp_path, settings | {"MAX_PICTURES_PER_USER_PER_DAY": "5"}) == []


async def test_slips_old_names_and_open_files_are_warnings_that_repeat_no_value(tmp_path: Path) -> None:
    async with LittleDiscord().open() as discord, an_image_api() as api:
        settings = variables(discord.api_url, UNIALL_BASE_URL=api.base_url)
        file = tmp_path / ".env"
        file.write_text("MAX_SPEND_PER_DAYS=hidden\nMAX_LINE_LENGTH=9\nTZ=UTC\nwords of mine\n")
        file.chmod(0o644)
        warnings = await warned(tmp_path, settings)
        assert "hidden" not in "".join(warnings)
        assert [part in line for part, line in zip(SLIPS, warnings, strict=True)] == [True] * 4
        file.chmod(0o600)
        assert len(await warned(tmp_path, settings)) == 3


SLIPS = ("called MAX_QUEUE_LENGTH", "Line 4 of ", "is MAX_SPEND_PER_DAY meant?", "chmod 600")


@pytest.mark.parametrize(
    ("others", "warning"),
    [
        ({"ALL_PROXY": "http://proxy.lan:1"}, "ALL_PROXY is set and not used"),
        ({"all_proxy": "socks5://proxy.lan:1"}, "all_proxy is set and not used"),
        ({"HTTPS_PROXY": "http://proxy.lan:1"}, "HTTPS_PROXY is set and not used"),
        ({"MODERATION_BASE_URL": "http://mod.example"}, "MODERATION_BASE_URL begins with http://"),
        ({"UNIALL_BASE_URL": "http://nowhere.invalid"}, "UNIALL_BASE_URL begins with http://"),
        ({"DISCORD_API_URL": "http://nowhere.invalid/api/v10"}, "DISCORD_API_URL begins with http://"),
    ],
)
async def test_ways_that_are_not_as_they_should_be_are_warnings(
    tmp_path: Path, others: Mapping[str, str], warning: str
) -> None:
    async with LittleDiscord().open() as discord, an_image_api() as api:
        settings = variables(discord.api_url, UNIALL_BASE_URL=api.base_url)
        _, lines = await checked(tmp_path, settings | dict(others))
    assert any(line.startswith(f"warn settings   {warning}") for line in lines)


@pytest.mark.parametrize(
    ("usable", "missing"),
    [
        (("painter-1", "xai/painter:2", "gpt-image-2"), []),
        (("painter-1",), ["xai/painter:2"]),
        (("gpt-image-2", "PAINTER-1"), ["painter-1", "xai/painter:2"]),
    ],
)
async def test_the_models_on_offer_are_compared_with_those_the_key_can_use(
    tmp_path: Path, usable: tuple[str, ...], missing: list[str]
) -> None:
    async with LittleDiscord().open() as discord, an_image_api() as api:
        api.behaviour.models = usable
        settings = variables(discord.api_url, UNIALL_BASE_URL=api.base_url, MODELS="painter-1,xai/painter:2=Second")
        warnings = await warned(tmp_path, settings)
        assert [line.partition(" the model ")[2].partition(":  ")[0] for line in warnings] == [
            f"{name}: GET /v1/models does not list it." for name in missing
        ]
        api.behaviour.lists_models = False
        code, lines = await checked(tmp_path, settings)
    assert code == 0
    assert "cannot use the model" not in "".join(lines)


async def test_a_model_that_the_key_cannot_use_is_a_warning(tmp_path: Path) -> None:
    async def models(_: web.Request) -> Reply:
        return reply(200, {"data": [{"id": "grok-imagine-image"}, {"id": "gpt-image-2"}]})

    async with LittleDiscord().open() as discord, playing(models) as played:
        (warning,) = await warned(tmp_path, variables(discord.api_url, UNIALL_BASE_URL=played.url))
    assert warning.startswith("image API  The key cannot use the model grok-imagine-image-quality")
