"""Servers' logs are searched by person, so that whoever wants to be forgotten holds up nobody."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("user_id", "about_id"):
        known = sa.column(name).is_not(None)
        op.create_index(f"ix_server_log_{name}", "server_log", [name], sqlite_where=known, postgresql_where=known)


def downgrade() -> None:
    for name in ("about_id", "user_id"):
        op.drop_index(f"ix_server_log_{name}", "server_log")
