"""What a database costs after a year: every act that touches it, at a million ended jobs and at a thousand.

`python -m tools.benchmarks --year`; see `__main__.py` of this room for what it prints.
"""
