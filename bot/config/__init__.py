"""The operator's door: the table of settings, where files lie, and what the log may say."""
