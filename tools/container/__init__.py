"""Builds the image and tries it for real: `python -m tools.container`, with podman.

The containers run the unmodified image against the sandbox's servers on this machine. `docs/upgrading.md` has what was
found out, and what cannot be tried this way.
"""
