"""`/settings`: what holds in a server and its channels, seen and changed by members with Manage Server."""
