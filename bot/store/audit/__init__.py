"""What happened in a server: written down with the act, and told in the server's log channel."""
