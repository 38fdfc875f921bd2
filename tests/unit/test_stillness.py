"""Whom a standstill of the database excuses: the torture tells refusals that had to be from those that had not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.torture.stillness import Stillness

FLUSH_S = 2.0


@pytest.mark.parametrize(
    ("flushes", "excused"),
    [
        ((), False),
        ((100.0,), False),  # one of two seconds leaves time to write
        ((98.5, 100.5, 102.5), True),
        ((100.0, 100.1), False),  # two at the same time are no longer than one
        ((90.0, 95.0, 110.0), False),
    ],
)
def test_who_waits_is_refused_rightly_only_where_nothing_could_be_written(
    tmp_path: Path, flushes: tuple[float, ...], *, excused: bool
) -> None:
    log = tmp_path / "flushes"
    log.write_text("".join(f"{began}\n" for began in flushes))
    stillness = Stillness()
    stillness.read(log, FLUSH_S)
    assert stillness.excuses(100.0, 102.7) is excused


def test_of_a_long_sleep_only_the_end_excuses() -> None:
    stillness = Stillness()
    with stillness.lasts(last_s=0.0):
        pass
    assert not stillness.excuses(0.0, 1.0)
    stillness.read(Path("/nowhere"), FLUSH_S)
    assert stillness.excuses(0.0, 0.4)
