"""Copies of a whole database: backup while the bot runs, moving to another database while it does not."""
