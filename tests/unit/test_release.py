"""What `make release` looks at, and that it finds each fault that it is for."""

from __future__ import annotations

import pytest

from bot.config.version import VERSION
from tools.release import ROOT, faults_of_changelog, section, unpinned

GOOD = "# Changelog\n\n## Unreleased\n\n## 1.2.3\n\n- New.\n\n## 1.2.2\n\n- Old.\n"


def test_a_changelog_that_names_the_version_first_is_good() -> None:
    assert list(faults_of_changelog(GOOD, "1.2.3")) == []
    assert section(GOOD, "1.2.3") == "- New."
    assert section(GOOD, "1.2.2") == "- Old."


@pytest.mark.parametrize(
    ("changelog", "version", "fault"),
    [
        (GOOD, "1.2.4", "says nothing about 1.2.4"),
        (GOOD, "1.2.2", "not the newest"),
        (GOOD.replace("## Unreleased\n", "## Unreleased\n\n- More.\n"), "1.2.3", "lines under Unreleased"),
        (GOOD.replace("- New.\n", ""), "1.2.3", "says nothing about 1.2.3"),
        (GOOD.replace("1.2.3", "1.2.3.dev0"), "1.2.3.dev0", "no version to release"),
    ],
)
def test_each_fault_is_told(changelog: str, version: str, fault: str) -> None:
    assert fault in " ".join(faults_of_changelog(changelog, version))


def test_a_package_without_a_pin_is_found() -> None:
    assert unpinned("# why\n-r x.in\nSome_Thing[extra]>=2\nOther\n", "some-thing==2.1 \\\n    --hash=x\n") == ["Other"]


def test_every_package_of_ours_is_pinned_and_the_version_is_one_to_release() -> None:
    for name in ("requirements", "requirements-dev"):
        texts = [(ROOT / f"{name}.{kind}").read_text("utf-8") for kind in ("in", "txt")]
        assert unpinned(*texts) == []
    assert VERSION.count(".") == 2
