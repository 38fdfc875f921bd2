"""What the pages for people name exists, and what people are shown is found there."""

from __future__ import annotations

import re
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.config.settings import VARIABLES, load
from tests.each import each
from tools.docs import follow, sentences, tables

ROOT = Path(__file__).parents[1]
_TOP = ("README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md")
PAGES = [*(ROOT / name for name in _TOP), *sorted((ROOT / "docs").glob("*.md"))]
#: Read by other programs than the bot or by tests, or filled in by whoever follows the guide for operators.
OTHERS = {
    *(
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "NO_PROXY",
        "POSTGRES_PASSWORD",
        "EASEL_DISCORD_SPEC",
        "TMPDIR",
        "NO_COLOR",
        "SQL_ASCII",
    ),
    *("BACKUP_TO", "FOLLOW_TO", "FOLLOW_HOST_KEY", "YOUR_COPY_OF_THIS_REPOSITORY", "YOUR_PASSWORD"),
}
PATHS = {"healthz", "metrics", "tmp", "var", "opt", "dev", "etc", "easel"}  # written like a command, and none
LABELS = {"Change and try again"}  # words of buttons, which say what they do
Shown = tuple[str, str]
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
_VARIABLE = re.compile(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:[=`])")
_COMMAND = re.compile(r"`/([a-z]+)\b")
_VERB = re.compile(r"python -m bot ([a-z][a-z-]+)")


def anchors(page: Path) -> set[str]:
    """The headings of a page as its links name them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head).strip().lower().replace(" ", "-") for head in heads}


@each("page", PAGES)
def test_its_links_lead_somewhere(page: Path) -> None:
    for name, anchor in _LINK.findall(page.read_text("utf-8")):
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), name
        assert not anchor or anchor in anchors(target), f"{name}#{anchor}"


@each("page", PAGES)
def test_its_variables_exist(page: Path) -> None:
    known = {it.name for it in VARIABLES} | OTHERS
    named = set(_VARIABLE.findall(page.read_text("utf-8")))
    assert {it for it in named if it not in known and not any(name.startswith(it) for name in known)} == set()


@each("page", PAGES)
def test_its_commands_and_verbs_exist(page: Path) -> None:
    # A quoted sentence of the program is held to the code by another test.
    text = re.sub(r"^> .*$", "", page.read_text("utf-8"), flags=re.MULTILINE)
    cogs = "\n".join(path.read_text("utf-8") for path in (ROOT / "cogs").glob("*.py"))
    commands = {
        *re.findall(r"app_commands\.command\([^)]*name=\"(\w+)\"", cogs),
        *re.findall(r"async def (\w+)\(", cogs),
    }
    main = (ROOT / "bot" / "__main__.py").read_text("utf-8")
    for command in _COMMAND.findall(text):
        assert command in commands | PATHS, command
    for verb in _VERB.findall(text):
        assert f'"{verb}"' in main, verb


def test_the_tables_of_the_operators_guide_are_those_of_prices_and_alert_rules() -> None:
    """`python -m tools.docs.tables` writes them anew."""
    page = tables.PAGE.read_text("utf-8")
    assert tables.with_tables(page) == page
    names = set(re.findall(r"- alert: (\w+)", tables.ALERTS.read_text("utf-8")))
    assert set(tables.rules()) == names != set()
    assert all(len(what_to_do) > 50 for _, _, what_to_do in tables.rules().values())
    assert "| 100 | $60 to $210 |" in page  # by hand: 100 members, 30 days, 2 cents or 7


def test_the_first_ceilings_of_the_guide_are_right_settings() -> None:
    block = re.search(
        r"^## First ceilings\n.*?^```\n(.*?)^```", tables.PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert block
    given = dict(line.split("=", 1) for line in block[1].splitlines())
    required = {"DISCORD_TOKEN": "none", "UNIALL_API_KEY": "none", "UNIALL_BASE_URL": "https://api.example.com"}
    settings = load(None, required | given)
    assert settings.ceilings.spend_per_month == 50_000_000
    assert settings.operator_contact == "@you on Discord"
    assert len(settings.allowed_servers) == 1


@pytest.mark.parametrize("shown", [sentences.for_people, sentences.for_operators], ids=["people", "operators"])
def test_every_sentence_that_is_shown_is_found_under_troubleshooting(shown: Callable[[], Iterator[Shown]]) -> None:
    lines = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8").splitlines()
    told = {line.removeprefix("> ").replace("**", "") for line in lines if line.startswith("> ")}
    found = list(shown())
    assert len(found) > 60
    missing = [f"{place}: {text}" for place, text in found if text.replace("**", "") not in told and text not in LABELS]
    assert missing == []


def test_troubleshooting_tells_no_sentence_that_nobody_is_shown() -> None:
    lines = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8").splitlines()
    shown = {text.replace("**", "") for _, text in (*sentences.for_people(), *sentences.for_operators())}
    told = {line.removeprefix("> ").replace("**", "") for line in lines if line.startswith("> ")}
    assert sorted(told - shown) == []


def test_every_attack_that_is_told_of_has_its_tests() -> None:
    """The table of attacks names modules of tests; each is there, and a part of the suite that tests attacks."""
    page = (ROOT / "README.md").read_text("utf-8")
    rows = re.findall(r"^\|(.+)\|(.+)\|(.+)\|$", page.partition("## When somebody means harm")[2], re.MULTILINE)[2:]
    there = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    named = [(attack.strip(), set(re.findall(r"`(test_\w+)`", tests))) for attack, _, tests in rows]
    assert len(named) > 15
    assert [attack for attack, tests in named if not tests] == []
    assert {(attack, it) for attack, tests in named for it in tests if it not in there} == set()
    hostile = {name for name in there if name.startswith("test_hostile_")}
    assert hostile <= {it for _, tests in named for it in tests}


def test_who_invites_anybody_has_read_before_how_to_keep_strangers_and_bills_away() -> None:
    page = (ROOT / "README.md").read_text("utf-8")
    advice = next(part for part in page.split("\n\n") if part.startswith("**Before you invite anybody**"))
    assert [words for words in ("switch *Public Bot* off", "set a ceiling") if words not in advice] == []


@each("page", PAGES)
def test_its_boxes_of_shell_can_be_read_by_a_shell(page: Path) -> None:
    for indent, box in re.findall(r"^( *)```sh\n(.*?)^\1```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        read = subprocess.run(["bash", "-n"], input=textwrap.dedent(box), capture_output=True, text=True, check=False)
        assert not read.stderr, f"{indent}{box}"


def test_a_program_follows_the_guide_for_operators_through_every_box() -> None:
    """`make follow` types what `boxes` finds; a box in another section, or of another language, would be left out."""
    page = tables.PAGE.read_text("utf-8")
    typed = sum(len(follow.boxes(page, section)) for section in follow.SECTIONS)
    assert typed == len(re.findall(r"^ *```sh$", page, re.MULTILINE)) > 10
