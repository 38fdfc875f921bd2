"""Everything that Easel shows, filled as full as it can be: for the tests of Discord's limits.

Who adds a card, a panel or a form adds a function here that yields it in its fullest states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import discord
from discord import app_commands, ui

from bot.errors import SourceFault
from bot.jobs.records.albums import Album, WhyMissing
from bot.jobs.records.lists import PAGE, Page
from bot.jobs.records.oversight import BlockKind, Ends, OperatorBlock, ServerPace, ServersOverview, UsageOf, UsageSums
from bot.model import (
    Charged,
    FailureKind,
    ImageRequest,
    Job,
    JobState,
    Model,
    PictureFormat,
    Progress,
    Resolution,
    Source,
)
from bot.policy.catalog import MAX_ID_CHARS, MAX_MODELS
from bot.policy.preferences import EditChoice, Notify, Preferences
from bot.policy.preset import MAX_NAME_CHARS, MAX_WORDS_CHARS, Preset
from bot.policy.quotas import Quota, SetBy, Span, Standing, What, Whose
from bot.policy.request_input import BUILT_IN
from bot.policy.role_limits import MemberLimits
from bot.policy.rules import EditRule, RoleLimits, Rules
from bot.store.queries.people import Stored
from bot.ui.kit import texts
from bot.ui.kit.language import tr
from bot.ui.kit.mentions import Mentions
from bot.ui.operator import cards as operator_cards
from bot.ui.panels import (
    albums,
    gallery,
    gallery_cards,
    job_list,
    preferences,
    preset_cards,
    preset_forms,
    privacy,
    report_cards,
)
from bot.ui.panels.guide import guide_card
from bot.ui.panels.welcome import welcome_card
from bot.ui.reply import cards
from bot.ui.reply.cards import Look, Shown
from bot.ui.requests import deletion, forms
from bot.ui.settings import forms as settings_forms
from bot.ui.settings import layout as settings_layout
from bot.ui.settings import roles, sections
from bot.ui.showcase import cards as showcase_cards
from tests.unit.approval_surfaces import approvals
from tests.unit.refusal_surfaces import refusals
from tests.unit.samples import NOW, TARGET, failed, job

Surface = ui.LayoutView | ui.Modal
LINK = "https://discord.com/channels/" + "/".join(["9" * 19] * 3)
FILE_URL = "https://files.example.com/" + "x" * 370
LONG_NAME: str = "x" * 32
#: As many as there can be, with ids as long as they can be.
MANY_MODELS = tuple(Model(f"{number}-" + "m" * (MAX_ID_CHARS - 2)) for number in range(MAX_MODELS))
EVERYTHING = MemberLimits().on_offer(MANY_MODELS)
NOW_LATER = NOW + timedelta(hours=3)


def full_job(prompt: str, locale: str) -> Job:
    request = ImageRequest(
        prompt[:4000],
        model=MANY_MODELS[0],
        resolution=Resolution.TWO_K,
        count=4,
        format=PictureFormat.WEBP,
        sources=tuple(Source(FILE_URL) for _ in range(3)),
    )
    return job(
        request=request,
        id="f" * 32,
        user_id=9 * 10**18,
        task_id="task_" + "x" * 60,
        request_id="r" * 60,
        cost_micros=123_456,
        parent_link=LINK,
        submitted_at=NOW,
        ready_at=NOW_LATER,
        finished_at=NOW_LATER,
        target=replace(TARGET, locale=locale),
    )


def replies(prompt: str, locale: str) -> Iterator[Surface]:
    whole = full_job(prompt, locale)
    names = [f"source-{number}.webp" for number in range(1, 4)]
    for look in (Look(), Look(parting=True, stars=123456), Look(with_prompt=False)):
        for trouble in (None, FailureKind.BUSY, FailureKind.UNREACHABLE):
            yield cards.in_line(whole, Progress(123456, 1234567, whole.received_at, trouble=trouble), look)
            for state in (JobState.PAINTING, JobState.READY):
                yield cards.painting(replace(whole, state=state), Progress(percent=99, trouble=trouble), look)
        for kept in (True, False):
            shown = [Shown(f"picture-{n}.webp" if kept else None, reencoded=True, url=FILE_URL) for n in range(1, 5)]
            yield cards.finished(replace(whole, task_id=None), shown[:3], names, look)
            yield cards.finished(whole, shown, names, look)
    for kind in FailureKind:
        details = [f"{fault} 26000000" for fault in SourceFault] if kind is FailureKind.BAD_SOURCE else [""]
        for charged in Charged:
            for detail in details:
                yield cards.ended(replace(failed(kind, charged, detail), request=whole.request, target=whole.target))


def details(prompt: str, locale: str) -> Iterator[Surface]:
    whole = full_job(prompt, locale)
    yield cards.details(whole, 20_000)
    yield cards.details(replace(whole, state=JobState.DELIVERED, cost_micros=None), None)
    yield cards.details(replace(failed(FailureKind.LOST, Charged.MAYBE), request=whole.request), None)


def request_forms(prompt: str, locale: str) -> Iterator[Surface]:
    whole = full_job(prompt, locale)
    yield forms.remix_form(whole, EVERYTHING)
    for pictures in (1, 2, 3, 4, 25):
        yield forms.edit_form(forms.Kind.EDIT, whole.id, whole.request, [prompt] * pictures, EVERYTHING)
        yield forms.edit_form(forms.Kind.EDIT, whole.id, whole.request, [""] * pictures, EVERYTHING)


def presets(prompt: str, locale: str) -> Iterator[Surface]:
    whole = full_job(prompt, locale)
    text = prompt.strip() or "x"
    many = [
        Preset(f"{n:032x}", n % 2 == 0, 1, text[:MAX_NAME_CHARS], text[:MAX_WORDS_CHARS], BUILT_IN, 9 * 10**18, NOW)
        for n in range(25)
    ]
    for whose in (preset_forms.SERVER, preset_forms.MINE):
        for listed in (many, many[:1], []):
            yield preset_cards.listing(listed, whose, 0, in_guild=True, manages=True)
        yield preset_forms.making_form(whose, MANY_MODELS)
    yield preset_cards.showing(many[0], 0, may_change=True, may_share=True)
    yield preset_cards.asking(many[0], 0)
    yield preset_forms.changing_form(many[0], 0, MANY_MODELS)
    yield preset_forms.saving_form(whole, for_server=True)
    for own in (Preferences(preset=many[-1].id), Preferences(Notify.LONG, "gone", EditChoice.NOBODY)):
        for is_elsewhere in (False, True):
            yield preferences.panel(preferences.Chosen(own, many, is_elsewhere), page=1)


def job_lists(prompt: str, locale: str) -> Iterator[Surface]:
    whole = full_job(prompt, locale)
    states = (JobState.WAITING, JobState.PAINTING, JobState.DELIVERED, JobState.READY)
    lost = replace(failed(FailureKind.UNCERTAIN, Charged.MAYBE), request=whole.request, parent_link=LINK)
    varied = [*(replace(whole, state=state, reply_deleted=state is JobState.READY) for state in states), lost]
    jobs = [replace(varied[n % len(varied)], id=f"{n:032x}") for n in range(PAGE)]
    page = Page(jobs, {one.id: 123456 for one in jobs}, 9, more=True)
    for scope in job_list.Scope:
        yield job_list.layout(page, scope, list(job_list.Scope))
        yield job_list.layout(replace(page, jobs=[]), scope, list(job_list.Scope))


def guide(prompt: str, locale: str) -> Iterator[Surface]:
    ids: dict[str, int] = dict.fromkeys(["imagine", "edit", LONG_NAME], 9 * 10**18)
    further = [_command(LONG_NAME, "d" * 100)] * 30
    standings = [
        Standing(Quota(whose, what, Span.MONTH, 10**9, SetBy.SERVER), 5 * 10**8, NOW_LATER)
        for whose, what in (
            (Whose.MEMBER, What.PICTURES),
            (Whose.USER, What.PICTURES),
            (Whose.SERVER, What.PICTURES),
            (Whose.SERVER, What.SPEND),
            (Whose.EVERYONE, What.SPEND),
        )
    ]
    for told in (standings * 2, [], None):
        yield guide_card(Mentions(ids), further, told, in_server=told is not None)
    yield welcome_card(Mentions(ids))


def showcases(prompt: str, locale: str) -> Iterator[Surface]:
    whole = full_job(prompt, locale)
    names = [f"picture-{number}.webp" for number in range(1, 5)]
    for with_prompt in (True, False):
        yield showcase_cards.post(whole, names, covered=True, with_prompt=with_prompt)
        assert 0 < len(showcase_cards.title(whole, with_prompt=with_prompt)) <= 100
    yield showcase_cards.question(whole.id)


def galleries(prompt: str, locale: str) -> Iterator[Surface]:
    exhibit = gallery_cards.GalleryItem(full_job(prompt, locale), [FILE_URL] * 4)
    hidden = replace(exhibit, urls=[])
    for shown in ([exhibit] * gallery.PAGE, [hidden] * gallery.PAGE, []):
        for whose in (gallery_cards.ALL, gallery_cards.MINE, "9" * 19):
            choice = gallery_cards.GalleryChoice(whose, starred=True, search=gallery_cards.fitting_search(prompt))
            yield gallery_cards.page(
                gallery_cards.GalleryPage(choice, shown, True, True, 1 << 62, 1 << 62, True, unfinished=True)
            )
    yield gallery_cards.date_form("9" * 19 + gallery_cards.STARRED)
    yield gallery_cards.search_form("9" * 19 + gallery_cards.STARRED, gallery_cards.fitting_search(prompt))


def album_cards(prompt: str, locale: str) -> Iterator[Surface]:
    whole = full_job(prompt, locale)
    lacking = [(whole, why) for why in WhyMissing] * 100
    for reached, parts in ((1 << 50, 9), (0, 9), (0, 0)):
        album = Album(NOW.replace(day=1), reached, 10**6, parts, NOW, lacking)
        yield albums.collecting(album)
        yield albums.result(album)
        assert albums.missing_text(album).count("\n") > len(lacking)
    yield albums.form(NOW)


def privacies(prompt: str, locale: str) -> Iterator[Surface]:
    many = 10**6
    for days in (None, 1, 365):
        yield privacy.overview(Stored(many, many, NOW, many, many, many), days)


def server_panels(prompt: str, locale: str) -> Iterator[Surface]:
    ids = tuple(9 * 10**18 + n for n in range(25))
    words = tuple(f"{n} {prompt.strip()[:60]}" for n in range(40))
    limits = tuple(RoleLimits(one, 10**6, 10**6, 4, MANY_MODELS, tuple(Resolution)) for one in ids)
    full = Rules(
        channels=ids,
        roles=ids,
        exempt_roles=ids,
        reply_edits=True,
        pictures_per_member_day=10**6,
        pictures_per_day=10**6,
        spend_per_day=10**12,
        spend_per_month=10**12,
        jobs_per_member=10**6,
        models=MANY_MODELS,
        resolutions=tuple(Resolution),
        max_count=4,
        defaults=replace(BUILT_IN, model=MANY_MODELS[-1]),
        blocked_words=words,
        blocked_patterns=words,
        report_channel=ids[0],
        log_channel=ids[0],
        member_days=3650,
        edits=EditRule.OWN,
        pictures_per_member_month=10**6,
        role_limits=limits,
        confirm_over=10**9,
        language=locale,
    )
    for channel_id, own, server in (
        (0, full, full),
        (ids[0], full, full),
        (ids[0], Rules(), full),
        (0, Rules(), Rules()),
    ):
        holding = sections.EffectiveRules(channel_id, own, server, {}, MANY_MODELS)
        for section in sections.Section:
            for asks in (False, True):
                view = settings_layout.View(
                    section,
                    holding,
                    ids * 2,
                    texts.plain(prompt[:150]),
                    asks_to_reset=asks,
                    role_names=dict.fromkeys(ids[1:], "x" * 100),
                )
                yield settings_layout.panel(view)
            for form in settings_layout.Form:
                yield settings_forms.build(form, section, channel_id, own, MANY_MODELS)
    yield roles.form("easel-settings:limits:0:role-save:1", "x" * 100, limits[0], MANY_MODELS)
    verb = settings_layout.SettingsVerb.ROLE_SAVE
    yield settings_layout.refused_form(texts.plain(prompt[:150]), sections.Section.LIMITS, ids[0], verb, str(ids[0]))


def reports(prompt: str, locale: str) -> Iterator[Surface]:
    line = report_cards.deleted_line(9 * 10**18, NOW)
    full = report_cards.Report(tuple(9 * 10**18 + n for n in range(20)), (line,) * 4)
    for _ in range(report_cards.MAX_REASONS):
        full = full.with_reporter(9 * 10**18, prompt)
    yield report_cards.card(full_job(prompt, locale), full, ["https://example.org/a.png"] * 4)
    yield report_cards.report_form("0123456789ab")


def deletions(prompt: str, locale: str) -> Iterator[Surface]:
    whole = full_job(prompt, locale)
    yield deletion.question(replace(whole, state=JobState.DELIVERED), 9 * 10**18)
    yield deletion.question(replace(failed(FailureKind.LOST, Charged.MAYBE), id=whole.id), 9 * 10**18)


def _command(name: str, description: str) -> app_commands.Command[Any, ..., Any]:
    async def callback(interaction: discord.Interaction[Any]) -> None: ...

    return app_commands.Command(name=name, description=description, callback=callback)


def operator_views(prompt: str, locale: str) -> Iterator[Surface]:
    name, many = prompt.strip()[: operator_cards.NAME_CHARS] or "x", 10**9
    amounts = UsageSums(many, many, 10**14, 10**14)
    ends = [Ends(kind.value, many, many) for kind in (*FailureKind,)] + [Ends("delivered", many, many)]
    top = [UsageOf(9 * 10**18 + number, amounts) for number in range(25)]
    paces = [ServerPace(9 * 10**18, many, 6 * 10**5) for _ in range(operator_cards.SLOWEST)]
    whole = ServersOverview(NOW, amounts, ends, top, paces, paces)
    yield operator_cards.all_servers(whole, lambda _: name, many, acts=True)
    note = tr("{who} runs this bot, so they cannot be blocked.", who=texts.plain(name))
    for blocked, by_settings in ((True, True), (True, False), (False, False)):
        state = operator_cards.ServerState(9 * 10**18, name, True, blocked, by_settings)
        yield operator_cards.server(whole, state, acts=True, note=note)
        yield operator_cards.user(
            9 * 10**18, amounts, is_blocked=blocked, by_settings=by_settings, acts=True, note=note
        )
    blocks = [OperatorBlock(BlockKind.SERVER, 9 * 10**18 + n, 9 * 10**18, NOW, name) for n in range(30)]
    yield operator_cards.blocked(blocks)
    yield operator_cards.blocked([])
    for verb in operator_cards.Verb:
        yield operator_cards.question(verb, 9 * 10**18, texts.plain(name))
    yield operator_cards.find_form()


SURFACES: Sequence[Callable[[str, str], Iterator[Surface]]] = (
    replies,
    details,
    refusals,
    request_forms,
    presets,
    job_lists,
    guide,
    galleries,
    showcases,
    approvals,
    privacies,
    server_panels,
    reports,
    deletions,
    album_cards,
    operator_views,
)
