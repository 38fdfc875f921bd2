"""The house is built as tests/structure.py plans it.

The last test asks each rule of small houses built to break it, so that a rule that finds nothing is known to be able to
find something.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from bot.config.settings import VARIABLES
from tests.each import each
from tests.structure import (
    ROOT,
    House,
    Rule,
    build,
    circles,
    doubled_classes,
    environment_reads,
    full_rooms,
    long_files,
    long_functions,
    misleading_names,
    our_house,
    stray_advisory_locks,
    stray_libraries,
    unclear_imports,
    unexplained_catches,
    unplanned_parts,
    wrong_directions,
)


@pytest.fixture(scope="module")
def house() -> House:
    whole = our_house()
    assert len(whole) > 30
    return whole


def hold(breaches: list[str]) -> None:
    assert not breaches, "\n" + "\n".join(breaches)


def test_imports_point_one_way(house: House) -> None:
    hold(wrong_directions(house))


def test_every_part_of_the_house_stands_in_the_plan(house: House) -> None:
    hold(unplanned_parts(house))


def test_no_modules_import_each_other_in_a_circle(house: House) -> None:
    hold(circles(house))


def test_discord_http_sql_and_pillow_are_known_only_where_they_are_needed(house: House) -> None:
    hold(stray_libraries(house))


def test_every_import_names_its_module_in_full(house: House) -> None:
    hold(unclear_imports(house))


def test_no_module_and_no_class_has_a_name_that_means_something_else(house: House) -> None:
    hold(misleading_names(house))


def test_files_are_short(house: House) -> None:
    hold(long_files(house))


def test_no_room_is_too_full(house: House) -> None:
    hold(full_rooms(house))


def test_no_two_classes_have_one_name(house: House) -> None:
    hold(doubled_classes(house))


def test_functions_are_short(house: House) -> None:
    hold(long_functions(house))


def test_the_environment_is_read_in_one_place(house: House) -> None:
    hold(environment_reads(house))


def test_whoever_catches_everything_says_why(house: House) -> None:
    hold(unexplained_catches(house))


def test_advisory_locks_are_taken_in_one_place(house: House) -> None:
    hold(stray_advisory_locks(house))


def test_no_test_imports_a_test() -> None:
    """What several tests share stands in a module of its own, so that each file is read and run by itself."""
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for line in path.read_text("utf-8").splitlines()
        if re.match(r"\s*(from|import) ([\w.]+\.)?test_", line)
    ]
    hold(found)


def test_the_example_settings_are_the_settings_with_their_defaults_in_the_same_order() -> None:
    told = re.findall(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE)
    without_value = {"required", "off", "automatic", "empty"}
    assert told == [(it.name, "" if it.default in without_value else it.default) for it in VARIABLES]


CIRCLE = {"bot/store/a.py": "from bot.store import b", "bot/store/b.py": "from bot.store.a import A"}
BREACHES: list[tuple[Rule, Mapping[str, str]]] = [
    (wrong_directions, {"bot/store/a.py": "from bot.jobs import runner"}),
    (wrong_directions, {"bot/image_api/a.py": "from bot.store.queries.jobs import Jobs"}),
    (wrong_directions, {"bot/run.py": "from sandbox.play import play"}),
    (wrong_directions, {"cogs/a.py": "from bot.jobs import runner", "bot/jobs/runner.py": ""}),
    (wrong_directions, {"bot/ui/a.py": "from bot.client import Client"}),
    (wrong_directions, {"bot/ui/a.py": "if TYPE_CHECKING:\n    from bot.store.store import Store"}),
    (wrong_directions, {"bot/model.py": "def f():\n    from bot.errors import EaselError"}),
    (unplanned_parts, {"bot/cellar.py": ""}),
    (circles, CIRCLE),
    (stray_libraries, {"bot/jobs/a.py": "import aiohttp"}),
    (stray_libraries, {"bot/run.py": "from discord.ext import commands"}),
    (stray_libraries, {"bot/ui/a.py": "import sqlalchemy.exc"}),
    (stray_libraries, {"bot/pictures/studio.py": "from PIL import Image"}),
    (unclear_imports, {"bot/store/a.py": "from . import b"}),
    (unclear_imports, {"bot/store/a.py": "import bot"}),
    (unclear_imports, {"bot/store/a.py": "import bot.model as model"}),
    (misleading_names, {"bot/store/utils.py": ""}),
    (misleading_names, {"bot/queue/__init__.py": ""}),
    (misleading_names, {"bot/store/a.py": "class Task: ..."}),
    (long_files, {"bot/store/a.py": "\n" * 351}),
    (long_files, {"cogs/a.py": "\n" * 151}),
    (long_functions, {"bot/store/a.py": "async def f():\n" + "    pass\n" * 60}),
    (full_rooms, {f"bot/store/m{n}.py": "" for n in range(14)}),
    (full_rooms, {f"bot/{name}.py": "" for name in "abcdef"}),
    (doubled_classes, {"bot/store/c.py": "class Job: ...", "bot/jobs/d.py": "class Job: ..."}),
    (environment_reads, {"bot/store/a.py": "import os\nos.environ['A']"}),
    (environment_reads, {"bot/run.py": "from os import getenv"}),
    (unexplained_catches, {"bot/run.py": "try: ...\nexcept: ..."}),
    (stray_advisory_locks, {"bot/store/queries/a.py": "SQL = 'SELECT pg_advisory_xact_lock(1)'"}),
    (unexplained_catches, {"bot/run.py": "try: ...\nexcept (OSError, Exception):  # noqa: BLE001\n    ..."}),
]
HARMLESS = {
    "bot/store/a.py": "if TYPE_CHECKING:\n    from bot.store.b import B\nfrom bot.model import Job",
    "bot/store/b.py": "from bot.store import a\nimport sqlalchemy",
    "bot/client.py": "",
    "bot/ui/hint.py": "if TYPE_CHECKING:\n    from bot.client import Client",
    "cogs/a.py": "from bot.ui import cards\nfrom bot.model import Job",
    "bot/jobs/service.py": "try: ...\nexcept Exception:\n    # it may be anything\n    ...",
    "bot/config/settings.py": "import os\nos.environ",
}


@each(("rule", "files"), BREACHES)
def test_every_rule_finds_a_breach_and_lets_the_rest_pass(rule: Rule, files: Mapping[str, str]) -> None:
    assert rule(build(HARMLESS)) == []
    assert len(rule(build({**HARMLESS, **files}))) == 1
