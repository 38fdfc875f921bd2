"""Builds the site from docs/ and follows every link in what was built: a page, a heading or a picture that is not there
fails. `make docs` runs it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parents[2]
SITE = ROOT / "build" / "site"
_FORMULA = re.compile(r'class="arithmatex">([^<]*)')
#: A line of a paragraph that begins as an item of a list does; so may one that begins with a sentence's last number.
_LIST_IN_PARAGRAPH = re.compile(r"<p>[^<]*(?:<(?!/p>)[^<]*)*\n((?:[1-9]\.|[-*]) <strong>[^\n]*)")


class PageReader(HTMLParser):
    """What a page leads to, and what can be led to in it. Use `PageReader.of`."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()

    @classmethod
    def of(cls, page: Path) -> PageReader:
        reader = cls()
        reader.feed(page.read_text("utf-8"))
        return reader

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links += [link for name in ("href", "src") if (link := given.get(name))]
        self.anchors |= {name for name in (given.get("id"), given.get("name")) if name}


def misread(site: Path) -> Iterator[str]:
    """A line for what the generator has taken for something else: amounts for formulas, lists for paragraphs."""
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        for found in _FORMULA.findall(text):
            yield f"{page.name}: two $ are taken for a formula: {found[:60]}"
        for found in _LIST_IN_PARAGRAPH.findall(text):
            yield f"{page.name}: an item needs a blank line before it: {found[:60]}"


def broken(site: Path) -> Iterator[str]:
    """A line for each link to something that is not there, and for each file that comes from elsewhere."""
    pages: Mapping[Path, PageReader] = {page.resolve(): PageReader.of(page) for page in site.rglob("*.html")}
    for page, reader in pages.items():
        if page.name == "404.html":  # the server shows it at any address, so its links begin at the root
            continue
        for link in reader.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                yield f"{page.name}: {link} leads nowhere"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                yield f"{page.name}: {link} leads to no heading"


def main() -> int:
    build = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    if subprocess.run(build, cwd=ROOT, check=False).returncode:
        return 1
    found = sorted({*broken(SITE), *misread(SITE)})
    print(*found or [f"The site is in {SITE.relative_to(ROOT)}; every link in it leads somewhere."], sep="\n")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
