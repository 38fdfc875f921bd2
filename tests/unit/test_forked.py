"""What tests know of the bots that they fork."""

from __future__ import annotations

from tests.bots.forked import Ends


def test_a_process_with_the_id_of_an_ended_one_has_an_end_of_its_own() -> None:
    ends = Ends()
    first = ends.started(7)
    ends.ended(7, -9)
    second = ends.started(7)
    assert first.returncode == -9
    assert second.returncode is None  # else nobody would ever stop it
    ends.ended(7, 0)
    assert (first.returncode, second.returncode) == (-9, 0)
