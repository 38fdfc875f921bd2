"""What rules make of a wish, without a database and without Discord."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.errors import Bar, Barred
from bot.model import ImageRequest, Model, Resolution, Source
from bot.policy.admission import RequestContext, fitted, quotas_of
from bot.policy.quotas import Ceilings, SetBy, Whose
from bot.policy.request_input import Options, RequestInput
from bot.policy.rules import AgeRule, RuleBook, Rules, SpoilerRule

GUILD, CHANNEL, THREAD = 13, 12, 14
PLACE = RequestContext(user_id=1, channel_id=CHANNEL, guild_id=GUILD, role_ids=frozenset({5}))
IN_THREAD = replace(PLACE, channel_id=THREAD, parent_id=CHANNEL)


async def made(
    rules: Rules, wish: RequestInput | ImageRequest | None = None, place: RequestContext = PLACE
) -> ImageRequest:
    return (await fitted(place, wish or RequestInput("a red fox"), RuleBook(GUILD, "v", rules)))[0]


async def barred(
    rules: Rules, wish: RequestInput | ImageRequest | None = None, place: RequestContext = PLACE
) -> Barred:
    with pytest.raises(Barred) as caught:
        await made(rules, wish, place)
    return caught.value


async def test_outside_servers_a_wish_is_filled_with_what_is_built_in() -> None:
    request, rules = await fitted(RequestContext(1, 2), RequestInput("a red fox"), None)
    assert (request, rules) == (ImageRequest("a red fox"), Rules())


async def test_a_blocked_member_is_refused_before_anything_else() -> None:
    book = RuleBook(GUILD, "v", Rules(channels=(99,)), {}, frozenset({1}))
    with pytest.raises(Barred) as caught:
        await fitted(PLACE, RequestInput("x"), book)
    assert caught.value.bar is Bar.BLOCKED


async def test_channels_and_their_threads() -> None:
    await made(Rules(channels=(CHANNEL,)), place=IN_THREAD)
    refused = await barred(Rules(channels=(99, 98)), place=IN_THREAD)
    assert (refused.bar, refused.allowed) == (Bar.CHANNEL, (99, 98))


async def test_a_channels_own_rules_do_not_open_a_channel_that_the_server_leaves_out() -> None:
    book = RuleBook(GUILD, "v", Rules(channels=(99,)), {CHANNEL: Rules(channels=(CHANNEL,))})
    with pytest.raises(Barred):
        await fitted(PLACE, RequestInput("x"), book)


async def test_roles() -> None:
    await made(Rules(roles=(5, 6)))
    assert (await barred(Rules(roles=(6,)))).bar is Bar.ROLE


async def test_what_was_asked_for_and_is_not_offered_is_refused() -> None:
    assert (await barred(Rules(models=(Model.QUALITY,)), ImageRequest("x"))).bar is Bar.MODEL
    assert (await barred(Rules(max_count=2), RequestInput("x", Options(count=3)))).bar is Bar.COUNT
    asked = RequestInput("x", Options(resolution=Resolution.TWO_K))
    assert (await barred(Rules(resolutions=(Resolution.ONE_K,)), asked)).bar is Bar.RESOLUTION


async def test_what_was_left_open_falls_to_something_that_is_offered() -> None:
    rules = Rules(models=(Model.QUALITY,), resolutions=(Resolution.TWO_K,), max_count=2, defaults=Options(count=4))
    request = await made(rules)
    assert (request.model, request.resolution, request.count) == (Model.QUALITY, Resolution.TWO_K, 2)


async def test_what_a_person_says_wins_over_the_servers_defaults() -> None:
    rules = Rules(defaults=Options(count=2, model=Model.QUALITY))
    request = await made(rules, RequestInput("x", Options(count=3), (Source("https://a.example"),)))
    assert (request.count, request.model, request.aspect_ratio) == (3, Model.QUALITY, "auto")


@pytest.mark.parametrize("asked", [True, False])
async def test_spoilers_and_privacy(asked: bool) -> None:
    wish = RequestInput("x", Options(spoiler=asked, private=asked))
    assert (await made(Rules(spoiler=SpoilerRule.ALWAYS), wish)).spoiler
    assert not (await made(Rules(spoiler=SpoilerRule.NEVER), wish)).spoiler
    assert (await made(Rules(spoiler=SpoilerRule.AS_ASKED), wish)).spoiler is asked
    assert (await made(Rules(private_only=True), wish)).private


async def test_age_restricted_channels_are_in_or_out_as_the_server_says() -> None:
    adult = replace(PLACE, age_restricted=True)
    assert (await barred(Rules(age_restricted=AgeRule.ONLY))).allowed == (AgeRule.ONLY,)
    assert (await barred(Rules(age_restricted=AgeRule.NEVER), place=adult)).bar is Bar.AGE
    for rule, place in ((AgeRule.ONLY, adult), (AgeRule.NEVER, PLACE), (AgeRule.ANYWHERE, adult), (None, adult)):
        await made(Rules(age_restricted=rule), place=place)


async def test_missing_permissions_matter_only_for_what_others_see() -> None:
    place = replace(PLACE, missing=("attach_files",))
    assert (await barred(Rules(), place=place)).allowed == ("attach_files",)
    await made(Rules(), RequestInput("x", Options(private=True)), place)
    await made(Rules(private_only=True), place=place)


def test_which_quotas_hold_where() -> None:
    rules = Rules(pictures_per_member_day=1, pictures_per_day=2, spend_per_day=3, spend_per_month=4, exempt_roles=(7,))
    ceilings = Ceilings(1, 2, 3, 4, 5, 6)
    assert len(quotas_of(PLACE, rules, ceilings)) == 10
    exempt = quotas_of(replace(PLACE, role_ids=frozenset({7})), rules, ceilings)
    assert {quota.set_by for quota in exempt} == {SetBy.OPERATOR}
    outside = quotas_of(RequestContext(1, 2), Rules(), ceilings)
    assert [quota.whose for quota in outside] == [Whose.USER, Whose.EVERYONE, Whose.EVERYONE]
    assert quotas_of(PLACE, Rules(), Ceilings()) == []
