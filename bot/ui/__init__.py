"""All that a Discord user sees."""
