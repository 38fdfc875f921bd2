"""The version of Easel, as `--version` has it; .dev0 until the changelog names it."""

VERSION = "1.0.0.dev0"
