"""What a member has chosen for themselves with `/preferences`, in all servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from bot.policy.request_input import NO_OPTIONS, Options, read_options

#: From the acknowledgement to the pictures; whoever waited longer has looked away.
TOOK_LONG = timedelta(seconds=60)


class Notify(StrEnum):
    """When a finished public reply is followed by a short message that mentions its requester."""

    NEVER = "never"
    LONG = "long"  # when it took long
    ALWAYS = "always"


class EditChoice(StrEnum):
    """Who may edit one's pictures. It goes before EditRule.OWN, and NOBODY before every rule."""

    ANYONE = "anyone"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Preferences:
    """One person's choices; None where they made none. `edit` is what their last edit form chose."""

    notify: Notify | None = None
    preset: str | None = None  # the id of the preset that is used where none is named
    edits: EditChoice | None = None
    shows_prompt: bool = False  # above one's pictures in a server's showcase; nobody's words are shown unasked
    edit: Options = NO_OPTIONS

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Preferences:
        """From the JSON form; what this version does not know counts as not chosen."""
        notify, preset, edits = raw.get("notify"), raw.get("preset"), raw.get("edits")
        return cls(
            Notify(notify) if notify in set(Notify) else None,
            str(preset) if preset else None,
            EditChoice(edits) if edits in set(EditChoice) else None,
            raw.get("shows_prompt") is True,
            read_options(raw.get("edit") or {}),
        )

    def wants_notice(self, took: timedelta) -> bool:
        """Whether a public reply that took so long is followed by a message that mentions its requester."""
        return self.notify is Notify.ALWAYS or (self.notify is Notify.LONG and took > TOOK_LONG)

    @property
    def written(self) -> dict[str, Any]:
        """The JSON form: only what was chosen."""
        chosen = {
            "notify": self.notify,
            "preset": self.preset,
            "edits": self.edits,
            "shows_prompt": self.shows_prompt,
            "edit": self.edit.said,
        }
        return {name: value for name, value in chosen.items() if value}
