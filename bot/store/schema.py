"""The tables, as SQLAlchemy Core sees them. A change here needs a revision under `migrations/versions`.

Column types are chosen for both databases. Times are UTC, money is in millionths of a dollar, and ids of Discord are
64-bit integers. Texts of people are stored as ASCII JSON, because PostgreSQL takes no NUL and SQLite no lone
surrogate.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
    event,
)

from bot.store.column_types import StateText, UtcTime

# Explicit names, because SQLite can alter a table only by copying it, and a copy needs names.
_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=_NAMES)


class JobColumns(TypedColumns):
    """One row is one job; `model.Job` says what each value means."""

    # Only INTEGER PRIMARY KEY counts upwards by itself on SQLite.
    seq = Column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True)
    id = Column(String(64), nullable=False, unique=True)
    interaction_id = Column(BigInteger, nullable=False, unique=True)
    user_id = Column(BigInteger, nullable=False)
    state = Column(StateText, nullable=False)
    turn = Column(BigInteger, nullable=False, default=0)  # the order of the line, see line.py
    parent_id = Column(String(64))
    parent_link = Column(Text)  # address of the message that this job follows up
    request = Column(Text, nullable=False)  # JSON, see rows.py
    application_id = Column(BigInteger, nullable=False)
    token = Column(Text, nullable=False)
    token_expires_at = Column(UtcTime, nullable=False)
    channel_id = Column(BigInteger, nullable=False)
    guild_id = Column(BigInteger)
    message_id = Column(BigInteger)
    ephemeral = Column(Boolean, nullable=False)
    bot_member = Column(Boolean, nullable=False)
    upload_limit = Column(BigInteger, nullable=False)
    locale = Column(String(16), nullable=False)
    received_at = Column(UtcTime, nullable=False)
    not_before = Column(UtcTime)
    submitted_at = Column(UtcTime)
    ready_at = Column(UtcTime)
    finished_at = Column(UtcTime)
    attempts = Column(Integer, nullable=False)
    task_id = Column(Text)
    request_id = Column(Text)
    result_urls = Column(Text, nullable=False)  # JSON
    cancel_requested = Column(Boolean, nullable=False)
    failure = Column(Text)  # JSON
    cost_micros = Column(BigInteger)
    reply_deleted = Column(Boolean, nullable=False)
    told = Column(Boolean, nullable=False)
    owner = Column(Text)  # the process that works on the job, until lease_until
    lease_until = Column(UtcTime)


class MetaColumns(TypedColumns):
    """Small named texts."""

    name = Column(String(64), primary_key=True)
    value = Column(Text, nullable=False)


class RulesColumns(TypedColumns):
    """What holds in a server, or in one of its channels where that differs. Channel 0 is the server as a whole."""

    guild_id = Column(BigInteger, primary_key=True, autoincrement=False)
    channel_id = Column(BigInteger, primary_key=True, autoincrement=False)
    value = Column(Text, nullable=False)  # JSON, only what was set
    changed_by = Column(BigInteger, nullable=False)
    changed_at = Column(UtcTime, nullable=False)


class LedgerColumns(TypedColumns):
    """What each job took, or may still take. The row comes with the job and goes when the job ends uncharged."""

    job_id = Column(String(64), primary_key=True)
    user_id = Column(BigInteger)  # None once the person asked to be forgotten: the sums stay
    guild_id = Column(BigInteger)  # None outside servers
    channel_id = Column(BigInteger, nullable=False)
    model = Column(String(64), nullable=False)
    resolution = Column(String(8), nullable=False)
    is_edit = Column(Boolean, nullable=False)
    pictures = Column(Integer, nullable=False)  # asked for while reserved, delivered once settled
    sources = Column(Integer, nullable=False)
    cost_micros = Column(BigInteger)  # millionths of a US dollar; None where the price list has no price
    reserved_at = Column(UtcTime, nullable=False)
    settled_at = Column(UtcTime)  # None while the job runs


class TotalColumns(TypedColumns):
    """What the ledger's entries of one day add up to, for quotas; see queries/totals.py."""

    user_id = Column(BigInteger, primary_key=True, autoincrement=False)  # -2 stands for all people
    guild_id = Column(BigInteger, primary_key=True, autoincrement=False)  # -2 for all, -1 for none
    day = Column(String(10), primary_key=True)  # in UTC, such as 2026-11-23
    shard = Column(BigInteger, primary_key=True, autoincrement=False)  # the database session that writes this row
    pictures = Column(BigInteger, nullable=False)
    cost_micros = Column(BigInteger, nullable=False)


class BlockColumns(TypedColumns):
    """Who may not use Easel in a server."""

    guild_id = Column(BigInteger, primary_key=True, autoincrement=False)
    user_id = Column(BigInteger, primary_key=True, autoincrement=False)
    blocked_by = Column(BigInteger, nullable=False)
    blocked_at = Column(UtcTime, nullable=False)


class PresetColumns(TypedColumns):
    """A named style: of one user, or of a server for all its members."""

    id = Column(String(32), primary_key=True)
    of_guild = Column(Boolean, nullable=False)
    owner_id = Column(BigInteger, nullable=False)  # the server's id where `of_guild`, else the user's
    name = Column(String(64), nullable=False)
    value = Column(Text, nullable=False)  # JSON: words added to the prompt, options, what pictures there are
    made_by = Column(BigInteger, nullable=False)
    made_at = Column(UtcTime, nullable=False)


class PresetPictureColumns(TypedColumns):
    """The files of presets' reference pictures, small and without metadata. Their order is in the preset's value."""

    id = Column(String(32), primary_key=True)
    preset_id = Column(String(32), nullable=False)
    data = Column(LargeBinary, nullable=False)


class PreferenceColumns(TypedColumns):
    """What a user has chosen for themselves, and what a form remembers of their last choices."""

    user_id = Column(BigInteger, primary_key=True, autoincrement=False)
    value = Column(Text, nullable=False)  # JSON


class NoticeColumns(TypedColumns):
    """Delivered jobs whose requester is still to be mentioned. A row stands until the message does."""

    job_id = Column(String(64), primary_key=True)
    user_id = Column(BigInteger, nullable=False)
    made_at = Column(UtcTime, nullable=False)
    due_at = Column(UtcTime, nullable=False)  # a process that tries has it until then, and nobody tries earlier
    worker_id = Column(Text)  # the process that tries, or tried last
    tried_at = Column(UtcTime)  # written before the message is sent: from then on it may be there


class OpeningColumns(TypedColumns):
    """Pictures of a message that a form was opened on, for as long as it may be open."""

    id = Column(String(32), primary_key=True)
    user_id = Column(BigInteger, nullable=False)
    sources = Column(Text, nullable=False)  # JSON
    link = Column(Text)  # address of the message
    made_at = Column(UtcTime, nullable=False)


class DraftColumns(TypedColumns):
    """A request that waits for its user's yes to the price. Nothing is reserved for it."""

    id = Column(String(32), primary_key=True)
    user_id = Column(BigInteger, nullable=False)
    request = Column(Text, nullable=False)  # JSON, see rows.py
    parent_id = Column(String(64))
    parent_link = Column(Text)
    made_at = Column(UtcTime, nullable=False)


class SourceAuthorColumns(TypedColumns):
    """Whose the sources of a job are, for who may use them again; see model.Source."""

    job_id = Column(String(64), primary_key=True)
    position = Column(Integer, primary_key=True, autoincrement=False)
    user_id = Column(BigInteger, nullable=False)  # 0 once the person asked to be forgotten
    offered = Column(Boolean, nullable=False)


class DepartureColumns(TypedColumns):
    """Servers that the bot has left, whose data goes after a grace period."""

    guild_id = Column(BigInteger, primary_key=True, autoincrement=False)
    left_at = Column(UtcTime, nullable=False)


class StarColumns(TypedColumns):
    """Who has given a picture a star: one row for each of them."""

    job_id = Column(String(64), primary_key=True)
    user_id = Column(BigInteger, primary_key=True, autoincrement=False)
    given_at = Column(UtcTime, nullable=False)


class ShowcaseColumns(TypedColumns):
    """A picture that was given a star at least once, and its post in the showcase; see queries/showcase.py.

    It says by itself what is needed to remove the post, for the job may be deleted before.
    """

    job_id = Column(String(64), primary_key=True)
    job_seq = Column(BigInteger, nullable=False)
    guild_id = Column(BigInteger, nullable=False)
    maker_id = Column(BigInteger, nullable=False)
    stars = Column(Integer, nullable=False)  # as many as the table `stars` has; always written together
    shown = Column(Integer, nullable=False)  # as many as the reply shows, as far as is known
    edited_at = Column(UtcTime)  # when a process last set out to show them there
    post = Column(String(16), nullable=False)  # a PostState
    since = Column(UtcTime, nullable=False)  # when the post was wanted: what stands in the channel is newer
    channel_id = Column(BigInteger)  # the showcase channel; written before anything is posted there
    place_id = Column(BigInteger)  # where the message is: that channel, or its own thread in a forum
    message_id = Column(BigInteger)
    not_before = Column(UtcTime)
    worker_id = Column(Text)  # the process that posts or removes, until lease_until
    lease_until = Column(UtcTime)


class OutcomeColumns(TypedColumns):
    """How many jobs ended in which way in a day or a month; see oversight/outcomes.py."""

    period = Column(String(10), primary_key=True)  # in UTC: a day such as 2026-11-23, or a whole month, 2026-11
    guild_id = Column(BigInteger, primary_key=True, autoincrement=False)  # -2 for all, -1 for none, as in `totals`
    outcome = Column(String(24), primary_key=True)
    shard = Column(BigInteger, primary_key=True, autoincrement=False)
    jobs = Column(BigInteger, nullable=False)
    took_ms = Column(BigInteger, nullable=False)  # of all of them together, from the row to the end


class OperatorBlockColumns(TypedColumns):
    """Servers and people that the operator keeps out everywhere. Not a person's own data: it outlives their wish."""

    kind = Column(String(8), primary_key=True)  # a policy.door.BlockKind
    blocked_id = Column(BigInteger, primary_key=True, autoincrement=False)
    blocked_by = Column(BigInteger, nullable=False)  # 0 once they were forgotten
    blocked_at = Column(UtcTime, nullable=False)
    name = Column(Text, nullable=False)  # of a server as it was called then, as JSON; may be empty


jobs = Table("jobs", metadata, JobColumns, sqlite_autoincrement=True)
meta = Table("meta", metadata, MetaColumns)
rules = Table("rules", metadata, RulesColumns)
ledger = Table("ledger", metadata, LedgerColumns)
totals = Table("totals", metadata, TotalColumns)
blocks = Table("blocks", metadata, BlockColumns)
presets = Table("presets", metadata, PresetColumns, UniqueConstraint("of_guild", "owner_id", "name"))
preset_pictures = Table("preset_pictures", metadata, PresetPictureColumns)
preferences = Table("preferences", metadata, PreferenceColumns)
notices = Table("notices", metadata, NoticeColumns)
openings = Table("openings", metadata, OpeningColumns)
drafts = Table("drafts", metadata, DraftColumns)
source_authors = Table("source_authors", metadata, SourceAuthorColumns)
departures = Table("departures", metadata, DepartureColumns)
stars = Table("stars", metadata, StarColumns)
showcase = Table("showcase", metadata, ShowcaseColumns)
outcomes = Table("outcomes", metadata, OutcomeColumns)
operator_blocks = Table("operator_blocks", metadata, OperatorBlockColumns)


def partial_index(name: str, *columns: Column[Any], where: ColumnElement[bool]) -> None:
    """An index of the rows that `where` holds for, on both databases.

    PostgreSQL is told when the table is made: to name it here would load its dialect, which takes 3 MB, everywhere.
    """
    index = Index(name, *columns, sqlite_where=where)

    def tell(_: Table, connection: Connection, **__: Any) -> None:
        """Before the table is made."""
        if connection.dialect.name == "postgresql":
            index.dialect_options["postgresql"]["where"] = where

    event.listen(index.table, "before_create", tell)


# The line and the counts read only the few unfinished jobs, however many finished ones there are.
Index(None, jobs.c.state, jobs.c.turn, jobs.c.seq)
Index(None, jobs.c.user_id, jobs.c.seq)
# So do all questions about jobs whose end nobody has been told yet, because there is none or because it is fresh. A
# partial index holds only their rows. SQLite uses it only where a query repeats its condition: UNANNOUNCED.
UNANNOUNCED = jobs.c.told.is_(False)
partial_index("ix_jobs_unannounced", jobs.c.seq, where=UNANNOUNCED)
partial_index("ix_jobs_unannounced_of_user", jobs.c.user_id, jobs.c.seq, where=UNANNOUNCED)
partial_index("ix_jobs_unannounced_of_guild", jobs.c.guild_id, jobs.c.seq, where=UNANNOUNCED)
# A server's pictures and requests, of all, of a member or of a channel, newest first; and what has grown old.
Index(None, jobs.c.guild_id, jobs.c.seq)
Index(None, jobs.c.guild_id, jobs.c.user_id, jobs.c.seq)
Index(None, jobs.c.guild_id, jobs.c.channel_id, jobs.c.seq)
Index(None, jobs.c.finished_at)
# Sums of a day or a month, by person and by server.
Index(None, ledger.c.user_id, ledger.c.reserved_at)
Index(None, ledger.c.guild_id, ledger.c.reserved_at)
Index(None, ledger.c.reserved_at)
# Entries that still name a person, for the day on which they have grown old.
NAMED_PERSON = ledger.c.user_id.is_not(None)
partial_index("ix_ledger_named", ledger.c.reserved_at, where=NAMED_PERSON)
Index(None, preset_pictures.c.preset_id)
# Totals of a server that was left, and those of past months.
Index(None, totals.c.guild_id, totals.c.day)
Index(None, totals.c.day)
Index(None, source_authors.c.user_id)
# Whose stars go when a person asks for that; starred pictures of a server or a person, newest first.
Index(None, stars.c.user_id)
Index(None, showcase.c.guild_id, showcase.c.job_seq)
Index(None, showcase.c.maker_id, showcase.c.job_seq)
# Posts that wait for something, and replies that show another number of stars than there are: few at any time.
Index(None, showcase.c.post, showcase.c.since)
STALE_COUNT = showcase.c.stars != showcase.c.shown
partial_index("ix_showcase_stale", showcase.c.edited_at, where=STALE_COUNT)
