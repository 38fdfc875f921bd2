from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from discord import ui

from bot.errors import SourceFault
from bot.model import Charged, Failure, FailureKind, FollowUp, ImageRequest, JobState, Progress, Source
from bot.policy.quotas import Quota, SetBy, Span, Standing, What, Whose
from bot.ui.kit import texts
from bot.ui.kit.mentions import Mentions
from bot.ui.panels.guide import guide_card
from bot.ui.reply import cards, endings
from bot.ui.reply.cards import Shown
from tests.each import each
from tests.unit.samples import NOW, TARGET, failed, job

HOSTILE = "@everyone <@1> **bold** `code` ```\nblock\n``` [link](https://x.example) ||spoiler|| # head\n> quote " * 40
LONG_URL = "https://files.example.com/" + "x" * 900


def parts(view: ui.LayoutView) -> Iterator[dict[str, Any]]:
    def walk(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for item in items:
            yield item
            yield from walk(item.get("components", []))
            if "accessory" in item:
                yield item["accessory"]

    return walk(view.to_components())


def text_of(view: ui.LayoutView) -> str:
    return "\n".join(part["content"] for part in parts(view) if part["type"] == 10)


def labels_of(view: ui.LayoutView) -> list[str]:
    return [part["label"] for part in parts(view) if part["type"] == 2]


def four(url: str = "https://files.example.com/1.jpeg") -> list[Shown]:
    return [Shown(f"picture-{number}.jpg", reencoded=True, url=url) for number in range(1, 5)]


def every_card(prompt: str) -> Iterator[ui.LayoutView]:
    request = ImageRequest(prompt[:4000], count=4, sources=tuple(Source(LONG_URL) for _ in range(3)))
    whole = job(request=request, task_id="task_" + "x" * 60, request_id="r" * 60, cost_micros=123_456)
    yield cards.in_line(whole, Progress(place=3))
    yield cards.in_line(whole, Progress(3, 12, NOW), cards.Look(overdue=True))
    yield cards.painting(replace(whole, state=JobState.PAINTING), Progress(percent=30, due=NOW))
    yield cards.in_line(whole, Progress(trouble=FailureKind.BUSY))
    yield cards.painting(replace(whole, state=JobState.PAINTING), Progress(percent=30, trouble=FailureKind.UNREACHABLE))
    yield cards.finished(whole, four(LONG_URL), ["source-1.jpg", "source-2.jpg", "source-3.jpg"])
    yield cards.finished(
        whole, four("https://f.example/" + "x" * 380), ["source-1.jpg", "source-2.jpg", "source-3.jpg"]
    )
    yield cards.details(whole, 20_000)
    for kind in FailureKind:
        yield cards.ended(failed(kind, Charged.MAYBE, "too_large 26000000", request=request))


@pytest.mark.parametrize("prompt", ["a red fox", HOSTILE, "\u202e" * 4000, "🦊" * 4000, "*" * 4000, "@" * 4000])
def test_every_card_keeps_discords_limits(prompt: str) -> None:
    for view in every_card(prompt):
        found = list(parts(view))
        assert len(found) <= 40
        assert sum(len(part["content"]) for part in found if part["type"] == 10) <= 4000
        assert all(len(part["content"]) >= 1 for part in found if part["type"] == 10)
        ids = [part["custom_id"] for part in found if part["type"] == 2]
        assert len(ids) == len(set(ids))
        assert all(len(it) <= 100 for it in ids)
        alts = [item["description"] for part in found if part["type"] == 12 for item in part["items"]]
        assert all(1 <= len(it) <= 1024 for it in alts)


def test_a_prompt_is_shown_without_mentions_or_markdown() -> None:
    shown = text_of(cards.in_line(job("@everyone look: **bold** <@123> [x](https://y.example)"), Progress(place=1)))
    assert "@everyone" not in shown
    assert "**bold**" not in shown
    assert "\\<@123\\>" in shown


def test_a_waiting_job_tells_its_place_and_can_be_cancelled() -> None:
    card = cards.in_line(job(), Progress(place=3, queue_length=12))
    assert "place 3 of 12" in text_of(card)
    assert labels_of(card) == ["Cancel"]


def test_the_expected_time_is_told_until_it_has_passed() -> None:
    painting, when = job(state=JobState.PAINTING, submitted_at=NOW), f"expected <t:{int(NOW.timestamp())}:R>"
    for build, one, progress in (
        (cards.in_line, job(), Progress(3, 12, NOW)),
        (cards.painting, painting, Progress(percent=30, due=NOW)),
    ):
        assert when in text_of(build(one, progress))
        late = text_of(build(one, progress, cards.Look(overdue=True)))
        assert "any moment now" in late
        assert "<t:" not in late


def test_a_painting_job_shows_progress_and_since_when() -> None:
    card = cards.painting(job(state=JobState.PAINTING, submitted_at=NOW), Progress(percent=30))
    assert "30%" in text_of(card)
    assert f"<t:{int(NOW.timestamp())}:R>" in text_of(card)
    assert labels_of(card) == ["Cancel"]


def test_a_finished_job_has_its_pictures_with_the_prompt_as_alt_text_and_five_buttons() -> None:
    done = job(state=JobState.DELIVERED, request=ImageRequest("a red fox", count=4, spoiler=True))
    card = cards.finished(done, four(), [])
    gallery = next(part for part in parts(card) if part["type"] == 12)
    assert [item["description"] for item in gallery["items"]] == ["a red fox"] * 4
    assert all(item["spoiler"] for item in gallery["items"])
    assert labels_of(card) == ["Again", "Remix", "Edit", "Details", "Delete"]


def test_fewer_pictures_than_asked_for_are_said_to_be_fewer() -> None:
    card = cards.finished(job(request=ImageRequest("x", count=4)), four()[:3], [])
    assert "3 of 4 pictures" in text_of(card)


def test_a_picture_that_does_not_fit_is_linked_and_said_to_be() -> None:
    shown = [
        Shown("picture-1.jpg", reencoded=True, url="https://f.example/1"),
        Shown(None, False, "https://f.example/2"),
    ]
    card = cards.finished(job(request=ImageRequest("x", count=2)), shown, [])
    assert "Picture 1 was re-encoded" in text_of(card)
    assert "https://f.example/2" in text_of(card)


def test_long_addresses_are_linked_first_where_they_are_all_there_is_of_a_picture() -> None:
    """Signed ones often have a thousand characters."""
    signed = [f"https://f.example/{number}?sig=" + "x" * 1000 for number in range(3)]
    shown = [Shown("picture-1.jpg", reencoded=True, url=signed[0]), Shown(None, False, signed[1])]
    said = text_of(cards.finished(job(request=ImageRequest("x", count=2)), shown, []))
    assert f"]({signed[1]})" in said
    assert signed[0] not in said
    odd = Shown(None, False, "https://f.example/a(1).png")
    assert "](https://f.example/a%281%29.png)" in text_of(cards.finished(job(), [odd], []))


def test_without_any_file_left_there_is_no_empty_gallery() -> None:
    card = cards.finished(job(), [Shown(None, False, "https://f.example/1")], [])
    assert not [part for part in parts(card) if part["type"] == 12]


@pytest.mark.parametrize("kind", list(FailureKind))
@pytest.mark.parametrize("charged", list(Charged))
def test_every_ending_says_whether_it_was_charged(kind: FailureKind, charged: Charged) -> None:
    assert endings.CHARGES[charged] in text_of(cards.ended(failed(kind, charged, "animated 0")))


def test_endings_are_told_apart() -> None:
    told = {endings.ENDINGS[kind].headline for kind in FailureKind}
    assert len(told) == len(FailureKind)


@each("fault", list(SourceFault))
def test_every_fault_of_a_source_has_its_own_sentence(fault: SourceFault) -> None:
    sentence = texts.source_fault(f"{fault} 26000000")
    others = {texts.source_fault(f"{other} 26000000") for other in SourceFault if other is not fault}
    assert sentence
    assert sentence not in others


def test_check_again_stands_on_a_timed_out_job_alone() -> None:
    with_check = {kind for kind in FailureKind if "Check again" in labels_of(cards.ended(failed(kind)))}
    assert with_check == {FailureKind.TIMED_OUT}


def test_details_show_the_whole_prompt_settings_time_cost_and_task() -> None:
    done = job(
        "a red fox, *really* red",
        state=JobState.DELIVERED,
        task_id="task_abc",
        cost_micros=40_000,
        submitted_at=NOW + timedelta(seconds=1),
        ready_at=NOW + timedelta(seconds=8.5),
        finished_at=NOW + timedelta(seconds=10),
    )
    shown = text_of(cards.details(done, None))
    for expected in ("a red fox, *really* red", "Standard", "1:1", "10.0 s", "7.5 s", "$0.04", "`task_abc`"):
        assert expected in shown


def test_details_have_one_line_of_numbers_for_support() -> None:
    shown = text_of(cards.details(job(task_id="task_abc", request_id="r1", state=JobState.DELIVERED), None))
    numbers = [line for line in shown.splitlines() if "`" in line and "```" not in line]
    assert len(numbers) == 1
    assert numbers[0].startswith("-# For support: `task_abc` · `r1` · `")
    bare = job(state=JobState.FAILED, failure=Failure(FailureKind.BUSY, Charged.NO))
    assert f"-# For support: `{bare.id}`" in text_of(cards.details(bare, None)).splitlines()


def test_a_private_result_says_where_it_is_found_again_and_warns_of_nothing_before() -> None:
    private = job(target=replace(TARGET, ephemeral=True))
    assert "15 minutes" not in text_of(cards.running(private, Progress(place=1)))
    assert "`/jobs`" in text_of(cards.finished(private, [], []))
    assert "`/jobs`" not in text_of(cards.finished(job(), [], []))


@pytest.mark.parametrize("kind", [FailureKind.LOST, FailureKind.UNDELIVERABLE, FailureKind.UNKNOWN])
def test_a_post_that_failed_has_bought_nothing_and_offers_nothing_to_buy(kind: FailureKind) -> None:
    request = ImageRequest("a red fox", follows=FollowUp.POST)
    card = cards.ended(job(state=JobState.FAILED, request=request, failure=Failure(kind, Charged.YES)))
    assert labels_of(card) == ["Details", "Delete"]
    assert "could not be posted" in text_of(card)
    assert "charged" not in text_of(card)


def test_help_says_which_limit_is_todays_and_which_this_months() -> None:
    left = [
        Standing(Quota(Whose.SERVER, What.SPEND, span, 20_000_000, SetBy.SERVER), 5_000_000, NOW)
        for span in (Span.DAY, Span.MONTH)
    ]
    shown = text_of(guide_card(Mentions({}), [], left, in_server=True))
    assert "**Today**: This server has $15.00" in shown
    assert "**This month**: This server has $15.00" in shown


def test_a_prompt_too_long_for_details_goes_into_a_file() -> None:
    assert cards.needs_prompt_file(job("x" * 4000))
    assert not cards.needs_prompt_file(job("x" * 3000))


@pytest.mark.parametrize(("micros", "text"), [(20_000, "$0.02"), (2_000, "$0.002"), (1_500_000, "$1.50"), (0, "$0.00")])
def test_amounts_have_as_many_decimals_as_they_need(micros: int, text: str) -> None:
    assert texts.dollars(micros) == text


@pytest.mark.parametrize("sign", ["\u202e", "\u202d", "\u2066", "\u2069"])
def test_no_words_turn_what_stands_beside_them(sign: str) -> None:
    assert sign not in texts.plain(f"a {sign}fox") + texts.quoted(f"a {sign}fox")


@pytest.mark.parametrize(
    "words",
    [
        "e\u0301te\u0301",
        "\u0e17\u0e35\u0e48",
        "\u05e9\u05c1\u05b8",
        "\u0627\u0651\u064e",
        "\u1ec7\U0001f469\u200d\U0001f680",
    ],
)
def test_marks_that_letters_need_stay(words: str) -> None:
    assert texts.plain(words) == words


def test_marks_piled_up_over_other_lines_go() -> None:
    assert texts.plain("z" + "\u0335" * 500 + "a") == "z" + "\u0335" * texts.MAX_MARKS + "a"
