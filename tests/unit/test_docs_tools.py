"""What judges the pages for people can find a fault: the walk over the site, the readers of sentences and boxes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tools.docs.follow import boxes, commands
from tools.docs.sentences import texts
from tools.docs.site import broken, misread
from tools.docs.tables import costs, with_tables

GOOD = '<h1 id="top">A</h1><a href="b.html#there">b</a><a href="#top">up</a><a href="https://example.com/x">far</a>'


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        (GOOD, None),
        ('<a href="c.html">c</a>', "c.html leads nowhere"),
        ('<img src="pictures/none.webp">', "pictures/none.webp leads nowhere"),
        ('<a href="b.html#elsewhere">b</a>', "b.html#elsewhere leads to no heading"),
        ('<a href="../outside.md">o</a>', "../outside.md leads nowhere"),
    ],
)
def test_a_link_that_leads_nowhere_is_found(tmp_path: Path, page: str, fault: str | None) -> None:
    (tmp_path / "a.html").write_text(page)
    (tmp_path / "b.html").write_text('<h2 id="there">B</h2>')
    assert list(broken(tmp_path)) == ([f"a.html: {fault}"] if fault else [])


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ("<p>From $1 to $2.</p><ol><li>\n<strong>One</strong></li></ol>", None),
        ("<p>It took 38 ms instead of\n35. What took longer</p>", None),
        ('<p>From <span class="arithmatex">\\(1 to \\)</span>2</p>', "two $ are taken for a formula"),
        (
            "<p>A <code>word</code> ends.\n3. <strong>Three</strong> is next.</p>",
            "an item needs a blank line before it",
        ),
        ("<p>Above.\n- <strong>A</strong> is next.</p>", "an item needs a blank line before it"),
    ],
)
def test_what_the_generator_misread_is_found(tmp_path: Path, page: str, fault: str | None) -> None:
    (tmp_path / "a.html").write_text(page)
    found = list(misread(tmp_path))
    assert len(found) == (fault is not None)
    assert not fault or found[0].startswith(f"a.html: {fault}")


def test_sentences_are_read_with_what_is_filled_in_left_out() -> None:
    code = '''
"""A docstring that nobody is shown, ever."""
log.warning("the log is told this and nobody else")
x = f"The disk of {folder} has {free // 1_000_000:.1f} MB left: make {'much' + 'more'} room."
y = "The file {place} is gone: look for it."
'''
    assert list(texts(ast.parse(code))) == [
        "The disk of … has … MB left: make … room.",
        "The file … is gone: look for it.",
    ]


def test_boxes_of_a_section_are_read_in_their_order_and_lists_may_hold_them() -> None:
    page = (
        "## One\n```sh\na\nb \\\n  c\n```\n1. x\n\n   ```sh\n   d\n   ```\n```\nnot shell\n```\n## Two\n```sh\ne\n```\n"
    )
    assert boxes(page, "One") == ["a\nb \\\n  c\n", "d\n"]
    assert [commands(box) for box in boxes(page, "One")] == [2, 1]
    with pytest.raises(ValueError, match="no section"):
        boxes(page, "Three")


def test_a_page_without_its_parts_or_prices_is_a_fault() -> None:
    with pytest.raises(ValueError, match="names no example"):
        costs("no prices")
    with pytest.raises(ValueError, match="no part between"):
        with_tables("the notation of `PRICE_LIST`: `grok-imagine-image:1k=1,grok-imagine-image-quality:2k=2`")
