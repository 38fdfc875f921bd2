"""Bot processes for tests: forked from one that has everything imported, or started as on a server."""

import os
import signal

#: What coverage tells the processes that a measured process starts; nothing where nothing is measured.
MEASURED = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}

#: Ends a measured bot instead of SIGKILL: it writes down what it ran, and kills itself.
WRITE_DOWN_AND_DIE = signal.SIGUSR2
