"""What tests of all kinds share: one PostgreSQL server, and how generated tests are generated.

`make test` gives generated tests the same examples each time; `make test-random` gives them new ones for as long as it
is told, some of them out of what stands in the source, and keeps what breaks one of them in .hypothesis/, where it is
tried first the next time.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, nullcontext
from itertools import islice
from pathlib import Path
from zlib import crc32

import pytest
from coverage import Coverage
from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

from tests import discord_spec, promises
from tests.bots import SHARED, unmeasured
from tests.databases import PostgresServer, postgres_server, shared_postgres_server, why_no_postgres
from tests.side_by_side import sharing

settings.register_profile("fixed", derandomize=True, database=None, deadline=None, max_examples=25, print_blob=True)
settings.register_profile(
    "random", database=DirectoryBasedExampleDatabase(".hypothesis/found"), deadline=None, max_examples=300
)
settings.load_profile("fixed")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    if missing := why_no_postgres():
        pytest.skip(missing)
    shared, who = os.environ.get(SHARED), os.environ.get("PYTEST_XDIST_WORKER", "alone")
    with shared_postgres_server(Path(shared), who) if shared else postgres_server() as server:
        yield server


@pytest.fixture(scope="module", autouse=True)
def measured(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave long trials of what is tested elsewhere out of the coverage, and the sandbox where it plays to bots."""
    if request.config.pluginmanager.has_plugin("tools.test_worth"):
        yield
        return
    long = request.path.stem.removeprefix("test_") in UNMEASURED
    of_bots_alone = promises.ACCEPTANCE in request.path.parents or request.path.stem.startswith("test_sandbox_")
    with unmeasured(but_bots=not long) if long or of_bots_alone else nullcontext():
        yield


#: Where everything that tests need was installed, a test that skips for want of it is a fault.
MUST_RUN = os.environ.get("EASEL_TESTS_MUST_RUN", "")
MAY_SKIP = (discord_spec.MISSING, "takes rights that this user does not have", "no IPv6")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if MUST_RUN and report.skipped and not any(why in str(report.longrepr) for why in MAY_SKIP):
        report.outcome = "failed"
        report.longrepr = f"This test has to run here and was skipped: {report.longrepr}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Why a test was run once more, in full: what passed then is a fault of the test or the program all the same."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"{report.nodeid} was run once more")
        terminalreporter.write_line(report.longreprtext)


#: The files that take longest, the longest first, as `make test-costs` has them.
LONGEST = (
    *("torture", "hostile_pictures", "hostile_disk", "about_when", "gallery", "buttons", "rules", "updates"),
    *("limits", "operator", "menus", "life_machine", "imagine", "reports", "uniall_sandbox", "server_settings"),
    *("line", "privacy", "forged", "store_jobs", "pictures", "job_list", "presets", "task_poller", "flows"),
    *("showcase_crash", "sync_mode", "drafts_crash", "acknowledgement", "preset_pictures", "page_walk"),
    *("store_presence", "source_again", "models", "picture_structure", "check_paint", "pressure", "covers", "using"),
    *("usage", "workers", "uniall_dialects", "showcase", "keeping", "start", "store_ledger", "restart", "follow_ups"),
    *("say", "catalogues", "edit", "server_settings_forged", "uploads", "reply_to_edit", "confirm", "drafts"),
    *("recovery", "help", "disk", "picture_process", "discord_faults", "health", "new_members", "submission"),
    *("runner", "tokens", "store_rules", "structure", "wire_generated", "wire_held", "status_page", "uniall"),
    *("promises", "uniall_downloads", "wire_quoted", "addresses", "post_here", "server_log", "cards", "wire_results"),
    *("settings", "setup", "pacer", "store_crowd", "hostile_names", "page", "blocklist", "forked", "store_faults"),
    *("preferences", "docs", "heartbeat", "store_people", "store_reading", "wire", "hostile_generated", "store_line"),
    *("store_leases", "store", "partial_results"),
)
#: What they run of the product other tests run too, but for some lines: so coverage, which would take a third of their
#: time, is not told. `make test-worth` tells which files those are.
UNMEASURED = (
    *("torture", "hostile_pictures", "hostile_memory", "hostile_disk", "showcase_crash", "drafts_crash", "say", "page"),
    *("page_walk", "page_script", "using", "showing", "picture_fuzz", "store_crash", "role_limits_two_bots"),
    *("limits", "pace", "painter", "wire_quoted", "submissions", "catalogues", "store_ledger", "store_line"),
    *("structure", "restart", "follow_ups", "uniall_pressed", "store_notices", "uniall_sandbox", "hostile_names"),
    *("imagine", "flows", "few_writes", "large_pictures", "hostile_words", "forgotten", "covers", "key_leak"),
    *("managers_guide", "about_when", "takeover", "store_presence", "benchmark", "wheel", "store_plans"),
    *("move_to_input", "fitting", "start_database", "hostile_door", "redeploy", "hostile_purse", "store_locks"),
    *("hostile_moments", "uniall_heads", "store_people", "edit", "store_migrations", "buttons", "slow_database"),
    *("pressure", "store", "hostile_clicks", "postgres_restart"),
    *("rules", "line", "store_rules", "help", "store_jobs", "forged", "life_machine", "heartbeat", "uploads"),
    *("confirm", "uniall_dialects", "hostile_generated", "forked"),
)
#: So many files of others follow each of the longest.
BETWEEN = 1
_PLACES = {f"test_{name}.py": place for place, name in enumerate(LONGEST)}

#: So many new objects between two searches for garbage, as in the bot (bot/ops/heap.py).
NEW_OBJECTS = 10_000

#: What measures a process that begins to be measured once it has gathered its tests.
MEASURING = pytest.StashKey[Coverage]()


def pytest_configure(config: pytest.Config) -> None:
    """Gathering tests is a good part of what a process costs that runs an eighth of them: it does nothing beside it."""
    measuring = Coverage.current()
    if measuring and (hands_out_tests(config) or hasattr(config, "workerinput")):
        measuring.stop()  # nothing of the product runs in the one, and the other was forked with all of it imported
        config.stash[MEASURING] = measuring
    if hands_out_tests(config) and not config.pluginmanager.has_plugin("tools.test_costs"):  # each has costs of its own
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does, and leaves no server behind
        keeping = ExitStack()
        selected = ["-m", str(config.getoption("markexpr")), *config.args]
        config.option.tx = [keeping.enter_context(sharing(selected))] * len(config.option.tx)
        config.add_cleanup(keeping.close)
    gc.disable()


def hands_out_tests(config: pytest.Config) -> bool:
    """Whether this process runs no tests itself: it starts others that do, side by side."""
    return bool(config.getoption("numprocesses", None)) and not hasattr(config, "workerinput")


def pytest_collection_finish(session: pytest.Session) -> None:
    if settings.get_current_profile_name() == "fixed":
        _draw_nothing_from_the_source()
    gc.freeze()  # tests and modules stay until the end: no search for garbage needs to look at them
    gc.set_threshold(NEW_OBJECTS)
    gc.enable()
    if measuring := session.config.stash.get(MEASURING, None):
        measuring.start()


def _draw_nothing_from_the_source() -> None:
    """Hypothesis also draws constants of the modules that are imported, and has no setting for it.

    So a new sentence anywhere, or a module that another test imported before, would change the examples of all tests.
    """
    nothing = Constants()
    providers._get_local_constants = lambda: nothing  # pyright: ignore[reportPrivateUsage]


#: Ids of all tests that were found, also of those that are not selected.
COLLECTED = pytest.StashKey[list[str]]()
#: What `make test` selects.
WITHIN_MINUTES = "not further and not lengthy"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What `make test` runs nothing of is not even read: that takes each process seconds."""
    wanted = config.getoption("markexpr") != WITHIN_MINUTES or not promises.holds_nothing_quick(collection_path)
    return None if wanted else True


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is generated, and what is further. Files side by side end soonest if the longest begin first.

    Those mostly wait, so a few that mostly calculate follow each: else processors idle at first and are short later.
    """
    config.stash[COLLECTED] = [item.nodeid for item in items]
    for item in items:
        if promises.is_further(item.path, item.nodeid):
            item.add_marker("further")
        if isinstance(item, pytest.Function) and getattr(item.obj, "is_hypothesis_test", False):
            item.add_marker("generated")
    places = {name: place for place, name in enumerate(_order({item.path.name: None for item in items}))}
    items.sort(key=lambda item: (item.get_closest_marker("lengthy") is None, places[item.path.name]))


def _order(files: Iterable[str]) -> Iterator[str]:
    """Names of files: of LONGEST one after the other, BETWEEN others behind each, then the rest.

    The others are shuffled, always alike: neighbours by name are alike in what they do, and would all wait at once.
    """
    found = sorted(files, key=lambda name: crc32(name.encode()))
    others = iter([it for it in found if it not in _PLACES])
    for name in sorted((it for it in found if it in _PLACES), key=_PLACES.__getitem__):
        yield name
        yield from islice(others, BETWEEN)
    yield from others
