"""Whoever wants to hear what is said to the image API word for word: `check --paint` does, a running bot does not."""

from __future__ import annotations

from collections.abc import Mapping

from bot.image_api.wire.answers import ApiAnswer


class ApiListener:
    """Hears every request and what became of it, and does nothing with it. No headers of requests: the key is one."""

    def sends(self, method: str, url: str, body: Mapping[str, object] | None = None) -> None:
        """A request is about to go out."""

    def hears(self, answer: ApiAnswer) -> None:
        """The request was answered; a picture's bytes are not in the answer."""

    def breaks(self, cause: str) -> None:
        """The request got no whole answer."""


#: For clients that nobody listens to.
UNHEARD = ApiListener()
