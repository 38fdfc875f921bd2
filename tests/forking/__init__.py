"""Processes that are forked from one that has everything imported, which a start would take seconds for."""
