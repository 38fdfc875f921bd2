"""The log of each server: lines that wait for its log channel, and who changed which setting."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
#: The same text as the queries', because SQLite uses a partial index only for the condition it was made with.
_WAITING = sa.column("channel_id", sa.BigInteger()).is_not(None)


def upgrade() -> None:
    op.create_table(
        "server_log",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False, autoincrement=True),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger()),
        sa.Column("about_id", sa.BigInteger()),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("is_setting", sa.Boolean(), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("channel_id", sa.BigInteger()),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("batch", sa.BigInteger()),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("worker_id", sa.Text()),
        sa.Column("tried_at", _MOMENT),
        sa.PrimaryKeyConstraint("seq", name="pk_server_log"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_server_log_waiting", "server_log", ["channel_id"], sqlite_where=_WAITING, postgresql_where=_WAITING
    )
    op.create_index("ix_server_log_guild_id_seq", "server_log", ["guild_id", "seq"])
    op.create_index("ix_server_log_made_at", "server_log", ["made_at"])
    op.create_index("ix_server_log_batch", "server_log", ["batch"])


def downgrade() -> None:
    op.drop_table("server_log")
