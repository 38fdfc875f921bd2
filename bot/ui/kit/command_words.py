"""The words of slash commands and menus in each language: names, descriptions, options and choices.

Names have a context in the catalogues, because the same word may be a button elsewhere; descriptions and choices are
sentences like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

import discord
from discord import app_commands
from discord.app_commands import TranslationContextLocation as Where

from bot.ui.kit.language import Language, speaking, tr, word

COMMAND_NAME, OPTION_NAME, MENU_NAME = "command name", "option name", "menu name"
AS_IT_IS = "as_it_is"  # marks a text that the operator wrote, which is no sentence of ours
SLASH = discord.AppCommandType.chat_input.value

Json = Mapping[str, Any]


class CommandWords(app_commands.Translator):
    """Asked by discord.py for each word and each of Discord's locales when the commands are registered."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """None where Discord is to show the English word."""
        language = Language.of(locale.value)
        if language is Language.ENGLISH or string.extras.get(AS_IT_IS):
            return None
        text = string.message
        match context.location:
            case Where.command_name if isinstance(context.data, app_commands.ContextMenu):
                return word(MENU_NAME, text, language)
            case Where.command_name | Where.group_name:
                return word(COMMAND_NAME, text, language)
            case Where.parameter_name:
                return word(OPTION_NAME, text, language)
            case Where.choice_name if is_technical(text, context.data.value):
                return None
            case _:
                with speaking(locale.value):
                    return tr(text)


def is_technical(name: str, value: object) -> bool:
    """A choice such as `16:9` or `png` is called what it is in every language."""
    return name == str(value)


def words_of(part: Json, *, is_option: bool = False) -> Iterator[tuple[str | None, str]]:
    """What there is to translate in a command as it is registered: each with its context, None for sentences."""
    is_menu = not is_option and part.get("type", SLASH) != SLASH
    is_value = is_option and part["type"] > discord.AppCommandOptionType.subcommand_group.value
    yield MENU_NAME if is_menu else OPTION_NAME if is_value else COMMAND_NAME, str(part["name"])
    if part.get("description"):
        yield None, str(part["description"])
    for choice in cast("list[Json]", part.get("choices") or []):
        if not is_technical(str(choice["name"]), choice["value"]):
            yield None, str(choice["name"])
    for option in cast("list[Json]", part.get("options") or []):
        yield from words_of(option, is_option=True)
