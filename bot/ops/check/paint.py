"""`check --paint`: buys one picture, tells the whole conversation, and says where the API differs from its page.

It is what an owner sends along with a bug report. Nothing is bought before a yes. The request goes out once: whatever
becomes of it, it is never sent again, and where nobody knows whether it was bought, that is said.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import FrameType

from bot.config.settings import Settings, Sources
from bot.errors import (
    AddressRefused,
    Busy,
    DownloadError,
    DownloadGone,
    DownloadUnreachable,
    EaselError,
    ImageApiError,
    NotAPicture,
    TaskLost,
    TooLarge,
    Uncertain,
    Unreachable,
)
from bot.image_api.client import ImageApi, Limits, Mode, Submission
from bot.image_api.picture_file import UnknownFormat
from bot.image_api.wire import differences
from bot.image_api.wire.task_state import TaskState
from bot.jobs.backoff import ABSENT_AFTER_S, Absence
from bot.jobs.downloads import most_bytes
from bot.model import Charged, ImageRequest
from bot.ops.check.check import IMAGE_API, checked_settings, look, sum_up
from bot.ops.check.conversation import Conversation
from bot.ops.check.findings import Finding, Status, faults, warnings
from bot.ops.shutdown import END_SIGNALS, catch, catch_no_more
from bot.ops.terminal import say
from bot.policy.prices import MICROS

PART = "painting"
PROMPT = "A small red fox sitting in fresh snow, watercolour"
SUBMIT_PATIENCE_S = 60.0
_ANSWER_CHARS = 100
_TOLD_CHARS = 300  # of what an error says
_UNKNOWN = "Nobody knows whether the picture was bought: look at your account there. Nothing is sent again."
_MONEY = {
    Charged.NO: "Nothing was charged.",
    Charged.YES: "It was charged.",
    Charged.MAYBE: "It may have been charged: look at your account there.",
}


@dataclass(frozen=True, slots=True)
class Pace:
    """How the task and its picture are asked for, in seconds."""

    pause_s: float = 1.0
    later_s: float = 5.0  # the pause once a minute has passed
    nothing_else_s: float = ABSENT_AFTER_S  # of answers without a result, until they are believed


def check_and_paint(sources: Sources, *, channel: int | None = None, yes: bool = False) -> bool:
    """Check everything, then buy a picture if the person says so; True when nothing is wrong. Raises SettingsError."""
    settings = checked_settings(sources)
    found = asyncio.run(look(sources, settings, channel=channel))
    if any(it.part == IMAGE_API and it.status is Status.FAIL for it in found):
        painted = faults(PART, ["Nothing was bought: mend what stands above about the image API first."])
        painted[0].show()
    else:
        painted = paint(settings, yes=yes)
    return sum_up([*found, *painted])


def paint(settings: Settings, *, yes: bool = False, pace: Pace = Pace()) -> Sequence[Finding]:
    """Ask, buy one picture and follow it to its end. Prints and returns what was found.

    `yes` buys without asking. Raises EaselError where a signal ends the question.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _broken_off)
    if not yes and not _is_yes(settings):
        found = warnings(PART, ["Nothing was bought: only the answer yes buys."])
    else:
        found = asyncio.run(buy(settings, pace))
    for finding in found:
        finding.show()
    return found


def _broken_off(_: int, __: FrameType | None) -> None:
    raise EaselError("Broken off; nothing was bought.")


def _is_yes(settings: Settings) -> bool:
    request = _request(settings)
    say(f"This buys one picture: {request.model}, {request.resolution}, “{PROMPT}”. {_price(settings)}")
    say("Type yes to buy it: ", end="")
    try:
        line = "" if sys.stdin is None else sys.stdin.readline(_ANSWER_CHARS)
    except (OSError, ValueError):  # closed, or no text
        line = ""
    if sys.stdin is None or not sys.stdin.isatty():
        say()  # nobody's Enter has ended the line
    return line.strip().lower() == "yes"


def _price(settings: Settings) -> str:
    micros = settings.price_list.cost_micros(_request(settings), 1)
    if micros is None:
        return "PRICE_LIST has no price for it: your account at the image API shows what it costs."
    return f"By PRICE_LIST it costs {(Decimal(micros) / MICROS).normalize():f} US dollars."


def _request(settings: Settings) -> ImageRequest:
    return ImageRequest(PROMPT, model=settings.models.default)


async def buy(settings: Settings, pace: Pace, limits: Limits | None = None) -> Sequence[Finding]:
    """Buy one picture without asking, follow it, and say what was found; a signal breaks off."""
    talk = Conversation(settings.secrets)
    patience = Limits(submit_s=min(SUBMIT_PATIENCE_S, settings.job_timeout_s), sync_s=settings.job_timeout_s)
    async with ImageApi(
        base_url=settings.uniall_base_url,
        api_key=settings.uniall_api_key.get_secret_value(),
        mode=Mode(settings.uniall_mode),
        limits=limits or patience,
        result_hosts=settings.result_hosts,
        proxy_for=settings.proxies.for_url,
        listener=talk,
    ) as api:
        purchase = Purchase(api, settings, talk, pace)
        task = asyncio.create_task(purchase.follow(), name="purchase")
        for number in END_SIGNALS:
            catch(number, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            purchase.fail(f"Broken off. {purchase.standing}")
        finally:
            for number in END_SIGNALS:
                catch_no_more(number)
    return purchase.findings()


class Purchase:
    """One request on its way, and what was found out about the API meanwhile."""

    def __init__(self, api: ImageApi, settings: Settings, talk: Conversation, pace: Pace) -> None:
        self._api = api
        self._tasks = Mode(settings.uniall_mode) is Mode.TASKS
        self._timeout_s = settings.job_timeout_s
        self._talk = talk
        self._pace = pace
        self._request = _request(settings)
        self._outcome: list[Finding] = []
        self._differences: list[str] = []
        self._began = time.monotonic()
        self.standing = "Nothing was bought."  # what a person has to know if it ended now

    def fail(self, sentence: str) -> None:
        """It ended, and not well."""
        self._outcome += faults(PART, [self._talk.clean(sentence)])

    def findings(self) -> Sequence[Finding]:
        """How it ended, and then each difference from the page."""
        told = list(dict.fromkeys([*self._of_questions(), *self._differences]))
        if not told and not any(it.status is Status.FAIL for it in self._outcome):
            return [*self._outcome, Finding(Status.OK, PART, "The API answers as its page says.")]
        return [*self._outcome, *warnings(PART, [f"Differs from the page: {self._talk.clean(it)}" for it in told])]

    async def follow(self) -> None:
        """From the one submission to the picture."""
        say(f"The conversation, without secrets ({'tasks' if self._tasks else 'sync'} mode):")
        self._began = time.monotonic()
        self.standing = (
            "Nobody knows whether the picture was bought: look at your account there. Nothing is sent again."
        )
        try:
            submission = await self._api.submit(self._request)
        except ImageApiError as error:
            self._note_submission()
            self._refused(error)
            return
        self._note_submission()
        named = f" as task {submission.task_id}" if submission.task_id else ""
        self.standing = f"The picture was bought{named}. Nothing is sent again."
        accepted_s = self._age_s
        addresses = await self._addresses(submission)
        if addresses:
            self._differences += differences.of_results(addresses, asked=1)
            await self._fetch(addresses[0], f"accepted after {accepted_s:.1f} s, painted after {self._age_s:.1f} s")

    @property
    def _age_s(self) -> float:
        return time.monotonic() - self._began

    def _note_submission(self) -> None:
        answer = self._talk.turns[-1].answer if self._talk.turns else None
        if answer is not None and answer.is_success:
            read = differences.of_submission if self._tasks else differences.of_pictures
            self._differences += read(answer)

    def _refused(self, error: ImageApiError) -> None:
        said = str(error)[:_TOLD_CHARS]
        if isinstance(error, Uncertain):
            self.fail(f"{self.standing} ({said})")
        elif isinstance(error, Busy | Unreachable):
            self.fail(f"Nothing was bought, and nothing is sent again by itself: {said}.")
        else:
            kind = error.kind.value.replace("_", " ")
            self.fail(f"The image API did not paint it ({kind}): {said}. {_MONEY[error.charged]}")

    async def _addresses(self, submission: Submission) -> Sequence[str]:
        """The addresses of the pictures, once the task has ended; none where it has not ended well, which is told."""
        if submission.task_id is None:
            return submission.result_urls
        absence = Absence(after_s=self._pace.nothing_else_s)
        while self._age_s < self._timeout_s:
            pause_s = self._pace.pause_s if self._age_s < SUBMIT_PATIENCE_S else self._pace.later_s
            try:
                report = await self._api.report(submission.task_id, self._request)
            except ImageApiError as error:
                has_nothing, hint_s = isinstance(error, TaskLost), error.retry_after
            else:
                if report.failure is not None:
                    self._refused(report.failure)
                    return ()
                if report.state is TaskState.SUCCEEDED and report.result_urls:
                    return report.result_urls
                has_nothing, hint_s = report.state is TaskState.SUCCEEDED, report.retry_after
            (absence.answered if has_nothing else absence.other)()
            if absence.is_certain:
                self.fail(f"{self.standing} For {self._pace.nothing_else_s:g} s the API has named no picture of it.")
                return ()
            await asyncio.sleep(max(pause_s, min(hint_s or 0.0, self._timeout_s - self._age_s)))
        self.fail(f"{self.standing} It has not ended within {self._timeout_s:g} s (JOB_TIMEOUT_S).")
        return ()

    async def _fetch(self, address: str, times: str) -> None:
        began, absence = time.monotonic(), Absence(after_s=self._pace.nothing_else_s)
        public = self._api.public_address(address)
        with tempfile.TemporaryDirectory(prefix="easel-check-") as folder:
            while True:
                before = len(self._talk.turns)
                try:
                    found = await self._api.download(address, Path(folder) / "picture", max_bytes=most_bytes(public))
                    break
                except (UnknownFormat, TooLarge) as error:
                    self._cannot_be_had(error, is_there=public is not None)
                    return
                except (DownloadGone, NotAPicture) as error:
                    absence.answered()
                    wait_s, is_over, trouble = error.retry_after, absence.is_certain, error
                except DownloadUnreachable as error:
                    absence.other()
                    is_over = time.monotonic() - began > self._pace.nothing_else_s
                    wait_s, trouble = error.retry_after, error
                except DownloadError as error:
                    self._cannot_be_had(error)
                    return
                if is_over:
                    self._cannot_be_had(trouble)
                    return
                self._differences.append(f"The picture cannot be fetched at first: {trouble}.")
                await asyncio.sleep(max(self._pace.pause_s, wait_s or 0.0))
        turns = self._talk.turns[before:]
        answer = turns[-1].answer if turns else None
        said = answer.headers.get("content-type", "") if answer else None
        self._differences += differences.of_download(said, found.format, self._request.format)
        size = f"{found.bytes:,} bytes of {found.format.value}"
        times = f"{times}, fetched within {time.monotonic() - began:.1f} s"
        self._outcome.append(Finding(Status.OK, PART, f"The picture came: {size}; {times}."))

    def _cannot_be_had(self, error: DownloadError, *, is_there: bool = False) -> None:
        """`is_there` where people get a link to it all the same."""
        mend = " People get a link to it instead." if is_there else ""
        if isinstance(error, AddressRefused) and error.host:
            mend = f" If that host is yours, write {error.host} into RESULT_HOSTS."
        self.fail(f"{self.standing} It cannot be fetched: {error}.{mend}")

    def _of_questions(self) -> Iterator[str]:
        """What the answers about the task tell, unanswered questions included."""
        asked = [turn for turn in self._talk.turns if turn.method == "GET" and "/images/tasks/" in turn.url]
        yield from differences.of_reports([turn.answer for turn in asked if turn.answer])
        for cause in sorted({turn.cause for turn in asked if turn.cause}):
            yield f"A question about the task got no whole answer ({cause})."
