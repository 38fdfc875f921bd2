"""Discord's error answers: status, code, sentence, and for bad forms the field each fault belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.discord.payloads import Json

# Discord's own statuses, codes and sentences: `raise Refusal(*UNKNOWN_CHANNEL)`
UNAUTHORIZED = (401, 0, "401: Unauthorized")
NOT_FOUND = (404, 0, "404: Not Found")
UNKNOWN_CHANNEL = (404, 10003, "Unknown Channel")
UNKNOWN_GUILD = (404, 10004, "Unknown Guild")
UNKNOWN_MEMBER = (404, 10007, "Unknown Member")
UNKNOWN_MESSAGE = (404, 10008, "Unknown Message")
UNKNOWN_USER = (404, 10013, "Unknown User")
UNKNOWN_WEBHOOK = (404, 10015, "Unknown Webhook")
UNKNOWN_INTERACTION = (404, 10062, "Unknown interaction")
UNKNOWN_COMMAND = (404, 10063, "Unknown application command")
TOO_LARGE = (413, 40005, "Request entity too large")
ALREADY_ACKNOWLEDGED = (400, 40060, "Interaction has already been acknowledged.")
TOO_MANY_FOLLOW_UPS = (400, 40094, "Maximum number of follow-up messages has been reached for this interaction.")
MISSING_ACCESS = (403, 50001, "Missing Access")
NOT_THE_AUTHOR = (403, 50005, "Cannot edit a message authored by another user")
EMPTY_MESSAGE = (400, 50006, "Cannot send an empty message")
CLOSED_DIRECT_MESSAGES = (403, 50007, "Cannot send messages to this user")
MISSING_PERMISSIONS = (403, 50013, "Missing Permissions")
INVALID_WEBHOOK_TOKEN = (401, 50027, "Invalid Webhook Token")
THREAD_ARCHIVED = (400, 50083, "Thread is archived")
EDITED_TOO_OFTEN = (429, 30046, "Maximum number of edits to messages older than 1 hour reached. Try again later.")
TAG_REQUIRED = (400, 40067, "A tag is required to create a forum post in this channel")
UNDER_ATTACK = (403, 40333, "internal network error")  # of Discord's edge; it passes
INVALID_JSON = (400, 50109, "The request body contains invalid JSON.")
THREAD_LOCKED = (400, 160005, "Thread is locked")
BLOCKED_BY_AUTOMOD = (400, 200000, "Message was blocked by automatic moderation")
HARMFUL_LINK = (400, 240000, "Message blocked by harmful links filter")


class Refusal(Exception):
    """A request that Discord answers with an error. `errors` names the fields at fault, nested as in the request."""

    def __init__(self, status: int, code: int, message: str, errors: Json | None = None) -> None:
        super().__init__(f"{status}/{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors

    def body(self) -> Json:
        """The JSON body as Discord sends it."""
        body: Json = {"message": self.message, "code": self.code}
        return body | {"errors": self.errors} if self.errors else body


@dataclass(frozen=True, slots=True)
class FormFault:
    """One field of a request that breaks a rule. `path` leads to it through names and indices."""

    path: tuple[str | int, ...]
    code: str
    message: str


def invalid_form(faults: Sequence[FormFault]) -> Refusal:
    """400/50035 with every fault at its place."""
    errors: Json = {}
    for fault in faults:
        node = errors
        for step in fault.path:
            node = node.setdefault(str(step), {})
        node.setdefault("_errors", []).append({"code": fault.code, "message": fault.message})
    return Refusal(400, 50035, "Invalid Form Body", errors)


def check(faults: Sequence[FormFault]) -> None:
    """Raise 400/50035 if there is any fault."""
    if faults:
        raise invalid_form(faults)
