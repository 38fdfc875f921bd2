"""Where Alembic runs the revisions: in the transaction that `migrate.py` has opened."""

from alembic import context
from sqlalchemy import Connection

from bot.store.schema import metadata

connection: Connection = context.config.attributes["connection"]
# render_as_batch: SQLite can change a table only by copying it.
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
context.run_migrations()
