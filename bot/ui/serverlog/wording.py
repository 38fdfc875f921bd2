"""What the lines of a server's log say, in the server's language. Pure, but for what an interaction tells.

Nobody is mentioned: people stand there by name and id, roles by name. Of a private request there is only that it was
one, of a covered one no words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import Any

import discord

from bot.model import ImageRequest
from bot.policy.rules import WHOLE_SERVER, Rules, SpoilerRule
from bot.policy.server_log import WHO, WORDS, LogLine, counted, without_signs
from bot.ui.kit import texts
from bot.ui.kit.interactions import Interaction
from bot.ui.kit.language import Language, speaking, tr, trn
from bot.ui.settings.sections import RULES

MAX_WORDS_CHARS, MAX_NAME_CHARS = 100, 40
MAX_REASON_CHARS, MAX_VALUE_CHARS = 200, 150
MAX_CHARS = 1950  # of a message, whatever its lines say; Discord's limit is 2,000

Telling = Callable[[Rules, Rules, int | None], Sequence[LogLine]]
_ROLE = re.compile(r"<@&(\d+)>")
_PERSON = re.compile(r"<@!?(\d+)>")


def log_locale(guild: discord.Guild | None, rules: Rules) -> str:
    """The language of a server's log: that of its public replies, and English where the server has chosen none."""
    if rules.language is not None:
        return rules.language
    if guild is not None and "COMMUNITY" in guild.features:
        return guild.preferred_locale.value
    return Language.ENGLISH.value


def named(user: discord.abc.User) -> str:
    """Somebody by name and id, without a mention."""
    name = texts.plain(texts.shortened(without_signs(user.display_name), MAX_NAME_CHARS))
    return f"**{name}** (`{user.id}`)"


def request(
    guild: discord.Guild | None, user: Any, asked: ImageRequest, rules: Rules, channel_id: int
) -> LogLine | None:
    """Somebody asked for pictures. None where the server keeps no log."""
    if rules.log_channel is None or guild is None:
        return None
    locale = log_locale(guild, rules)
    with speaking(locale):
        if asked.private:
            return LogLine(guild.id, rules.log_channel, locale, f"🔒 {tr('Somebody asked for something in private.')}")
        said = tr(
            "{who} asked for {pictures} in {channel}",
            who=WHO,
            pictures=texts.pictures(asked.count),
            channel=f"<#{channel_id}>",
        )
        text = f"🎨 {said}{_words(asked.prompt, covered=asked.spoiler)}"
    return LogLine(guild.id, rules.log_channel, locale, text, user.id, named(user))


def refusal(
    guild: discord.Guild | None,
    user: discord.abc.User,
    rules: Rules,
    channel_id: int,
    *,
    reason: Callable[[], str],
    prompt: str,
    private: bool,
    covered: bool,
) -> LogLine | None:
    """Somebody was refused. `reason` says why, in the language of the moment."""
    if rules.log_channel is None or guild is None:
        return None
    locale = log_locale(guild, rules)
    with speaking(locale):
        if private:
            return LogLine(guild.id, rules.log_channel, locale, f"🔒 {tr('Something private was refused.')}")
        why = texts.shortened(_silent(reason(), guild), MAX_REASON_CHARS)
        said = tr("{who} was refused in {channel}: {why}", who=WHO, channel=f"<#{channel_id}>", why=why)
        text = f"⛔ {said}{_words(prompt, covered=covered, before=' · ')}"
    return LogLine(guild.id, rules.log_channel, locale, text, user.id, named(user))


def refused_message(
    guild: discord.Guild, user: discord.abc.User, rules: Rules, channel_id: int, reason: Callable[[], str], words: str
) -> LogLine | None:
    """Somebody's message that asks for an edit was refused, whether or not it was answered."""
    private, covered = bool(rules.private_only), rules.spoiler is SpoilerRule.ALWAYS
    return refusal(guild, user, rules, channel_id, reason=reason, prompt=words, private=private, covered=covered)


def report(interaction: Interaction, rules: Rules, link: str) -> LogLine | None:
    """Somebody reported a picture."""
    return _act(interaction, rules, lambda: f"🚩 {tr('{who} reported a picture: {link}', who=WHO, link=link)}")


def block(interaction: Interaction, rules: Rules, user_id: int, *, blocks: bool) -> LogLine | None:
    """Somebody was blocked, or let again."""

    def said() -> str:
        """In the server's language."""
        whom = _member(interaction, user_id)
        if blocks:
            return f"🚫 {tr('{who} blocked {whom} from Easel', who=WHO, whom=whom)}"
        return f"✅ {tr('{who} lets {whom} use Easel again', who=WHO, whom=whom)}"

    return _act(interaction, rules, said, about_id=user_id)


def settings(interaction: Interaction, guild: discord.Guild, channel_id: int, server: Rules) -> Telling:
    """Words for each setting that somebody changes in a place; `server` says in which language.

    The lines are made in the database's own thread, where the change is written.
    """
    user, context = interaction.user, copy_context()

    def told(before: Rules, after: Rules, log_channel: int | None) -> Sequence[LogLine]:
        """One line for each setting that differs."""
        locale = log_locale(guild, after if channel_id == WHOLE_SERVER else server)
        with speaking(locale):
            return [
                LogLine(guild.id, log_channel, locale, text, user.id, named(user), is_setting=True)
                for name in RULES
                if before.said.get(name) != after.said.get(name)
                for text in [_changed(guild, channel_id, name, before.said.get(name), after.said.get(name))]
            ]

    return lambda before, after, log_channel: context.copy().run(told, before, after, log_channel)


def message(lines: Sequence[LogLine], left_out: int, *, with_words: bool = True) -> str:
    """Lines as one text; equal ones stand there once, with their number."""
    with speaking(lines[0].locale):
        counts = counted(lines, tr("Somebody"), with_words=with_words)
        shown = [f"{text} **×{count}**" if count > 1 else text for text, count in counts.items()]
        if left_out:
            more = trn("{count} earlier line did not fit.", "{count} earlier lines did not fit.", left_out)
            shown.insert(0, f"-# {more}")
    return "\n".join(shown)[:MAX_CHARS]


def _act(
    interaction: Interaction, rules: Rules, said: Callable[[], str], *, about_id: int | None = None
) -> LogLine | None:
    """A line about what somebody did, where the server keeps a log."""
    if rules.log_channel is None or interaction.guild_id is None:
        return None
    locale, user = log_locale(interaction.guild, rules), interaction.user
    with speaking(locale):
        text = said()
    return LogLine(interaction.guild_id, rules.log_channel, locale, text, user.id, named(user), about_id)


def _words(prompt: str, *, covered: bool, before: str = ": ") -> str:
    """The end of a line: what was typed, or that it is covered. `before` stands between a sentence and the words."""
    if covered:
        return f" · {tr('covered')}"
    typed = texts.plain(texts.shortened(without_signs(prompt), MAX_WORDS_CHARS))
    return f"{before}{WORDS}{typed}{WORDS}" if typed else ""


def _member(interaction: Interaction, user_id: int) -> str:
    """A member by name, where Discord has sent it along, and id."""
    data: Any = interaction.data or {}
    user = data.get("resolved", {}).get("users", {}).get(str(user_id))
    if user is None:
        return f"`{user_id}`"
    name = str(user.get("global_name") or user.get("username") or "")
    return f"**{texts.plain(texts.shortened(without_signs(name), MAX_NAME_CHARS))}** (`{user_id}`)"


def _changed(guild: discord.Guild, channel_id: int, name: str, before: Any, after: Any) -> str:
    """What was changed, from what to what; of a list, what came and what went."""
    rule = RULES[name]
    label = tr(rule.label)
    if isinstance(before or (), tuple) and isinstance(after or (), tuple) and name != "models":
        came = tuple(it for it in after or () if it not in (before or ()))
        went = tuple(it for it in before or () if it not in (after or ()))
        parts = [
            tr("added {values}", values=_value(guild, name, came)) if came else "",
            tr("taken off {values}", values=_value(guild, name, went)) if went else "",
        ]
        said = tr("{who} changed **{label}**: {what}", who=WHO, label=label, what=", ".join(filter(None, parts)))
    else:
        said = tr(
            "{who} changed **{label}**: {before} → {after}",
            who=WHO,
            label=label,
            before=_value(guild, name, before),
            after=_value(guild, name, after),
        )
    if channel_id != WHOLE_SERVER:
        said = tr("{line} (in {channel})", line=said, channel=f"<#{channel_id}>")
    return f"⚙ {said}"


def _value(guild: discord.Guild, name: str, value: Any) -> str:
    told = tr(RULES[name].nothing) if value is None else RULES[name].value(value)
    return texts.shortened(without_signs(_silent(told, guild)), MAX_VALUE_CHARS)


def _silent(text: str, guild: discord.Guild) -> str:
    """The same without mentions of roles and people."""

    def role(found: re.Match[str]) -> str:
        """A role by its name."""
        known = guild.get_role(int(found[1]))
        return texts.plain(f"@{known.name.lstrip('@')}") if known else f"@{found[1]}"

    return _PERSON.sub(r"`\1`", _ROLE.sub(role, text))
