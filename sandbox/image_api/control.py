"""The control address of the local image API: its switch board and its log over HTTP, for other processes.

`GET /_sandbox/behaviour` lists what is on, and all scenarios. `POST /_sandbox/behaviour` takes a JSON object, each part
optional: `{"reset": true, "on": ["slow"] or {"busy": 2}, "off": ["slow"], "strict": false, "models": ["painter-1"],
"lists_models": false, "fate": {"missing": 2}, "phrasing": {"status_bare": true}, "latency": {"median": 1, "p95": 2},
"outage": {"seconds": 3, "refused": true}}`.
`GET /_sandbox/log` tells all requests, all that was bought, and all tasks with their times. All three answer on both
listening sockets, and so during an outage on the one for files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from aiohttp import web

from sandbox.image_api.behaviour import Behaviour
from sandbox.image_api.orders import Order, OrderFault, read_order
from sandbox.image_api.records import AcceptedTask, ImageTask, RecordedRequest
from sandbox.image_api.scenarios import SCENARIOS
from sandbox.image_api.script import Outage
from sandbox.image_api.tasks import TaskBook

BEHAVIOUR_PATH = "/_sandbox/behaviour"
LOG_PATH = "/_sandbox/log"


class Control:
    """Serves the control address. `begin_outage` is called when an order asks for one."""

    def __init__(
        self,
        behaviour: Behaviour,
        book: TaskBook,
        requests: Sequence[RecordedRequest],
        begin_outage: Callable[[Outage], None],
    ) -> None:
        self._behaviour = behaviour
        self._book = book
        self._requests = requests
        self._begin_outage = begin_outage

    def table(self) -> list[web.RouteDef]:
        """All routes, for an aiohttp application."""
        return [
            web.get(BEHAVIOUR_PATH, self._show),
            web.post(BEHAVIOUR_PATH, self._change),
            web.get(LOG_PATH, self._log),
        ]

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(self._board())

    async def _change(self, request: web.Request) -> web.Response:
        # only JSON: a page of another origin could send a plain form without asking
        if request.content_type != "application/json":
            return web.json_response({"fault": "send JSON"}, status=415)
        try:
            order = read_order(await request.read())
        except OrderFault as fault:
            return web.json_response({"fault": str(fault)}, status=400)
        self._obey(order)
        return web.json_response(self._board())

    def _obey(self, order: Order) -> None:
        behaviour = self._behaviour
        if order.reset:
            behaviour.reset()
        for name in order.off:
            behaviour.switch_off(name)
        for name, times in order.switches.items():
            behaviour.switch_on(name, times)
        behaviour.strict = behaviour.strict if order.strict is None else order.strict
        behaviour.models = behaviour.models if order.models is None else order.models
        behaviour.lists_models = behaviour.lists_models if order.lists_models is None else order.lists_models
        behaviour.fate = order.fate or behaviour.fate
        behaviour.phrasing = order.phrasing or behaviour.phrasing
        self._book.latency = order.latency or self._book.latency
        if order.outage:
            self._begin_outage(order.outage)

    def _board(self) -> Mapping[str, object]:
        latency = self._book.latency
        return {
            "active": dict(self._behaviour.active),
            "strict": self._behaviour.strict,
            "models": list(self._behaviour.models),
            "latency": {"median": latency.median, "p95": latency.p95},
            "scenarios": [
                {"name": scenario.name, "group": scenario.group, "summary": scenario.summary}
                for scenario in SCENARIOS.values()
            ],
        }

    async def _log(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "requests": [_request_line(record) for record in self._requests],
                "accepted": [_accepted_line(accepted) for accepted in self._book.accepted],
                "tasks": [_task_line(task) for task in self._book.tasks.values()],
            }
        )


def _request_line(record: RecordedRequest) -> Mapping[str, object]:
    return {
        "method": record.method,
        "path": record.path,
        "origin": record.origin,
        "has_key": record.authorization is not None,
        "headers": {name: value for name, value in record.headers.items() if name.lower() != "authorization"},
        "json": record.json,
        "form": {name: list(values) for name, values in record.form.items()},
        "at": record.at,
        "wall": record.wall.isoformat(),
        "status": record.status,
    }


def _accepted_line(accepted: AcceptedTask) -> Mapping[str, object]:
    submission = accepted.submission
    return {
        "task_id": accepted.task_id,
        "route": submission.route,
        "model": submission.model,
        "prompt": submission.prompt,
        "sources": [source if isinstance(source, str) else f"{len(source)} bytes" for source in submission.sources],
        "aspect_ratio": submission.aspect_ratio,
        "resolution": submission.resolution,
        "output_format": submission.format,
        "count": submission.count,
        "cost_micros": accepted.cost_micros,
        "at": accepted.at,
        "wall": accepted.wall.isoformat(),
    }


def _task_line(task: ImageTask) -> Mapping[str, object]:
    return {
        "task_id": task.task_id,
        "state": task.state,
        "planned_s": task.planned_s,
        "accepted_at": task.accepted.at,
        "ready_at": task.ready_at,
        "ready_wall": task.ready_wall.isoformat() if task.ready_wall else None,
        "told_at": task.told_at,
        "fetched_at": {str(index): at for index, at in task.fetched_at.items()},
        "queries": task.queries,
        "refunded": task.refunded,
    }
