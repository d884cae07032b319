"""Functions run in containers: one invocation at a time in each, kept warm for a while, killed at the time limit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.simulation.client import ACCOUNT, REGION
from tests.simulation.environment import Scheduled
from tests.simulation.faults import Fault
from tests.simulation.limits import MAX_EVENT_BYTES
from tests.simulation.scheduler import TIME_LIMIT, Killed, Process, Task

LONGEST_SKEW_MS = 2_000
LONGEST_IDLE_SECONDS = 600.0

Handler = Callable[[Any, "Context"], Any]


class Outcome(StrEnum):
    OK = "ok"
    RAISED = "raised"
    KILLED = "killed"  # crashed, or ran out of time
    THROTTLED = "throttled"


@dataclass(frozen=True, slots=True)
class Invocation:
    """How an invocation ended, and what it answered."""

    outcome: Outcome
    answer: Any = None
    error: BaseException | None = None


@dataclass(eq=False, slots=True)
class Function:
    """`timeout` in seconds. `prepare` is called with a new container before its first invocation."""

    name: str
    handler: Handler
    timeout: float
    prepare: Callable[[Process], None] = lambda process: None
    idle: list[Process] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Context:
    """Lambda's context, as far as handlers and their libraries read it."""

    function_name: str
    aws_request_id: str
    ends_ms: int
    now: Callable[[], int]
    memory_limit_in_mb: int = 1024
    function_version: str = "$LATEST"
    log_group_name: str = "simulation"
    log_stream_name: str = "simulation"

    @property
    def invoked_function_arn(self) -> str:
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, self.ends_ms - self.now())


class Functions:
    """Runs invocations. Events and answers go through JSON, as they do on AWS."""

    def __init__(self, environment: Scheduled) -> None:
        self.environment, self.limits = environment, environment.limits
        self.errors: list[tuple[str, BaseException]] = []  # what handlers raised
        self.largest_event = 0
        self.out_of_time = 0  # invocations that their time limit ended
        self._running = 0
        self._containers = 0

    def invoke(self, function: Function, event: Any) -> Invocation:
        """Run a function and wait for it. Called by tasks of AWS's own, which never die."""
        most = self.limits.concurrent_functions
        if most is not None and self._running >= most:
            return Invocation(Outcome.THROTTLED)
        if self.environment.faults.happens(Fault.THROTTLED_INVOCATION, function.name):
            return Invocation(Outcome.THROTTLED)
        text = json.dumps(event)
        self.largest_event = max(self.largest_event, len(text))
        if len(text) > MAX_EVENT_BYTES:
            raise AssertionError(f"an event of {len(text)} bytes for {function.name}")
        container = self._container(function)
        self._running += 1
        try:
            task = self._spawn(function, container, text)
            while not task.done:
                self.environment.scheduler.await_task(task)
            return self._ended(function, task, container)
        finally:
            self._running -= 1
            self._release(function, container)

    def _spawn(self, function: Function, container: Process, text: str) -> Task:
        scheduler = self.environment.scheduler
        request_id = f"{self.environment.random.getrandbits(64):016x}"
        ends_ms = scheduler.true_ms + round(function.timeout * 1000)
        context = Context(function.name, request_id, ends_ms, lambda: scheduler.true_ms)

        def run() -> Any:
            if not container.memory.get("prepared"):
                function.prepare(container)
                container.memory["prepared"] = True
            return json.dumps(function.handler(json.loads(text), context))

        return scheduler.spawn(container.name, run, process=container, seconds=function.timeout)

    def _ended(self, function: Function, task: Task, container: Process) -> Invocation:
        if isinstance(task.error, Killed):
            self.out_of_time += task.killed == TIME_LIMIT
            self.environment.scheduler.kill_process(container, task.killed)
            return Invocation(Outcome.KILLED, error=task.error)
        if task.error is not None:
            self.errors.append((function.name, task.error))
            self.environment.note(f"{task.name} raised {task.error!r}")
            return Invocation(Outcome.RAISED, error=task.error)
        return Invocation(Outcome.OK, json.loads(task.result))

    def _container(self, function: Function) -> Process:
        """A warm one, if there is one and chance wants it."""
        function.idle = [process for process in function.idle if process.alive]
        if function.idle and self.environment.random.random() < 0.9:
            return function.idle.pop(self.environment.random.randrange(len(function.idle)))
        self._containers += 1
        process = Process(f"{function.name}-{self._containers}", mortal=True)
        if self.environment.faults.happens(Fault.CLOCK_SKEW, function.name):
            process.skew_ms = self.environment.random.randint(-LONGEST_SKEW_MS, LONGEST_SKEW_MS)
        return process

    def _release(self, function: Function, process: Process) -> None:
        """Kept for the next invocation, and given up by AWS some time later. One that was killed is gone."""
        scheduler = self.environment.scheduler
        if any(not task.done for task in process.tasks):
            scheduler.kill_process(process, "its invocation is over")  # what still runs would be frozen
            return
        if process.alive:
            function.idle.append(process)
            seconds = self.environment.random.uniform(0, LONGEST_IDLE_SECONDS)
            self.environment.later(seconds, lambda: self._retire(function, process))

    def _retire(self, function: Function, process: Process) -> None:
        if process in function.idle:
            function.idle.remove(process)
            process.alive = False


def failures_of(answer: Any) -> Iterator[str]:
    """The items of a batch that a function reports as failed."""
    for failure in (answer or {}).get("batchItemFailures", ()):
        yield failure["itemIdentifier"]
