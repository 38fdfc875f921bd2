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
