"""Stars under pictures, and the channel in which a server shows those that many like."""
