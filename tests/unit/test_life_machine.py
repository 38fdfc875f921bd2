"""The life of jobs under any sequence of events, crashes and takeovers: what is promised holds in every state."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, update
from structlog.testing import capture_logs

from bot.model import Charged, ImageRequest, Job, JobState, NewJob, ReplyTarget
from bot.store.schema import jobs
from bot.store.store import Store
from tests.unit.life_world import OUTCOMES, Gate, Message, Process, World

T = TypeVar("T")
SETTLE_S = 10.0
NUMBERS = itertools.count(1)
#: What becomes of an acknowledgement; in the last two cases the process does not learn it.
ANSWERS = ("taken", "taken", "refused", "taken unheard", "lost unheard")
CERTAINLY_NOTHING = {"unreachable", "busy"}


class LifeMachine(RuleBasedStateMachine):
    """Up to two processes on one database, and a few jobs."""

    loop: asyncio.Runner
    store: Store
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.ids: list[str] = []
        self.acknowledged: set[str] = set()
        self.ended: dict[str, JobState] = {}
        self._logs = capture_logs()
        self.logged = self._logs.__enter__()
        self.processes: list[Process] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something, and let all processes go on until each of their jobs waits for an outcome."""

        async def to_rest() -> T:
            result = await work
            async with asyncio.timeout(SETTLE_S):
                while self._is_busy():
                    await asyncio.sleep(0.0005)
            return result

        return self.loop.run(to_rest())

    def _is_busy(self) -> bool:
        return any(task not in self.world.gates for process in self.processes for task in process.tasks())

    @initialize(number=st.integers(1, 2))
    def open(self, number: int) -> None:
        for _ in range(number):
            self.run(self._start(f"process {next(NUMBERS)}"))
        self.command(0, "taken", lingers=False)

    async def _start(self, worker_id: str) -> None:
        process = Process(self.world, self.store, worker_id, self.folder)
        self.processes.append(process)
        await process.start()

    @precondition(lambda self: len(self.ids) < 3)
    @rule(which=st.integers(0, 1), answer=st.sampled_from(ANSWERS), lingers=st.sampled_from((False, False, True)))
    def command(self, which: int, answer: str, lingers: bool) -> None:
        """A job, claimed at once but where it lingers in line."""
        self.run(self._command(self._process(which), answer))
        if not lingers:
            self.claim(which)

    async def _command(self, process: Process, answer: str) -> None:
        number = next(NUMBERS)
        job_id = f"job{number}"
        target = ReplyTarget(1, "token", datetime.now(UTC) + timedelta(minutes=15), 2, 3, None, False, True, 10**7)
        new = NewJob(job_id, number, number, ImageRequest(job_id), target)
        # The service chooses an id of its own, so this is its one write, done here.
        deps = process.runner.deps
        received = await deps.jobs.receive(
            new,
            worker_id=deps.worker_id,
            limit=3,
            now=datetime.now(UTC),
            lease=timedelta(seconds=30),
            patience=SETTLE_S,
        )
        self.ids.append(job_id)
        if "taken" in answer:
            self.world.messages[job_id] = Message()
            self.acknowledged.add(job_id)
        if answer == "taken":
            await process.service.acknowledged(received, message_id=number, ephemeral=False)
        elif answer == "refused":
            await process.service.unacknowledged(received.job)
        else:
            process.service.in_doubt(received.job)

    @rule(which=st.integers(0, 1))
    def claim(self, which: int) -> None:
        """After whatever pause a refused job has to make."""
        self.run(self.store.run(lambda connection: connection.execute(update(jobs).values(not_before=None))))
        self.run(self._process(which).claim())

    @precondition(lambda self: self.world.gates)
    @rule(gate=st.integers(0, 5), times=st.integers(1, 5))
    def act_as_hoped(self, gate: int, times: int) -> None:
        for _ in range(times):
            if self.world.gates:
                self.act(gate, 0)

    @precondition(lambda self: self.world.gates)
    @rule(gate=st.integers(0, 5), outcome=st.integers(0, 5))
    def act(self, gate: int, outcome: int) -> None:
        gates = list(self.world.gates.values())
        self._decide(gates[gate % len(gates)], outcome)

    def let(self, act: str, outcome: str) -> None:
        """Decide the one act of this kind that is waited for."""
        (gate,) = [gate for gate in self.world.gates.values() if gate.act == act]
        self._decide(gate, OUTCOMES[act].index(outcome))

    def _decide(self, gate: Gate, outcome: int) -> None:
        outcomes = OUTCOMES[gate.act]

        async def decide() -> None:
            self.world.decide(gate, outcomes[outcome % len(outcomes)])

        self.run(decide())

    @precondition(lambda self: self.ids)
    @rule(which=st.integers(0, 1), job=st.integers(0, 5), presses=st.sampled_from((True, False, False)))
    def cancel(self, which: int, job: int, presses: bool) -> None:
        if presses:
            self.run(self._process(which).service.cancel(self._job(job)))

    @precondition(lambda self: JobState.TIMED_OUT in self.ended.values())
    @rule(which=st.integers(0, 1), job=st.integers(0, 5))
    def check_again(self, which: int, job: int) -> None:
        timed_out = [job_id for job_id, state in self.ended.items() if state is JobState.TIMED_OUT]
        found = self._get(timed_out[job % len(timed_out)])
        self.run(self._process(which).service.check_again(found, found.target))

    @precondition(lambda self: self.world.messages)
    @rule(job=st.integers(0, 5))
    def delete_reply(self, job: int) -> None:
        messages = list(self.world.messages.values())
        messages[job % len(messages)].deleted = True

    @rule(which=st.integers(0, 1))
    def crash(self, which: int) -> None:
        """`kill -9`, and a start: under the same name where a process is alone, else when the leases have run out."""
        process = self._process(which)
        self.processes.remove(process)
        self.run(process.die())
        if self.processes:
            self.lapse(0)
        self.run(self._start(f"process {next(NUMBERS)}" if self.processes else process.worker_id))

    @rule(which=st.integers(0, 1))
    def lapse(self, which: int) -> None:
        """All leases run out, as when a process sleeps for half a minute; another takes over, or the same."""
        past = datetime.now(UTC) - timedelta(minutes=1)
        self.run(self.store.run(lambda connection: connection.execute(update(jobs).values(lease_until=past))))
        self.run(self._process(which).runner.reclaim())

    @rule(which=st.integers(0, 1))
    def stop(self, which: int) -> None:
        """SIGTERM, and a start."""
        process = self._process(which)
        self.run(process.runner.stop(0.0))
        self.processes.remove(process)
        self.run(self._start(process.worker_id))

    @invariant()
    def promises_hold(self) -> None:
        for sent in self.world.sent.values():
            assert set(sent[:-1]) <= CERTAINLY_NOTHING, sent
        for job in self._jobs():
            self._check_end(job)
            self._check_pictures(job)
            self._check_words(job)
        assert [entry for entry in self.logged if "unhandled exception" in entry["event"]] == []

    def _check_end(self, job: Job) -> None:
        """An end stays an end, but for the one that asks once more about the same task."""
        before = self.ended.pop(job.id, None)
        again = before in {JobState.TIMED_OUT, JobState.UNCERTAIN} and job.id in self.world.tasks.values()
        assert before in (None, job.state) or again, (before, job)
        assert job.state.is_final or not job.announced, job
        if job.state.is_final:
            self.ended[job.id] = job.state

    def _check_pictures(self, job: Job) -> None:
        """Pictures are shown that were paid for, and delivered means that they are shown."""
        message = self.world.messages.get(job.id, Message())
        assert message.uploads or job.state is not JobState.DELIVERED, job
        if message.uploads:
            assert "accept" in self.world.sent[job.id], job
            assert message.deleted or not job.failure, job

    def _check_words(self, job: Job) -> None:
        """Nobody hears that nothing was charged where something was."""
        if job.failure and job.failure.charged is Charged.NO and "accept" in self.world.sent.get(job.id, ()):
            assert job.id in self.world.refunded, job

    def teardown(self) -> None:
        """All is well again: every job that was acknowledged comes to an end that is told."""
        try:
            for _ in range(len(self.ids) * 12):
                self._go_on()
            for job in self._jobs():
                assert job.state.is_final, job
                assert job.announced, job
                if job.id in self.acknowledged and not (message := self.world.messages[job.id]).deleted:
                    assert message.uploads or message.endings, job
        finally:
            self._logs.__exit__(None, None, None)
            for process in self.processes:
                self.loop.run(process.die())
            self.loop.run(self.store.run(lambda connection: connection.execute(delete(jobs))))

    def _go_on(self) -> None:
        for process in list(self.processes):
            if process.stopping.is_set():
                self.stop(self.processes.index(process))
        for process in self.processes:
            self.run(process.claim())
        self.lapse(0)
        for gate in list(self.world.gates.values()):
            if not gate.outcome.done():
                self._decide(gate, 0)

    def _process(self, which: int) -> Process:
        return self.processes[which % len(self.processes)]

    def _job(self, which: int) -> Job:
        return self._get(self.ids[which % len(self.ids)])

    def _get(self, job_id: str) -> Job:
        job = self.loop.run(self.store.jobs.get(job_id))
        assert job is not None
        return job

    def _jobs(self) -> list[Job]:
        async def read() -> list[Job | None]:
            return await asyncio.gather(*(self.store.jobs.get(job_id) for job_id in self.ids))

        return [job for job in self.loop.run(read()) if job is not None]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[type[LifeMachine]]:
    """The machine, with a database of this test's own."""
    with asyncio.Runner() as loop:
        store = loop.run(Store.open(f"sqlite:///{tmp_path / 'easel.db'}"))
        LifeMachine.loop, LifeMachine.store, LifeMachine.folder = loop, store, tmp_path
        try:
            yield LifeMachine
        finally:
            loop.run(store.close())


@pytest.mark.generated
def test_no_sequence_of_events_breaks_a_promise(machine: type[LifeMachine]) -> None:
    slow = (HealthCheck.too_slow, HealthCheck.data_too_large)
    bounds = settings(max_examples=settings().max_examples // 4, stateful_step_count=40, suppress_health_check=slow)
    run_state_machine_as_test(machine, settings=bounds)


@pytest.mark.parametrize("processes", [1, 2])
def test_check_again_while_the_end_is_being_announced_asks_again_and_delivers(
    machine: type[LifeMachine], processes: int
) -> None:
    """Discord has applied the closing edit, its answer is on the way, and somebody presses the button it shows."""
    life = machine()
    life.open(processes)
    for act, outcome in {"submit": "accept", "accepted": "answer", "report": "run", "close": "take"}.items():
        life.let(act, outcome)
    life.promises_hold()
    assert list(life.ended.values()) == [JobState.TIMED_OUT]
    life.check_again(processes - 1, 0)
    life.let("closed", "answer")
    for act, outcome in {"report": "succeed", "download": "come", "upload": "take", "uploaded": "answer"}.items():
        life.let(act, outcome)
    life.promises_hold()
    assert list(life.ended.values()) == [JobState.DELIVERED]
    life.teardown()
