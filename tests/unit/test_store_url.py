"""What DATABASE_URL may say, and what is said about it when it is wrong."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bot.errors import StartError
from bot.store.faults import start_fault
from bot.store.url import file_of, is_sqlite, place_of, read_url
from tests.each import each

HOSTILE = "a!b@c$d()e*_,/:;=?@ff[]22"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_every_way_to_write_postgresql_gets_the_same_driver(scheme: str) -> None:
    url = read_url(f"{scheme}://ann:secret@db.example:5433/easel?sslmode=require")

    assert url.drivername == "postgresql+psycopg"
    assert (url.username, url.password, url.host, url.port) == ("ann", "secret", "db.example", 5433)
    assert (url.database, url.query["sslmode"]) == ("easel", "require")
    assert not is_sqlite(url)


def test_a_password_of_special_characters_survives_percent_encoding() -> None:
    encoded = "".join(f"%{ord(character):02X}" for character in HOSTILE)

    assert read_url(f"postgresql://ann:{encoded}@db.example/easel").password == HOSTILE


def test_a_socket_folder_is_an_address_too() -> None:
    url = read_url("postgresql:///easel?host=/run/postgresql")

    assert place_of(url) == "/run/postgresql"


def test_three_slashes_are_below_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    url = read_url(" sqlite:///data/easel.db\n")

    assert is_sqlite(url)
    assert file_of(url) == tmp_path / "data" / "easel.db"


def test_four_slashes_begin_at_the_root() -> None:
    assert file_of(read_url("sqlite:////var/lib/easel.db")) == Path("/var/lib/easel.db")


@each(
    ("text", "words"),
    [
        ("", "not a database address"),
        ("easel.db", "not a database address"),
        ("postgresql://ann:geheim@db:port/easel", "not a database address"),
        ("postgresql://ann:pass@geheim@db/easel", "special characters are not written as %XX"),
        ("postgresql://ann:pass@geheim@db.example:5432/easel?sslmode=require", "special characters are not written"),
        ("mysql://ann:geheim@db/easel", "names no kind of database"),
        ("postgresql+asyncpg://ann:geheim@db/easel", "names no kind of database"),
        ("sqlite+aiosqlite:///easel.db", "names no kind of database"),
        ("postgresql://ann:geheim@db", "names no database"),
        ("postgresql://ann:geheim@db/", "names no database"),
        ("sqlite://data/easel.db", "a slash too few"),
        ("sqlite://", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///easel.db?mode=ro", "options"),
    ],
)
def test_a_wrong_address_gets_a_sentence_without_the_password(text: str, words: str) -> None:
    with pytest.raises(StartError) as caught:
        read_url(text)

    sentence = str(caught.value)
    assert words in sentence
    assert sentence.startswith("DATABASE_URL")
    assert sentence.endswith(".")
    assert "geheim" not in sentence


def test_a_place_is_named_without_user_password_and_options() -> None:
    assert place_of(read_url("postgresql://ann:geheim@db:5433/easel?sslmode=require")) == "db:5433"
    assert place_of(read_url("postgresql://ann:geheim@db/easel")) == "db"
    assert place_of(read_url("postgresql:///easel")) == "the local socket"
    assert place_of(read_url("sqlite:////var/lib/easel.db")) == "/var/lib/easel.db"


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_disk_that_has_no_locks_is_told_as_that(number: int) -> None:
    sentence = start_fault(read_url("sqlite:////srv/share/easel.db"), OSError(number, os.strerror(number)))
    assert sentence.startswith("The disk of the database /srv/share/easel.db has no file locks")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EPERM])
def test_a_folder_without_write_access_is_not_told_as_one_without_locks(number: int) -> None:
    sentence = start_fault(read_url("sqlite:////srv/share/easel.db"), OSError(number, os.strerror(number)))
    assert "cannot be written" in sentence
