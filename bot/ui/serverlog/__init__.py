"""The log channel of a server: what its lines say, and how they get there."""
