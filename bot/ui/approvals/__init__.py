"""Drafts that a moderator approves: the question in the log channel, its buttons, and what the requester is told."""
