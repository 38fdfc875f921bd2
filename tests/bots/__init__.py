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

#: The folder of what processes side by side share (tests/side_by_side.py).
SHARED = "TESTS_SHARED_FOLDER"

#: The socket of the bots' fork server in its folder.
FORK_SERVER = "fork_server"

#: Which test file a bot works for, where that is noted (tools/test_worth.py).
TEST_FILE = "TESTS_FILE"


@contextmanager
def unmeasured(*, but_bots: bool = False) -> Generator[None]:
    """Coverage sees nothing of this, nor of processes that are started meanwhile: it takes a third of their time.

    `but_bots` leaves those processes measured: then the product runs in them alone, and what is here is the sandbox.
    """
    from coverage import Coverage  # so that a bot that is forked has it only where it is measured

    told, measuring = {} if but_bots else dict(MEASURED), Coverage.current()
    for name in told:
        del MEASURED[name]
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
