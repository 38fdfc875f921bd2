"""No sentence that people read on Discord speaks of the workshop, in any language: all catalogues are read."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from bot.ui.kit.command_words import COMMAND_NAME
from bot.ui.reply.endings import CHARGES
from tools.catalogues.keep import LANGUAGES, read

ENGLISH = "en"
#: Words of those who build and run the bot, in each language. What they mean for a member has words of its own: the
#: picture service, a request, the record of costs.
SHOP_TALK = {
    ENGLISH: r"\bapis?\b|ledger|\btasks?\b|\banew\b|\bleases?\b|\bworkers?\b|\bspool|\bqueued?\b|whom to ask|backend",
    "de": r"\bAPIs?\b|-API\b|\bTasks?\b|Ledger|Hauptbuch|Kassenbuch|Backend",
    "fr": r"\bAPI\b|\btâches?\b|\bregistre\b|grand livre|backend",
    "es_ES": r"\bAPI\b|\btareas?\b|libro mayor|backend",
    "pt_BR": r"\bAPI\b|\btarefas?\b|livro-razão|backend",
    "ja": r"API|タスク|台帳|バックエンド",
    "zh_CN": r"API|(?<!/)任务|账本|后端",
}
#: Money that nobody asks of them frightens members, so only the sentences that say who pays may speak of charging.
CHARGING = {
    ENGLISH: r"charged",
    "de": r"berechnet(?!e)",
    "fr": r"facturé",
    "es_ES": r"cobrad",
    "pt_BR": r"cobrad",
    "ja": r"請求(?!先)",
    "zh_CN": r"收费",
}


def sentences(language: str) -> Iterator[tuple[str, str]]:
    """Each sentence of a catalogue with its English; names of commands aside, which are words of their own."""
    for message in read(LANGUAGES[0] if language == ENGLISH else language):
        if not message.id or message.context == COMMAND_NAME:
            continue
        english = (message.id,) if isinstance(message.id, str) else tuple(message.id)
        told = english if language == ENGLISH else message.string
        for sentence in (told,) if isinstance(told, str) else told or ():
            yield english[0], sentence


@pytest.mark.parametrize("language", [ENGLISH, *LANGUAGES])
def test_no_sentence_for_members_speaks_of_the_workshop(language: str) -> None:
    found = [it for _, it in sentences(language) if re.search(SHOP_TALK[language], it, re.IGNORECASE)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("language", [ENGLISH, *LANGUAGES])
def test_only_those_sentences_speak_of_charging_that_say_who_pays(language: str) -> None:
    payers = set(CHARGES.values())
    found = [it for english, it in sentences(language) if re.search(CHARGING[language], it) and english not in payers]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("language", [ENGLISH, *LANGUAGES])
def test_the_words_looked_for_can_be_found(language: str) -> None:
    caught = {
        ENGLISH: "The image API took the task.",
        "de": "Die Bild-API hat den Task.",
        "fr": "La tâche de l’API.",
        "es_ES": "La tarea de la API.",
        "pt_BR": "A tarefa da API.",
        "ja": "画像APIのタスク",
        "zh_CN": "图片 API 的任务",
    }
    assert re.search(SHOP_TALK[language], caught[language])
