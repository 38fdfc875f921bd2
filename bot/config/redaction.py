"""The last net under the log: secrets and interaction tokens are taken out of every finished line.

Secrets are kept out of log lines where the lines are written; this is the second line of defence. It knows the
configured secrets by their text and interaction tokens by their shape.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

HIDDEN = "[hidden]"
MIN_SECRET_CHARS = 6  # a shorter one would blot out half of every line

_PATTERNS = (
    # addresses that carry an interaction's token: /webhooks/ID/TOKEN, /interactions/ID/TOKEN/callback
    re.compile(r"(/(?:webhooks|interactions)/[^/\s]+/)[^/\s?\"'<>)]+"),
    # an Authorization header; "Bot" also begins ordinary sentences, so what follows must look like a token
    re.compile(r"(\b(?:Bot|Bearer) )[\w.~+/=-]{16,}"),
    # a payload written out as Python or JSON, quoted once more where it stands inside a JSON line
    re.compile(r"(\\?[\"']token\\?[\"']: ?\\?[\"'])[^\"'\\]+"),
    # the password in the address of a database
    re.compile(r"(://[^:/@\s]+:)[^@/\s]+(?=@)"),
)


class Redaction:
    """Takes the given secrets, and whatever looks like a token, out of a text."""

    def __init__(self, secrets: Iterable[str]) -> None:
        long_enough = {secret for secret in secrets if len(secret) >= MIN_SECRET_CHARS}
        # as they stand, and as they stand in JSON; the longest first, in case one is part of another
        spellings = long_enough | {json.dumps(secret)[1:-1] for secret in long_enough}
        self._secrets = sorted(spellings, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        for pattern in _PATTERNS:
            text = pattern.sub(rf"\g<1>{HIDDEN}", text)
        return text
