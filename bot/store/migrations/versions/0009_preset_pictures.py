"""Reference pictures of presets."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "preset_pictures",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("preset_id", sa.String(32), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_preset_pictures"),
    )
    op.create_index("ix_preset_pictures_preset_id", "preset_pictures", ["preset_id"])


def downgrade() -> None:
    op.drop_table("preset_pictures")
