"""The queries, one module for each thing that is stored. All run in the database thread."""
