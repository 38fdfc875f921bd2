"""Presets: named styles whose words, options and reference pictures come into a request.

A preset's words follow the prompt, or the prompt goes where `{prompt}` stands in them. What a person says in the
command goes before the preset's options.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.model import MAX_PROMPT_CHARS
from bot.policy.request_input import Options

MAX_NAME_CHARS = 40
MAX_WORDS_CHARS = 3000  # so that a prompt has room beside them
MAX_PRESETS = 50  # of one user, and of one server
NONE = "none"  # said instead of a name: the preferred preset is left out for once
PROMPT_PLACE = "{prompt}"  # where the prompt goes, when it stands in the words
MAX_PICTURES = 2  # of one preset
MAX_PICTURES_KEPT = 20  # of one user, and of one server: 6 MB at most
MAX_PICTURE_BYTES = 300_000
MAX_PICTURE_SIDE = 1536  # pixels


@dataclass(frozen=True, slots=True)
class PresetPicture:
    """A reference picture kept with a preset, as everything but its bytes."""

    id: str
    bytes: int
    covered: bool = False  # it came from something covered, so what is made of it is covered too


@dataclass(frozen=True, slots=True)
class PictureData:
    """A reference picture with its file, small and without metadata."""

    picture: PresetPicture
    data: bytes


@dataclass(frozen=True, slots=True)
class Preset:
    """A named style: of one user, or of a server for all its members.

    `owner_id` is the server's id where `of_guild`, else the user's. `made_by` is 0 once its maker was forgotten.
    """

    id: str
    of_guild: bool
    owner_id: int
    name: str
    words: str
    options: Options
    made_by: int
    made_at: datetime
    pictures: tuple[PresetPicture, ...] = ()

    def is_for(self, user_id: int, guild_id: int | None) -> bool:
        """Whether this user may use it in this server (None outside servers)."""
        return self.owner_id == (guild_id if self.of_guild else user_id)

    def applied_to(self, prompt: str) -> str:
        """The prompt with this style's words: in the place they leave for it, else followed by them."""
        if not self.words:
            return prompt
        if PROMPT_PLACE in self.words:
            return self.words.replace(PROMPT_PLACE, prompt)
        return f"{prompt}, {self.words}"

    def too_long_for(self, prompt: str) -> int:
        """How many characters too many the prompt has with these words; 0 when it fits."""
        return max(0, len(self.applied_to(prompt)) - MAX_PROMPT_CHARS)
