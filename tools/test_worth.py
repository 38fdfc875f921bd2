"""Which test files run lines of the product that no other file runs: `make test-worth`.

As a plugin of pytest (`-p tools.test_worth`) this lets coverage note for each line which files ran it, themselves or
by the bots that they forked; nothing is left out then. As a program it tells, from what was noted, how many lines each
file alone runs, and how many in all: files with next to none are candidates for UNMEASURED in tests/conftest.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from coverage import Coverage, CoverageData

from tests.bots import MEASURED, TEST_FILE

DATA = Path(__file__).parents[1] / ".coverage" / "data"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    file = item.nodeid.partition("::")[0]
    if (measuring := Coverage.current()) and MEASURED.get(TEST_FILE) != file:
        MEASURED[TEST_FILE] = file
        measuring.switch_context(file)
    return (yield)


def tell() -> None:
    """Print a line for each test file, those first that could best be done without."""
    data = CoverageData(str(DATA))
    data.read()
    ran, alone = Counter[str](), Counter[str]()
    for module in data.measured_files():
        for contexts in data.contexts_by_lineno(module).values():
            ran.update(contexts)
            if len(contexts) == 1:
                alone.update(contexts)
    print(f"{'alone':>8}{'in all':>8}")
    for file in sorted(filter(None, ran), key=lambda it: (alone[it], -ran[it])):
        print(f"{alone[file]:8}{ran[file]:8}  {file}")


if __name__ == "__main__":
    tell()
