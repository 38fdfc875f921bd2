"""Bot processes for tests: forked from one that has everything imported, or started as on a server."""

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager

#: What coverage tells the processes that a measured process starts; nothing where nothing is measured.
MEASURED = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
#: The same for the fork server, which outlasts what is unmeasured.
ALWAYS_MEASURED = dict(MEASURED)

#: Ends a measured bot instead of SIGKILL: it writes down what it ran, and kills itself.
WRITE_DOWN_AND_DIE = signal.SIGUSR2


@contextmanager
def unmeasured() -> Generator[None]:
    """Coverage sees nothing of this, nor of processes that are started meanwhile: it takes a third of their time."""
    from coverage import Coverage  # so that a bot that is forked has it only where it is measured

    told, measuring = dict(MEASURED), Coverage.current()
    MEASURED.clear()
    for name in told:
        os.environ.pop(name, None)
    if measuring:
        measuring.stop()
    try:
        yield
    finally:
        MEASURED.update(told)
        os.environ.update(told)
        if measuring:
            measuring.start()
