"""Many jobs at once through the whole bot, on this machine alone: `python -m benchmarks`."""
