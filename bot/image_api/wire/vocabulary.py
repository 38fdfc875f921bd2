"""Error bodies of every dialect, and what their words mean.

Codes and texts come from three families of servers (the new-api gateways, xAI, fal); no catalogue is published, so
several words are known for each meaning. Texts from outside are looked at and never passed on: they may repeat a
prompt. What may be kept is a code that looks like one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from bot.image_api.wire.answers import as_list, as_object, as_text

#: How much of an error is looked at.
_MAX_MESSAGE_CHARS = 4000
_MAX_CODE_CHARS = 200
_MAX_FAULTS = 20
_OK_CODES = frozenset({"", "success", "ok", "0", "200", "201", "202"})
_CODE_KEYS = ("code", "type", "error_code", "error_type")
_TEXT_KEYS = (
    "message", "msg", "error", "detail", "error_message", "fail_reason", "failure_reason", "reason",
)  # fmt: skip
#: Words and short numbers between separators: no key and no part of a prompt looks like this.
_CODE = re.compile(r"(?=.{3,64}$)(?:[a-z]+|\d{1,3})(?:[_.:/-]+(?:[a-z]+|\d{1,3}))*", re.IGNORECASE | re.ASCII)


class Meaning(Enum):
    """What the words of an error say, whatever its HTTP status."""

    MODERATION = auto()
    BALANCE = auto()
    SOURCE = auto()
    TASK_LOST = auto()
    NO_MODEL = auto()
    KEY = auto()
    INPUT = auto()
    BUSY = auto()


_I = re.IGNORECASE
#: Looked for in codes and texts, in this order. Chinese words are the new-api family's own messages.
_WORDS: tuple[tuple[Meaning, re.Pattern[str]], ...] = (
    (
        Meaning.MODERATION,
        re.compile(
            r"content[ _-]?(moderat|polic|filter)|moderat|violation_fee|usage guidelines|safety[ _]check"
            r"|prompt_blocked|sensitive_words|敏感词|审核|违规",
            _I,
        ),
    ),
    (
        Meaning.BALANCE,
        re.compile(
            r"insufficient[ _]\w{0,40}(quota|balance|credit|fund)"
            r"|(quota|balance|credit)s? (is |are )?(insufficient|exhausted)"
            r"|pre_consume_token_quota|billing_hard_limit|spend(ing)?[ _]limit"
            r"|余额不足|额度不足|额度已用尽|预扣费额度失败",
            _I,
        ),
    ),
    (
        Meaning.SOURCE,
        re.compile(
            r"file_download_error|image_download|image_fetch|invalid_image_url"
            r"|(fail|unable|can ?not|could not|couldn't|error).{0,40}(download|fetch(?!_task)|retriev)"
            r".{0,60}(image|file|media|input|url)"
            r"|(image|file|media|input|url).{0,60}not (be )?(downloaded|fetched|accessible|reachable)"
            r"|(image|file|media|input|url).{0,60}(download|fetch) failed",
            _I,
        ),
    ),
    (Meaning.TASK_LOST, re.compile(r"task_not_exist|task[ _]not[ _]found|no such task|任务不存在", _I)),
    (Meaning.NO_MODEL, re.compile(r"model_not_found|model_price_error|no available channel|无可用渠道", _I)),
    (
        Meaning.KEY,
        re.compile(
            r"invalid_api_key|(incorrect|invalid) api[ _]?key|authentication_error|^auth_|unauthori[sz]ed|invalid_token"
            r"|invalid token|无效的令牌",
            _I,
        ),
    ),
    (Meaning.BUSY, re.compile(r"rate[ _]limit|too many requests|overloaded|saturated|负载已饱和", _I)),
    (
        Meaning.INPUT,
        re.compile(r"invalid_request|invalid_param|invalid_argument|invalid argument|validation_error|value_error", _I),
    ),
)


@dataclass(frozen=True, slots=True)
class ApiFault:
    """What an error body says. `cost` is True where it names a price that was taken."""

    codes: tuple[str, ...] = ()
    message: str = ""
    cost: bool = False

    @property
    def label(self) -> str:
        """The first code that looks like one, for the log."""
        return next((code for code in self.codes if _CODE.fullmatch(code)), "")

    @property
    def is_local_refusal(self) -> bool:
        """The gateway itself looked at the prompt and refused it, before anything was charged or sent on."""
        return any("sensitive_words" in code for code in self.codes)

    @property
    def is_fined(self) -> bool:
        """The gateway took a fee for a violation, or the body names a price."""
        return self.cost or any("violation_fee" in code for code in self.codes)

    @property
    def meaning(self) -> Meaning | None:
        """The first known meaning among codes and texts."""
        text = "\n".join((*self.codes, self.message))
        return next((meaning for meaning, words in _WORDS if words.search(text)), None)


def fault_of(body: object) -> ApiFault | None:
    """The fault in a body of any dialect; None where it tells of none."""
    top = as_object(body)
    return read_fault(top) if _tells_of_error(top) else None


def read_fault(top: Mapping[str, object]) -> ApiFault:
    """All codes and texts of a body, whether it tells of an error or not."""
    codes: list[str] = []
    texts: list[str] = []
    for part in _parts(top):
        named = (as_text(part.get(key))[:_MAX_CODE_CHARS] for key in _CODE_KEYS)
        codes += [code for code in named if code.lower() not in _OK_CODES]
        texts += [text for key in _TEXT_KEYS if (text := as_text(part.get(key)))]
    return ApiFault(tuple(codes[:_MAX_FAULTS]), "\n".join(texts)[:_MAX_MESSAGE_CHARS], _names_a_cost(top))


def _tells_of_error(top: Mapping[str, object]) -> bool:
    if top.get("error") or top.get("errors") or top.get("detail") or top.get("success") is False:
        return True
    code = top.get("code")
    return as_text(code).lower() not in _OK_CODES or code is False


def _parts(top: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """The objects of a body that may carry codes and texts, the most telling first."""
    for key in ("error", "errors", "detail"):
        value = top.get(key)
        yield as_object(value)
        for item in as_list(value)[:_MAX_FAULTS]:
            yield as_object(item) or {"message": item}
    metadata = as_object(top.get("metadata")).get("error")
    yield as_object(metadata) or {"message": metadata}
    yield top


def _names_a_cost(top: Mapping[str, object]) -> bool:
    ticks = as_object(top.get("usage")).get("cost_in_usd_ticks")
    return isinstance(ticks, int | float) and ticks > 0


def merged(first: ApiFault, second: ApiFault) -> ApiFault:
    """Two faults of one answer as one, the more telling first."""
    message = f"{first.message}\n{second.message}"[:_MAX_MESSAGE_CHARS]
    return ApiFault(first.codes + second.codes, message, first.cost or second.cost)
