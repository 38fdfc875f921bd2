"""`make release`: is this commit what the changelog says, and may it be tagged? Writes the tag's notes.

What takes minutes (tests, linters, docs, pins) is the Makefile's; this looks at what a person forgets.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bot.config.version import VERSION

ROOT = Path(__file__).resolve().parents[1]
NOTES = ROOT / "dist" / f"notes-{VERSION}.md"
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_FINAL = re.compile(r"\d+\.\d+\.\d+")
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)
_WANTED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)", re.MULTILINE)


def git(*arguments: str) -> str:
    return subprocess.run(("git", *arguments), cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def section(changelog: str, version: str) -> str:
    """What the changelog says of a version; empty where it has nothing."""
    for heading in _HEADING.finditer(changelog):
        if heading[1].split()[0] == version:
            following = _HEADING.search(changelog, heading.end())
            return changelog[heading.end() : following.start() if following else None].strip()
    return ""


def faults_of_changelog(changelog: str, version: str) -> Iterator[str]:
    """A sentence for each thing that keeps this version from being released."""
    if not _FINAL.fullmatch(version):
        yield f"{version} in bot/config/version.py is no version to release: write it as 1.2.3."
    headings: list[str] = _HEADING.findall(changelog)
    if section(changelog, "Unreleased"):
        yield f"CHANGELOG.md still has lines under Unreleased: move them under {version}."
    elif not section(changelog, version):
        yield f"CHANGELOG.md says nothing about {version}."
    elif next(it for it in headings if it != "Unreleased").split()[0] != version:
        yield f"{version} is not the newest version in CHANGELOG.md."


def unpinned(wanted: str, pinned: str) -> list[str]:
    """The packages of a requirements.in that the file made from it does not pin: `make pins` was forgotten."""

    def plain(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    known = {plain(name) for name in _PINNED.findall(pinned)}
    return [name for name in _WANTED.findall(wanted) if plain(name) not in known]


def faults() -> Iterator[str]:
    yield from faults_of_changelog((ROOT / "CHANGELOG.md").read_text("utf-8"), VERSION)
    for name in ("requirements", "requirements-dev"):
        wanted, pinned = ((ROOT / f"{name}.{kind}").read_text("utf-8") for kind in ("in", "txt"))
        for package in unpinned(wanted, pinned):
            yield f"{package} of {name}.in has no pin: run make pins."
    if changed := git("status", "--porcelain"):
        yield f"There are changes that are not committed: {changed.splitlines()[0].strip()} and others."
    if git("tag", "--list", f"v{VERSION}"):
        yield f"v{VERSION} is tagged already: write the next version into bot/config/version.py."


def main() -> int:
    found = list(faults())
    for fault in found:
        print(fault, file=sys.stderr)
    if found:
        return 1
    NOTES.parent.mkdir(exist_ok=True)
    NOTES.write_text(
        f"Easel {VERSION}\n\n{section((ROOT / 'CHANGELOG.md').read_text('utf-8'), VERSION)}\n", encoding="utf-8"
    )
    print(
        f"{git('rev-parse', '--short', 'HEAD')} may be released. Tag it, then publish the tag with what lies in dist/:"
    )
    print(f"  git tag --annotate --cleanup=verbatim --file={NOTES.relative_to(ROOT)} v{VERSION}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
