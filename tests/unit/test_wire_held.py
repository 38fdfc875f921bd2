"""Long strings of an answer go into files while the answer is read."""

from __future__ import annotations

import base64
import json
import os
import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import DownloadGone, NotAPicture
from bot.image_api.wire.blobs import (
    KEPT_FOR_S,
    MAX_ANSWER_BYTES,
    PREFIX,
    SHORT_STRING_BYTES,
    AnswerTooLong,
    BlobFolder,
    LongStrings,
    decoded,
    pieces_of,
)

LONG = SHORT_STRING_BYTES + 1


def read(holding: BlobFolder, text: bytes, size: int = 1000, max_bytes: int = MAX_ANSWER_BYTES) -> bytes:
    with LongStrings(holding, max_bytes=max_bytes) as strings:
        for at in range(0, len(text), size):
            strings.feed(text[at : at + size])
        return strings.finish()


def held(holding: BlobFolder, name: str) -> bytes:
    with holding.open(name) as file:
        return b"".join(decoded(pieces_of(file)))


@pytest.mark.parametrize("escape", [False, True], ids=["plain slashes", "escaped slashes"])
@pytest.mark.parametrize("size", [7, 65_536, 10_000_000])
def test_pictures_inside_an_answer_leave_a_name_and_come_back_whole(tmp_path: Path, size: int, escape: bool) -> None:
    holding = BlobFolder(tmp_path)
    pictures = [random.Random(seed).randbytes(200_001 + seed) for seed in range(2)]
    body = {"created": 1, "data": [{"b64_json": base64.b64encode(p).decode(), "url": ""} for p in pictures]}
    text = json.dumps(body)
    found = json.loads(read(holding, (text.replace("/", "\\/") if escape else text).encode(), size))
    assert [held(holding, item["b64_json"]) for item in found["data"]] == pictures
    assert len(list(tmp_path.iterdir())) == 2


@given(st.binary(max_size=300), st.integers(1, 40))
@settings(max_examples=200)
def test_text_without_long_strings_passes_unchanged(text: bytes, size: int) -> None:
    assert read(BlobFolder(), text, size) == text


@given(st.recursive(st.text(max_size=12), lambda inner: st.lists(inner, max_size=5)), st.integers(1, 9))
def test_quotes_and_escapes_never_confuse_it(body: object, size: int) -> None:
    text = json.dumps(body).encode()
    assert read(BlobFolder(), text, size) == text


def test_wrapped_base64_with_a_data_head_is_understood(tmp_path: Path) -> None:
    holding = BlobFolder(tmp_path)
    picture = b"\x89PNG" + bytes(70_000)
    text = json.dumps({"b": "data:image/png;base64," + base64.encodebytes(picture).decode()})
    found = json.loads(read(holding, text.encode(), 777))
    assert held(holding, found["b"]) == picture


def test_a_quote_inside_a_long_string_does_not_end_it(tmp_path: Path) -> None:
    body = ["x" * LONG + '"' + "y" * 10, "short"]
    found = json.loads(read(BlobFolder(tmp_path), json.dumps(body).encode()))
    assert found[1] == "short"
    assert found[0].startswith("held:")


def test_too_long_an_answer_stops_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(AnswerTooLong):
        read(BlobFolder(tmp_path), b'{"b": "' + b"A" * 400_000, max_bytes=300_000)
    assert list(tmp_path.iterdir()) == []


def test_too_long_a_text_of_short_strings_stops() -> None:
    with pytest.raises(AnswerTooLong):
        read(BlobFolder(), b'"short", ' * 1_000_000, size=90_000)


def test_a_name_that_was_never_given_out_opens_nothing(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    for name in ("held:secret", "held:../secret", "held:" + "0" * 32, "held:"):
        with pytest.raises(DownloadGone):
            BlobFolder(tmp_path).open(name)


def aged(folder: Path, name: str, size: int, age_s: float) -> Path:
    path = folder / (name * 32)
    path.write_bytes(b"x" * size)
    past = time.time() - age_s
    os.utime(path, (past, past))
    return path


def test_a_folder_that_is_in_use_is_swept_as_well(tmp_path: Path) -> None:
    holding = BlobFolder(tmp_path)
    holding.create()
    old, kept, fresh = (aged(tmp_path, *it) for it in (("a", 1, KEPT_FOR_S + 9), ("b", 1, KEPT_FOR_S + 9), ("c", 1, 9)))
    assert holding.sweep([f"{PREFIX}{kept.name}", "https://a.example/b", "/files/x"], []) == 1
    assert [it.exists() for it in (old, kept, fresh)] == [False, True, True]


def test_too_much_of_them_is_bounded_the_oldest_first_and_none_that_is_wanted(tmp_path: Path) -> None:
    hour = 3600.0
    found = [aged(tmp_path, name, 400, age * hour) for name, age in (("a", 9.0), ("b", 8.0), ("c", 7.0), ("d", 0.1))]
    known = [f"{PREFIX}{it.name}" for it in found]
    assert BlobFolder(tmp_path, max_bytes=1000).sweep([known[0]], known) == 1
    assert [it.exists() for it in found] == [True, False, True, True]
    assert BlobFolder(tmp_path, max_bytes=1).sweep([], known) == 2
    assert found[3].exists(), "a job that is being delivered may need it"


def test_what_no_job_names_goes_within_the_hour(tmp_path: Path) -> None:
    """Their job was deleted, or never written. One that is fresh may be named in the next moment."""
    nobodys, named, fresh = (aged(tmp_path, name, 1, age) for name, age in (("a", 3700.0), ("b", 3700.0), ("c", 60.0)))
    assert BlobFolder(tmp_path).sweep([], [f"{PREFIX}{named.name}"]) == 1
    assert [it.exists() for it in (nobodys, named, fresh)] == [False, True, True]


def test_what_is_discarded_is_gone_and_nothing_else(tmp_path: Path) -> None:
    holding = BlobFolder(tmp_path)
    mine, other = aged(tmp_path, "a", 1, 1), aged(tmp_path, "b", 1, 1)
    notes = tmp_path / "notes"
    notes.write_text("x")
    os.utime(notes, (1, 1))
    holding.sweep([], [])
    holding.discard([f"{PREFIX}{mine.name}", f"{PREFIX}{mine.name}", f"{PREFIX}notes", "/notes", "https://a.example/x"])
    assert sorted(it.name for it in tmp_path.iterdir()) == [other.name, "notes"]


def test_a_folder_that_nothing_was_put_into_is_not_made(tmp_path: Path) -> None:
    holding = BlobFolder(tmp_path / "held")
    assert holding.sweep([], []) == 0
    holding.discard([f"{PREFIX}{'a' * 32}"])
    assert not (tmp_path / "held").exists()


def test_a_temporary_folder_goes_with_its_holding() -> None:
    holding = BlobFolder()
    folder = holding.create().parent
    assert folder.is_dir()
    holding.close()
    assert not folder.exists()


@pytest.mark.parametrize(
    "text", [b"data:image/svg+xml,<svg/>", b"not base64!", b"QUJDR", b"QUI=QUJD", b"data:" + b"x" * 9]
)
def test_damaged_base64_is_no_picture(text: bytes) -> None:
    with pytest.raises(NotAPicture):
        b"".join(decoded([text]))


def test_base64_without_padding_and_in_its_web_spelling_is_understood() -> None:
    raw = bytes(range(256))
    assert b"".join(decoded([base64.urlsafe_b64encode(raw).rstrip(b"=")])) == raw
