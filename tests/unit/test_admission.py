"""What rules make of what was asked, without a database and without Discord."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import Barred, InvalidRequest, NotAdmitted
from bot.model import QUALITY, STANDARD, AspectRatio, ImageRequest, Kept, Model, Resolution, Slot, Source
from bot.policy.admission import RequestContext, quotas_of
from bot.policy.bars import Bar
from bot.policy.quotas import Ceilings, SetBy, Span, What, Whose
from bot.policy.request_input import Options, RequestInput
from bot.policy.role_limits import limits_of
from bot.policy.rules import AgeRule, RoleLimits, RuleBook, Rules, SpoilerRule
from tests.unit.admitting import (
    CHANNEL,
    GUILD,
    IN_THREAD,
    MODELS,
    NOW,
    PLACE,
    admitted,
    barred,
    made,
    refused,
)


async def test_outside_servers_a_request_is_filled_with_what_is_built_in() -> None:
    it = await admitted(RequestContext(1, 2), RequestInput("a red fox"), None)
    assert (it.request, it.rules) == (ImageRequest("a red fox"), Rules())


async def test_a_blocked_member_is_refused_before_anything_else() -> None:
    book = RuleBook(GUILD, "v", Rules(channels=(99,)), {}, frozenset({1}))
    with pytest.raises(NotAdmitted) as caught:
        await admitted(PLACE, RequestInput("x"), book)
    assert [it.bar for it in caught.value.reasons if isinstance(it, Barred)] == [Bar.BLOCKED]


async def test_channels_and_their_threads() -> None:
    await made(Rules(channels=(CHANNEL,)), place=IN_THREAD)
    refused = await barred(Rules(channels=(99, 98)), place=IN_THREAD)
    assert (refused.bar, refused.allowed) == (Bar.CHANNEL, (99, 98))


async def test_a_channels_own_rules_do_not_open_a_channel_that_the_server_leaves_out() -> None:
    book = RuleBook(GUILD, "v", Rules(channels=(99,)), {CHANNEL: Rules(channels=(CHANNEL,))})
    with pytest.raises(NotAdmitted):
        await admitted(PLACE, RequestInput("x"), book)


async def test_roles() -> None:
    await made(Rules(roles=(5, 6)))
    assert (await barred(Rules(roles=(6,)))).bar is Bar.ROLE


async def test_what_was_asked_for_and_is_not_offered_is_refused() -> None:
    assert (await barred(Rules(models=(QUALITY,)), RequestInput.of(ImageRequest("x")))).bar is Bar.MODEL
    assert (await barred(Rules(max_count=2), RequestInput("x", Options(count=3)))).bar is Bar.COUNT
    asked = RequestInput("x", Options(resolution=Resolution.TWO_K))
    assert (await barred(Rules(resolutions=(Resolution.ONE_K,)), asked)).bar is Bar.RESOLUTION


async def test_what_was_left_open_falls_to_something_that_is_offered() -> None:
    rules = Rules(models=(QUALITY,), resolutions=(Resolution.TWO_K,), max_count=2, defaults=Options(count=4))
    request = await made(rules)
    assert (request.model, request.resolution, request.count) == (QUALITY, Resolution.TWO_K, 2)


async def test_what_a_person_says_wins_over_the_servers_defaults() -> None:
    rules = Rules(defaults=Options(count=2, model=QUALITY))
    request = await made(rules, RequestInput("x", Options(count=3), (Source("https://a.example"),)))
    assert (request.count, request.model, request.aspect_ratio) == (3, QUALITY, "auto")


@pytest.mark.parametrize("wanted", [True, False])
async def test_spoilers_and_privacy(wanted: bool) -> None:
    asked = RequestInput("x", Options(spoiler=wanted, private=wanted))
    assert (await made(Rules(spoiler=SpoilerRule.ALWAYS), asked)).spoiler
    assert not (await made(Rules(spoiler=SpoilerRule.NEVER), asked)).spoiler
    assert (await made(Rules(spoiler=SpoilerRule.AS_ASKED), asked)).spoiler is wanted
    assert (await made(Rules(private_only=True), asked)).private


async def test_age_restricted_channels_are_in_or_out_as_the_server_says() -> None:
    adult = replace(PLACE, age_restricted=True)
    assert (await barred(Rules(age_restricted=AgeRule.ONLY))).allowed == (AgeRule.ONLY,)
    assert (await barred(Rules(age_restricted=AgeRule.NEVER), place=adult)).bar is Bar.AGE
    for rule, place in ((AgeRule.ONLY, adult), (AgeRule.NEVER, PLACE), (AgeRule.ANYWHERE, adult), (None, adult)):
        await made(Rules(age_restricted=rule), place=place)


def test_which_quotas_hold_where() -> None:
    rules = Rules(pictures_per_member_day=1, pictures_per_day=2, spend_per_day=3, spend_per_month=4, exempt_roles=(7,))
    ceilings = Ceilings(1, 2, 3, 4, 5, 6)
    assert len(quotas_of(PLACE, rules, ceilings)) == 10
    exempt = quotas_of(replace(PLACE, role_ids=frozenset({7})), rules, ceilings)
    assert {quota.set_by for quota in exempt} == {SetBy.OPERATOR}
    outside = quotas_of(RequestContext(1, 2), Rules(), ceilings)
    assert [quota.whose for quota in outside] == [Whose.USER, Whose.EVERYONE, Whose.EVERYONE]
    assert quotas_of(PLACE, Rules(), Ceilings()) == []


async def test_all_that_is_in_the_way_is_told_at_once() -> None:
    rules = Rules(channels=(99,), models=(QUALITY,), max_count=2, blocked_words=("fox",))
    asked = RequestInput("a fox", Options(model=STANDARD, count=4))
    reasons = await refused(rules, asked)
    assert [it.bar for it in reasons if isinstance(it, Barred)] == [Bar.CHANNEL, Bar.MODEL, Bar.COUNT, Bar.WORDS]


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        (RequestInput(" \n"), "empty"),
        (RequestInput("\u200b\u3164\u2800 \u202e"), "empty"),
        (RequestInput("x" * 4001), "4000"),
        (RequestInput("x", Options(aspect_ratio=AspectRatio.AUTO)), "edits only"),
        (RequestInput("x", Options(count=5)), "1 and 4"),
        (RequestInput("x", Options(count=0)), "1 and 4"),
        (RequestInput("x", sources=(Source("https://a.example"),) * 4), "3"),
        (RequestInput("x", sources=(Source(""),)), "address"),
        (RequestInput("x", sources=(Source("file:///etc/passwd"),)), "address"),
        (RequestInput("x", sources=(Source("attachment://1.png"),)), "address"),
    ],
)
async def test_what_the_image_api_would_refuse_is_refused_before_with_a_sentence(
    asked: RequestInput, hint: str
) -> None:
    [reason] = await refused(Rules(), asked)
    assert isinstance(reason, InvalidRequest)
    sentence = str(reason)
    assert hint in sentence
    assert sentence[0].isupper()
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    "asked",
    [
        RequestInput("x" * 4000),
        RequestInput("x", sources=(Source("https://a.example"),) * 3),
        RequestInput("x", sources=(Source("", kept=Kept(1, 2, Slot.SOURCE, 0)),)),
        RequestInput("x", Options(aspect_ratio=AspectRatio.AUTO), (Source("http://a.example"),)),
    ],
)
async def test_what_the_image_api_takes_is_let_in(asked: RequestInput) -> None:
    assert (await made(Rules(), asked)).prompt == asked.prompt


SPENDS = [
    (Rules(spend_per_day=1), Ceilings()),
    (Rules(spend_per_month=1), Ceilings()),
    (Rules(), Ceilings(spend_per_server_day=1)),
    (Rules(), Ceilings(spend_per_server_month=1)),
    (Rules(), Ceilings(spend_per_day=1)),
    (Rules(), Ceilings(spend_per_month=1)),
]


@pytest.mark.parametrize(("rules", "ceilings"), SPENDS)
async def test_a_budget_refuses_what_has_no_price(rules: Rules, ceilings: Ceilings) -> None:
    book = RuleBook(GUILD, "v", rules)
    await admitted(PLACE, RequestInput("x"), book, ceilings)
    with pytest.raises(NotAdmitted) as caught:
        await admitted(PLACE, RequestInput("x", Options(resolution=Resolution.TWO_K)), book, ceilings)
    assert [it.bar for it in caught.value.reasons if isinstance(it, Barred)] == [Bar.UNPRICED]


async def test_new_members_wait_and_exempt_roles_do_not() -> None:
    rules = Rules(member_days=3, exempt_roles=(7,))
    young = replace(PLACE, joined_at=NOW - timedelta(days=2))
    assert (await barred(rules, place=young)).allowed == (int((NOW + timedelta(days=1)).timestamp()),)
    await made(rules, place=replace(young, role_ids=frozenset({7})))
    await made(rules, place=replace(young, joined_at=NOW - timedelta(days=3)))


async def test_of_several_roles_the_most_generous_holds() -> None:
    rules = Rules(
        pictures_per_member_day=1,
        max_count=1,
        models=(STANDARD,),
        role_limits=(
            RoleLimits(5, pictures_per_day=10, pictures_per_month=50, max_count=2),
            RoleLimits(6, pictures_per_day=20, pictures_per_month=40, models=(QUALITY,)),
            RoleLimits(7),
        ),
    )
    quotas = quotas_of(PLACE, rules, Ceilings())
    assert [(it.what, it.span, it.limit, it.role_id) for it in quotas] == [
        (What.PICTURES, Span.DAY, 10, 5),
        (What.PICTURES, Span.MONTH, 50, 5),
    ]
    both = replace(PLACE, role_ids=frozenset({5, 6}))
    assert [(it.limit, it.role_id) for it in quotas_of(both, rules, Ceilings())] == [(20, 6), (50, 5)]
    assert quotas_of(replace(PLACE, role_ids=frozenset({5, 7})), rules, Ceilings()) == []
    [general] = quotas_of(replace(PLACE, role_ids=frozenset()), rules, Ceilings())
    assert (general.limit, general.role_id) == (1, None)
    assert (await made(rules, RequestInput("x", Options(count=2)), both)).count == 2
    assert (await made(rules, RequestInput("x", Options(model=QUALITY)), both)).model is QUALITY
    assert (await barred(rules, RequestInput("x", Options(model=QUALITY)))).bar is Bar.MODEL
    assert (await barred(rules, RequestInput("x", Options(count=3)), both)).bar is Bar.COUNT


# --- models that are not on offer (any more)

RETIRED = Model("painter-1")
OTHERS = (QUALITY, Model("painter-2"))


@pytest.mark.parametrize("models", [MODELS, OTHERS, (QUALITY,)])
async def test_a_model_that_is_gone_is_refused_with_those_there_are(models: Sequence[Model]) -> None:
    asked = RequestInput.of(ImageRequest("x", model=RETIRED))
    with pytest.raises(NotAdmitted) as caught:
        await admitted(PLACE, asked, RuleBook(GUILD, "v"), models=models)
    [reason] = caught.value.reasons
    assert isinstance(reason, Barred)
    assert (reason.bar, reason.allowed) == (Bar.NO_SUCH_MODEL, (RETIRED, *models))


async def test_of_the_models_there_are_only_those_of_the_place_are_named() -> None:
    asked = RequestInput.of(ImageRequest("x", model=RETIRED))
    reason = await barred(Rules(models=(QUALITY,)), asked)
    assert (reason.bar, reason.allowed) == (Bar.NO_SUCH_MODEL, (RETIRED, QUALITY))


async def test_who_names_no_model_gets_the_first_one_on_offer() -> None:
    for models in (MODELS, OTHERS, (OTHERS[1], QUALITY)):
        it = await admitted(PLACE, RequestInput("x"), RuleBook(GUILD, "v"), models=models)
        assert it.request.model == models[0]


@pytest.mark.parametrize(
    ("rules", "model"),
    [
        (Rules(models=(RETIRED,)), STANDARD),
        (Rules(models=(RETIRED, QUALITY)), QUALITY),
        (Rules(defaults=Options(model=RETIRED)), STANDARD),
        (Rules(defaults=Options(model=RETIRED), models=(QUALITY,)), QUALITY),
        (Rules(role_limits=(RoleLimits(5, models=(RETIRED,)),)), STANDARD),
        (Rules(role_limits=(RoleLimits(5, models=(RETIRED, QUALITY)),)), QUALITY),
        (Rules(role_limits=(RoleLimits(5, models=(RETIRED,)),), models=(QUALITY,)), QUALITY),
    ],
)
async def test_rules_that_name_a_model_that_is_gone_lock_nobody_out(rules: Rules, model: Model) -> None:
    assert (await made(rules)).model == model


def test_what_acts_of_rules_is_in_the_order_of_the_offer_and_comes_back() -> None:
    rules = Rules(models=(QUALITY, RETIRED, STANDARD), defaults=Options(model=RETIRED, count=2), max_count=3)
    acting = rules.on_offer(MODELS)
    assert (acting.models, acting.defaults, acting.max_count) == (MODELS, Options(count=2), 3)
    assert rules.on_offer((RETIRED,)).models == (RETIRED,)
    assert rules.on_offer((RETIRED,)).defaults == Options(model=RETIRED, count=2)


def test_a_channel_whose_models_are_all_gone_has_those_of_its_server() -> None:
    book = RuleBook(GUILD, "v", Rules(models=(QUALITY,)), {CHANNEL: Rules(models=(RETIRED,), max_count=2)})
    acting = book.on_offer(MODELS).at(CHANNEL)
    assert (acting.models, acting.max_count) == ((QUALITY,), 2)


def test_a_role_that_offers_only_what_is_gone_offers_what_there_is() -> None:
    rules = Rules(role_limits=(RoleLimits(5, models=(RETIRED,)), RoleLimits(6, models=(QUALITY,))))
    limits = limits_of(frozenset({5, 6}), rules)
    assert limits.on_offer(MODELS).models == (QUALITY,)
    assert limits_of(frozenset({5}), rules).on_offer(MODELS).models == MODELS
