"""Brings the tables up to date. Alembic is imported only when there is something to do.

A fresh database is created from the tables as they are now, without walking through every revision. Only one that is
there already is upgraded.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from bot.errors import StartError, StoreError
from bot.store.approvals.table import approvals
from bot.store.audit.table import server_log
from bot.store.schema import metadata
from bot.store.sync import advisory_locks

HEAD = "0011"  # the newest revision under migrations/versions; a test keeps it true

#: Tables with files of their own: the schema is whole only where they are known.
OTHER_TABLES = (approvals, server_log)
_SCRIPTS = Path(__file__).parent / "migrations"


class StoreOutdated(StoreError):
    """An earlier version wrote the tables, and whoever opens them only wants to look."""


def migrate(engine: Engine, *, upgrade: bool = True) -> None:
    """Bring the tables to HEAD. Processes that start together do so one after the other. Raises StartError.

    Without `upgrade` what is there stays as an earlier version left it, which may be running: raises StoreOutdated.
    """
    with engine.begin() as connection:
        advisory_locks.hold(connection, [advisory_locks.OF_MIGRATION])
        if not inspect(connection).get_table_names():
            create_tables(connection)
        elif (revision := current_revision(connection)) != HEAD:
            if not upgrade and any((_SCRIPTS / "versions").glob(f"{revision}_*.py")):
                raise StoreOutdated
            _upgrade(connection)


def current_revision(connection: Connection) -> str | None:
    """The revision the tables are at; None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def create_tables(connection: Connection) -> None:
    """The tables of an empty database, as the revisions would leave them: a test holds the two equal."""
    metadata.create_all(connection)
    connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def _upgrade(connection: Connection) -> None:
    # Late, because a start that has nothing to migrate should not pay for it in memory.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StartError(
            "The database was written by a later version of Easel; update Easel, or restore an older backup."
        ) from error
