"""Fetches finished pictures and sources into the spool, with patience, and without holding up anybody else.

A download is one try after another with pauses between. Only a try holds a slot (see fair_slots.py), a pause holds
nothing. What a try brought stays, and the next one goes on from there where the host can.

How long a picture is asked for depends on what its host says:

| the host                             | what it means              | for how long                                    |
|--------------------------------------|----------------------------|-------------------------------------------------|
| 404, 403, 410, an empty file, half,  | not there yet, expired, or | until that is certain: see backoff.py, Absence  |
| something that is no picture         | a page in its place        |                                                 |
| 429, 5xx, no answer, a broken one    | trouble of the host        | JOB_TIMEOUT_S after the result was known        |
| a forbidden host                     | will not change            | one try                                         |
| a picture that is too large, or that | it is there, for people    | one try: its address is what the reply gives    |
| Discord does not show                |                            |                                                 |

What came inside an answer has no address, and is here already: it is taken as large as an answer may be.

A picture that is given up does not take the others of its job along.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bot.errors import (
    AddressRefused,
    DownloadError,
    DownloadGone,
    DownloadUnreachable,
    ImageApiError,
    NotAPicture,
    ReplyError,
    TooLarge,
)
from bot.image_api.picture_file import UnknownFormat
from bot.image_api.wire.blobs import MAX_ANSWER_BYTES
from bot.jobs.backoff import Absence, Backoff
from bot.jobs.clock import now
from bot.jobs.job_run import JobRun
from bot.model import (
    MAX_SOURCE_BYTES,
    FailureKind,
    Picture,
    PictureFormat,
    PictureInfo,
    Progress,
    Resolution,
    Source,
)

#: A noisy 2k PNG has at most 12.6 MB; four times that leaves room for what nobody foresaw.
MAX_PICTURE_BYTES = 50_000_000
#: A picture in base64 cannot be larger.
MAX_INLINE_BYTES = MAX_ANSWER_BYTES
#: What a picture is expected to take until it is here: a noisy PNG.
EXPECTED_BYTES = {Resolution.ONE_K: 4_000_000, Resolution.TWO_K: 13_000_000}
ROOM_PAUSE_S = 1.0
GONE_PAUSE_S = (1.0, 5.0)
TROUBLE_PAUSE_S = (1.0, 30.0)
NEW_ADDRESSES_PAUSE_S = 4.0  # between two questions about a task whose addresses do not work
SOURCE_TRIES = 4
#: Of a file that stands for a picture which is only linked, with its address, and why.
LINK_SUFFIX, TOO_LARGE = ".link", "too_large"
#: A host that is down, or asks who comes, may send a page with 200 in the picture's place.
_NOT_THERE = (DownloadGone, NotAPicture)


@dataclass(slots=True)
class MissingPicture:
    """One picture that is not here yet."""

    index: int
    path: Path
    next_at: float = 0.0  # on the monotonic clock
    absence: Absence = field(default_factory=Absence)
    gone: Backoff = field(default_factory=lambda: Backoff(*GONE_PAUSE_S))
    trouble: Backoff = field(default_factory=lambda: Backoff(*TROUBLE_PAUSE_S))

    def failed(self, exc: Exception) -> bool:
        """Note a failed try and when the next one is due. False when there is no point in another."""
        instant = time.monotonic()
        if isinstance(exc, AddressRefused):
            return False
        if isinstance(exc, _NOT_THERE):
            self.absence.answered()
            self.next_at = instant + self.gone.failed()
            return not self.absence.is_certain
        self.absence.other()
        self.gone.worked()
        self.next_at = instant + self.trouble.failed(getattr(exc, "retry_after", None) or 0.0)
        return True


@dataclass(frozen=True, slots=True)
class Results:
    """The pictures of a job that could be had, in their order.

    `missing` is how many could not. `may_come` says that asking later may bring them: a host in trouble, or a task
    that can be asked for new addresses.
    """

    pictures: Sequence[Picture]
    missing: int = 0
    may_come: bool = False
    in_trouble: bool = False  # a host did not answer as it should until patience was over
    host_refused: bool = False  # a host may not be fetched from; the operator can open it


def _all_wanted(run: JobRun) -> dict[int, MissingPicture]:
    return {
        index: MissingPicture(index, run.deps.spool.picture(run.job.id, index))
        for index in range(len(run.job.result_urls))
    }


async def _wait_for_room(run: JobRun) -> None:
    """Until the disk has room for the pictures of a job. Raises Stopped.

    While Discord takes none, what is finished stays at the image API instead of filling the disk. Nothing is lost by
    it: where addresses run out meanwhile, the task is asked for new ones, by *Check again* at the latest.
    """
    size = EXPECTED_BYTES[run.job.request.resolution] * len(run.job.result_urls)
    is_told = False
    while not run.deps.spool.has_room(run.job.id, size):
        if not is_told:
            run.log.info("finished pictures wait for room on the disk")
            is_told = True
        await run.pause(ROOM_PAUSE_S)


async def try_each_once(run: JobRun) -> Mapping[int, MissingPicture]:
    """One try for each picture of a job; returns those that did not come. Raises Stopped."""
    await _wait_for_room(run)
    wanted, size = _all_wanted(run), 0
    for one in [*wanted.values()]:
        try:
            size += (await _fetch(run, one)).bytes
            del wanted[one.index]
        except (DownloadError, OSError) as exc:
            run.log.warning("a picture cannot be fetched", number=one.index + 1, error=str(exc)[:200])
            one.failed(exc)
    if not wanted:
        run.deps.spool.settle(run.job.id, size)
    return wanted


async def fetch_results(
    run: JobRun, *, patience_s: float, patience_for_none_s: float, tried: Mapping[int, MissingPicture] | None = None
) -> Results:
    """Fetch what the spool does not hold, for at most `patience_s` after the job's result was known.

    As long as no picture at all is here it goes on for `patience_for_none_s` instead. `tried` are those that did not
    come at a try just now: they have to wait until they are tried again. Raises Stopped.
    """
    await _wait_for_room(run)
    here: dict[int, Picture] = {}
    wanted = _all_wanted(run) | dict(tried or {})
    host_refused = False
    asked_at = 0.0
    while wanted:
        for one in [it for it in wanted.values() if it.next_at <= time.monotonic()]:
            try:
                here[one.index] = await _fetch(run, one)
                del wanted[one.index]
            except (DownloadError, OSError) as exc:
                # OSError: no room on the disk, which is no reason to lose what was paid for either.
                run.log.warning("a picture cannot be fetched", number=one.index + 1, error=str(exc)[:200])
                if not one.failed(exc):
                    del wanted[one.index]
                    host_refused = host_refused or isinstance(exc, AddressRefused)
        if not wanted or age_s(run) > (patience_s if here else patience_for_none_s):
            break
        if any(one.absence.is_told for one in wanted.values()):
            if time.monotonic() - asked_at > NEW_ADDRESSES_PAUSE_S:
                asked_at = time.monotonic()
                await _ask_for_new_addresses(run)
        else:
            run.deps.replies.show(run.job, Progress(percent=100, trouble=FailureKind.UNREACHABLE))
        await run.pause(min(one.next_at for one in wanted.values()) - time.monotonic())
    missing = len(run.job.result_urls) - len(here)
    pictures = [here[index] for index in sorted(here)]
    run.deps.spool.settle(run.job.id, sum(it.bytes for it in pictures))
    may_come = bool(wanted) or host_refused or (missing > 0 and run.job.task_id is not None)
    return Results(pictures, missing, may_come, in_trouble=bool(wanted), host_refused=host_refused)


async def fetch_now(run: JobRun) -> Results:
    """The pictures of a job whose user waits for them: one try each, and one more at new addresses."""
    results = Results(())
    for _ in range(2):
        here: list[Picture] = []
        gone = unreachable = 0
        for index in range(len(run.job.result_urls)):
            try:
                here.append(await _fetch(run, MissingPicture(index, run.deps.spool.picture(run.job.id, index))))
            except _NOT_THERE:
                gone += 1
            except AddressRefused:
                pass
            except (DownloadError, OSError) as exc:
                run.log.info("a picture cannot be fetched for its user", error=str(exc)[:200])
                unreachable += 1
        results = Results(here, len(run.job.result_urls) - len(here), may_come=bool(unreachable))
        if not gone or run.job.task_id is None:
            break
        await _ask_for_new_addresses(run)
    return results


async def _fetch(run: JobRun, one: MissingPicture) -> Picture:
    """One try, or the file that lies here already. Raises DownloadError or OSError."""
    url = run.job.result_urls[one.index]
    address = run.deps.api.public_address(url)
    got = PictureInfo.at(one.path) or await _copied(run, one)
    too_large = _too_large_before(one.path, url) if got is None else None
    if got is None and too_large is None:
        try:
            async with run.deps.downloads.turn(urlsplit(url[:500]).netloc, run.job.user_id):
                got = await run.deps.api.download(url, one.path, max_bytes=most_bytes(address))
        except (UnknownFormat, TooLarge) as exc:
            run.log.warning("a result can only be linked", number=one.index + 1, why=str(exc))
            too_large = isinstance(exc, TooLarge)
            _note_link(one.path, url, too_large=too_large)
        except AddressRefused as exc:
            if exc.host:
                run.log.error("a result's host is refused; name it in RESULT_HOSTS if it is yours", host=exc.host)
            raise
    if got is None:
        return Picture(one.path, PictureFormat.JPEG, 0, address or url, is_too_large=bool(too_large))
    return Picture(one.path, got.format, got.bytes, address or url)


def most_bytes(public_address: str | None) -> int:
    """How large a result may be, by where people can fetch it for themselves. What has no address is here already."""
    return MAX_INLINE_BYTES if public_address is None else MAX_PICTURE_BYTES


def _note_link(path: Path, url: str, *, too_large: bool) -> None:
    """Remember it beside the other pictures of the job, so that no try brings all those bytes once more."""
    with contextlib.suppress(OSError):
        path.with_suffix(LINK_SUFFIX).write_text(f"{TOO_LARGE if too_large else ''} {url}", encoding="utf-8")


def _too_large_before(path: Path, url: str) -> bool | None:
    """Whether the picture at this address was found too large, or only of a strange format; None if neither was."""
    try:
        why, _, noted = path.with_suffix(LINK_SUFFIX).read_text(encoding="utf-8").partition(" ")
    except (OSError, ValueError):
        return None
    return why == TOO_LARGE if noted == url else None


async def _copied(run: JobRun, one: MissingPicture) -> PictureInfo | None:
    """The picture from the message that shows it already, where this job posts one; None where it is not there."""
    copies = run.job.request.copies
    if one.index >= len(copies):
        return None
    try:
        async with run.deps.downloads.turn(urlsplit(copies[one.index]).netloc, run.job.user_id):
            await run.deps.api.fetch_source(copies[one.index], one.path, max_bytes=MAX_PICTURE_BYTES)
    except (DownloadError, OSError) as exc:
        run.log.info("a message no longer gives its picture", number=one.index + 1, error=type(exc).__name__)
        return None
    return PictureInfo.at(one.path)


async def _ask_for_new_addresses(run: JobRun) -> None:
    """Result addresses expire; the task may still have new ones."""
    if run.job.task_id is None:
        return
    try:
        report = await run.deps.api.report(run.job.task_id, run.job.request)
    except ImageApiError as exc:
        run.log.warning("the image API gives no new addresses", error=type(exc).__name__)
        return
    if len(report.result_urls) >= len(run.job.result_urls) and report.result_urls != run.job.result_urls:
        await run.change(result_urls=report.result_urls)


def age_s(run: JobRun) -> float:
    """Seconds since the job's result was known; if it never was, since the job ended or was received."""
    job = run.job
    return (now() - (job.ready_at or job.finished_at or job.received_at)).total_seconds()


async def fetch_source(run: JobRun, source: Source, into: Path) -> Source:
    """Fetch a source of an edit; returns it with the address that worked. Raises DownloadError or OSError."""
    backoff = Backoff(1.0, 8.0)
    while True:
        try:
            return await _fetch_source_once(run, source, into)
        except DownloadUnreachable as exc:
            pause_s = backoff.failed(exc.retry_after or 0.0)
            if backoff.tries >= SOURCE_TRIES:
                raise
            await run.pause(pause_s)


async def _fetch_source_once(run: JobRun, source: Source, into: Path) -> Source:
    if source.url:
        try:
            async with run.deps.downloads.turn(urlsplit(source.url).netloc, run.job.user_id):
                await run.deps.api.fetch_source(source.url, into, max_bytes=MAX_SOURCE_BYTES)
        except DownloadGone:
            if source.kept is None:
                raise
        else:
            return source
    try:
        fresh = await run.deps.replies.fresh(source)
    except ReplyError as exc:
        raise DownloadGone(str(exc)) from exc
    async with run.deps.downloads.turn(urlsplit(fresh.url).netloc, run.job.user_id):
        await run.deps.api.fetch_source(fresh.url, into, max_bytes=MAX_SOURCE_BYTES)
    return fresh
