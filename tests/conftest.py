"""What tests of all kinds share: one PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases import PostgresServer, postgres_server, why_no_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    if missing := why_no_postgres():
        pytest.skip(missing)
    with postgres_server() as server:
        yield server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files side by side end soonest when the longest begin first; the quick ones, collected last, fill the gaps."""
    items.sort(key=lambda it: it.get_closest_marker("lengthy") is None)
