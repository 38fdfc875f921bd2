"""What people do: the acts behind commands, buttons and forms. The heavy user and the big server ask the most."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from bot.jobs.records.accounts import LINES_AT_ONCE, PROMPTS_AT_ONCE
from bot.model import Job, JobState
from bot.policy.door import BlockKind
from bot.policy.preferences import Notify, Preferences
from bot.policy.preset import MAX_PRESETS, PictureData, Preset, PresetPicture
from bot.policy.quotas import Span
from bot.policy.request_input import NO_OPTIONS
from bot.policy.server_log import LogLine
from bot.store.queries.drafts import Draft
from bot.store.queries.gallery import NEWEST, GalleryFilter
from bot.store.queries.ledger import By, Extent
from bot.store.queries.lists import ListScope
from bot.store.queries.openings import Opening
from tools.benchmarks.year.shape import BIG_SERVER, CHANNELS, HEAVY_USER, NOW
from tools.benchmarks.year.world import EVERY_QUOTA, PATIENCE_S, Act, Do, World

_MONTH, _DAY = Span.MONTH.began(NOW), Span.DAY.began(NOW)
_SERVER = Extent(_MONTH, guild_id=BIG_SERVER)
_MINE = Extent(_MONTH, user_id=HEAVY_USER)
_PAGE, _JOBS_PAGE = 9, 6
_NOBODY_HAS = ("xylophone",)


def _page(whose: ListScope, number: int = 0) -> Do:
    return lambda w, _: w.store.lists.page(whose, number, _JOBS_PAGE, patience=PATIENCE_S)


def _far(whose: ListScope, share: float) -> Do:
    """A page far back: people can click on, and page numbers can be forged."""
    return lambda w, _: w.store.lists.page(
        whose, int(w.shape.jobs * share) // _JOBS_PAGE - 1, _JOBS_PAGE, patience=PATIENCE_S
    )


def _gallery(shelf: GalleryFilter, before: int = NEWEST, *, hidden: bool = False) -> Do:
    return lambda w, _: w.store.gallery.older(shelf, before, _PAGE, _busy(w) if hidden else (), PATIENCE_S)


def _busy(world: World) -> Collection[int]:
    return [world.shape.channel(BIG_SERVER, number) for number in range(CHANNELS)]


def _preset(world: World, number: int, *, of_guild: bool = False) -> Preset:
    owner = BIG_SERVER if of_guild else HEAVY_USER
    return Preset(
        f"{owner:x}-{number}-{of_guild:d}", of_guild, owner, f"style {number}", "oil", NO_OPTIONS, owner, world.now
    )


def _new_preset(world: World) -> Preset:
    user = world.some_user()
    return Preset(world.id(), False, user, f"new {world.id()}", "oil on canvas", NO_OPTIONS, user, world.now)


async def _added(world: World) -> Preset:
    preset = _new_preset(world)
    await world.store.presets.add(preset, limit=MAX_PRESETS)
    return preset


def _pictures(world: World) -> list[PictureData]:
    return [PictureData(PresetPicture(world.id(), 200_000), b"1" * 200_000)]


async def _kept_draft(world: World) -> Draft:
    draft = Draft(world.id(), HEAVY_USER, world.new().request)
    await world.store.drafts.keep(draft, now=world.now, patience=PATIENCE_S)
    return draft


async def _opened(world: World) -> Opening:
    opening = Opening(world.id(), HEAVY_USER, (), None)
    await world.store.openings.add(opening, now=world.now, patience=PATIENCE_S)
    return opening


async def _blocked(world: World) -> int:
    user = world.stranger()
    await world.store.operator_blocks.block(BlockKind.USER, user, by=1, now=world.now)
    await world.store.rules.block(BIG_SERVER, user, by=1, now=world.now)
    return user


def _line() -> LogLine:
    return LogLine(BIG_SERVER, None, "en-US", "changed the rules", 1, "Ada", is_setting=True)


async def _ids(world: World) -> list[str]:
    """The lines of which one export asks the words together."""
    return [it.job_id for it in await world.store.ledger.entries(_SERVER, PROMPTS_AT_ONCE)]


async def _finished(world: World) -> Job:
    page = await world.store.lists.page(ListScope(HEAVY_USER), 2, _JOBS_PAGE)
    return page.jobs[-1]


def _told(*_: object) -> list[LogLine]:
    return [_line()]


async def _forget(world: World, _: object) -> None:
    await world.store.people.forget(HEAVY_USER, world.now - timedelta(days=360), patience=PATIENCE_S)


_OWN, _IN_SERVER = ListScope(HEAVY_USER), ListScope(guild_id=BIG_SERVER)
_IN_CHANNEL = ListScope(guild_id=BIG_SERVER, channel_id=600_000_000_000_000_000)

REQUESTS = (
    Act("/imagine and all that buys: the row", lambda w, new: w.receive(new), lambda w: _soon(w.new())),
    Act("the same, of somebody else", lambda w, new: w.receive(new), lambda w: _soon(w.new(w.some_user()))),
    Act(
        "acknowledged: into the queue", lambda w, job: w.step(job, JobState.WAITING), lambda w: w.job(JobState.RECEIVED)
    ),
    Act("Cancel", lambda w, job: w.store.jobs.request_cancel(job.id), lambda w: w.job(JobState.PAINTING)),
    Act("Again, Remix, Edit, Details: the job", lambda w, job: w.store.jobs.get(job.id), _finished),
    Act("a request without a preset", lambda w, _: w.store.presets.preferred(HEAVY_USER, BIG_SERVER, PATIENCE_S)),
    Act("rules of the place", lambda w, _: w.store.rules.read(BIG_SERVER, PATIENCE_S)),
    Act("who may edit whose pictures", lambda w, _: w.store.preferences.edit_choices([HEAVY_USER, w.some_user()])),
    Act("Change and try again: kept", lambda w, _: _kept_draft(w)),
    Act(
        "Change and try again: shown",
        lambda w, it: w.store.drafts.get(it.id, HEAVY_USER, patience=PATIENCE_S),
        _kept_draft,
    ),
    Act("yes to a price", lambda w, it: w.store.drafts.take(it.id, HEAVY_USER, patience=PATIENCE_S), _kept_draft),
    Act("a form on a message: opened", lambda w, _: _opened(w)),
    Act("a form on a message: sent", lambda w, it: w.store.openings.get(it.id, HEAVY_USER), _opened),
)

LISTS = (
    Act("/jobs, own", _page(_OWN), is_list=True),
    Act("/jobs, own, last page", _far(_OWN, 0.05), is_list=True),
    Act("/jobs, server", _page(_IN_SERVER), is_list=True),
    Act("/jobs, server, last page", _far(_IN_SERVER, 0.3), is_list=True),
    Act("/jobs, channel", _page(_IN_CHANNEL), is_list=True),
    Act("/gallery, server", _gallery(GalleryFilter(BIG_SERVER, None)), is_list=True),
    Act("/gallery, server, all channels hidden", _gallery(GalleryFilter(BIG_SERVER, None), hidden=True), is_list=True),
    Act("/gallery, member", _gallery(GalleryFilter(BIG_SERVER, HEAVY_USER)), is_list=True),
    Act("/gallery, own", _gallery(GalleryFilter(None, HEAVY_USER)), is_list=True),
    Act("/gallery, starred", _gallery(GalleryFilter(BIG_SERVER, None, starred=True)), is_list=True),
    Act(
        "/gallery, starred, all channels hidden",
        _gallery(GalleryFilter(BIG_SERVER, None, starred=True), hidden=True),
        is_list=True,
    ),
    Act("/gallery, own, starred", _gallery(GalleryFilter(None, HEAVY_USER, starred=True)), is_list=True),
    Act(
        "/gallery, server, one stretch of a search",
        _gallery(GalleryFilter(BIG_SERVER, None, _NOBODY_HAS)),
        is_list=True,
    ),
    Act("/gallery, own, one stretch of a search", _gallery(GalleryFilter(None, HEAVY_USER, _NOBODY_HAS)), is_list=True),
    Act(
        "/gallery, back to the newest",
        lambda w, _: w.store.gallery.newer(GalleryFilter(BIG_SERVER, None), 1, _PAGE, (), PATIENCE_S),
        is_list=True,
    ),
    Act(
        "/gallery, to a day",
        lambda w, _: w.store.gallery.cursor_at(w.now - timedelta(days=200), PATIENCE_S),
        is_list=True,
    ),
    Act("/usage, server: month", lambda w, _: w.store.ledger.total(_SERVER), is_list=True),
    Act("/usage, server: days", lambda w, _: w.store.ledger.days(_SERVER), is_list=True),
    Act("/usage, server: members", lambda w, _: w.store.ledger.sums(_SERVER, By.MEMBER, 10), is_list=True),
    Act("/usage, server: models", lambda w, _: w.store.ledger.sums(_SERVER, By.MODEL), is_list=True),
    Act("/usage, own: month", lambda w, _: w.store.ledger.total(_MINE), is_list=True),
    Act("/usage, own: days", lambda w, _: w.store.ledger.days(_MINE), is_list=True),
    Act("/usage, own: models", lambda w, _: w.store.ledger.sums(_MINE, By.MODEL), is_list=True),
    Act(
        "/usage, what is left",
        lambda w, _: w.store.ledger.standings(EVERY_QUOTA, user_id=HEAVY_USER, guild_id=BIG_SERVER, now=w.now),
    ),
    Act(
        "Export as CSV, server: lines, a part",
        lambda w, _: w.store.ledger.entries(_SERVER, LINES_AT_ONCE),
        is_list=True,
    ),
    Act("Export as CSV, own: lines, a part", lambda w, _: w.store.ledger.entries(_MINE, LINES_AT_ONCE), is_list=True),
    Act(
        "Export as CSV, server: words, a part",
        lambda w, ids: w.store.ledger.prompts(ids, BIG_SERVER),
        _ids,
        is_list=True,
    ),
    Act("All servers", lambda w, _: w.store.figures.of_all(w.now, top=25, slowest=5), is_list=True),
    Act("All servers: one of them", lambda w, _: w.store.figures.of_server(BIG_SERVER, w.now, top=10), is_list=True),
    Act("All servers: one person", lambda w, _: w.store.figures.of_user(HEAVY_USER, w.now), is_list=True),
    Act("/privacy", lambda w, _: w.store.people.stored(HEAVY_USER, patience=PATIENCE_S), is_list=True),
)

CHOICES = (
    Act("star", lambda w, job: w.star(job), _finished),
    Act("Remove from showcase", lambda w, job: w.store.showcase.withdraw(job.id), lambda w: w.starred()),
    Act("how a picture stands in the showcase", lambda w, job: w.store.showcase.get(job.id), lambda w: w.starred()),
    Act("presets to choose from", lambda w, _: w.store.presets.visible(HEAVY_USER, BIG_SERVER, PATIENCE_S)),
    Act("presets of a server", lambda w, _: w.store.presets.of_server(BIG_SERVER, PATIENCE_S)),
    Act("a preset", lambda w, _: w.store.presets.get(_preset(w, 0).id)),
    Act("a preset's picture", lambda w, _: w.store.presets.picture(f"p-{_preset(w, 0).id}")),
    Act(
        "a new preset",
        lambda w, it: w.store.presets.add(it, _pictures(w), limit=MAX_PRESETS),
        lambda w: _soon(_new_preset(w)),
    ),
    Act("a preset changed", lambda w, _: w.store.presets.change(_preset(w, 1))),
    Act("a preset's pictures changed", lambda w, _: w.store.presets.put_pictures(_preset(w, 2), _pictures(w))),
    Act("a preset deleted", lambda w, it: w.store.presets.delete(it), _added),
    Act("/preferences", lambda w, _: w.store.preferences.read(HEAVY_USER)),
    Act(
        "/preferences changed",
        lambda w, _: w.store.preferences.change(HEAVY_USER, lambda _: Preferences(Notify.ALWAYS)),
    ),
    Act(
        "/settings changed",
        lambda w, _: w.store.rules.change(BIG_SERVER, lambda it: it, by=1, now=w.now, tell=_told),
    ),
    Act("/settings, who is blocked", lambda w, _: w.store.rules.blocks(BIG_SERVER)),
    Act(
        "a member blocked",
        lambda w, user: w.store.rules.block(BIG_SERVER, user, by=1, now=w.now, line=_line()),
        lambda w: _soon(w.stranger()),
    ),
    Act("a member let in again", lambda w, user: w.store.rules.unblock(BIG_SERVER, user, now=w.now), _blocked),
    Act("the operator's list", lambda w, _: w.store.operator_blocks.all()),
    Act(
        "the operator keeps somebody out",
        lambda w, user: w.store.operator_blocks.block(BlockKind.USER, user, by=1, now=w.now),
        lambda w: _soon(w.stranger()),
    ),
    Act(
        "the operator lets somebody in", lambda w, user: w.store.operator_blocks.unblock(BlockKind.USER, user), _blocked
    ),
    Act("Delete my data: at once", _forget),
)


async def _soon(value: object) -> object:
    return value


COMMANDS = (*REQUESTS, *LISTS, *CHOICES)
