"""What Discord's client refuses on its own, before anything is sent."""

from __future__ import annotations


class InvalidCommand(ValueError):
    """A person asked for something the client would not send. The message is a sentence for that person."""
