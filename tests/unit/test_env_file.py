"""The file of settings: what is read of it, and what in it is told as a slip."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from bot.config.env_example import env_example
from bot.config.settings import Sources, load
from bot.errors import SettingsError
from bot.ops.setup.env_writer import write_settings
from tests.unit.environments import REQUIRED, loaded


def test_the_manual_filled_in_is_a_file_that_starts_the_bot(tmp_path: Path) -> None:
    text = env_example()
    for name, value in REQUIRED.items():
        text = text.replace(f"\n{name}=\n", f"\n{name}={value}\n")
    file = tmp_path / ".env"
    file.write_text(text, "utf-8")
    assert load(file, {}) == loaded()
    # with every line taken in, the defaults come out the same
    file.write_text(
        "\n".join(
            line[1:] if line.startswith("#") and line[1:2] != " " and line[1:2] != "#" else line
            for line in text.splitlines()
        ),
        "utf-8",
    )
    assert load(file, {}) == loaded()


def test_the_environment_wins_over_the_file_and_empty_counts_as_not_set(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("MAX_ACTIVE_JOBS=5\nMAX_JOBS_PER_USER=6\nJOB_TIMEOUT_S=\n", "utf-8-sig")
    settings = load(file, {**REQUIRED, "MAX_ACTIVE_JOBS": "9", "MAX_JOBS_PER_USER": " "})
    assert (settings.max_active_jobs, settings.max_jobs_per_user, settings.job_timeout_s) == (9, 6, 600)


def test_a_file_that_is_not_there_is_no_fault(tmp_path: Path) -> None:
    assert load(tmp_path / ".env", REQUIRED) == loaded()


def test_a_file_that_is_no_text_is_one_fault(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"\xff\xfe\x00D")
    with pytest.raises(SettingsError, match="cannot be read"):
        load(file, REQUIRED)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be somebody else")
def test_a_file_of_another_user_says_whose_it_has_to_be() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        file = Path(folder) / ".env"
        file.write_text("DISCORD_TOKEN=x\n", "utf-8")
        file.chmod(0o600)
        os.seteuid(65534)
        try:
            with pytest.raises(SettingsError, match="may not be read by this user: chown it to the user that runs"):
                load(file, REQUIRED)
        finally:
            os.seteuid(0)


def test_nothing_is_filled_in_from_other_variables(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("MODERATION_MODEL='a${x}b'\nOPERATOR_CONTACT=pa${HOME}ss\n", "utf-8")
    settings = load(file, REQUIRED)
    assert (settings.moderation_model, settings.operator_contact) == ("a${x}b", "pa${HOME}ss")


@pytest.mark.parametrize(
    "contact",
    [
        "ask in #help",
        "#help",
        "(#help)",
        'Jörg\'s "desk" #1, $5',
        '"Ada"',
        "'Ada'",
        "it's Ada",
        "a ${HOME} of $her own",
        r"back\slash \' and \n, 'x' #1",
        "a = b",
    ],
)
def test_what_setup_writes_is_read_as_it_was_typed(tmp_path: Path, contact: str) -> None:
    file = tmp_path / ".env"
    file.write_text("# mine\nOPERATOR_CONTACT=old", "utf-8")
    write_settings(file, {**REQUIRED, "OPERATOR_CONTACT": contact})
    assert load(file, {}).operator_contact == contact
    text = file.read_text("utf-8")
    assert text.startswith("# mine\nOPERATOR_CONTACT=")
    assert text.endswith("\n")  # so that `echo NAME=value >> .env` adds a line


def test_plain_values_stand_without_quotes_which_docker_would_take_along(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    write_settings(file, {**REQUIRED, "OPERATOR_CONTACT": "Ada of#help"})
    assert "\nOPERATOR_CONTACT=Ada of#help\n" in file.read_text("utf-8")


def test_a_last_line_without_an_end_gets_one(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("MAX_JOBS_PER_USER=2\nDISCORD_TOKEN=old", "utf-8")
    write_settings(file, {"DISCORD_TOKEN": "new"})
    assert file.read_text("utf-8") == "MAX_JOBS_PER_USER=2\nDISCORD_TOKEN=new\n"


def test_an_old_name_still_works_and_is_told(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("MAX_LINE_LENGTH=7\n", "utf-8")
    sources = Sources.read(file, REQUIRED)
    assert sources.settings().max_queue_length == 7
    assert list(sources.notices()) == [
        "MAX_LINE_LENGTH is now called MAX_QUEUE_LENGTH: the old name still works; please write the new one."
    ]
    assert load(file, {**REQUIRED, "MAX_QUEUE_LENGTH": "9"}).max_queue_length == 9


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("MAX_SPEND_PER_DAYS=5", "MAX_SPEND_PER_DAY"),
        ("MAX_PICTURE_PER_USER_PER_DAY=3", "MAX_PICTURES_PER_USER_PER_DAY"),
        ("KEEP_DATA_DAY=30", "KEEP_DATA_DAYS"),
        ("ALLOWED_SERVER=1", "ALLOWED_SERVERS"),
        ("DISCORD_BOT_TOKEN=x", "DISCORD_TOKEN"),
        ("max-jobs-per-users=2", "MAX_JOBS_PER_USER"),
    ],
)
def test_a_name_that_is_nearly_known_is_told_without_its_value(tmp_path: Path, line: str, meant: str) -> None:
    file = tmp_path / ".env"
    file.write_text(f"{line}-hidden\nPOSTGRES_PASSWORD=x\nTZ=UTC\nEDITOR=vi\n", "utf-8")
    (notice,) = Sources.read(file, REQUIRED).notices()
    assert notice.endswith(f"is {meant} meant?")
    assert "hidden" not in notice


def test_a_name_that_stands_twice_is_told_and_the_last_one_holds(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("MAX_JOBS_PER_USER=3\nexport max_jobs_per_user=4\nLOG_LEVEL=INFO\nMAX_JOBS_PER_USER=5\n", "utf-8")
    sources = Sources.read(file, {})
    assert sources.values()["MAX_JOBS_PER_USER"] == "5"
    assert sources.notices() == [
        f"MAX_JOBS_PER_USER stands more than once in {file}: the last line holds; delete the others."
    ]


def test_a_line_that_means_nothing_is_told(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# words\nMAX_JOBS_PER_USER 5\nLOG_LEVEL=ERROR\n", "utf-8")
    (notice,) = Sources.read(file, REQUIRED).notices()
    assert notice.startswith("Line 2 of ")
    assert load(file, REQUIRED).log_level == "ERROR"


def test_a_file_that_must_be_there_and_is_not_is_one_fault(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"There is no file .*gone\.env"):
        Sources.read(tmp_path / "gone.env", REQUIRED, file_required=True)
