"""Bot processes for tests: forked from one that has everything imported, or started as on a server."""

import os

#: What coverage tells the processes that a measured process starts; nothing where nothing is measured.
MEASURED = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
