"""The table of servers' logs. It belongs to the schema, and stands here because the schema's own file is full."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text, TypedColumns

from bot.store.schema import UtcTime, metadata, partial_index


class ServerLogColumns(TypedColumns):
    """What happened in a server, one line each; see audit/lines.py. Names and words go when the line stands."""

    seq = Column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True)
    guild_id = Column(BigInteger, nullable=False)
    user_id = Column(BigInteger)  # who acted
    about_id = Column(BigInteger)  # to whom
    who = Column(Text, nullable=False)  # JSON: who acted, by name
    text = Column(Text, nullable=False)  # JSON: in the server's language, see policy/server_log.py
    locale = Column(String(16), nullable=False)
    is_setting = Column(Boolean, nullable=False)  # kept for a while after it is posted
    made_at = Column(UtcTime, nullable=False)
    channel_id = Column(BigInteger)  # where it is still to be posted
    left_out = Column(Integer, nullable=False, default=0)  # lines before it that found no room
    batch = Column(BigInteger)  # the first line of the message that it is part of
    due_at = Column(UtcTime, nullable=False)  # a process that tries has it until then
    worker_id = Column(Text)
    tried_at = Column(UtcTime)  # written before the message is sent: from then on it may be there


server_log = Table("server_log", metadata, ServerLogColumns, sqlite_autoincrement=True)
# Lines that wait for a log channel; the settings that a server has changed; the lines of one message.
WAITING_LINES = server_log.c.channel_id.is_not(None)
partial_index("ix_server_log_waiting", server_log.c.channel_id, where=WAITING_LINES)
Index(None, server_log.c.guild_id, server_log.c.seq)
Index(None, server_log.c.batch)
Index(None, server_log.c.made_at)
# What a person has done and what was done to them, to be forgotten.
partial_index("ix_server_log_user_id", server_log.c.user_id, where=server_log.c.user_id.is_not(None))
partial_index("ix_server_log_about_id", server_log.c.about_id, where=server_log.c.about_id.is_not(None))
