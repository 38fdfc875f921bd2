"""What owners set and see: rules, the ledger, blocks; presets, preferences, drafts; servers that were left."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_moment = sa.DateTime(timezone=True)
_BATCH = 1000  # rows


def upgrade() -> None:
    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(sa.Column("parent_link", sa.Text()))
    op.create_index("ix_jobs_guild_id_seq", "jobs", ["guild_id", "seq"])
    op.create_index("ix_jobs_finished_at", "jobs", ["finished_at"])
    _rules_and_ledger()
    _enter_jobs()
    _styles_and_drafts()


def _rules_and_ledger() -> None:
    op.create_table(
        "rules",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("channel_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "channel_id", name="pk_rules"),
    )
    op.create_table(
        "ledger",
        sa.Column("job_id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.BigInteger()),
        sa.Column("guild_id", sa.BigInteger()),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("resolution", sa.String(8), nullable=False),
        sa.Column("is_edit", sa.Boolean(), nullable=False),
        sa.Column("pictures", sa.Integer(), nullable=False),
        sa.Column("sources", sa.Integer(), nullable=False),
        sa.Column("cost_micros", sa.BigInteger()),
        sa.Column("reserved_at", _moment, nullable=False),
        sa.Column("settled_at", _moment),
        sa.PrimaryKeyConstraint("job_id", name="pk_ledger"),
    )
    op.create_index("ix_ledger_user_id_reserved_at", "ledger", ["user_id", "reserved_at"])
    op.create_index("ix_ledger_guild_id_reserved_at", "ledger", ["guild_id", "reserved_at"])
    op.create_index("ix_ledger_reserved_at", "ledger", ["reserved_at"])
    op.create_table(
        "blocks",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("blocked_by", sa.BigInteger(), nullable=False),
        sa.Column("blocked_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "user_id", name="pk_blocks"),
    )


def _enter_jobs() -> None:
    """Enter the jobs that are there already: delivered ones, and unfinished ones as reserved."""
    known: list[sa.ColumnClause[Any]] = [sa.column(name) for name in (*_TAKEN_OVER, "state", "request")]
    jobs = sa.table("jobs", *known)
    finished, began = sa.column("finished_at", _moment), sa.column("received_at", _moment)
    ended = jobs.c.state.in_(("failed", "cancelled", "uncertain", "timed_out"))
    query = sa.select(*jobs.c, began, finished).select_from(jobs).where(sa.not_(ended))
    # In parts: a database of a million jobs does not fit into the memory of a small machine.
    with op.get_bind().execute(query.execution_options(yield_per=_BATCH)) as found:
        for rows in found.mappings().partitions():
            entries = [_entry(row) for row in rows]
            columns: list[sa.ColumnClause[Any]] = [
                sa.column(name, _moment if name in {"reserved_at", "settled_at"} else None) for name in entries[0]
            ]
            op.bulk_insert(sa.table("ledger", *columns), entries)


_TAKEN_OVER = ("id", "user_id", "guild_id", "channel_id", "cost_micros")


def _entry(row: sa.RowMapping) -> dict[str, object]:
    request = json.loads(row["request"])
    return {
        "job_id": row["id"],
        **{name: row[name] for name in _TAKEN_OVER[1:]},
        "model": request.get("model", "grok-imagine-image"),
        "resolution": request.get("resolution", "1k"),
        "is_edit": bool(request.get("sources")),
        "pictures": request.get("count", 1),
        "sources": len(request.get("sources", ())),
        "reserved_at": row["received_at"],
        "settled_at": row["finished_at"],
    }


def _styles_and_drafts() -> None:
    op.create_table(
        "presets",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("of_guild", sa.Boolean(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("made_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_presets"),
        sa.UniqueConstraint("of_guild", "owner_id", "name", name="uq_presets_of_guild_owner_id_name"),
    )
    op.create_table(
        "preferences",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_preferences"),
    )
    op.create_table(
        "openings",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("sources", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("made_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_openings"),
    )
    op.create_table(
        "drafts",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.String(64)),
        sa.Column("parent_link", sa.Text()),
        sa.Column("made_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_drafts"),
    )
    op.create_table(
        "departures",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("left_at", _moment, nullable=False),
        sa.PrimaryKeyConstraint("guild_id", name="pk_departures"),
    )


def downgrade() -> None:
    for table in ("departures", "drafts", "openings", "preferences", "presets", "blocks", "ledger", "rules"):
        op.drop_table(table)
    op.drop_index("ix_jobs_finished_at", "jobs")
    op.drop_index("ix_jobs_guild_id_seq", "jobs")
    with op.batch_alter_table("jobs") as jobs:
        jobs.drop_column("parent_link")
