"""The version of Easel, as `--version` and the changelog have it."""

VERSION = "1.0.0"
