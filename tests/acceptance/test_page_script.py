"""The page's own reading of command lines agrees with the local Discord's, and its markdown with Discord's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page as BrowserTab

from sandbox.discord.line import parse_line
from sandbox.discord.options import localised
from sandbox.discord.server import LocalDiscord
from sandbox.page.page import Page
from tests.acceptance.page_browser import chromium

pytestmark = pytest.mark.asyncio(loop_scope="module")

STRING, INTEGER, BOOLEAN = 3, 4, 5
IMAGINE: dict[str, Any] = {
    "type": 1,
    "name": "imagine",
    "description": "Paint",
    "options": [
        {"type": STRING, "name": "prompt", "required": True},
        {"type": STRING, "name": "aspect_ratio"},
        {"type": INTEGER, "name": "count"},
        {"type": BOOLEAN, "name": "private"},
    ],
}
STYLE: dict[str, Any] = {
    "type": 1,
    "name": "style",
    "description": "Styles",
    "options": [{"type": 1, "name": "save", "options": [{"type": STRING, "name": "name"}]}],
}
COMMANDS = [IMAGINE, STYLE]

LINES = [
    "/imagine prompt:a red fox",
    "/imagine prompt:a red fox count:2",
    "/imagine  prompt: a red fox   count: 2 ",
    '/imagine prompt:"count:3 little pigs" count:2',
    '/imagine prompt:"a \\"quoted\\" word" private:true',
    '/imagine prompt:"half a quote count:2',
    '/imagine prompt:"begins" so and ends count:1',
    "/imagine count:2 prompt:ratio 16:9 in words aspect_ratio:16:9",
    "/imagine prompt:recount:2 is a word",
    "/imagine prompt:two\nlines count:2",
    "/imagine prompt:",
    "/style save name:ink and wash",
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tab() -> AsyncIterator[BrowserTab]:
    async with chromium() as browser, LocalDiscord() as discord:
        page = Page(discord)
        await page.start()
        try:
            one = await browser.new_page()
            await one.goto(page.url)
            yield one
        finally:
            await page.stop()


@pytest.mark.parametrize("line", LINES)
async def test_a_line_reads_here_as_it_reads_in_the_local_discord(tab: BrowserTab, line: str) -> None:
    script = """async ([line, commands]) => {
        const {flattened, read} = await import("/static/js/line.js");
        const reading = read(line, flattened(commands));
        return {name: reading.command.name, options: Object.fromEntries(reading.values)};
    }"""
    expected = parse_line(line, COMMANDS)
    assert await tab.evaluate(script, [line, COMMANDS]) == {"name": expected.name, "options": expected.options}


@pytest.mark.parametrize(
    "values",
    [
        {"prompt": "a fox", "count": "2"},
        {"prompt": 'say "hi" count:2'},
        {"prompt": '"all of it"'},
        {"prompt": "back\\slash private:true", "private": "False"},
        {"prompt": "two\nlines prompt:again"},
    ],
)
async def test_a_line_that_the_form_writes_reads_back_as_the_same_values(
    tab: BrowserTab, values: dict[str, str]
) -> None:
    script = """async ([values, commands]) => {
        const {flattened, write} = await import("/static/js/line.js");
        return write(flattened(commands)[0], new Map(Object.entries(values)));
    }"""
    line = await tab.evaluate(script, [values, COMMANDS])
    assert parse_line(line, COMMANDS).options == values


@pytest.mark.parametrize(
    "line",
    [
        "/imagine prompt:ein roter fuchs count:2 private:true",
        "/malen prompt:ein roter fuchs anzahl:2 privat:true",
        "/imagine prompt:ein roter fuchs privat:true count:2",
    ],
)
async def test_a_line_is_understood_in_the_persons_language_and_in_the_commands_own_words(
    tab: BrowserTab, line: str
) -> None:
    german = {"imagine": "malen", "count": "anzahl", "private": "privat"}
    options = [one | {"name_localizations": {"de": german.get(one["name"], one["name"])}} for one in IMAGINE["options"]]
    command = IMAGINE | {"name_localizations": {"de": "malen"}, "options": options}
    script = """async ([line, commands]) => {
        const {flattened, read, write} = await import("/static/js/line.js");
        const reading = read(line, flattened(commands));
        return [Object.fromEntries(reading.values), write(reading.command, reading.values)];
    }"""
    assert await tab.evaluate(script, [line, [localised(command, "de")]]) == [
        {"prompt": "ein roter fuchs", "anzahl": "2", "privat": "true"},
        "/malen prompt:ein roter fuchs anzahl:2 privat:true",
    ]


async def test_words_without_an_option_are_the_prompt(tab: BrowserTab) -> None:
    script = """async (commands) => {
        const {flattened, read} = await import("/static/js/line.js");
        return Object.fromEntries(read("/imagine a red fox count:2", flattened(commands)).values);
    }"""
    assert await tab.evaluate(script, COMMANDS) == {"prompt": "a red fox", "count": "2"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "P(plain)"),
        ("**bold** and *thin* and _thin_", "P(STRONG(bold) and EM(thin) and EM(thin))"),
        ("***both***", "P(STRONG(EM(both)))"),
        ("__under__ ~~gone~~", "P(U(under) S(gone))"),
        ("snake_case_word", "P(snake_case_word)"),
        (r"\*not thin\* \_nor\_ 5 \> 3", "P(*not thin* _nor_ 5 > 3)"),
        ("`a *b*` ``c`d``", "P(CODE(a *b*) CODE(c`d))"),
        ("```py\nx = 1\n```", "PRE(CODE(x = 1))"),
        ("before\n```\ncode\n```\nafter", "P(before)PRE(CODE(code))P(after)"),
        ("> quoted\n> twice\nfree", "BLOCKQUOTE(P(quotedBR()twice))P(free)"),
        (">>> all\nof it", "BLOCKQUOTE(P(allBR()of it))"),
        ("- one\n- two", "UL(LI(one)LI(two))"),
        ("3. three\n4. four", "OL(LI(three)LI(four))"),
        ("-# small", "P(small)"),
        ("## Head", "P(Head)"),
        ("a\nb", "P(aBR()b)"),
        ("[words](https://example.com/x)", "P(A(words))"),
        ("[words](javascript:alert)", "P([words](javascript:alert))"),
        ("https://example.com/a.", "P(A(https://example.com/a).)"),
        ("2 * 3 * 4", "P(2 * 3 * 4)"),
        ("<b>&amp;</b>", "P(<b>&amp;</b>)"),
        ("<t:0:Q>", "P(<t:0:Q>)"),
    ],
)
async def test_markdown_reads_as_in_discord(tab: BrowserTab, text: str, expected: str) -> None:
    script = """async (text) => {
        const {markdown} = await import("/static/js/markdown.js");
        const told = (node) => node.nodeType === Node.TEXT_NODE
            ? node.data
            : `${node.nodeName}(${[...node.childNodes].map(told).join("")})`;
        return markdown(text).map(told).join("");
    }"""
    assert await tab.evaluate(script, text) == expected


async def test_the_page_cannot_write_html(tab: BrowserTab) -> None:
    """The policy takes `innerHTML` away from every script, should one ever use it."""
    outcome = await tab.evaluate(
        "() => { try { document.body.innerHTML = '<p>'; return 'written'; } catch (error) { return error.name; } }"
    )
    assert outcome == "TypeError"
