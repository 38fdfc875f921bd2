"""`python -m bot setup`, through a pipe and at a terminal: every answer is checked at a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.config.settings import load
from sandbox.image_api.server import LocalImageApi
from tests.acceptance.disks import small_disk
from tests.acceptance.little_discord import TOKEN, LittleDiscord
from tests.acceptance.processes import make_home
from tests.acceptance.terminal import Terminal
from tests.bots import MEASURED
from tests.integration.forward_proxy import Proxy, proxying

KEY = "sk-a-key-nobody-may-see"
SERVER = "1187654321098765432"
WHOLE_S = 60.0


@asynccontextmanager
async def services() -> AsyncGenerator[tuple[LittleDiscord, LocalImageApi]]:
    discord = LittleDiscord(application={}, servers=((SERVER, "The studio"), ("42", "Another")))
    async with discord.open(), LocalImageApi(api_key=KEY) as api:
        yield discord, api


def environment(discord: LittleDiscord) -> Mapping[str, str]:
    return {**MEASURED, "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "DISCORD_API_URL": discord.api_url}


async def piped(
    home: Path, discord: LittleDiscord, lines: Sequence[str], *, arguments: Sequence[str] = (), **variables: str
) -> tuple[int, str]:
    """Exit code and output of a setup that reads these lines."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "setup", *arguments),
        cwd=make_home(home),
        env={**environment(discord), **variables},
        stdin=-1,
        stdout=-1,
        stderr=asyncio.subprocess.STDOUT,
    )
    text = "".join(f"{line}\n" for line in lines).encode()
    out, _ = await asyncio.wait_for(process.communicate(text), WHOLE_S)
    assert process.returncode is not None
    assert b"Traceback" not in out
    return process.returncode, out.decode()


async def test_right_answers_write_a_private_file_that_starts_the_bot(tmp_path: Path) -> None:
    async with services() as (discord, api):
        code, out = await piped(tmp_path, discord, [TOKEN, f"{api.base_url}/v1", KEY, "", "", "", "", ""])
    assert code == 0, out
    file = tmp_path / ".env"
    assert file.stat().st_mode & 0o777 == 0o600
    settings = load(file, {})
    assert settings.discord_token.get_secret_value() == TOKEN
    assert settings.uniall_base_url == api.base_url
    assert settings.allowed_servers == {int(SERVER)}
    assert (settings.max_pictures_per_user_per_day, settings.max_pictures_per_server_per_day) == (20, 200)
    assert "https://discord.com/oauth2/authorize?client_id=1&" in out
    assert out.rstrip().endswith("python -m bot")
    assert "\x1b" not in out
    assert TOKEN not in out
    assert KEY not in out


async def test_wrong_answers_are_asked_for_again(tmp_path: Path) -> None:
    async with services() as (discord, api):
        lines = ["Bot x", "MTE5.wrong.token", TOKEN, "nowhere", "http://127.0.0.1:9", api.base_url, "sk-wrong", KEY]
        code, out = await piped(tmp_path, discord, [*lines, "my server", "2", "many", "off", "7", "off", ""])
    assert code == 0, out
    settings = load(tmp_path / ".env", {})
    assert settings.allowed_servers == {42}
    assert "No image API answers there. Look at the spelling" in out
    assert "is not an http or https address" not in out  # https:// is put before what has none
    assert (settings.max_pictures_per_user_per_day, settings.max_pictures_per_server_per_day) == (None, 7)


async def test_the_image_api_is_reached_through_a_proxy(tmp_path: Path) -> None:
    async with services() as (discord, api), proxying(Proxy(int(api.base_url.rpartition(":")[2]))) as proxy:
        ways = {"HTTP_PROXY": f"http://127.0.0.1:{proxy.port}", "NO_PROXY": "127.0.0.1"}
        answers = [TOKEN, "http://images.example", KEY, *[""] * 5]
        code, out = await piped(tmp_path, discord, answers, **ways)
    assert code == 0, out
    assert {line.split()[1].split("/")[2] for line in proxy.lines} == {"images.example"}


async def test_lines_that_run_out_write_nothing(tmp_path: Path) -> None:
    async with services() as (discord, api):
        answers = [TOKEN, api.base_url, KEY, "", "5", "", "12"]
        for count in (0, 3, 7):
            code, out = await piped(tmp_path, discord, answers[:count])
            assert code == 1
            assert "nothing was written" in out.splitlines()[-1]
    assert [it.name for it in tmp_path.iterdir() if "env" in it.name] == []


async def test_a_closed_standard_input_is_told_as_such(tmp_path: Path) -> None:
    async with services() as (discord, _):
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", 'exec "$0" -m bot setup <&-', sys.executable),
            cwd=make_home(tmp_path),
            env=environment(discord),
            stdout=-1,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await asyncio.wait_for(process.communicate(), WHOLE_S)
    assert process.returncode == 1
    assert out.decode().splitlines()[-1] == "The answers ended at the question “Bot token”; nothing was written."
    assert b"Traceback" not in out


async def test_where_nothing_can_be_written_nothing_is_asked(tmp_path: Path) -> None:
    async with services() as (discord, _), small_disk(tmp_path / "disk") as disk:
        with contextlib.suppress(OSError), (disk / "ballast").open("wb") as ballast:
            while True:
                ballast.write(bytes(4096))
        for file, why in (
            ("missing/.env", "missing/.env cannot be written (No such file or directory): give this user its folder."),
            (f"{disk}/.env", f"{disk}/.env cannot be written: its disk is full. Make room and try again."),
        ):
            code, out = await piped(tmp_path, discord, [TOKEN], arguments=("--env-file", file))
            assert (code, out.splitlines()[-1]) == (1, why)
            assert "Bot token" not in out


async def test_a_file_that_was_there_is_kept_and_what_else_it_said_still_holds(tmp_path: Path) -> None:
    before = (
        f"# mine\nDISCORD_TOKEN={TOKEN}\nexport MAX_JOBS_PER_USER=2\nPOSTGRES_PASSWORD=pa${{x}}ss\nDISCORD_TOKEN=x\n"
    )
    (tmp_path / ".env").write_text(before)
    async with services() as (discord, api):
        code, out = await piped(tmp_path, discord, [TOKEN, api.base_url, KEY, "all", *[""] * 4])
    assert code == 0, out
    assert (tmp_path / ".env.old").read_text() == before
    assert (tmp_path / ".env.old").stat().st_mode & 0o777 == 0o600
    settings = load(tmp_path / ".env", {})
    assert settings.discord_token.get_secret_value() == TOKEN
    assert settings.max_jobs_per_user == 2
    assert settings.allowed_servers == frozenset()
    assert "POSTGRES_PASSWORD=pa${x}ss" in (tmp_path / ".env").read_text()


async def test_at_a_terminal_secrets_stay_unseen_and_marks_say_what_is_good(tmp_path: Path) -> None:
    async with services() as (discord, api), Terminal(tmp_path, "setup", environment=environment(discord)) as person:
        await person.answers("Bot token", TOKEN)
        await person.answers("Address of the image API: ", api.base_url)
        await person.answers("Key of the image API", "sk-wrong")
        await person.until("does not take it")
        await person.answers("Key of the image API", KEY)
        await person.answers("Servers", "")
        await person.answers("Pictures of one person", "")
        await person.answers("Pictures of one server", "")
        await person.answers("US dollars a month", "")
        await person.answers("Contact", "")
        await person.until("Then start it:")
        assert await person.ended() == 0
    assert "✓ " in person.seen
    assert TOKEN not in person.seen
    assert KEY not in person.seen
    assert (tmp_path / ".env").exists()


async def test_ctrl_c_in_the_middle_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MAX_JOBS_PER_USER=2\n")
    async with services() as (discord, _), Terminal(tmp_path, "setup", environment=environment(discord)) as person:
        await person.answers("Bot token", TOKEN)
        await person.until("Address of the image API")
        await person.breaks_off("Broken off; nothing was written.")
        assert await person.ended() == 1
    assert "Traceback" not in person.seen
    assert (tmp_path / ".env").read_text() == "MAX_JOBS_PER_USER=2\n"
    assert sorted(it.name for it in tmp_path.iterdir() if "env" in it.name) == [".env"]


async def test_ctrl_c_while_a_service_keeps_us_waiting_writes_nothing(tmp_path: Path) -> None:
    async with services() as (discord, _):
        discord.answers_after_s = 20
        async with Terminal(tmp_path, "setup", environment=environment(discord)) as person:
            await person.answers("Bot token", TOKEN)
            await person.until("Asking Discord … 1 s")
            await person.breaks_off("Broken off; nothing was written.")
            assert await person.ended() == 1
        discord.answers_after_s = 0
    assert "Traceback" not in person.seen
    assert not (tmp_path / ".env").exists()


async def test_a_limit_in_money_asks_for_the_prices_that_it_needs(tmp_path: Path) -> None:
    async with services() as (discord, api):
        prices = ["cheap", "0.02", "$0.025", "", "0.05", "0.07", "0.01"]
        code, out = await piped(
            tmp_path, discord, [TOKEN, api.base_url, KEY, "", "", "", "much", "$12.50", *prices, "http://x.y", "@ada"]
        )
    assert code == 0, out
    settings = load(tmp_path / ".env", {})
    assert settings.max_spend_per_month == 12_500_000
    assert str(settings.operator_contact) == "@ada"
    told = (tmp_path / ".env").read_text()
    assert (
        "PRICE_LIST=grok-imagine-image:1k=0.02,grok-imagine-image:2k=0.025,grok-imagine-image-quality:1k=0.05,"
        "grok-imagine-image-quality:2k=0.07,grok-imagine-image-quality:input=0.01\n"
    ) in told
    assert "some 625 pictures" in out


async def test_the_file_may_have_another_name_and_the_next_command_says_it(tmp_path: Path) -> None:
    async with services() as (discord, api):
        code, out = await piped(
            tmp_path, discord, [TOKEN, api.base_url, KEY, *[""] * 5], arguments=("--env-file", "studio.env")
        )
    assert code == 0, out
    assert out.rstrip().endswith("python -m bot --env-file studio.env")
    assert load(tmp_path / "studio.env", {}).allowed_servers == {int(SERVER)}
    assert not (tmp_path / ".env").exists()


@pytest.mark.parametrize(("variables", "colours"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
async def test_colours_only_where_the_terminal_shows_them_and_they_are_wanted(
    tmp_path: Path, variables: Mapping[str, str], colours: bool
) -> None:
    async with services() as (discord, api):
        settings = {"DISCORD_TOKEN": TOKEN, "UNIALL_BASE_URL": api.base_url, "UNIALL_API_KEY": KEY}
        terminal = Terminal(tmp_path, "check", environment={**environment(discord), **settings, **variables})
        async with terminal as person:
            await person.until("look at.\r\n")
            assert await person.ended() == 0
    assert ("\x1b[" in person.seen) is colours
    assert {"ok", "warn"} <= {line.split(" ")[0] for line in person.words.splitlines()}
    assert person.words.splitlines()[-1].startswith("! It works")


async def test_prices_of_nothing_and_of_too_much_lose_no_answer(tmp_path: Path) -> None:
    async with services() as (discord, api):
        prices = ["0", "2000", "0", "0", "0", "0", "0"]
        code, out = await piped(tmp_path, discord, [TOKEN, api.base_url, KEY, "all", "off", "off", "5", *prices, "Ada"])
    assert code == 0, out
    assert "Please write the price in US dollars" in out
    settings = load(tmp_path / ".env", {})
    assert settings.max_spend_per_month == 5_000_000
    assert set(settings.price_list.micros.values()) == {0}


async def test_what_bounds_nothing_is_told_at_the_end(tmp_path: Path) -> None:
    async with services() as (discord, api):
        code, out = await piped(tmp_path, discord, [TOKEN, api.base_url, KEY, "all", "off", "off", "off", ""])
    assert code == 0, out
    assert "Nothing bounds what can be spent: set ALLOWED_SERVERS" in out


async def test_what_is_wrong_in_the_old_file_is_asked_for_again_or_told_before_anything_is_typed(
    tmp_path: Path,
) -> None:
    file = tmp_path / ".env"
    file.write_text("ALLOWED_SERVERS=mine\nMAX_PICTURES_PER_USER_PER_DAY=0\nMAX_SPEND_PER_MONTH=5\n", "utf-8")
    async with services() as (discord, api):
        code, out = await piped(tmp_path, discord, [TOKEN, api.base_url, KEY, *[""] * 5])
        assert code == 0, out
        assert "What is set now is asked for again: MAX_SPEND_PER_MONTH cannot be kept" in out
        settings = load(file, {})
        assert (settings.allowed_servers, settings.max_pictures_per_user_per_day) == ({int(SERVER)}, 20)
        file.write_text("LOG_LEVEL=loud\nALLOWED_SERVERS=mine\n", "utf-8")
        code, out = await piped(tmp_path, discord, [])
    assert code == 1
    assert out.splitlines()[-1].startswith("Nothing was written. First mend the other settings: LOG_LEVEL is no word")
    assert "Bot token" not in out


async def test_lines_fit_into_a_narrow_terminal(tmp_path: Path) -> None:
    async with (
        services() as (discord, _),
        Terminal(tmp_path, "setup", environment=environment(discord), columns=40) as terminal,
    ):
        await terminal.answers("Bot token: ", TOKEN)
        await terminal.answers("Address of the image API: ", "x y")
        await terminal.until("such as")
        await terminal.breaks_off("nothing was written")
        assert await terminal.ended() == 1
    lines = terminal.words.replace("\r", "").split("\n")
    assert max(map(len, lines[lines.index("Discord") :])) <= len("https://discord.com/developers/applications,")
    assert "Broken off; nothing was written." in lines  # on a line of its own
