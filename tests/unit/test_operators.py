"""Who runs a bot, as Discord's answer about its application says."""

from __future__ import annotations

from collections.abc import Mapping

from bot.ui.operator.operators import Rank, read
from tests.each import each

OWNED = {"owner": {"id": "1"}, "team": None}


def member(user_id: str, role: str, state: int = 2) -> dict[str, object]:
    return {"user": {"id": user_id}, "role": role, "membership_state": state}


def team(*members: object, owner: object = "1") -> dict[str, object]:
    """An application of a team; its `owner` is a user that stands for the team and is nobody."""
    return {"owner": {"id": "999"}, "team": {"owner_user_id": owner, "members": list(members)}}


CASES: list[tuple[object, Mapping[int, Rank]]] = [
    (OWNED, {1: Rank.ACTS}),
    (team(), {1: Rank.ACTS}),
    (team(member("2", "admin"), member("3", "developer")), {1: Rank.ACTS, 2: Rank.ACTS, 3: Rank.ACTS}),
    (team(member("2", "read_only")), {1: Rank.ACTS, 2: Rank.LOOKS}),
    (team(member("1", "read_only")), {1: Rank.ACTS}),  # the team's owner, whatever their role says
    (team(member("2", "admin", state=1)), {1: Rank.ACTS}),  # invited, and has not accepted
    (team(member("2", "a role of tomorrow")), {1: Rank.ACTS}),
    (team(member("not an id", "admin"), "no member", {}), {1: Rank.ACTS}),
    (team(owner=None), {}),
    ({"team": {"owner_user_id": "1", "members": "none"}}, {1: Rank.ACTS}),
    ({}, {}),
    (None, {}),
    ([OWNED], {}),
]


@each(("answer", "ranks"), CASES)
def test_nobody_is_an_operator_but_whom_discord_names(answer: object, ranks: Mapping[int, Rank]) -> None:
    assert read(answer) == ranks
