"""Slash commands and message menus: one file per group. A cog parses and answers, nothing else."""
