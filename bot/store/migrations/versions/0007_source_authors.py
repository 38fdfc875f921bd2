"""Whose the sources of a job are."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "source_authors",
        sa.Column("job_id", sa.String(64), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("offered", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "position", name="pk_source_authors"),
    )
    op.create_index("ix_source_authors_user_id", "source_authors", ["user_id"])


def downgrade() -> None:
    op.drop_table("source_authors")
