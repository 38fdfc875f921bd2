"""Every way in which an image API of this family may answer, seen from the user: the right end, once, in plain words.

The scenarios of the local image API are played all at once in one house, each by its name in a prompt of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from bot.model import Charged, FailureKind
from sandbox.discord.reply import Reply
from sandbox.image_api.latency import Latency
from sandbox.image_api.scenarios import SCENARIOS
from tests.acceptance.conftest import House, final, house_in, says, with_pictures
from tests.acceptance.outcomes import Outcome, all_played, foreign_words, pictures, seen_end, stage_with
from tests.integration.uniall_servers import Reply as Answer
from tests.integration.uniall_servers import reply

NO, MAYBE, YES = Charged.NO, Charged.MAYBE, Charged.YES
UNCERTAIN = FailureKind.UNCERTAIN

#: A refusal, or an answer that leaves open what happened: one POST each, and nobody sends it again.
SUBMISSIONS: Mapping[str, Outcome] = {
    "balance": Outcome(FailureKind.OUT_OF_BALANCE, NO, accepted=0),
    "error-500": Outcome(UNCERTAIN, MAYBE, accepted=0),
    "balance-402": Outcome(FailureKind.OUT_OF_BALANCE, NO, accepted=0),
    "error-502": Outcome(UNCERTAIN, MAYBE, accepted=0),
    "bad-key": Outcome(FailureKind.BAD_KEY, NO, accepted=0),
    "error-after-accept": Outcome(UNCERTAIN, MAYBE),
    "bad-input": Outcome(FailureKind.BAD_INPUT, NO, again=False, accepted=0),
    "error-504-after-accept": Outcome(UNCERTAIN, MAYBE),
    "too-large": Outcome(FailureKind.BAD_INPUT, NO, again=False, accepted=0),
    "error-524-after-accept": Outcome(UNCERTAIN, MAYBE),
    "refuse-at-once": Outcome(FailureKind.REFUSED, YES, accepted=0),
    "drop": Outcome(UNCERTAIN, MAYBE, accepted=0),
    "refuse-422": Outcome(FailureKind.REFUSED, MAYBE, accepted=0),
    "drop-after-accept": Outcome(UNCERTAIN, MAYBE),
    "refuse-451": Outcome(FailureKind.REFUSED, YES, accepted=0),
    "error-408": Outcome(UNCERTAIN, MAYBE, accepted=0),
    "no-channel": Outcome(FailureKind.BAD_INPUT, NO, again=False, accepted=0),
    "result-unfetched": Outcome(FailureKind.BAD_INPUT, MAYBE, again=False, accepted=0),
    "not-implemented": Outcome(FailureKind.BAD_INPUT, NO, again=False, accepted=0),
    "wrong-route": Outcome(FailureKind.UNKNOWN, NO, accepted=0),
    "redirect": Outcome(FailureKind.UNKNOWN, NO, accepted=0),
    "null-in-200": Outcome(UNCERTAIN, MAYBE, accepted=0),
    "html-in-200": Outcome(UNCERTAIN, MAYBE, accepted=0),
    "cut-after-accept": Outcome(UNCERTAIN, MAYBE),
    "error-in-200": Outcome(FailureKind.UNKNOWN, MAYBE, accepted=0),
}
#: Certain refusals: tried again, at most three times.
REFUSED_FOR_NOW: Mapping[str, Outcome] = {
    "busy": Outcome(FailureKind.BUSY, NO, accepted=0, posts=4),
    "busy-date": Outcome(FailureKind.BUSY, NO, accepted=0, posts=4),
    "busy-once": pictures(2, posts=2),
    "busy-bare 1": pictures(2, posts=2),
    "busy-moderate 1": pictures(2, posts=2),
    "busy-503 1": pictures(2, posts=2),
}
#: Accepted tasks that end badly, and results that cannot be had.
SAD: Mapping[str, Outcome] = {
    "fail": Outcome(FailureKind.UNKNOWN, NO),
    "fail-text": Outcome(FailureKind.UNKNOWN, NO),
    "fail-reason": Outcome(FailureKind.UNKNOWN, NO),
    "fail-silent": Outcome(FailureKind.UNKNOWN, NO),
    "fail-in-metadata": Outcome(FailureKind.UNKNOWN, NO),
    "fail, words-raw": Outcome(FailureKind.UNKNOWN, NO),
    "refuse": Outcome(FailureKind.REFUSED, MAYBE),
    "refuse-text": Outcome(FailureKind.REFUSED, MAYBE),
    "refuse, bare-status": Outcome(FailureKind.REFUSED, MAYBE),
    "cancelled": Outcome(FailureKind.UNKNOWN, MAYBE),
    "expired": Outcome(FailureKind.LOST, MAYBE),
    "vanish": Outcome(FailureKind.LOST, MAYBE),
    "no-pictures": Outcome(FailureKind.LOST, MAYBE),
    "gone": Outcome(FailureKind.LOST, YES),
    "download-html": Outcome(FailureKind.LOST, YES),
    "download-garbage": Outcome(FailureKind.LOST, YES),
    "download-empty": Outcome(FailureKind.LOST, YES),
    "download-half": Outcome(FailureKind.LOST, YES),
    "download-bomb": Outcome(FailureKind.LOST, YES),
}
#: Words, shapes and passing trouble that a user notices nothing of.
HAPPY = (
    *("slow", "late-addresses", "duplicate", "relative-address", "data-address", "other-origin", "short-lived"),
    *("expired-address", "other-format", "gif", "avif", "trickle"),
    *("status-429", "status-429-bare", "status-500", "status-502", "status-404", "status-unknown", "status-null"),
    *("status-error-in-200", "status-html", "status-cut", "status-drop", "status-trickle"),
    *("download-403-once", "download-404-once", "download-500-once", "download-cut-once", "download-trickle"),
    "download-html-once",
    *("download-drop 5", "download-cut 5"),
    *("words-raw", "words-video", "words-queue", "words-plain", "words-odd"),
    *("progress-integer", "progress-fraction", "progress-null", "progress-missing", "progress-nan"),
    *("progress-backwards", "bare-status", "wrapped-submit", "accepted-202", "id-field"),
    *("results-top-level", "results-joined", "results-json-text", "results-objects", "results-nested", "results-b64"),
    *("heartbeat", "gzip", "poll-pause"),
    "words-raw, progress-integer, bare-status, results-joined, wrapped-submit",
)
DELIVERED: Mapping[str, Outcome] = {
    **dict.fromkeys(HAPPY, pictures(2)),
    "fewer": pictures(1),
    "more": pictures(8),
    "late-files": pictures(2),  # its host has nothing for 20 s
}

#: Played elsewhere: in a house of their own below, or by the image API client's own tests with limits it can shrink.
ELSEWHERE = frozenset(
    {
        *("offline", "resets", "stuck", "very-slow", "status-401"),
        *("download-heic", "download-huge", "download-endless"),
        *("hang", "hang-after-accept", "status-hang", "download-hang", "drop-before-reading"),
    }
)


def test_no_scenario_is_forgotten() -> None:
    tables = (SUBMISSIONS, REFUSED_FOR_NOW, SAD, DELIVERED)
    words = {word.split()[0] for table in tables for marker in table for word in marker.split(", ")}
    assert words | {"download-drop", "download-cut"} | ELSEWHERE == set(SCENARIOS)


async def test_every_scenario_ends_as_it_must_and_buys_at_most_once(tmp_path: Path) -> None:
    wanted = {**SUBMISSIONS, **REFUSED_FOR_NOW, **SAD, **DELIVERED}
    crowd = {"MAX_JOBS_PER_USER": "500", "MAX_ACTIVE_JOBS": "500"}
    async with house_in(tmp_path, variables=crowd) as house:
        seen = await all_played(house, wanted)
        # While others are accepted, a refusal for too much work does not count as one of a job's tries.
        seen = {
            name: replace(it, posts=4) if it.end is FailureKind.BUSY and it.posts > 4 else it
            for name, it in seen.items()
        }
        assert {name: it for name, it in seen.items() if it != wanted[name]} == {}
        lost = [it for it in house.ada.sees() if says("pictures are lost", "download-")(it)]
        assert {("Check again" in it.labels) for it in lost} == {True}
        await details_are_plain_words(house)


async def details_are_plain_words(house: House) -> None:
    names = ("fail", "refuse-at-once", "html-in-200", "error-in-200")
    replies = [await house.ada.command("imagine", prompt=f"a fox [[{name}]] in detail") for name in names]
    for asked in replies:
        message = await asked.until(final)
        details = await house.ada.press(asked, "Details")
        assert details.ephemeral
        said = details.text.replace("`", "")
        for technical in ("task_", "grok-imagine", asked.message.text):
            said = said.replace(technical, "")
        assert not any(word in said for word in ("{", "Traceback", "upstream", "rejected", "HTTP")), said
        assert seen_end(message)[1] in {NO, MAYBE, YES}


async def test_a_task_that_never_ends_times_out_and_may_be_checked_again(tmp_path: Path) -> None:
    async with house_in(tmp_path, variables={"JOB_TIMEOUT_S": "2"}) as house:
        outcomes = await all_played(house, ["stuck", "status-401"])
        assert outcomes == dict.fromkeys(outcomes, Outcome(FailureKind.TIMED_OUT, MAYBE))
        assert len(outcomes) == 2


@pytest.mark.parametrize("refused", [True, False], ids=["refused", "reset"])
async def test_a_task_under_way_outlives_an_outage(tmp_path: Path, *, refused: bool) -> None:
    async with house_in(tmp_path, latency=Latency.fixed(1.0)) as house:
        asked = await house.ada.command("imagine", prompt="a red fox")
        await asked.until(says("painting"))
        house.image_api.go_away(1.5, refused=refused)
        message = await asked.until(with_pictures)
        assert len(message.pictures) == len(house.submissions()) == 1


async def test_what_is_asked_for_during_an_outage_is_painted_after_it(tmp_path: Path) -> None:
    async with house_in(tmp_path) as house:
        house.image_api.go_away(1.5)
        await asyncio.sleep(0.2)
        asked = await house.ada.command("imagine", prompt="a red fox")
        await asked.until(with_pictures)
        assert not foreign_words(asked)
        assert len(house.submissions()) == len(house.image_api.accepted) == 1


async def test_a_connection_that_breaks_before_anything_is_read_leaves_the_outcome_open(tmp_path: Path) -> None:
    async with house_in(tmp_path) as house:
        house.image_api.behaviour.switch_on("drop-before-reading", times=1)
        asked = await house.ada.command("imagine", prompt="a red fox")
        assert seen_end(await asked.until(final)) == (UNCERTAIN, MAYBE)
        assert len(house.submissions()) == 1


BALANCE_IN_CHINESE = "预扣费额度失败, 用户剩余额度: $0.000000, 需要预扣费额度: $0.020000 (request id: 20261122)"
NO_CHANNEL_IN_CHINESE = "分组 default 下模型 grok-imagine-image 无可用渠道（distributor）"
#: Answers to a submission as servers of this family were seen to word them, and as a user is told.
WORDINGS: Mapping[str, tuple[int, object, FailureKind, Charged]] = {
    "sensitive words": (
        400,
        {
            "error": {
                "message": "用户敏感词检测: 命中敏感词",
                "type": "new_api_error",
                "code": "sensitive_words_detected",
            }
        },
        FailureKind.REFUSED,
        NO,
    ),
    "quota": (
        403,
        {"error": {"message": BALANCE_IN_CHINESE, "type": "new_api_error", "code": "pre_consume_token_quota_failed"}},
        FailureKind.OUT_OF_BALANCE,
        NO,
    ),
    "key": (401, {"error": {"message": "无效的令牌", "type": "new_api_error", "code": ""}}, FailureKind.BAD_KEY, NO),
    "dashboard": (
        403,
        {"success": False, "message": "Unauthorized, access token invalid", "code": "AUTH_INVALID"},
        FailureKind.BAD_KEY,
        NO,
    ),
    "channel": (
        503,
        {"error": {"message": NO_CHANNEL_IN_CHINESE, "type": "new_api_error", "code": "model_not_found"}},
        FailureKind.BAD_INPUT,
        NO,
    ),
    "hidden": (
        500,
        {"code": "do_request_failed", "message": "请求上游地址失败", "data": None},
        UNCERTAIN,
        MAYBE,
    ),
    "moderated": (
        400,
        {"code": "Client specified an invalid argument", "error": "Generated image rejected by content moderation."},
        FailureKind.REFUSED,
        MAYBE,
    ),
    "unknown field": (
        422,
        {"detail": [{"loc": ["body", "size"], "msg": "Argument not supported: size", "type": "value_error"}]},
        FailureKind.BAD_INPUT,
        NO,
    ),
    "late error": (
        200,
        b' \n \n {"error": {"message": "upstream error", "type": "upstream_error"}}',
        FailureKind.UNKNOWN,
        MAYBE,
    ),
    "edge": (502, b"<html><body>502 Bad Gateway</body></html>", UNCERTAIN, MAYBE),
}
#: The same for the end of an accepted task.
TASK_ENDS: Mapping[str, tuple[object, FailureKind, Charged]] = {
    "swept": ({"status": "FAILURE", "fail_reason": "任务超时（10分钟）"}, FailureKind.UNKNOWN, NO),
    "reviewed": ({"status": "FAILURE", "fail_reason": "内容审核不通过"}, FailureKind.REFUSED, MAYBE),
    "fined": (
        {"status": "failed", "error": {"code": "violation_fee.grok.csam", "message": "Failed check"}},
        FailureKind.REFUSED,
        YES,
    ),
    "drained": ({"status": "failed", "error": "Insufficient balance"}, FailureKind.OUT_OF_BALANCE, NO),
    "crowded": ({"status": "failed", "error": "当前分组上游负载已饱和，请稍后再试"}, FailureKind.BUSY, NO),
    "odd": ({"status": "failed", "error": {"why": {"deep": [1, 2]}}, "progress": "100%"}, FailureKind.UNKNOWN, NO),
}


async def worded(request: web.Request) -> Answer:
    """Answer a submission as its prompt names it; accept the tasks of TASK_ENDS and let them end so."""
    if request.method == "GET":
        name = request.path.rpartition("task_")[2]
        return reply(200, {"code": "success", "message": "", "data": {"task_id": f"task_{name}", **end_of(name)}})
    name = (await request.json())["prompt"]
    if name in TASK_ENDS:
        return reply(200, {"task_id": f"task_{name}", "status": "queued", "progress": "0%"})
    status, body, _, _ = WORDINGS[name]
    return reply(status, body)


def end_of(name: str) -> dict[str, object]:
    body = TASK_ENDS[name][0]
    assert isinstance(body, dict)
    return {str(key): value for key, value in body.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


async def test_no_wording_of_the_family_reaches_a_user(tmp_path: Path) -> None:
    wanted = {name: (kind, charged) for name, (_, _, kind, charged) in WORDINGS.items()}
    wanted |= {name: (kind, charged) for name, (_, kind, charged) in TASK_ENDS.items()}
    async with stage_with(worded, tmp_path) as stage:

        async def ask(name: str) -> tuple[str, Reply, tuple[FailureKind | int, Charged | None]]:
            asked = await stage.ada.command("imagine", prompt=name)
            return name, asked, seen_end(await asked.until(final))

        played_out = await asyncio.gather(*map(ask, wanted))
        assert {name: end for name, _, end in played_out} == wanted
        assert [(name, words) for name, asked, _ in played_out if (words := foreign_words(asked))] == []
        assert len(stage.posts) == len(wanted)
