"""The language in which people are spoken to.

English sentences stand in the code and are the keys of the catalogues under `locale/`. A sentence is translated where
it is shown, not where it is defined: `mark` only names it for the catalogues, `tr` and `trn` translate it into the
language of the moment, which `speaking` sets for a card or for the answer to an interaction.
"""

from __future__ import annotations

import gettext
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

LOCALE_FOLDER = Path(__file__).parents[1] / "locale"
DOMAIN = "easel"


class Language(StrEnum):
    """The languages that Easel speaks, by Discord's names for them."""

    ENGLISH = "en-US"
    GERMAN = "de"
    FRENCH = "fr"
    SPANISH = "es-ES"
    PORTUGUESE = "pt-BR"
    JAPANESE = "ja"
    CHINESE = "zh-CN"

    @classmethod
    @lru_cache(maxsize=64)  # Discord has some thirty
    def of(cls, locale: str) -> Language:
        """The language for one of Discord's locales: the same one, a sister (es-419 for es-ES), else English."""
        known = {one.value: one for one in cls} | {one.value.partition("-")[0]: one for one in cls}
        if locale == "zh-TW":  # other characters, which not everyone reads
            return cls.ENGLISH
        return known.get(locale) or known.get(locale.partition("-")[0], cls.ENGLISH)


_current: ContextVar[Language] = ContextVar("language", default=Language.ENGLISH)


@contextmanager
def speaking(locale: str) -> Generator[None]:
    """Translate into the language of one of Discord's locales, here and in whatever is called or begun here."""
    token = _current.set(Language.of(locale))
    try:
        yield
    finally:
        _current.reset(token)


def speak(locale: str) -> None:
    """Translate into the language of one of Discord's locales from here to the end of the running task."""
    _current.set(Language.of(locale))


def language() -> Language:
    """The language of the moment."""
    return _current.get()


def mark(sentence: str) -> str:
    """Name a sentence for the catalogues. It is translated later, by `tr`."""
    return sentence


def tr(sentence: str, /, **values: Any) -> str:
    """The sentence in the language of the moment, with `{name}` replaced by the value of that name."""
    told = _catalogue(_current.get()).gettext(sentence) if sentence else ""
    return told.format(**values) if values else told


def trn(one: str, several: str, count: int, /, **values: Any) -> str:
    """Like `tr`, in the form that the language has for this count, which stands in `{count}`."""
    told = _catalogue(_current.get()).ngettext(one, several, count)
    return told.format(count=count, **values)


def word(context: str, name: str, language: Language) -> str:
    """A single word, such as an option's name, in a language; `context` tells it from the same word elsewhere."""
    return _catalogue(language).pgettext(context, name)


@cache
def _catalogue(language: Language) -> gettext.NullTranslations:
    """The compiled translations of one language; English needs none and gets an empty catalogue."""
    folder = language.value.replace("-", "_")
    return gettext.translation(DOMAIN, LOCALE_FOLDER, languages=[folder], fallback=True)
