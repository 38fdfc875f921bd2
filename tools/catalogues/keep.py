"""The catalogues on disk: `bot/ui/locale/<language>/LC_MESSAGES/easel.po`, and the compiled `.mo` beside it."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from bot.ui.kit.language import DOMAIN, LOCALE_FOLDER, Language
from tools.catalogues.gather import MADE

LANGUAGES = tuple(one.value.replace("-", "_") for one in Language if one is not Language.ENGLISH)

#: How people are spoken to, at the head of each catalogue.
TONE: Mapping[str, str] = {
    "de": "German: friendly, with „du“ and „dein“ in lower case. „Bild“, „Anfrage“, „Bilddienst“.",
    "fr": "French: polite, with « vous ». « image », « demande », « service d’images ».",
    "es_ES": "Spanish, for Latin America too: friendly, with «tú». «imagen», «petición», «servicio de imágenes».",
    "pt_BR": "Brazilian Portuguese: friendly, with “você”. “imagem”, “pedido”, “serviço de imagens”.",
    "ja": "Japanese: polite, です・ます. 「画像」「リクエスト」「画像サービス」.",
    "zh_CN": "Simplified Chinese: friendly, with “你”. “图片”“请求”“图片服务”.",
}


def path_of(language: str) -> Path:
    """Where a language's catalogue lies; the compiled one is beside it, as `.mo`."""
    return LOCALE_FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(language: str) -> Catalog:
    """The catalogue as it is on disk, or an empty one."""
    path = path_of(language)
    if not path.exists():
        return Catalog(language)
    return read_po(io.BytesIO(path.read_bytes()), locale=language)


def update(language: str, catalogue: Catalog, template: Catalog) -> Catalog:
    """The translations of what there still is to translate; what is new is empty. Nothing is guessed."""
    fresh = Catalog(
        language,
        project="Easel",
        version="1",
        header_comment=f"# Easel in another language. How people are spoken to here:\n# {TONE[language]}",
        creation_date=MADE,
        revision_date=MADE,
        last_translator="Easel",
        msgid_bugs_address="none",
        language_team=language,
        fuzzy=False,
    )
    for wanted in template:
        if not wanted.id:
            continue
        old = catalogue.get(wanted.id, wanted.context)
        fresh.add(
            wanted.id,
            old.string if old and old.string and not old.fuzzy else None,
            locations=sorted(set(wanted.locations)),
            context=wanted.context,
        )
    return fresh


def po_of(catalogue: Catalog) -> bytes:
    """The catalogue as translators read it."""
    file = io.BytesIO()
    write_po(file, catalogue, width=0, include_lineno=False, ignore_obsolete=True)
    return file.getvalue()


def mo_of(catalogue: Catalog) -> bytes:
    """The catalogue as the bot reads it."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def write(language: str, catalogue: Catalog) -> None:
    """Put the catalogue on disk."""
    path = path_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(po_of(catalogue))


def compiled(language: str, catalogue: Catalog) -> None:
    """Put the compiled catalogue beside it."""
    path_of(language).with_suffix(".mo").write_bytes(mo_of(catalogue))


def strings_of(message: Message) -> Sequence[str]:
    """The translation, or all its plural forms."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))


def missing(catalogue: Catalog) -> list[str]:
    """The English of what has no translation."""
    return [str(one.id) for one in catalogue if one.id and not all(strings_of(one))]
