"""Stars that members give to pictures, and the posts of a server's showcase."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
#: The same text as the queries', because SQLite uses a partial index only for the condition it was made with.
_STALE = sa.column("stars", sa.Integer()) != sa.column("shown", sa.Integer())


def upgrade() -> None:
    op.create_table(
        "stars",
        sa.Column("job_id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("given_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "user_id", name="pk_stars"),
    )
    op.create_index("ix_stars_user_id", "stars", ["user_id"])
    op.create_table(
        "showcase",
        sa.Column("job_id", sa.String(64), nullable=False),
        sa.Column("job_seq", sa.BigInteger(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("maker_id", sa.BigInteger(), nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("shown", sa.Integer(), nullable=False),
        sa.Column("edited_at", _MOMENT),
        sa.Column("post", sa.String(16), nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("channel_id", sa.BigInteger()),
        sa.Column("place_id", sa.BigInteger()),
        sa.Column("message_id", sa.BigInteger()),
        sa.Column("not_before", _MOMENT),
        sa.Column("worker_id", sa.Text()),
        sa.Column("lease_until", _MOMENT),
        sa.PrimaryKeyConstraint("job_id", name="pk_showcase"),
    )
    op.create_index("ix_showcase_guild_id_job_seq", "showcase", ["guild_id", "job_seq"])
    op.create_index("ix_showcase_maker_id_job_seq", "showcase", ["maker_id", "job_seq"])
    op.create_index("ix_showcase_post_since", "showcase", ["post", "since"])
    op.create_index("ix_showcase_stale", "showcase", ["edited_at"], sqlite_where=_STALE, postgresql_where=_STALE)


def downgrade() -> None:
    op.drop_table("showcase")
    op.drop_table("stars")
