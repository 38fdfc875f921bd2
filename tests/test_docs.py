"""What the pages for people name exists: files, headings, variables, commands and verbs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.config.settings import VARIABLES

ROOT = Path(__file__).parents[1]
_TOP = ("README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md")
PAGES = [*(ROOT / name for name in _TOP), *sorted((ROOT / "docs").glob("*.md"))]
#: Read by other programs than the bot, or by tests.
OTHERS = {"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "POSTGRES_PASSWORD", "EASEL_DISCORD_SPEC", "TMPDIR"}
PATHS = {"healthz", "metrics", "tmp", "var", "opt", "dev", "etc", "easel"}  # written like a command, and none
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
_VARIABLE = re.compile(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:[=`])")
_COMMAND = re.compile(r"`/([a-z]+)\b")
_VERB = re.compile(r"python -m bot ([a-z][a-z-]+)")


def anchors(page: Path) -> set[str]:
    """The headings of a page as its links name them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head).strip().lower().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_its_links_lead_somewhere(page: Path) -> None:
    for name, anchor in _LINK.findall(page.read_text("utf-8")):
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), name
        assert not anchor or anchor in anchors(target), f"{name}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_its_variables_exist(page: Path) -> None:
    known = {it.name for it in VARIABLES} | OTHERS
    named = set(_VARIABLE.findall(page.read_text("utf-8")))
    assert {it for it in named if it not in known and not any(name.startswith(it) for name in known)} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_its_commands_and_verbs_exist(page: Path) -> None:
    text = page.read_text("utf-8")
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
