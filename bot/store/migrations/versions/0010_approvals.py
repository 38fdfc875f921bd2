"""Drafts that wait for a moderator."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
#: The same text as the queries', because SQLite uses a partial index only for the condition it was made with.
_DUE = sa.column("due_at", _MOMENT).is_not(None)


def upgrade() -> None:
    op.create_table(
        "approvals",
        sa.Column("job_id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger()),
        sa.Column("asked", sa.Text()),
        sa.Column("decided_by", sa.BigInteger()),
        sa.Column("decided_at", _MOMENT),
        sa.Column("decision_id", sa.BigInteger()),
        sa.Column("due_at", _MOMENT),
        sa.Column("worker_id", sa.Text()),
        sa.Column("tried_at", _MOMENT),
        sa.PrimaryKeyConstraint("job_id", name="pk_approvals"),
    )
    op.create_index("ix_approvals_due", "approvals", ["due_at"], sqlite_where=_DUE, postgresql_where=_DUE)
    op.create_index("ix_approvals_user_id_state", "approvals", ["user_id", "state"])
    op.create_index("ix_approvals_decided_by", "approvals", ["decided_by"])
    op.create_index("ix_approvals_guild_id", "approvals", ["guild_id"])


def downgrade() -> None:
    op.drop_table("approvals")
