"""The table of the ledger that people take along."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest

from bot.jobs.policies import Entry
from bot.jobs.records.accounts import COLUMNS, as_csv

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)


def cells(model: str = "m", cost_micros: int | None = None) -> dict[str, str]:
    entry = Entry("j1", 7, 13, 12, model, "1k", False, 2, 0, cost_micros, AT, None)
    (row,) = csv.DictReader(io.StringIO(as_csv([entry]).decode("utf-8-sig")))
    return row


def test_times_are_iso_and_amounts_decimals() -> None:
    row = cells(cost_micros=120_000)
    assert tuple(row) == COLUMNS
    assert (row["time"], row["settled"], row["usd"], row["edit"]) == ("2026-11-25T12:00:00+00:00", "", "0.12", "no")


@pytest.mark.parametrize(("micros", "told"), [(None, ""), (0, "0"), (1, "0.000001"), (10_000_000, "10")])
def test_an_amount_is_never_rounded_nor_written_with_an_exponent(micros: int | None, told: str) -> None:
    assert cells(cost_micros=micros)["usd"] == told


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(start: str) -> None:
    assert cells(f"{start}HYPERLINK(1)")["model"].startswith("'")


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠"])
@pytest.mark.parametrize("before", ["", "\t", "\r", "\n", "a fox;", "a fox; ", "a fox\t", "a fox\n"])
def test_no_prompt_is_a_formula_in_its_cell_or_behind_a_semicolon(sign: str, before: str) -> None:
    entry = Entry("j1", 7, 13, 12, "m", "1k", False, 2, 0, None, AT, None)
    text = as_csv([entry], {"j1": f"{before}{sign}1+1"}).decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    cell = row["prompt"]
    assert cell.endswith(f"'{sign}1+1")
    assert cell[0] in "'a"
