"""The database: jobs and what must be remembered, on SQLite or PostgreSQL."""
