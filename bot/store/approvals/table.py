"""The table of approvals. It belongs to the schema, and stands here because the schema's own file is full."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, TypedColumns

from bot.store.schema import UtcTime, metadata, partial_index


class ApprovalColumns(TypedColumns):
    """A private result that its requester wants to post, where drafts are approved; see approvals/queries.py."""

    job_id = Column(String(64), primary_key=True)
    user_id = Column(BigInteger, nullable=False)  # the requester; 0 once they were forgotten
    guild_id = Column(BigInteger, nullable=False)
    round = Column(Integer, nullable=False)  # how often it was asked for; also in the buttons of the question
    state = Column(String(16), nullable=False)  # an ApprovalState
    made_at = Column(UtcTime, nullable=False)
    locale = Column(String(16), nullable=False)  # of the question
    channel_id = Column(BigInteger, nullable=False)  # the log channel at that time
    message_id = Column(BigInteger)  # the question, once it is known to stand
    asked = Column(Text)  # JSON of an AskedPost; goes when all is done
    decided_by = Column(BigInteger)  # 0 once they were forgotten
    decided_at = Column(UtcTime)
    decision_id = Column(BigInteger)  # the interaction that decided, which names the post as its own
    due_at = Column(UtcTime)  # a process that works on it has it until then; None where nothing is to be done
    worker_id = Column(Text)
    tried_at = Column(UtcTime)  # written before a message is sent: from then on it may be there


approvals = Table("approvals", metadata, ApprovalColumns)
DUE_APPROVALS = approvals.c.due_at.is_not(None)
partial_index("ix_approvals_due", approvals.c.due_at, where=DUE_APPROVALS)
Index(None, approvals.c.user_id, approvals.c.state)
Index(None, approvals.c.decided_by)
Index(None, approvals.c.guild_id)
