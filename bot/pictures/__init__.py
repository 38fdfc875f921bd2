"""Strangers' picture files: checking, fitting, stripping, charts. `studio` is the door; another process decodes."""
