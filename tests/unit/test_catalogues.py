"""The catalogues of all languages: complete, sound, and compiled."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from string import Formatter

import pytest
import pytest_asyncio
from babel.messages.catalog import Catalog, Message

from bot.ui.kit.language import Language, speaking, tr, trn
from tools.catalogues.gather import gather, sentences
from tools.catalogues.keep import LANGUAGES, missing, mo_of, path_of, po_of, read, strings_of, update

MARKS = re.compile(r"\*\*|`|^-# |^#+ |^> ", re.MULTILINE)
COMMAND = re.compile(r"`/([\w-]+)")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def template() -> Catalog:
    return await gather()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_catalogue_holds_what_there_is_to_translate_and_nothing_else(language: str, template: Catalog) -> None:
    catalogue = update(language, read(language), template)
    assert missing(catalogue) == []
    assert po_of(catalogue) == path_of(language).read_bytes(), "run `make catalogues`"


def test_sentences_are_gathered_from_the_code_and_words_from_the_commands(template: Catalog) -> None:
    assert template.get("Nothing was started.")
    assert template.get(("1 picture", "{count} pictures"))
    assert template.get("aspect_ratio", "option name")
    assert template.get("Edit image", "menu name")
    source = 'a = f"**{tr(\'inside\')}**"\nb = trn("one", "{count}", n)\nc = mark("long " "one")\nd = tr(a)'
    assert list(sentences(source)) == ["inside", ("one", "{count}"), "long one"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_that_of_the_readable_one(language: str) -> None:
    assert path_of(language).with_suffix(".mo").read_bytes() == mo_of(read(language)), "run `make catalogues`"


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_hold_the_same_values_and_the_same_marks(language: str) -> None:
    for message in _translated(read(language)):
        english = [message.id] if isinstance(message.id, str) else list(message.id)
        for index, told in enumerate(strings_of(message)):
            meant = english[min(index, len(english) - 1)]
            if len(english) == 1:
                assert _fields(told) == _fields(meant), told
                assert Counter(MARKS.findall(told)) == Counter(MARKS.findall(meant)), told
            else:
                # one form may name the number in words: "a picture"
                assert _fields(told) - {"count"} == _fields(english[-1]) - {"count"}, told
                assert Counter(MARKS.findall(told)) == Counter(MARKS.findall(meant)), told
            assert told == told.strip() or meant != meant.strip(), told


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_fuzzy_and_every_plural_form_is_there(language: str) -> None:
    catalogue = read(language)
    for message in _translated(catalogue):
        assert not message.fuzzy, message.id
        if isinstance(message.id, tuple):
            assert len(strings_of(message)) == catalogue.num_plurals, message.id
            forms = strings_of(message)
            assert "{count}" in forms[-1], message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_commands_that_a_translation_names_exist_in_that_language(language: str) -> None:
    catalogue = read(language)
    names = {m.id: str(m.string) or str(m.id) for m in catalogue if m.context == "command name"}
    for message in _translated(catalogue):
        english = [message.id] if isinstance(message.id, str) else message.id
        meant = {names.get(name, name) for text in english for name in COMMAND.findall(text)}
        assert {name for text in strings_of(message) for name in COMMAND.findall(text)} == meant, message.id


@pytest.mark.parametrize("language", list(Language))
def test_a_translated_sentence_is_not_the_english_one(language: Language) -> None:
    with speaking(language.value):
        told = tr("Nothing was started.")
        assert (told == "Nothing was started.") is (language is Language.ENGLISH)
        assert "2" in trn("1 picture", "{count} pictures", 2)


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("de", Language.GERMAN),
        ("es-419", Language.SPANISH),
        ("en-GB", Language.ENGLISH),
        ("pt-BR", Language.PORTUGUESE),
        ("zh-TW", Language.ENGLISH),
        ("zh-CN", Language.CHINESE),
        ("ko", Language.ENGLISH),
        ("", Language.ENGLISH),
    ],
)
def test_a_locale_gets_its_language_or_a_sister_or_english(locale: str, language: Language) -> None:
    assert Language.of(locale) is language


def _translated(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id and any(strings_of(message)))


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}
