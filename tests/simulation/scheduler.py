"""Runs tasks one at a time under a virtual clock; one seed decides which of them continues.

    scheduler = Scheduler(seed=7)
    scheduler.spawn("worker", work)
    scheduler.run()

A task is a greenlet, so that synchronous code can be interrupted at any call of `switch` or `sleep`. Tasks belong to
processes, which can be killed, stopped and continued, and which have clocks of their own. Time moves only while no
task can run.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from greenlet import greenlet

START_MS = 1_800_000_000_000  # January 2027; any moment would do

TIME_LIMIT = "time limit"


class Killed(BaseException):
    """Raised in a task whose process was killed; like a real kill, nothing the task calls works afterwards."""


@dataclass(eq=False, slots=True)
class Process:
    """One container of a function, or one machine: what dies as a whole and shares memory.

    `skew_ms` is how far its clock is ahead. `mortal`: faults may crash or stop it. `memory` holds its globals.
    """

    name: str
    skew_ms: int = 0
    mortal: bool = False
    alive: bool = True
    tasks: list[Task] = field(default_factory=list)
    memory: dict[str, Any] = field(default_factory=dict)
    stopped: bool = False
    held: list[Task] = field(default_factory=list)  # could run if it were not stopped


@dataclass(eq=False, slots=True)
class Task:
    """One thread of execution. When it is done it has a `result` or an `error`."""

    name: str
    process: Process
    thread: greenlet = field(repr=False)
    done: bool = False
    result: Any = None
    error: BaseException | None = None
    killed: str = ""  # why, if it was
    parked: bool = False
    waits: int = 0  # distinguishes a late timer from the current one
    waiting_for_it: list[Task] = field(default_factory=list)


Note = tuple[int, int, str, object]  # step, milliseconds since the start, task, what it did


class Scheduler:
    """See the module. `on_switch` is called with the process whose task continues, whenever that changes."""

    def __init__(self, seed: int, *, on_switch: Callable[[Process | None], None] = lambda _: None) -> None:
        self.random = random.Random(f"values {seed}")
        self.current: Task | None = None
        self.steps = 0
        self.trace: list[Note] = []
        self._order = random.Random(f"order {seed}")
        self._now = START_MS
        self._runnable: list[Task] = []
        self._timers: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = 0
        self._living: dict[Task, None] = {}
        self._outside = Process("outside")
        self._on_switch = on_switch
        self._switched_to: Process | None = None
        self._hub: greenlet | None = None

    # --- the clock

    @property
    def true_ms(self) -> int:
        """Milliseconds since 1970, as the services see them."""
        return self._now

    def now_ms(self) -> int:
        """Milliseconds since 1970, as the clock of the running process shows them."""
        return self._now + (self.current.process.skew_ms if self.current else 0)

    def time(self) -> float:
        return self.now_ms() / 1000

    def at(self, due_ms: int, action: Callable[[], None]) -> None:
        """Call `action`, which must not wait, at a moment of the true clock."""
        self._numbers += 1
        heapq.heappush(self._timers, (max(due_ms, self._now), self._numbers, action))

    # --- tasks

    def spawn(
        self,
        name: str,
        function: Callable[..., Any],
        *args: Any,
        process: Process | None = None,
        seconds: float | None = None,
    ) -> Task:
        """A task that can run from now on. It is killed when it has run for `seconds`."""
        process = process or (self.current.process if self.current else self._outside)
        task: Task = Task(name, process, greenlet(lambda: self._body(task, function, args)))
        process.tasks.append(task)
        self._living[task] = None
        self._ready(task)
        if not process.alive:
            self.kill(task, "its process is dead")
        if seconds is not None:
            self.at(self._now + round(seconds * 1000), lambda: self.kill(task, TIME_LIMIT))
        return task

    def _body(self, task: Task, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        try:
            if not task.killed:
                task.result = function(*args)
        except BaseException as error:
            task.error = error
        task.done = True
        del self._living[task]
        task.process.tasks.remove(task)
        for waiting in task.waiting_for_it:
            self.wake(waiting)

    def switch(self) -> None:
        """Let others run."""
        task = self._task()
        self._ready(task)
        self._park(task)

    def sleep(self, seconds: float) -> None:
        self.wait(seconds)

    def wait(self, seconds: float | None = None) -> None:
        """Until someone wakes the task, at most so many seconds."""
        task = self._task()
        task.parked = True
        if seconds is not None:
            ticket = task.waits
            self.at(self._now + max(0, math.ceil(seconds * 1000)), lambda: self._wake_from(task, ticket))  # never early
        self._park(task)

    def wake(self, task: Task) -> None:
        """Let a waiting task continue; nothing if it does not wait."""
        if task.parked:
            task.parked = False
            task.waits += 1
            self._ready(task)

    def join(self, task: Task) -> Any:
        """Wait for a task; its result, or its error raised here."""
        while not task.done:
            self.await_task(task)
        if task.error is not None:
            raise task.error
        return task.result

    def await_task(self, task: Task) -> None:
        """Wait until a task is done, or until something else wakes this one."""
        task.waiting_for_it.append(self._task())
        self.wait()

    def kill(self, task: Task, reason: str) -> None:
        """The task ends where it is: every switch point raises Killed from now on."""
        if task.done or task.killed:
            return
        task.killed = reason
        self._note(task.name, f"KILLED: {reason}")
        self.wake(task)

    def kill_process(self, process: Process, reason: str) -> None:
        """All tasks of the process end, and none can be started in it."""
        process.alive = False
        for task in list(process.tasks):
            self.kill(task, reason)
        self.resume(process)

    def stop(self, process: Process, seconds: float) -> None:
        """No task of the process runs for a while, and none notices."""
        if process.alive and not process.stopped:
            process.stopped = True
            self.at(self._now + round(seconds * 1000), lambda: self.resume(process))

    def resume(self, process: Process) -> None:
        process.stopped = False
        self._runnable += process.held
        process.held.clear()

    def note(self, what: object) -> None:
        """A line of the trace about the running task."""
        self._note(self.current.name if self.current else "-", what)

    def _note(self, name: str, what: object) -> None:
        self.trace.append((self.steps, self._now - START_MS, name, what))

    def story(self, *, last: int | None = None) -> str:
        """The trace, or the last lines of it, for a reader."""
        notes = self.trace if last is None else self.trace[-last:]
        return "\n".join(f"{step:>7} {ms / 1000:>11.3f} s  {name:<28} {what}" for step, ms, name, what in notes)

    # --- running

    def run(self, *, until: Callable[[], bool] = lambda: False, seconds: float | None = None) -> None:
        """Until nothing can happen any more, `until` holds, or so much virtual time has passed."""
        self._hub = greenlet.getcurrent()
        end = None if seconds is None else self._now + round(seconds * 1000)
        while not until():
            if self._runnable:
                self._step()
            elif not self._timers:
                return
            elif end is not None and self._timers[0][0] > end:
                self._now = end
                return
            else:
                self._advance()

    def close(self) -> None:
        """End every task that is left, so that none is ended later by the garbage collector."""
        self._hub = greenlet.getcurrent()
        while self._living:
            task = next(iter(self._living))
            task.killed = task.killed or "the run is over"
            self._continue(task)
        self._runnable.clear()
        self._timers.clear()
        self._on_switch(None)

    def _advance(self) -> None:
        """To the next timer, and every other of that moment."""
        self._now = self._timers[0][0]
        while self._timers and self._timers[0][0] == self._now:
            heapq.heappop(self._timers)[2]()

    def _step(self) -> None:
        runnable = self._runnable
        place = int(self._order.random() * len(runnable))
        task, runnable[place] = runnable[place], runnable[-1]
        runnable.pop()
        if task.process.stopped:
            task.process.held.append(task)
        elif not task.done:
            self.steps += 1
            self._continue(task)

    def _continue(self, task: Task) -> None:
        if task.process is not self._switched_to:
            self._switched_to = task.process
            self._on_switch(task.process)
        self.current = task
        task.thread.parent = greenlet.getcurrent()
        task.thread.switch()
        self.current = None

    def _ready(self, task: Task) -> None:
        self._runnable.append(task)

    def _wake_from(self, task: Task, ticket: int) -> None:
        if task.waits == ticket:
            self.wake(task)

    def _park(self, task: Task) -> None:
        assert self._hub is not None
        self._hub.switch()
        self._raise_if_killed(task)

    def check(self) -> None:
        """Raises Killed if the running task was killed."""
        if self.current is not None:
            self._raise_if_killed(self.current)

    def _raise_if_killed(self, task: Task) -> None:
        if task.killed:
            raise Killed(f"{task.name}: {task.killed}")

    def _task(self) -> Task:
        if self.current is None:
            raise RuntimeError("only a task of the scheduler can wait")
        self._raise_if_killed(self.current)
        return self.current
