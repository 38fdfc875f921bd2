"""What a year of jobs needs: running totals for quotas, and indexes that do not grow with what has ended."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
#: The same text as the queries', because SQLite uses a partial index only for the condition it was made with.
_UNANNOUNCED = sa.column("told", sa.Boolean()).is_(False)
_NAMED_PERSON = sa.column("user_id").is_not(None)
_FILL = """
INSERT INTO totals (user_id, guild_id, day, shard, pictures, cost_micros)
SELECT {user}, {guild}, {day}, 0, SUM(pictures), COALESCE(SUM(cost_micros), 0)
FROM ledger WHERE reserved_at >= :since {known} GROUP BY 1, 2, 3
"""


def upgrade() -> None:
    op.create_table(
        "totals",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("shard", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("pictures", sa.BigInteger(), nullable=False),
        sa.Column("cost_micros", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "guild_id", "day", "shard", name="pk_totals"),
    )
    op.create_index("ix_totals_guild_id_day", "totals", ["guild_id", "day"])
    op.create_index("ix_totals_day", "totals", ["day"])
    _fill_totals()
    op.drop_index("ix_jobs_told_seq", "jobs")
    for name, columns in _PARTIAL.items():
        op.create_index(name, "jobs", columns, sqlite_where=_UNANNOUNCED, postgresql_where=_UNANNOUNCED)
    op.create_index("ix_jobs_guild_id_user_id_seq", "jobs", ["guild_id", "user_id", "seq"])
    op.create_index("ix_jobs_guild_id_channel_id_seq", "jobs", ["guild_id", "channel_id", "seq"])
    op.create_index(
        "ix_ledger_named", "ledger", ["reserved_at"], sqlite_where=_NAMED_PERSON, postgresql_where=_NAMED_PERSON
    )


_PARTIAL = {
    "ix_jobs_unannounced": ["seq"],
    "ix_jobs_unannounced_of_user": ["user_id", "seq"],
    "ix_jobs_unannounced_of_guild": ["guild_id", "seq"],
}


def _fill_totals() -> None:
    """Add up this month in the database itself, which needs no memory here. Nothing asks for earlier months."""
    connection = op.get_bind()
    since = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    day = "to_char(reserved_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
    if connection.dialect.name == "sqlite":
        day = "substr(reserved_at, 1, 10)"
    for user, known in (("user_id", "AND user_id IS NOT NULL"), ("-2", "")):
        for guild in ("COALESCE(guild_id, -1)", "-2"):
            statement = sa.text(_FILL.format(user=user, guild=guild, day=day, known=known))
            connection.execute(statement.bindparams(sa.bindparam("since", since, _MOMENT)))


def downgrade() -> None:
    op.drop_index("ix_ledger_named", "ledger")
    op.drop_index("ix_jobs_guild_id_channel_id_seq", "jobs")
    op.drop_index("ix_jobs_guild_id_user_id_seq", "jobs")
    for name in _PARTIAL:
        op.drop_index(name, "jobs")
    op.create_index("ix_jobs_told_seq", "jobs", ["told", "seq"])
    op.drop_table("totals")
