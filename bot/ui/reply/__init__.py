"""A job's one message, from the acknowledgement to the pictures. `reply` is the door."""
