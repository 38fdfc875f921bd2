"""An approval as it stands in the database: what was asked, how far it has come, and what was decided."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import RowMapping

from bot.model import ReplyTarget
from bot.policy.admission import RequestContext
from bot.store.rows import known_fields

#: Until the same pictures may be asked for again after they were declined once, twice, and more often.
PAUSES = (timedelta(minutes=10), timedelta(hours=3), timedelta(days=1))


class ApprovalState(StrEnum):
    """How far an approval has come."""

    ASKING = "asking"
    ASKED = "asked"
    APPROVED = "approved"
    POSTING = "posting"
    POSTED = "posted"
    DECLINED = "declined"
    REFUSED = "refused"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


OPEN = frozenset({ApprovalState.ASKING, ApprovalState.ASKED})
UNDER_WAY = frozenset({ApprovalState.APPROVED, ApprovalState.POSTING})


@dataclass(frozen=True, slots=True)
class AskedPost:
    """What the press on Post here said, or the decision since: all that it takes to post without the requester.

    `target` is that of the press, with its token, which reaches the private note for 15 minutes; its locale is that of
    the public reply, `note_locale` the requester's own. `copies` and `sources` are addresses of the pictures and of an
    edit's sources in the message that shows them.
    """

    target: ReplyTarget
    note_locale: str
    context: RequestContext
    copies: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    covered: bool = False  # in the question
    interaction_id: int = 0

    @property
    def text(self) -> str:
        """As JSON."""
        value = asdict(self)
        value["target"]["token_expires_at"] = self.target.token_expires_at.isoformat()
        value["context"]["role_ids"] = sorted(self.context.role_ids)
        joined_at = self.context.joined_at
        value["context"]["joined_at"] = joined_at.isoformat() if joined_at else None
        return json.dumps(value, separators=(",", ":"))

    @classmethod
    def read(cls, text: str) -> AskedPost:
        """From its JSON."""
        raw = known_fields(cls, json.loads(text))
        target, context = known_fields(ReplyTarget, raw["target"]), known_fields(RequestContext, raw["context"])
        target["token_expires_at"] = datetime.fromisoformat(target["token_expires_at"])
        context["role_ids"] = frozenset(context["role_ids"])
        context["joined_at"] = datetime.fromisoformat(context["joined_at"]) if context["joined_at"] else None
        raw |= {"target": ReplyTarget(**target), "context": RequestContext(**context)}
        raw |= {name: tuple(raw[name]) for name in ("copies", "sources")}
        return cls(**raw)


@dataclass(frozen=True, slots=True)
class Approval:
    """One private result and the question about it, as it stands in the database. See table.ApprovalColumns."""

    job_id: str
    user_id: int
    guild_id: int
    round: int
    state: ApprovalState
    made_at: datetime
    locale: str
    channel_id: int
    message_id: int | None
    asked: AskedPost | None
    decided_by: int | None
    decided_at: datetime | None
    decision_id: int | None
    tried_at: datetime | None

    @property
    def again_from(self) -> datetime | None:
        """From when on a declined one may be asked for again; None for any other."""
        if self.state is not ApprovalState.DECLINED or self.decided_at is None:
            return None
        return self.decided_at + PAUSES[min(self.round, len(PAUSES)) - 1]


class AskOutcome(StrEnum):
    """What became of a wish to post."""

    NOW = "now"  # a moderator is asked
    BEFORE = "before"  # the question stands, or its decision is being carried out
    TOO_SOON = "too_soon"  # after it was declined
    TOO_MANY = "too_many"  # of this member's questions are open


def approval_of(row: RowMapping) -> Approval:
    """The approval in a whole row of the table."""
    return Approval(
        job_id=row["job_id"],
        user_id=row["user_id"],
        guild_id=row["guild_id"],
        round=row["round"],
        state=ApprovalState(row["state"]),
        made_at=row["made_at"],
        locale=row["locale"],
        channel_id=row["channel_id"],
        message_id=row["message_id"],
        asked=AskedPost.read(row["asked"]) if row["asked"] else None,
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
        decision_id=row["decision_id"],
        tried_at=row["tried_at"],
    )
