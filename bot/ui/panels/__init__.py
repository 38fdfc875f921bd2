"""The panels a command opens, one or more modules each."""
