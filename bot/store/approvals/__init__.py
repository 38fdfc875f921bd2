"""Drafts that wait for a moderator: who asked, how far the question has come, and what was decided."""
