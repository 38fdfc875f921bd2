"""Error bodies of every dialect, and what their codes and words mean.

Codes and texts come from three families of servers (the new-api gateways, xAI, fal); no catalogue is published, so
several are known for each meaning. A code is a machine's word and is believed. A text is a weak sign: it is read
only where the HTTP status leaves the question open, and never before the user's own words are taken out of it (see
quoted.py). No text from outside is passed on; what may be kept is a code that looks like one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from bot.image_api.wire.answers import as_list, as_object, as_text
from bot.image_api.wire.quoted import NOTHING_ASKED, Asked, CleanText, without_request

#: How much of an error is looked at.
_MAX_MESSAGE_CHARS = 4000
_MAX_CODE_CHARS = 200
_MAX_FAULTS = 20
_OK_CODES = frozenset({"", "success", "succeeded", "ok", "0", "200", "201", "202"})
_CODE_KEYS = ("code", "type", "error_code", "error_type")
_TEXT_KEYS = (
    "message", "msg", "error", "detail", "error_message", "fail_reason", "failure_reason", "reason",
)  # fmt: skip
#: Words and short numbers between separators: no key and no part of a prompt looks like this.
_CODE = re.compile(r"(?=.{3,64}$)(?:[a-z]+|\d{1,3})(?:[_.:/-]+(?:[a-z]+|\d{1,3}))*", re.IGNORECASE | re.ASCII)


class Meaning(Enum):
    """What an error says, whatever its HTTP status."""

    MODERATION = auto()
    BALANCE = auto()
    SOURCE = auto()
    TASK_LOST = auto()
    NO_MODEL = auto()
    KEY = auto()
    INPUT = auto()
    BUSY = auto()


#: Codes seen in this family, as whole words between separators: `imagine:content-moderated` holds the second one.
#: A code that merely speaks of moderation (`moderation_service_unavailable`) is none of them.
_CODES: tuple[tuple[Meaning, re.Pattern[str]], ...] = tuple(
    (meaning, re.compile(rf"(?:^|[.:/])(?:{codes})(?:$|[.:/])", re.IGNORECASE | re.ASCII))
    for meaning, codes in (
        (
            Meaning.MODERATION,
            r"content[_-]?(?:moderat(?:ed|ion)|polic(?:y|ies)|filter(?:ed)?)(?:[_-](?:violation|blocked|error|refused))?"
            r"|(?:image|prompt|text|input|output|result|request)?[_-]?moderation[_-](?:blocked|refused|rejected|failed)"
            r"|moderated|prompt[_-]blocked|sensitive[_-]words(?:[_-]detected)?|violation[_-]fee|safety[_-](?:check|violation)"
            r"(?:[_-]\w+)?",
        ),
        (
            Meaning.BALANCE,
            r"insufficient[_-](?:\w+[_-])?(?:quota|balance|credits?|funds?)|(?:\w+[_-])?quota[_-](?:exhausted|exceeded)"
            r"|pre_consume_token_quota(?:_failed)?|billing_hard_limit(?:_reached)?|spend(?:ing)?[_-]limit(?:[_-]\w+)?",
        ),
        (
            Meaning.SOURCE,
            r"(?:file|image|source|input)[_-](?:download|fetch)[_-](?:error|failed)|invalid[_-]image[_-]url"
            r"|(?:image|source|input)[_-](?:url[_-])?(?:unreachable|not[_-]accessible)",
        ),
        (Meaning.TASK_LOST, r"(?:image[_-])?task[_-]not[_-](?:exist|found)"),
        (
            Meaning.NO_MODEL,
            r"model[_-]not[_-](?:found|available|supported)|model_price_error|invalid[_-]model|unknown[_-]model",
        ),
        (
            Meaning.KEY,
            r"(?:invalid|incorrect|wrong|missing)[_-](?:api[_-]?key|token)|authentication[_-](?:error|failed)|auth_\w+"
            r"|unauthori[sz]ed",
        ),
        (
            Meaning.BUSY,
            r"rate[_-]limit(?:[_-](?:error|exceeded|reached))?|too[_-]many[_-]requests|overloaded(?:[_-]error)?"
            r"|server[_-]busy",
        ),
        (
            Meaning.INPUT,
            r"invalid[_-](?:request(?:[_-]error)?|param(?:eter)?s?|argument|input|image|prompt)|validation[_-]error"
            r"|value_error(?:\.\w+)*|bad[_-]request",
        ),
    )
)

_I = re.IGNORECASE
#: After "moderation": the service has trouble, so it has refused nothing.
_IS_DOWN = r"[^\x00.\n]{0,40}(unavailable|timed out|time-?out|overload|is down|busy|did not answer|not respond)"
#: Words of texts, looked for in this order. Chinese ones are the new-api family's own messages.
_WORDS: tuple[tuple[Meaning, re.Pattern[str]], ...] = (
    (
        Meaning.MODERATION,
        re.compile(
            # The words before "moderat" are optional. They tell the API's sentence from a one-word prompt.
            rf"content[ _-]?(moderat|polic|filter)(?!{_IS_DOWN})|violation_fee|usage (guidelines|polic)"
            r"|safety[ _](check|system|filter)"
            r"|((reject|block|refus|flag|deni|stopp|filter)\w* (by|in|through|due to|because of) "
            rf"(the |our |an? )?(\w+ )?)?moderat(ion|ed)(?!{_IS_DOWN})"
            r"|prompt_blocked|sensitive_words|敏感词|审核|违规",
            _I,
        ),
    ),
    (
        Meaning.BALANCE,
        re.compile(
            r"insufficient[ _]\w{0,40}(quota|balance|credit|fund)"
            r"|(quota|balance|credit)s? (is |are |has been |have been )?(insufficient|exhausted|used up|too low)"
            r"|pre_consume_token_quota|billing_hard_limit|spend(ing)?[ _]limit|not enough (quota|balance|credit|fund)"
            r"|余额不足|额度不足|额度已用尽|预扣费额度失败",
            _I,
        ),
    ),
    (
        Meaning.SOURCE,
        re.compile(
            r"file_download_error|image_download|image_fetch|invalid_image_url"
            r"|(fail|unable|can ?not|can't|could not|couldn't|error)[^\x00]{0,40}(download|fetch(?!_task)|retriev|load)"
            r"[^\x00]{0,60}(image|picture|photo|file|media|input|source|reference|url)"
            r"|(image|picture|photo|file|media|input|source|reference|url)[^\x00]{0,60}"
            r"(could )?not (be )?(downloaded|fetched|retrieved|loaded|accessible|reachable)"
            r"|(image|picture|photo|file|media|input|source|reference|url)[^\x00]{0,60}(download|fetch) failed",
            _I,
        ),
    ),
    (Meaning.TASK_LOST, re.compile(r"task_not_exist|task[ _](was )?not[ _]found|no such task|任务不存在", _I)),
    (
        Meaning.NO_MODEL,
        re.compile(
            r"model_not_found|model_price_error|no available channel|无可用渠道"
            r"|model [^\x00]{0,80}(does not exist|not found)",
            _I,
        ),
    ),
    (
        Meaning.KEY,
        re.compile(
            r"invalid_api_key|(incorrect|invalid) api[ _]?key|authentication_error|unauthori[sz]ed|invalid_token"
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
#: A text with one of these speaks of the picture that was painted, not of a source: it may have been paid for.
_ABOUT_A_RESULT = re.compile(
    r"generat|result|output|upstream|paint|render|produc|creat|finish|final|storage|bucket|\bcdn\b|\boss\b|\bs3\b"
    r"|生成|结果|上游",
    _I,
)


@dataclass(frozen=True, slots=True)
class ApiFault:
    """What an error body says. `cost` is True where it names a price that was taken.

    `message` has a line for each text. `asked` is the request it answers: its words mean nothing here.
    """

    codes: tuple[str, ...] = ()
    message: str = ""
    cost: bool = False
    asked: Asked = NOTHING_ASKED

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

    def code_meaning(self) -> Meaning | None:
        """The first known meaning of its codes. INPUT comes last: many servers call every refusal invalid_request."""
        return next((meaning for meaning, words in _CODES if any(words.search(code) for code in self.codes)), None)

    def text_meaning(self) -> Meaning | None:
        """The first known meaning of its texts. A code that is a sentence counts as a text."""
        texts = self._texts(*self.codes)
        for meaning, words in _WORDS:
            # A wrong SOURCE would buy twice, so what may be the user's words is no sign of it.
            if any(text.search(words, certain=meaning is Meaning.SOURCE) for text in texts):
                return meaning
        return None

    def is_about_result(self) -> bool:
        """Whether its texts speak of the picture that was painted rather than of a source."""
        return any(_ABOUT_A_RESULT.search(text.text) for text in self._texts())

    def _texts(self, *more: str) -> list[CleanText]:
        return [without_request(text, self.asked) for text in (*more, *self.message.split("\n"))]

    def meaning(self) -> Meaning | None:
        """What its codes mean; where they say nothing or no more than INPUT, what its texts mean."""
        by_code = self.code_meaning()
        return self.text_meaning() or by_code if by_code in {None, Meaning.INPUT} else by_code


def fault_of(body: object, asked: Asked = NOTHING_ASKED) -> ApiFault | None:
    """The fault in a body of any dialect; None where it tells of none."""
    top = as_object(body)
    return read_fault(top, asked) if _tells_of_error(top) else None


def read_fault(top: Mapping[str, object], asked: Asked = NOTHING_ASKED) -> ApiFault:
    """All codes and texts of a body, whether it tells of an error or not."""
    codes: list[str] = []
    texts: list[str] = []
    for part in _parts(top):
        named = (as_text(part.get(key))[:_MAX_CODE_CHARS] for key in _CODE_KEYS)
        codes += [code for code in named if code.lower() not in _OK_CODES]
        texts += [text for key in _TEXT_KEYS if (text := as_text(part.get(key)))]
    message = "\n".join(texts)[:_MAX_MESSAGE_CHARS]
    return ApiFault(tuple(codes[:_MAX_FAULTS]), message, _names_a_cost(top), asked)


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
    return ApiFault(first.codes + second.codes, message, first.cost or second.cost, first.asked)
