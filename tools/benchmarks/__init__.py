"""Many jobs at once through the whole bot, on this machine alone: `python -m tools.benchmarks`, or `make bench`.

The bot is an unmodified child process; the local Discord, with its rate limits, and the local image API run in this
one, over plain HTTP: what TLS costs is not in the figures. Times and processor time vary with what else the machine
does, so compare runs made one right after the other; counts, ratios and memory hardly vary.
"""
