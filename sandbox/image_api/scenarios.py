"""Every named scenario: what the local image API can be made to do by one word.

Switch one on for all requests (`Behaviour.switch_on`, or the control address), or write its name into a prompt:
`[[slow]]`, several as `[[slow, fewer]]`, for the first requests only as `[[busy 2]]`.
Each is something that gateways of this family, or the models behind them, have been seen to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from bot.model import PictureFormat
from sandbox.image_api.misfortunes import BALANCE, BUSY, MODERATED, POLICY, REFUSAL, UPSTREAM, bomb, flat, html, nested
from sandbox.image_api.script import (
    Act,
    Address,
    Ending,
    Fate,
    Fault,
    JsonObject,
    Moment,
    Outage,
    Phrasing,
    ProgressForm,
    ResultForm,
    Scenario,
    Stage,
    Words,
)

_HEIC = "\0\0\0\x20ftypheic" + "h" * 500
_AFTER = Moment.AFTER_ACCEPTING


def _submit(status: int, body: JsonObject | str = "", *, moment: Moment = Moment.BEFORE_ACCEPTING) -> Fault:
    return Fault(Stage.SUBMIT, status=status, body=body, moment=moment, content_type=_kind_of(body))


def _status(status: int, body: JsonObject | str = "") -> Fault:
    return Fault(Stage.STATUS, status=status, body=body, content_type=_kind_of(body))


def _kind_of(body: JsonObject | str) -> str:
    return "text/html" if isinstance(body, str) and body.startswith("<") else "application/json"


def _lost(act: Act, moment: Moment = Moment.BEFORE_ACCEPTING) -> Fault:
    return Fault(Stage.SUBMIT, act, moment)


def _download(act: Act) -> Fault:
    return Fault(Stage.DOWNLOAD, act)


def _file(status: int, body: str, content_type: str = "image/png") -> Fault:
    return Fault(Stage.DOWNLOAD, status=status, body=body, content_type=content_type)


_SUBMISSION = (
    Scenario(
        "busy",
        "Submissions are refused with 429 and a pause of 2 s",
        Fault(Stage.SUBMIT, status=429, body=BUSY, retry_after=2),
    ),
    Scenario(
        "busy-once",
        "The first submission is refused with 429 and a pause of 1 s, the next is taken",
        Fault(Stage.SUBMIT, status=429, body=BUSY, retry_after=1),
        times=1,
    ),
    Scenario(
        "busy-date",
        "429 that tells its pause as a date",
        Fault(Stage.SUBMIT, status=429, body=BUSY, retry_after=2, retry_date=True),
    ),
    Scenario(
        "busy-moderate",
        "429 whose text speaks of moderation",
        _submit(429, nested("please moderate your request rate, content moderation is busy")),
    ),
    Scenario(
        "result-unfetched",
        "The API could not fetch the picture it had painted itself (400)",
        _submit(400, nested("failed to download generated image from upstream url")),
    ),
    Scenario("busy-bare", "429 with no body and no pause named", _submit(429)),
    Scenario("busy-503", "503 that says the system is busy", _submit(503, nested("system is busy, try again later"))),
    Scenario(
        "no-channel",
        "503 because no channel serves this model",
        _submit(
            503, nested("No available channel for this model under group default (distributor)", code="model_not_found")
        ),
    ),
    Scenario("balance", "The account has no money left (403)", _submit(403, BALANCE)),
    Scenario("balance-402", "The account has no money left (402)", _submit(402, nested("Insufficient balance"))),
    Scenario("bad-key", "The key is refused (401)", _submit(401, nested("Invalid token"))),
    Scenario(
        "bad-input",
        "The request is refused as invalid (400)",
        _submit(400, flat("invalid_request", "prompt is not supported")),
    ),
    Scenario("refuse-at-once", "Moderation refuses the prompt at submission (400)", _submit(400, MODERATED)),
    Scenario("refuse-422", "Moderation refuses the prompt with a list of details (422)", _submit(422, POLICY)),
    Scenario(
        "refuse-451",
        "Moderation refuses the prompt for legal reasons (451)",
        _submit(451, nested("Content violates usage guidelines", code="violation_fee.grok.csam")),
    ),
    Scenario(
        "too-large",
        "The body is refused as too large (413)",
        _submit(413, flat("read_request_body_failed", "http: request body too large")),
    ),
    Scenario(
        "wrong-route",
        "The route does not exist (404)",
        _submit(404, nested("Invalid URL (POST /v1/images/tasks)", "invalid_request_error")),
    ),
    Scenario("not-implemented", "The model has no such route (501)", _submit(501, flat("not_implemented", ""))),
    Scenario("error-408", "408 before anything was bought", _submit(408)),
    Scenario("error-500", "500 before anything was bought", _submit(500, UPSTREAM)),
    Scenario("error-502", "An HTML page with 502", _submit(502, html("502 Bad Gateway"))),
    Scenario("error-after-accept", "500, although the task was accepted", _submit(500, UPSTREAM, moment=_AFTER)),
    Scenario(
        "error-504-after-accept",
        "504 from the edge, although the task was accepted",
        _submit(504, html("504 Gateway Time-out"), moment=_AFTER),
    ),
    Scenario(
        "error-524-after-accept",
        "524 from the edge, although the task was accepted",
        _submit(524, html("524: A timeout occurred"), moment=_AFTER),
    ),
    Scenario("error-in-200", "200 with an error inside", _submit(200, nested("upstream error", "upstream_error", 500))),
    Scenario(
        "null-in-200",
        "200 that says success and holds nothing",
        _submit(200, {"code": "success", "message": "", "data": None}),
    ),
    Scenario("html-in-200", "200 with the page of a web application", _submit(200, html("Welcome"))),
    Scenario("cut-after-accept", "Accepted, but half the JSON of the answer is missing", _lost(Act.TRUNCATE, _AFTER)),
    Scenario(
        "redirect",
        "307 to another host",
        Fault(Stage.SUBMIT, status=307, headers=MappingProxyType({"Location": "https://example.com/v1/images/tasks"})),
    ),
    Scenario(
        "drop-before-reading", "The connection breaks before the body is read", _lost(Act.DROP, Moment.BEFORE_READING)
    ),
    Scenario("drop", "The connection breaks after reading, before anything is accepted", _lost(Act.DROP)),
    Scenario("drop-after-accept", "Accepted, and the connection breaks before the answer", _lost(Act.DROP, _AFTER)),
    Scenario("hang", "No answer ever comes, nothing is accepted", _lost(Act.HANG)),
    Scenario("hang-after-accept", "Accepted, and no answer ever comes", _lost(Act.HANG, _AFTER)),
    Scenario("trickle", "The answer comes a few bytes at a time", _lost(Act.TRICKLE, _AFTER)),
)

_PAINTING = (
    Scenario("slow", "The task takes four times as long", Fate(slowness=4)),
    Scenario("very-slow", "The task takes a hundred times as long, past Discord's 15 minutes", Fate(slowness=120)),
    Scenario("stuck", "The task never ends", Fate(ending=Ending.NEVER)),
    Scenario(
        "fail",
        "The task fails for a reason of its own",
        Fate(ending=Ending.FAILED, sync_status=500, error={"code": "do_request_failed", "message": "upstream failed"}),
    ),
    Scenario(
        "fail-text",
        "The task fails, its error is a text",
        Fate(ending=Ending.FAILED, sync_status=500, error="the upstream did not answer"),
    ),
    Scenario(
        "fail-reason",
        "The task fails, its error is null and the reason stands beside",
        Fate(ending=Ending.FAILED, sync_status=500, error="task timed out (10 minutes)", error_field="fail_reason"),
    ),
    Scenario("fail-silent", "The task fails and says nothing", Fate(ending=Ending.FAILED, sync_status=500)),
    Scenario(
        "fail-in-metadata",
        "The task fails, the error stands in its metadata",
        Fate(
            ending=Ending.FAILED,
            sync_status=500,
            error={"type": "upstream_error", "message": "no capacity"},
            error_field="metadata.error",
        ),
    ),
    Scenario(
        "refuse",
        "Moderation refuses the finished picture, and it is charged",
        Fate(ending=Ending.FAILED, error={"code": "imagine:content-moderated", "message": REFUSAL}, keeps_charge=True),
    ),
    Scenario(
        "refuse-text",
        "Moderation refuses the picture, told as a text, not charged",
        Fate(ending=Ending.FAILED, error=REFUSAL),
    ),
    Scenario("cancelled", "Somebody cancelled the task at the API", Fate(ending=Ending.CANCELLED)),
    Scenario("expired", "The task ran out of time at the API", Fate(ending=Ending.EXPIRED)),
    Scenario("vanish", "Half-way the API no longer knows the task", Fate(ending=Ending.VANISHED)),
    Scenario("fewer", "One picture fewer than asked for", Fate(missing=1)),
    Scenario("more", "Six pictures more than asked for", Fate(missing=-6)),
    Scenario("no-pictures", "The task succeeds without any picture", Fate(missing=99)),
    Scenario("late-addresses", "Succeeded, but the first two answers hold no address yet", Fate(late_answers=2)),
    Scenario("duplicate", "Every address stands twice in the answer", Fate(duplicate=True)),
    Scenario("relative-address", "Addresses without scheme and host", Fate(address=Address.RELATIVE)),
    Scenario("data-address", "Pictures as data: addresses", Fate(address=Address.DATA)),
    Scenario("other-origin", "Pictures lie on another origin", Fate(address=Address.OTHER_ORIGIN)),
    Scenario("short-lived", "Addresses live for 2 s, asking again gives new ones", Fate(address_life_s=2.0)),
    Scenario(
        "expired-address", "The first addresses have expired, asking again gives good ones", Fate(dead_first=True)
    ),
    Scenario("late-files", "The pictures are not there (404) for 20 s after the task's end", Fate(there_after_s=20.0)),
    Scenario("gone", "The pictures can no longer be fetched", Fate(gone=True)),
    Scenario("gif", "Every picture is a GIF, whatever was asked for", Fate(format=PictureFormat.GIF)),
    Scenario("avif", "Every picture is an AVIF, whatever was asked for", Fate(format=PictureFormat.AVIF)),
    Scenario("other-format", "Every picture is a PNG, whatever was asked for", Fate(format=PictureFormat.PNG)),
)

_ANSWERS = (
    Scenario(
        "status-429",
        "The first three questions are refused with 429 and a pause of 2 s",
        Fault(Stage.STATUS, status=429, body=BUSY, retry_after=2),
        times=3,
    ),
    Scenario("status-429-bare", "The first three questions are refused with a bare 429", _status(429), times=3),
    Scenario(
        "status-500",
        "The first three questions get 500",
        _status(500, flat("get_task_failed", "database is locked")),
        times=3,
    ),
    Scenario(
        "status-502",
        "The first three questions get an HTML page with 502",
        _status(502, html("502 Bad Gateway")),
        times=3,
    ),
    Scenario("status-401", "Every question gets 401", _status(401, nested("Invalid token"))),
    Scenario(
        "status-404",
        "Just after the submission the task is not known yet (404, twice)",
        _status(404, nested("image task not found", code="IMAGE_TASK_NOT_FOUND")),
        times=2,
    ),
    Scenario(
        "status-unknown",
        "Just after the submission the task is not known yet (400, twice)",
        _status(400, flat("task_not_exist", "task_not_exist")),
        times=2,
    ),
    Scenario(
        "status-null",
        "The first three questions get success and nothing",
        _status(200, {"code": "success", "message": "", "data": None}),
        times=3,
    ),
    Scenario(
        "status-error-in-200",
        "The first three questions get 200 with an error inside",
        _status(200, nested("upstream error", "upstream_error")),
        times=3,
    ),
    Scenario(
        "status-html",
        "The first three questions get the page of a web application",
        _status(200, html("Welcome")),
        times=3,
    ),
    Scenario(
        "status-cut",
        "The first three answers are cut in the middle of the JSON",
        Fault(Stage.STATUS, Act.TRUNCATE),
        times=3,
    ),
    Scenario(
        "status-drop", "The first three questions end in a broken connection", Fault(Stage.STATUS, Act.DROP), times=3
    ),
    Scenario("status-hang", "The first question is never answered", Fault(Stage.STATUS, Act.HANG), times=1),
    Scenario("status-trickle", "Answers come a few bytes at a time", Fault(Stage.STATUS, Act.TRICKLE)),
)

_DOWNLOADS = (
    Scenario("download-403-once", "The first download is refused (403)", _file(403, "", "text/plain"), times=1),
    Scenario("download-404-once", "The first download is not there yet (404)", _file(404, "", "text/plain"), times=1),
    Scenario("download-500-once", "The first download gets 500", _file(500, "", "text/plain"), times=1),
    Scenario("download-html", "A web page instead of a picture", _file(200, html("Sign in"), "text/html")),
    Scenario(
        "download-html-once", "The first download is a web page", _file(200, html("Back soon"), "text/html"), times=1
    ),
    Scenario("download-garbage", "Bytes that are no picture", _file(200, "not a picture" * 99, "image/jpeg")),
    Scenario("download-heic", "A HEIC picture, which Discord does not show", _file(200, _HEIC, "image/heic")),
    Scenario("download-empty", "An empty file", _file(200, "", "image/jpeg")),
    Scenario("download-bomb", "A tiny PNG that claims 900 megapixels", _file(200, bomb())),
    Scenario("download-cut", "Every download breaks off in the middle", _download(Act.CUT)),
    Scenario("download-cut-once", "The first download breaks off in the middle", _download(Act.CUT), times=1),
    Scenario("download-half", "Half a picture that looks like a whole answer", _download(Act.TRUNCATE)),
    Scenario("download-trickle", "Pictures come a few bytes at a time", _download(Act.TRICKLE)),
    Scenario("download-huge", "A picture of 4 GB is announced", _download(Act.OVERSIZE)),
    Scenario("download-endless", "A picture that never ends", _download(Act.ENDLESS)),
    Scenario("download-drop", "The connection breaks before the picture", _download(Act.DROP)),
    Scenario("download-hang", "The picture never comes", _download(Act.HANG)),
)

_WORDING = (
    Scenario("words-raw", "Status words NOT_START, IN_PROGRESS, SUCCESS, FAILURE", Phrasing(words=Words.RAW)),
    Scenario("words-video", "Status word completed instead of succeeded", Phrasing(words=Words.VIDEO)),
    Scenario("words-queue", "Status words IN_QUEUE, IN_PROGRESS, COMPLETED", Phrasing(words=Words.QUEUE)),
    Scenario("words-plain", "Status words pending, processing, done", Phrasing(words=Words.PLAIN)),
    Scenario("words-odd", "Status words that nobody knows, until the end", Phrasing(words=Words.ODD)),
    Scenario("progress-integer", "Progress as 30", Phrasing(progress=ProgressForm.INTEGER)),
    Scenario("progress-fraction", "Progress as 0.3", Phrasing(progress=ProgressForm.FRACTION)),
    Scenario("progress-null", "Progress is null", Phrasing(progress=ProgressForm.NULL)),
    Scenario("progress-missing", "No progress at all", Phrasing(progress=ProgressForm.MISSING)),
    Scenario("progress-nan", "Progress as NaN%", Phrasing(progress=ProgressForm.NAN)),
    Scenario("progress-backwards", "Progress falls back now and then", Phrasing(progress=ProgressForm.BACKWARDS)),
    Scenario("bare-status", "Status answers without the envelope", Phrasing(status_bare=True)),
    Scenario("wrapped-submit", "The submission's answer in the envelope", Phrasing(submit_wrapped=True)),
    Scenario("accepted-202", "Submissions answer 202 with Location and Retry-After", Phrasing(accepted_status=202)),
    Scenario("id-field", "The task id stands in the field id", Phrasing(id_field="id")),
    Scenario(
        "results-top-level", "Addresses in result_urls, beside result_url", Phrasing(results=ResultForm.TOP_LEVEL)
    ),
    Scenario("results-joined", "All addresses in result_url, joined by commas", Phrasing(results=ResultForm.JOINED)),
    Scenario(
        "results-json-text", "All addresses in result_url, as JSON in a text", Phrasing(results=ResultForm.JSON_TEXT)
    ),
    Scenario("results-objects", "Addresses as images: [{url}]", Phrasing(results=ResultForm.OBJECTS)),
    Scenario("results-nested", "Addresses as result.data: [{url}]", Phrasing(results=ResultForm.NESTED)),
    Scenario("results-b64", "Pictures themselves in the answer, as base 64", Phrasing(results=ResultForm.B64)),
    Scenario("heartbeat", "White space before the JSON", Phrasing(heartbeat=True)),
    Scenario("gzip", "Answers are compressed", Phrasing(compressed=True)),
    Scenario("poll-pause", "Status answers ask for a pause of 3 s", Phrasing(pending_retry_after=3)),
)

_CONNECTION = (
    Scenario("offline", "The API is away for 8 s: connections are refused", Outage(8.0, refused=True)),
    Scenario("resets", "The API is away for 8 s: connections are taken and reset", Outage(8.0, refused=False)),
)


def _by_name(*groups: Iterable[Scenario]) -> Mapping[str, Scenario]:
    return MappingProxyType({scenario.name: scenario for group in groups for scenario in group})


#: All scenarios by name, in the order in which a page should list them.
SCENARIOS = _by_name(_SUBMISSION, _PAINTING, _ANSWERS, _DOWNLOADS, _WORDING, _CONNECTION)
