"""The image API as the rest of Easel sees it: submit, ask, download.

One `submit` is at most one POST that the API can have accepted; nothing here sends a submission twice.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, Collection, Iterable, Sequence
from contextlib import ExitStack, asynccontextmanager
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from bot.errors import AddressRefused, BadInput, DownloadError, NotWritten
from bot.image_api import balance
from bot.image_api.addresses import at_home, normal_host, open_host, parse_address
from bot.image_api.breaker import Breaker
from bot.image_api.counted import counted_download, counted_failures
from bot.image_api.fetch import Fetcher, Key
from bot.image_api.limits import Limits
from bot.image_api.listener import UNHEARD, ApiListener
from bot.image_api.picture_file import Download, save
from bot.image_api.probe import models, probe
from bot.image_api.transport import ProxyFor, Transport, no_proxy
from bot.image_api.wire.answers import ApiAnswer
from bot.image_api.wire.blobs import MIN_FREE_BYTES, PREFIX, BlobFolder, decoded, pieces_of
from bot.image_api.wire.bodies import form_fields, sync_body, task_body
from bot.image_api.wire.envelope import Submission, TaskReport, read_report, read_submission
from bot.image_api.wire.faults import SourceOutOfReach
from bot.image_api.wire.quoted import NOTHING_ASKED, Asked
from bot.image_api.wire.task_state import TaskState
from bot.model import MAX_SOURCE_BYTES, ImageRequest, PictureFormat
from bot.telemetry import UNMEASURED, Measures

__all__ = [
    "Download",
    "ImageApi",
    "Limits",
    "Mode",
    "SourceOutOfReach",
    "Submission",
    "TaskReport",
    "TaskState",
    "base_address",
]


class Mode(StrEnum):
    """Which routes of the image API are used."""

    TASKS = "tasks"  # /v1/images/tasks
    SYNC = "sync"  # /v1/images/generations and /v1/images/edits: the answer holds the pictures


def base_address(text: str) -> URL:
    """The address before `/v1`, from one with or without it. Raises ValueError with a sentence."""
    try:
        url = URL(text.strip().rstrip("/"))
    except ValueError as error:
        raise ValueError("The address of the image API cannot be read.") from error
    if url.scheme not in {"http", "https"} or not url.raw_host:
        raise ValueError("The address of the image API must begin with http:// or https:// and name a host.")
    if url.name == "v1":
        url = url.parent
    return url.with_query(None).with_fragment(None).with_user(None)


class ImageApi:
    """One client for the whole process; use it as an async context manager or call `close`.

    `attachment_hosts` and `result_hosts` are hosts, alone or with a port, whose attachments or results may lie in a
    private network. `proxy_for` names the proxy to reach an address through. `held_folder` keeps pictures that
    came inside an answer, so that they outlive a restart (a temporary folder where it is not given). `listener` hears
    every request and answer.
    Raises ValueError, with a sentence, for an address or a key that cannot work.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        mode: Mode = Mode.TASKS,
        limits: Limits | None = None,
        attachment_hosts: Collection[str] = (),
        result_hosts: Collection[str] = (),
        proxy_for: ProxyFor = no_proxy,
        held_folder: Path | None = None,
        measures: Measures = UNMEASURED,
        listener: ApiListener = UNHEARD,
    ) -> None:
        self._base = base_address(base_url)
        if not api_key or not api_key.isascii() or not api_key.isprintable() or " " in api_key:
            raise ValueError("The key of the image API holds characters that no key has.")
        self._mode = mode
        self._limits = limits or Limits()
        self._holding = BlobFolder(held_folder)
        self._measures = measures
        self.breaker = Breaker(
            threshold=self._limits.breaker_threshold,
            pause_s=self._limits.breaker_pause_s,
            max_pause_s=self._limits.breaker_max_pause_s,
        )
        self._transport = Transport(
            self._base, api_key, self._limits, self.breaker, self._holding, measures, proxy_for, listener
        )
        self._results = Fetcher(
            self._limits,
            open_hosts={normal_host(self._base.raw_host or ""), *map(open_host, result_hosts)},
            key=Key(api_key, self._base),
            just_made=True,
            proxy_for=proxy_for,
            listener=listener,
        )
        self._sources = Fetcher(self._limits, open_hosts={*map(open_host, attachment_hosts)}, proxy_for=proxy_for)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.close()
        await self._results.close()
        await self._sources.close()
        self._holding.close()

    @property
    def paints_at_once(self) -> bool:
        """Whether a submission is answered by the pictures themselves, which takes as long as painting them."""
        return self._mode is Mode.SYNC

    async def submit(
        self, request: ImageRequest, *, files: Sequence[Path] = (), user_id: int | None = None
    ) -> Submission:
        """Send a request once, for `user_id`, as policy.admission has let it in. Raises an ImageApiError.

        Busy and Unreachable mean that certainly nothing was started; Uncertain that nobody knows. `files` are the
        sources' bytes: given, they are uploaded to /v1/images/edits whatever the mode. That is the way out after
        SourceOutOfReach, which is a refusal too; the result comes at once, in the API's own resolution and format.
        """
        with counted_failures(self._measures):
            if files:
                return await self._upload(request, files, user_id)
            if self._mode is Mode.TASKS:
                answer = await self._transport.submit(
                    "images", "tasks", json=task_body(request), total_s=self._limits.submit_s, user_id=user_id
                )
                return self._submission(answer, request, tasks=True)
            if len(request.sources) > 1:
                async with self._fetched_sources(request) as fetched:
                    return await self._upload(request, fetched, user_id)
            route = "edits" if request.is_edit else "generations"
            answer = await self._transport.submit(
                "images", route, json=sync_body(request), total_s=self._limits.sync_s, user_id=user_id
            )
            return self._submission(answer, request)

    def _submission(self, answer: ApiAnswer, request: ImageRequest, *, tasks: bool = False) -> Submission:
        """What a submission was answered. Of the long strings in it only results stay on the disk."""
        addresses: tuple[str, ...] = ()
        try:
            submission = read_submission(answer, tasks=tasks, asked=_asked(request))
            addresses = submission.result_urls
            return submission
        finally:
            self._discard_others(answer, addresses)

    def _discard_others(self, answer: ApiAnswer, addresses: tuple[str, ...]) -> None:
        self._holding.discard(set(answer.blobs).difference(addresses))

    async def _upload(self, request: ImageRequest, files: Sequence[Path], user_id: int | None) -> Submission:
        with ExitStack() as stack:
            form = _form(request, files, stack)
            answer = await self._transport.submit(
                "images", "edits", form=form, total_s=self._limits.sync_s, user_id=user_id
            )
        return self._submission(answer, request)

    @asynccontextmanager
    async def _fetched_sources(self, request: ImageRequest) -> AsyncGenerator[list[Path], None]:
        """The sources as files, for the one route that takes several of them only as bytes."""
        with tempfile.TemporaryDirectory(prefix="easel-sources-") as folder:
            paths = [Path(folder) / str(index) for index in range(len(request.sources))]
            try:
                for source, path in zip(request.sources, paths, strict=True):
                    await self.fetch_source(source.url, path, max_bytes=MAX_SOURCE_BYTES)
            except DownloadError as error:
                raise SourceOutOfReach("a source cannot be fetched for its upload") from error
            yield paths

    async def report(self, task_id: str, request: ImageRequest | None = None) -> TaskReport:
        """Ask once about a task. Raises an ImageApiError; Busy and Unreachable mean: ask again later.

        `request` is what the task was submitted for: its words in an answer are taken for what they are.

        TaskLost right after the submission may be a replica that lags behind, so it is worth a few more questions.
        """
        with counted_failures(self._measures):
            answer = await self._transport.ask("images", "tasks", task_id, of_one_task=True)
            addresses: tuple[str, ...] = ()
            try:
                report = read_report(answer, _asked(request))
                addresses = report.result_urls
                return report
            finally:
                self._discard_others(answer, addresses)

    async def download(self, url: str, into: Path, *, max_bytes: int) -> Download:
        """Fetch a result, whatever kind of address a Submission or TaskReport names; one try.

        Raises the DownloadError family; `into` appears only when it is whole.
        """
        with counted_download(self._measures):
            if url.startswith("data:"):
                return await asyncio.to_thread(_save_text, [url.encode()], into, max_bytes)
            if url.startswith(PREFIX):
                return await asyncio.to_thread(self._save_held, url, into, max_bytes)
            return await self._results.fetch(parse_address(url, base=self._base), into, max_bytes=max_bytes)

    def public_address(self, url: str) -> str | None:
        """Where people can fetch a result for themselves; None for one that came inside an answer."""
        if url.startswith(("data:", PREFIX)):
            return None
        try:
            return str(at_home(parse_address(url, base=self._base), self._base))
        except AddressRefused:
            return None

    def _save_held(self, name: str, into: Path, max_bytes: int) -> Download:
        with self._holding.open(name) as file:
            if shutil.disk_usage(into.parent).free < os.fstat(file.fileno()).st_size + MIN_FREE_BYTES:
                raise NotWritten("there is no room on the disk for a picture that came inside an answer")
            return _save_text(pieces_of(file), into, max_bytes)

    def discard_held(self, addresses: Iterable[str]) -> None:
        """A job needs its results no more: remove those that came inside an answer and lie here."""
        self._holding.discard(addresses)

    @property
    def holds_nothing(self) -> bool:
        """Whether no result that came inside an answer lies here."""
        return self._holding.is_empty

    def sweep_held(self, needed: Collection[str], known: Collection[str]) -> int:
        """Remove results that came inside answers and are old, nobody's or too many; returns how many went.

        `needed` are the addresses of unfinished jobs of all processes, `known` these and those of the last day's jobs.
        """
        return self._holding.sweep(needed, known)

    async def fetch_source(self, url: str, into: Path, *, max_bytes: int) -> Download:
        """Fetch an attachment of Discord, never with the key. Raises the DownloadError family."""
        return await self._sources.fetch(parse_address(url), into, max_bytes=max_bytes)

    async def probe(self) -> None:
        """Say whether address and key answer: returns, or raises an ImageApiError whose message says what to do."""
        await probe(self._transport, tasks=self._mode is Mode.TASKS)

    async def models(self) -> frozenset[str] | None:
        """The models that the key may use; None where the API does not list them. Raises an ImageApiError."""
        return await models(self._transport)

    async def balance(self) -> float | None:
        """US dollars left on the account, or None where the server does not tell. Costs nothing."""
        return await balance.balance(self._transport)


def _asked(request: ImageRequest | None) -> Asked:
    return NOTHING_ASKED if request is None else Asked(request.prompt, tuple(source.url for source in request.sources))


def _save_text(pieces: Iterable[bytes], into: Path, max_bytes: int) -> Download:
    try:
        return save(decoded(pieces), into, max_bytes)
    except OSError as error:
        raise NotWritten(f"the picture cannot be written ({error.strerror})") from error


def _form(request: ImageRequest, files: Sequence[Path], stack: ExitStack) -> aiohttp.FormData:
    """A form to be sent once, its files open until `stack` closes. Raises BadInput for a file that is no picture."""
    form = aiohttp.FormData()
    for name, value in form_fields(request).items():
        form.add_field(name, value)
    # one source as the page shows it; servers that speak OpenAI's dialect refuse several fields of one plain name
    field = "image" if len(files) == 1 else "image[]"
    for number, path in enumerate(files, start=1):
        try:
            file = stack.enter_context(path.open("rb"))
        except OSError as error:
            raise BadInput(f"a source cannot be read ({error.strerror})") from error
        found = PictureFormat.of(file.read(12))
        if found is None:
            raise BadInput("a source is no picture")
        file.seek(0)
        form.add_field(field, file, filename=f"source-{number}.{found.extension}", content_type=found.mime)
    return form
