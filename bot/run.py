"""The composition root: opens everything in order, closes it in reverse, and ends when it is told to."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog

from bot.client import EaselClient, why_not_registered
from bot.config import logs
from bot.config.paths import Paths, paths_of
from bot.config.settings import Settings
from bot.config.waits import WAITS, Waits
from bot.discord_api.address import point_discord_at
from bot.discord_api.reconnect import OUTAGES, pause_after, session_budget, told_in_a_sentence
from bot.discord_api.rest import DiscordUnreachable, ask
from bot.errors import EaselError, SettingsError, StartError
from bot.image_api.client import ImageApi, Limits, Mode
from bot.jobs.job_run import Deps
from bot.jobs.policies import Policies
from bot.jobs.polling.pacer import Pacer
from bot.jobs.records.accounts import Accounts
from bot.jobs.records.albums import Albums
from bot.jobs.records.drafts import DraftBook
from bot.jobs.records.gallery import GalleryBook
from bot.jobs.records.janitor import Ages, Janitor
from bot.jobs.records.lists import JobLists
from bot.jobs.records.notices import Notices
from bot.jobs.records.openings import OpeningBook
from bot.jobs.records.oversight import DoorBook
from bot.jobs.records.preset_pictures import PresetPictures
from bot.jobs.records.presets import PresetBook
from bot.jobs.records.privacy import Privacy
from bot.jobs.records.showcase import Showcase
from bot.jobs.runner import Runner
from bot.jobs.service import JobService
from bot.jobs.spool import SharedSpools, claim_spool, open_spool
from bot.ops.clock_watch import ClockWatch
from bot.ops.heap import settle_heap
from bot.ops.shutdown import cancelled, leave_on_signals
from bot.policy.moderation import Moderation, open_moderation
from bot.store.store import Store
from bot.store.url import is_sqlite, read_url
from bot.telemetry import UNMEASURED, Measures
from bot.ui.approvals.panel import ApprovalPanel
from bot.ui.approvals.posts import open_approvals
from bot.ui.kit.options import name_models
from bot.ui.operator.panel import OperatorPanel
from bot.ui.panels.albums import AlbumPanel
from bot.ui.panels.gallery import GalleryPanel
from bot.ui.panels.guide import HelpPanel
from bot.ui.panels.job_list import JobsPanel
from bot.ui.panels.preferences import PreferencePanel
from bot.ui.panels.presets import PresetPanel
from bot.ui.panels.privacy import PrivacyPanel
from bot.ui.panels.reports import Reports
from bot.ui.panels.usage import UsagePanel
from bot.ui.reply.transport import ReplyTransport
from bot.ui.requests.buttons import ReplyButtons
from bot.ui.requests.confirm import ConfirmPanel
from bot.ui.requests.deletion import Deletions
from bot.ui.requests.handler import RequestHandler
from bot.ui.requests.intake import Intake
from bot.ui.requests.preset_choice import PresetChoice
from bot.ui.requests.reply_edits import ReplyEdits
from bot.ui.requests.retry import RetryPanel
from bot.ui.serverlog.posts import open_log
from bot.ui.settings.command import server_settings
from bot.ui.showcase.posts import DiscordShowcase
from bot.ui.showcase.stars import Stars

if TYPE_CHECKING:
    from bot.ops.health.monitor import HealthMonitor

log = structlog.stdlib.get_logger(__name__)

ANSWERS_PATIENCE_S, JOBS_PATIENCE_S = 5.0, 8.0  # for answers to people, and what is sent or delivered, at the end
SYNC_PATIENCE_S, SUBMIT_PATIENCE_S = 30.0, 60.0  # a task that is painted at once may take JOB_TIMEOUT_S
#: One less than the tries that a job has, so that one that is alone waits for the API instead of using up its last.
BREAKER_THRESHOLD = 3


def run(settings: Settings, notices: Sequence[str] = (), waits: Waits = WAITS) -> None:
    """Serve until SIGTERM or SIGINT. Raises StartError or StoreError when that cannot be.

    `notices` are sentences about the settings that the log begins with.
    """
    _open_log(settings, notices)
    asyncio.run(_until_told(_serve(settings, waits, notices)))


def work(settings: Settings, notices: Sequence[str] = (), waits: Waits = WAITS) -> None:
    """Take jobs from the shared database and deliver them, without a connection to Discord's gateway.

    Until SIGTERM or SIGINT. Raises SettingsError on SQLite, which one process has alone, StartError or StoreError.
    """
    if is_sqlite(read_url(settings.database_url)):
        raise SettingsError(
            [
                "DATABASE_URL names a SQLite file, which one process has for itself: write the postgresql:// address "
                "that the bot and its workers share."
            ]
        )
    _open_log(settings, notices)
    asyncio.run(_until_told(_serve(settings, waits, notices, gateway=False)))


def sync(settings: Settings) -> int:
    """Register the slash commands now; returns how many. Raises StartError."""
    _open_log(settings)
    return asyncio.run(_sync(settings))


def _open_log(settings: Settings, notices: Sequence[str] = ()) -> None:
    logs.configure(settings.log_level, settings.log_format, settings.secrets)
    for notice in notices:
        log.warning(notice)


async def _until_told(work: Coroutine[Any, Any, None]) -> None:
    """Do `work` until a signal cancels it; what it raises by itself is raised here."""
    os.umask(0o077)  # pictures and data are this user's alone, whatever the system says
    serving = asyncio.create_task(work, name="serving")
    leave_on_signals(serving)
    try:
        await serving
    except asyncio.CancelledError:
        if not serving.cancelling():
            raise
    except EaselError as error:
        if not serving.cancelling():
            raise
        log.warning("something did not end in order", error=type(error).__name__)
    log.info("stopped")


async def _serve(settings: Settings, waits: Waits, notices: Sequence[str], *, gateway: bool = True) -> None:
    name_models(settings.models.labels)
    async with AsyncExitStack() as stack:
        health = await _health(settings, waits, notices, stack, gateway=gateway)
        measures = health.measures if health else UNMEASURED
        store = await Store.open(settings.database_url, measures=measures)
        stack.push_async_callback(store.close)
        places = paths_of(settings.database_url)
        if health:
            health.sees_store(store, places.worker_id)
        if not places.alone:
            spools = SharedSpools(places.spool.parent)
            stack.callback(spools.give_up, places.worker_id)
            await asyncio.to_thread(claim_spool, spools, places.worker_id)
        moderation = await stack.enter_async_context(_moderation(settings))
        api = await stack.enter_async_context(_image_api(settings, places, measures, clock := ClockWatch()))
        shared = _Shared(places, store, api, moderation, clock)
        house = await _logged_in(settings, lambda final: _built(final, shared, health), stack)
        if health:
            health.sees_house(house.client, house.runner)
        stack.push_async_callback(house.client.replies.stop)
        working = [_background(stack, house.runner.run(), "runner")]
        store.listen(house.runner.on_notify, places.worker_id)
        for name, work in house.beside.items():
            _background(stack, work(), name)
        if gateway:
            await house.client.sync_if_changed(store.meta)
            await house.client.reply_edits.look()
            _background(stack, house.client.reply_edits.run(), "reply to edit")
            working.append(_background(stack, house.client.connect(), "Discord gateway"))
        stack.push_async_callback(_finish, house)
        settle_heap()
        log.info("Easel is at work", bot=str(house.client.user), shards=house.client.shard_count)
        with told_in_a_sentence():
            await _first_end(*working)
        raise StartError("Discord closed the connection and gave no reason.")


@dataclass(frozen=True, slots=True)
class _House:
    """What works together in a running bot."""

    client: EaselClient
    runner: Runner
    beside: Mapping[str, Callable[[], Coroutine[Any, Any, None]]]  # what else runs as long as the bot, by name


@dataclass(frozen=True, slots=True)
class _Shared:
    """What is opened once, however often the client has to be built until Discord lets it in."""

    places: Paths
    store: Store
    api: ImageApi
    moderation: Moderation | None
    clock: ClockWatch


async def _health(
    settings: Settings, waits: Waits, notices: Sequence[str], stack: AsyncExitStack, *, gateway: bool
) -> HealthMonitor | None:
    """Serve the status page, `/healthz` and `/metrics` where HTTP_PORT is set, and import what they need only there."""
    if settings.http_port is None:
        return None
    from bot.ops.health.monitor import HealthMonitor

    office = HealthMonitor(settings, waits, notices, gateway=gateway)
    return await stack.enter_async_context(office.open(settings.http_host, settings.http_port))


def _built(settings: Settings, shared: _Shared, health: HealthMonitor | None) -> _House:
    places, store = shared.places, shared.store
    client = EaselClient(settings, shared.clock.trace(health.trace() if health else None))
    tools = Deps(
        jobs=store.jobs,
        lists=store.lists,
        api=shared.api,
        replies=client.replies,
        inspector=client.studio,
        spool=open_spool(places.spool),
        prices=settings.price_list,
        pacer=Pacer(store.meta, floor_s=settings.poll_floor_ms / 1000, per_s=settings.poll_budget_per_s),
        worker_id=places.worker_id,
        job_timeout_s=settings.job_timeout_s,
        measures=health.measures if health else UNMEASURED,
        moderator=shared.moderation,
        preset_picture=store.presets.picture,
        is_shut_out=client.shuts_out,
    )
    runner = Runner(tools, max_active=settings.max_active_jobs, alone=places.alone)
    service = JobService(tools, runner, max_jobs_per_user=settings.max_jobs_per_user)
    owner = Policies(store.rules, store.ledger, store.preferences, settings.models, tools.prices, settings.ceilings)
    client.presets = PresetChoice(styles := PresetBook(store.presets, settings.models.models), owner)
    log_book = open_log(store.server_log, client, reach := ReplyTransport(client), tools)
    intake = Intake(service, owner, client.replies, drafts := DraftBook(store.drafts), log_book, client.rush)
    showcase = Showcase(store.showcase, tools, owner, DiscordShowcase(client, reach))
    client.replies.stars_under = showcase.stars_under
    deletions, stars = Deletions(service), Stars(showcase, service, owner)
    approvals = open_approvals(store.approvals, client, reach, client.studio, tools, owner, service)
    openings = OpeningBook(store.openings, store.preferences)
    client.requests = RequestHandler(service, owner, intake, client.presets, openings)
    client.reply_edits = ReplyEdits(client, service, owner, client.replies, intake, log_book)
    client.gallery = GalleryPanel(GalleryBook(store.gallery), service, reach)
    client.server_settings = server_settings(owner, service, styles)
    door = DoorBook(settings.door, store.operator_blocks, service, client.hold_door)
    operator = OperatorPanel(client, store.figures, door)
    kept_for = timedelta(days=settings.keep_data_days) if settings.keep_data_days else None
    client.dispatcher.add(client.requests, client.gallery, client.server_settings.panel, stars, deletions, operator)
    client.dispatcher.add(
        ReplyButtons(service, owner, intake, approvals, deletions, stars),
        ApprovalPanel(approvals, service, owner, lambda: client.dispatcher.door),
        PresetPanel(styles, service, owner, PresetPictures(tools, client.studio)),
        PreferencePanel(owner, styles),
        AlbumPanel(Albums(store.gallery, tools, client.gallery.addresses)),
        JobsPanel(service, JobLists(store.lists, tools), client.replies),
        HelpPanel(owner, client),
        ConfirmPanel(intake, drafts),
        RetryPanel(intake, owner, drafts),
        UsagePanel(Accounts(owner), operator.operators),
        PrivacyPanel(privacy := Privacy(store.people, store.jobs, service, kept_for)),
        Reports(client, service, owner, client.server_settings.blocking, log_book),
    )
    client.janitor = Janitor(store.retention, privacy, Ages(kept_for, timedelta(days=settings.server_grace_days)))
    notices = Notices(store.notices, client.replies, places.worker_id, tools.stopping)
    beside = {"janitor": client.janitor.run, "notices": notices.run, "showcase": showcase.run, "door": door.run}
    return _House(client, runner, {**beside, "server log": log_book.run, "approvals": approvals.run})


def _moderation(settings: Settings) -> AbstractAsyncContextManager[Moderation | None]:
    return open_moderation(
        settings.moderation_base_url,
        settings.moderation_key,
        settings.moderation_model,
        lenient=settings.moderation_when_down == "allow",
        proxy=settings.proxies.for_url(settings.moderation_base_url or ""),
    )


def _image_api(settings: Settings, places: Paths, measures: Measures, clock: ClockWatch) -> ImageApi:
    whole_s = settings.job_timeout_s
    return ImageApi(
        base_url=settings.uniall_base_url,
        api_key=settings.uniall_api_key.get_secret_value(),
        mode=Mode(settings.uniall_mode),
        limits=Limits(breaker_threshold=BREAKER_THRESHOLD, submit_s=min(SUBMIT_PATIENCE_S, whole_s), sync_s=whole_s),
        attachment_hosts=[urlsplit(settings.discord_api_url).hostname or ""],
        result_hosts=settings.result_hosts,
        proxy_for=settings.proxies.for_url,
        held_folder=places.held,
        measures=measures,
        listener=clock,
    )


async def _logged_in(settings: Settings, build: Callable[[Settings], _House], stack: AsyncExitStack) -> _House:
    """Wait for Discord as long as it takes, and log in. The client is closed with `stack`."""
    tries = 0
    while True:
        answer = await session_budget(settings)
        point_discord_at(settings.discord_api_url, answer.gateway_url)
        house = build(replace(settings, discord_shard_count=settings.discord_shard_count or answer.shards))
        async with AsyncExitStack() as attempt:
            await attempt.enter_async_context(house.client)
            try:
                with told_in_a_sentence():
                    await house.client.login(settings.discord_token.get_secret_value())
            except OUTAGES as error:
                tries += 1
                pause = pause_after(tries)
                log.warning(logs.outage_line(error, pause))
                await asyncio.sleep(pause)
            else:
                await stack.enter_async_context(attempt.pop_all())
                return house


def _background(stack: AsyncExitStack, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Do `work` beside everything else; it is cancelled when `stack` comes to it."""
    task = asyncio.create_task(work, name=name)
    stack.push_async_callback(cancelled, task)
    return task


async def _first_end(*tasks: asyncio.Task[None]) -> None:
    """Wait until one of the tasks ends, and raise what ended it."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


async def _finish(house: _House) -> None:
    """Take nothing new; let answers to people and steps of jobs that are under way finish."""
    await asyncio.gather(house.client.dispatcher.close(ANSWERS_PATIENCE_S), house.runner.stop(JOBS_PATIENCE_S))


async def _sync(settings: Settings) -> int:
    point_discord_at(settings.discord_api_url)
    try:
        async with asyncio.timeout(SYNC_PATIENCE_S):
            await ask(settings)
            async with EaselClient(settings) as client:
                with told_in_a_sentence():
                    await client.login(settings.discord_token.get_secret_value())
                return await client.sync_commands()
    except (DiscordUnreachable, *OUTAGES) as error:
        raise StartError(f"The slash commands could not be registered: {why_not_registered(error)}.") from None
