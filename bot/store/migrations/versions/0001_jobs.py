"""The jobs, and a table for small named texts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("interaction_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", sa.String(64)),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("application_id", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("token_expires_at", _moment, nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("guild_id", sa.BigInteger()),
        sa.Column("message_id", sa.BigInteger()),
        sa.Column("ephemeral", sa.Boolean(), nullable=False),
        sa.Column("bot_member", sa.Boolean(), nullable=False),
        sa.Column("upload_limit", sa.BigInteger(), nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("received_at", _moment, nullable=False),
        sa.Column("not_before", _moment),
        sa.Column("submitted_at", _moment),
        sa.Column("ready_at", _moment),
        sa.Column("finished_at", _moment),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Text()),
        sa.Column("request_id", sa.Text()),
        sa.Column("result_urls", sa.Text(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("failure", sa.Text()),
        sa.Column("cost_micros", sa.BigInteger()),
        sa.Column("reply_deleted", sa.Boolean(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("lease_until", _moment),
        sa.PrimaryKeyConstraint("seq", name="pk_jobs"),
        sa.UniqueConstraint("id", name="uq_jobs_id"),
        sa.UniqueConstraint("interaction_id", name="uq_jobs_interaction_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_jobs_state_turn_seq", "jobs", ["state", "turn", "seq"])
    op.create_index("ix_jobs_user_id_seq", "jobs", ["user_id", "seq"])
    op.create_index("ix_jobs_told_seq", "jobs", ["told", "seq"])
    op.create_table(
        "meta",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_meta"),
    )


def downgrade() -> None:
    op.drop_table("meta")
    op.drop_table("jobs")
