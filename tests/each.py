"""Tables of cases that are one test each.

To pytest a test costs some ten milliseconds, with what each of the processes that run tests side by side spends on
gathering it, and most cases take a tenth of that. So a table whose cases need no fixture is one test, which tries all
of them and names those that failed. `pytest.mark.parametrize` remains for what needs fixtures, or takes its time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import WRAPPER_ASSIGNMENTS
from typing import Any

import pytest

#: What `pytest.param` gives, whose class has no public name.
NAMED_CASE = type(pytest.param())


def each(names: str | Sequence[str], cases: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """Decorate a test to be tried with each case: a value for each name, or the value where there is one name.

    It raises an exception group of what failed, each with its case as a note.
    """
    parameters = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    rows = [_values(case, len(parameters)) for case in cases]
    assert rows, "a table without cases tests nothing"

    def decorate(test: Callable[..., None]) -> Callable[[], None]:
        def tried() -> None:
            failures: list[BaseException] = []
            for row in rows:
                case = dict(zip(parameters, row, strict=True))
                try:
                    test(**case)
                except (Exception, pytest.fail.Exception) as failure:  # noqa: BLE001  # the others are tried all the same
                    failure.add_note(f"with {', '.join(f'{name}={value!r}' for name, value in case.items())}")
                    failures.append(failure)
            if failures:
                raise BaseExceptionGroup(f"{len(failures)} of {len(rows)} cases", failures)

        # Without `__wrapped__`, by which pytest would look for fixtures of these names.
        for attribute in WRAPPER_ASSIGNMENTS:
            setattr(tried, attribute, getattr(test, attribute))
        return tried

    return decorate


def _values(case: Any, count: int) -> Sequence[Any]:
    if isinstance(case, NAMED_CASE):
        return case.values
    return case if count > 1 else (case,)
