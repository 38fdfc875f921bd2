"""Lets Python's search for circles of garbage pass over what a running bot never lets go of.

The search looks at every object that could be in a circle, and comes round again as more are made: in a crowd it took a
quarter of the processor time of an acknowledgement, most of it spent on modules, classes and translations.
"""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager

#: So many more new objects than freed ones bring the next search; Python's own 700 are for small programs. They take
#: some 2 MB at most.
NEW_OBJECTS = 10_000


@contextmanager
def importing() -> Generator[None]:
    """Search for nothing meanwhile: imports make some 300,000 objects, hardly any garbage, and a tenth of a start."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])
        gc.enable()


def settle_heap() -> None:
    """Call it once the bot is at work: what is there by now stays, and is not looked at again."""
    gc.collect()
    gc.freeze()
