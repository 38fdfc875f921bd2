"""The status page as HTML: one document without scripts, with its style inside. Everything in it is escaped.

The HTTP server renders it at each request for `/`, from a BotStatus that is complete already: nothing here asks the
database, Discord or the image API, so the page stays quick and answers while any of them does not. Names of models,
workers and hosts come from outside and may hold anything.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from html import escape
from types import MappingProxyType
from typing import Any

from bot.model import FailureKind, JobState
from bot.ops.health.status import BotStatus
from bot.policy.prices import MICROS
from bot.policy.quotas import Span

STYLE = """
:root{color-scheme:light dark;--paper:#f6f3ee;--card:#fff;--line:#e3ddd3;--ink:#25221d;--soft:#675f53;
--accent:#3d4bb8;--good:#26704e;--odd:#855500;--bad:#ab3325;--wash:#fbeeeb}
@media(prefers-color-scheme:dark){:root{--paper:#191816;--card:#211f1c;--line:#3c3933;--ink:#f0ece4;--soft:#b3ab9d;
--accent:#aab4ff;--good:#79cfa3;--odd:#e9b45c;--bad:#ff9c8d;--wash:#42241f}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 ui-sans-serif,-apple-system,"Segoe UI",Roboto,
"Noto Sans","Liberation Sans",sans-serif}
body>*{max-width:1120px;margin-inline:auto;padding-inline:16px}
header{padding-block:28px 8px}
h1{display:flex;flex-wrap:wrap;align-items:baseline;gap:4px 12px;margin:0;font-size:1.6rem;line-height:1.3}
h1 b{font-size:1rem}
h2{margin:0 0 8px;font-size:1rem}
p{margin:0 0 4px}
.soft,small,th{color:var(--soft);font-weight:400}
.good{color:var(--good)}.odd{color:var(--odd)}.bad{color:var(--bad)}
[role=alert]{margin-block:12px;padding-block:10px;border-left:4px solid var(--bad);background:var(--wash)}
section th{white-space:nowrap;padding-right:8px}section.text th{white-space:normal}
main{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,320px),1fr));gap:16px;padding-block:16px}
section{padding:16px 18px;border:1px solid var(--line);border-radius:12px;background:var(--card);min-width:0}
.wide{grid-column:1/-1}
strong{display:block;font-size:1.9rem;line-height:1.2;font-variant-numeric:tabular-nums}
table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:5px 0 5px 12px;border-top:1px solid var(--line);text-align:left;vertical-align:top}
td{overflow-wrap:anywhere}
tr:first-child>*{border-top:0}
th:first-child,td:first-child{padding-left:0}
td.n{text-align:right;white-space:nowrap;overflow-wrap:normal}
ul{margin:0;padding-left:20px}
a{color:var(--accent)}
a:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
footer{padding-block:4px 32px}
"""

# The policy allows this one style by its hash: a style that got in through a name is not applied.
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
#: No script, no frame, no form and nothing from elsewhere, whatever a name in the page may say.
PAGE_HEADERS = MappingProxyType(
    {
        "Cache-Control": "no-store",
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
)

# The keys are those of the health report; the order is that of the page.
_PARTS = {"discord": "Discord", "database": "Database", "image_api": "Image API"}
# Open states only, in the order of a job's life. Jobs that ended stand under the last failures, or nowhere.
_STATES: Mapping[JobState, str] = {
    JobState.RECEIVED: "just received",
    JobState.WAITING: "waiting in line",
    JobState.SUBMITTING: "being sent to the image API",
    JobState.PAINTING: "being painted",
    JobState.READY: "painted, being fetched",
    JobState.DELIVERING: "being posted",
    JobState.RESTORED: "from a backup, being looked for",
}
#: What became of a request, and where it is the operator's, what to do about it.
FAILURES: Mapping[FailureKind, str] = {
    FailureKind.REFUSED: "Refused by the image API's moderation.",
    FailureKind.MODERATED: "Refused by your moderation route, before anything was bought.",
    FailureKind.MODERATION_DOWN: "Your moderation route does not answer: look at MODERATION_BASE_URL.",
    FailureKind.OUT_OF_BALANCE: "No balance is left at the image API: top up the account there.",
    FailureKind.BAD_KEY: "The image API does not accept UNIALL_API_KEY: write a new one and restart.",
    FailureKind.BAD_INPUT: "The image API refused the request as it was.",
    FailureKind.BAD_SOURCE: "An attached picture could not be used.",
    FailureKind.SOURCE_GONE: "The picture to be edited is no longer there.",
    FailureKind.BUSY: "The image API was busy for too long.",
    FailureKind.UNREACHABLE: "The image API could not be reached: python -m bot check says why.",
    FailureKind.TIMED_OUT: "Not finished within JOB_TIMEOUT_S; Check again asks once more.",
    FailureKind.UNCERTAIN: "The connection broke after sending: it may have been charged, and is never sent again.",
    FailureKind.HOST_REFUSED: "The pictures lie on a host of a private network: name it in RESULT_HOSTS.",
    FailureKind.LOST: "The image API no longer has the pictures.",
    FailureKind.PARTIAL: "Delivered, though not all pictures could be fetched.",
    FailureKind.UNDELIVERABLE: "No message can show the pictures; they wait in /jobs.",
    FailureKind.REPLY_DELETED: "Somebody deleted the reply; the pictures wait in /jobs.",
    FailureKind.UNACKNOWLEDGED: "Discord refused the first answer, so nothing was bought.",
    FailureKind.INTERRUPTED: "Easel ended before it knew whether the first answer had arrived, so nothing was bought.",
    FailureKind.CANCELLED: "Cancelled.",
    FailureKind.UNKNOWN: "An answer of the image API that is not understood: python -m bot check --paint shows it.",
}


def render(status: BotStatus, every_s: int | None = None) -> str:
    """The whole document. With `every_s` it asks the browser to load it again after so many seconds."""
    refresh = f'<meta http-equiv="refresh" content="{every_s}">' if every_s else ""
    sections = (_connections, _queue, _spend, _warnings, _failures, _processes, _set_up)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Easel: status</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">{refresh}<style>{STYLE}</style></head>'
        f"<body>{_header(status)}{_late(status)}<main>{''.join(section(status) for section in sections)}</main>"
        f"{_footer(every_s)}</body></html>\n"
    )


def _header(status: BotStatus) -> str:
    """The verdict first, then which process says so.

    Several workers may stand behind one address, so it names itself.
    """
    process = status.process
    word = '<b class="good">● works</b>' if status.is_well else '<b class="bad">▲ does not work</b>'
    facts = (
        process.role if status.sqlite else f"{process.role} {status.present.worker_id}".strip(),
        f"on {process.host}",
        f"process {process.pid}",
        f"running for {_span((status.now - process.started_at).total_seconds())}",
        f"seen at {_clock(status.now)}",
    )
    return f'<header><h1>Easel {word}</h1><p class="soft">{escape(" · ".join(facts))}</p></header>'


def _late(status: BotStatus) -> str:
    """An alert where the database did not answer in time: the figures are then of an earlier moment, which is named."""
    if not status.late:
        return ""
    old = f" The figures below are of {_clock(status.known_at)}." if status.known_at else ""
    return f'<p role="alert">No fresh figures from the database: {escape(status.late.rstrip("."))}.{old}</p>'


def _section(title: str, *content: str, kind: str = "") -> str:
    """A box with a heading. `content` is HTML and escaped already; only `title` is escaped here."""
    return f'<section class="{kind}"><h2>{escape(title)}</h2>{"".join(content)}</section>'


def _table(rows: Sequence[Sequence[object]], *, numbers: Sequence[int] = ()) -> str:
    """Rows of text, the first column their names. `numbers` are the columns that stand to the right."""

    def cell(column: int, value: object) -> str:
        """One cell, escaped."""
        text = escape(str(value))
        if column == 0:
            return f'<th scope="row">{text}</th>'
        return f'<td class="n">{text}</td>' if column in numbers else f"<td>{text}</td>"

    lines = ("".join(cell(at, value) for at, value in enumerate(row)) for row in rows)
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>" if rows else ""


def _connections(status: BotStatus) -> str:
    """Whether Discord, the database and the image API answer. Trouble that is waited out is amber, the rest red."""

    def lines() -> Iterator[str]:
        """A row for each thing that the bot depends on."""
        for name, label in _PARTS.items():
            part = status.health.get(name, {})
            trouble = part.get("trouble")
            word, colour = ("answers", "good") if not trouble else ("in trouble", "odd" if part.get("ok") else "bad")
            detail = _trouble(part) if trouble else _detail(part)
            yield (
                f'<tr><th scope="row">{label}</th><td><span class="{colour}">{word}</span>'
                f"{f'<br><small>{escape(detail)}</small>' if detail else ''}</td></tr>"
            )

    return _section("Connections", f"<table>{''.join(lines())}</table>")


def _trouble(part: Mapping[str, Any]) -> str:
    """What is wrong with a part, and for how long where that is known."""
    lasts = f", for {_span(part['for_s'])}" if "for_s" in part else ""
    return f"{part['trouble']}{lasts}"


def _detail(part: Mapping[str, Any]) -> str:
    """How quickly a part answers, in milliseconds, and which shards this process runs where it has several."""
    shards = part.get("shards", ())
    said = (
        f"heartbeat {part['heartbeat_ms']} ms" if "heartbeat_ms" in part else "",
        f"shards {', '.join(map(str, shards))}" if len(shards) > 1 else "",
        f"{part['answer_ms']} ms" if "answer_ms" in part else "",
    )
    return ", ".join(filter(None, said))


def _queue(status: BotStatus) -> str:
    """How many wait, for how long, and where all open jobs stand.

    The counts are of all processes together. The slots are of this one alone, because nobody knows those of the others.
    """
    overview = status.overview
    if overview is None:
        return _section("Queue", "<p>Not known yet.</p>")
    waiting, since = overview.open.get(JobState.WAITING, (0, None))
    oldest = f"the first of them for {_span((status.now - since).total_seconds())}" if since else "nobody waits"
    rows = [(word, overview.open.get(state, (0, None))[0]) for state, word in _STATES.items()]
    here = (
        [(f"slots of this {status.process.role} in use", "{} of {}".format(*status.present.slots()))]
        if (status.present.slots)
        else []
    )
    shown = [row for row in rows if row[1]] + here
    return _section(
        "Queue", f'<strong>{waiting}</strong><p class="soft">in line, {oldest}</p>', _table(shown, numbers=(1,))
    )


def _spend(status: BotStatus) -> str:
    """Pictures and money of this day and month (UTC), each beside the operator's ceiling for it.

    Running requests count in full. The balance is what the image API said last; the row is left out where it says none.
    """
    overview, ceilings = status.overview, status.settings.ceilings
    if overview is None:
        return _section("Pictures and spend", "<p>Not known yet.</p>")
    today, month = overview.used[Span.DAY], overview.used[Span.MONTH]
    rows = [("spent today", _dollars(today.cost_micros, ceilings.spend_per_day))]
    rows += [("pictures this month", f"{month.pictures:,}")]
    rows += [("spent this month", _dollars(month.cost_micros, ceilings.spend_per_month))]
    left = status.present.balance
    rows += [] if left is None else [("left at the image API", f"${left:,.2f}")]
    unpriced = status.settings.price_list.unpriced(status.settings.models.models)
    hint = "<p><small>PRICE_LIST does not price all models, so part of the spend is not known.</small></p>"
    head = f'<strong>{today.pictures:,}</strong><p class="soft">pictures today (UTC), running ones included</p>'
    return _section("Pictures and spend", head, _table(rows, numbers=(1,)), hint if unpriced else "")


def _dollars(micros: int, ceiling: int | None) -> str:
    """An amount in micros (millionths of a dollar) as dollars, and of how many where there is a ceiling."""
    spent = f"${micros / MICROS:,.2f}"
    return spent if ceiling is None else f"{spent} of ${ceiling / MICROS:,.2f}"


def _failures(status: BotStatus) -> str:
    """The kinds of failure among the requests that ended last, each with how often and how long ago.

    It looks at a bounded number of ends (`overview.ended`), so the page costs the same after a year.
    """
    overview = status.overview
    if overview is None:
        return _section("Last failures", "<p>Not known yet.</p>", kind="wide text")
    rows = [
        (FAILURES[it.kind], it.jobs, f"{_span((status.now - it.last_at).total_seconds())} ago")
        for it in overview.failures
    ]
    ended = "the last request" if overview.ended == 1 else f"the last {overview.ended} requests"
    told = f"None in {ended} that ended." if overview.ended else "No request has ended yet."
    head = f"In {ended} that ended, and when it last happened:" if rows else told
    return _section("Last failures", f'<p class="soft">{head}</p>', _table(rows, numbers=(1, 2)), kind="wide text")


def _processes(status: BotStatus) -> str:
    """Who works on the shared PostgreSQL, and how many jobs each holds. SQLite has one process, so nothing is shown.

    This process is listed even when it holds nothing; others appear through the jobs that they hold.
    """
    overview = status.overview
    if overview is None or status.sqlite:
        return ""
    own = status.present.worker_id
    names = dict.fromkeys([own, *overview.workers])
    rows = [(f"{name} (this one)" if name == own else name, overview.workers.get(name, 0)) for name in names if name]
    count = "1 process is" if overview.processes == 1 else f"{overview.processes} processes are"
    head = f'<p class="soft">{count} connected to the database. Requests in hand:</p>'
    return _section("Processes", head, _table(rows, numbers=(1,)))


def _set_up(status: BotStatus) -> str:
    """What runs here: models, routes, database, versions. It names settings that are no secret, and no address."""
    settings, servers = status.settings, status.present.servers
    rows: list[tuple[str, object]] = [
        ("models", ", ".join(f"{label} ({model})" for model, label in settings.models.labels.items())),
        ("image API's routes", f"UNIALL_MODE={settings.uniall_mode}"),
        ("database", "SQLite" if status.sqlite else "PostgreSQL"),
    ]
    versions = ", ".join(f"{name} {number}" for name, number in status.process.versions.items())
    rows += [("servers", servers())] if servers and status.process.role == "bot" else []
    return _section("What runs", _table([*rows, ("versions", versions)]), kind="wide")


def _warnings(status: BotStatus) -> str:
    """What the operator should change although it works; the box is left out where there is nothing."""
    items = "".join(f"<li>{escape(text)}</li>" for text in status.warnings)
    return _section("Warnings", f'<ul class="odd">{items}</ul>', kind="wide") if items else ""


def _footer(every_s: int | None) -> str:
    """Ways on. Reloading is a choice, since a page that reloads by itself takes the place from a screen reader."""
    other = '<a href="/">Stop reloading</a>' if every_s else '<a href="/?refresh=1">Reload every 30 s</a>'
    now = "" if every_s else '<a href="/">Reload</a> · '
    return (
        f'<footer class="soft">{now}{other} · <a href="/healthz">healthz</a> · <a href="/metrics">metrics</a></footer>'
    )


def _clock(moment: datetime) -> str:
    """A time of day in UTC, as the log and the limits have it."""
    return f"{moment:%H:%M:%S} UTC"


def _span(seconds: float) -> str:
    """A time that a person reads at a glance; a clock that was set back gives none below nought."""
    whole = max(int(seconds), 0)
    days, hours, minutes = whole // 86400, whole // 3600, whole // 60
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{whole} s"
