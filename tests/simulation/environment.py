"""What a simulated service needs of the world: the time, chance, and others who run meanwhile.

`Alone` is a world of one caller, for unit and contract tests; `Scheduled` is the one that a scheduler runs.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Protocol

from tests.simulation.faults import Fault, Faults
from tests.simulation.limits import NO_LIMITS, Limits
from tests.simulation.scheduler import START_MS, Process, Scheduler

TRIP_SECONDS = 0.005  # on average; it varies much, so that any two calls may overtake each other
STOP_SECONDS = (1.0, 120.0)


class Environment(Protocol):
    @property
    def faults(self) -> Faults: ...

    @property
    def limits(self) -> Limits: ...

    @property
    def random(self) -> random.Random:
        """Values of the simulation itself: ids, delays, shares."""

    def now_ms(self) -> int:
        """The true time, in milliseconds since 1970."""

    def check(self) -> None:
        """Raises Killed in a process that is dead."""

    def travel(self, point: str) -> None:
        """A request, or its answer, is on its way; others run meanwhile. `point` names the call."""

    def sleep(self, seconds: float) -> None:
        """Let others run for so long."""

    def fault_point(self, fault: Fault, where: str) -> None:
        """Here the calling process may crash (by `fault`) or stop."""

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something in the service's own time, whatever becomes of the caller."""

    def note(self, what: object) -> None:
        """A line of the trace."""


class Alone:
    """No one else runs. `clock` gives the time; without one it stands still but for what is slept."""

    def __init__(
        self,
        *,
        seed: int = 0,
        faults: Faults | None = None,
        clock: Callable[[], int] | None = None,
        limits: Limits = NO_LIMITS,
    ) -> None:
        self.faults, self.limits = faults or Faults(seed), limits
        self.random = random.Random(seed)
        self._clock = clock
        self._slept_ms = 0

    def now_ms(self) -> int:
        return self._clock() if self._clock else START_MS + self._slept_ms

    def pass_time(self, seconds: float) -> None:
        self._slept_ms += round(seconds * 1000)

    def check(self) -> None:
        """No one is killed here."""

    def travel(self, point: str) -> None:
        """No one else runs meanwhile."""

    def sleep(self, seconds: float) -> None:
        self.pass_time(seconds)

    def fault_point(self, fault: Fault, where: str) -> None:
        """Nothing crashes here."""

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        action()

    def note(self, what: object) -> None:
        """Nothing is traced here."""


class Scheduled:
    """The world of a scheduler's tasks. A call from outside, by a test that looks into a service, meets no faults."""

    def __init__(self, scheduler: Scheduler, faults: Faults, limits: Limits = NO_LIMITS) -> None:
        self.scheduler, self.faults, self.limits = scheduler, faults, limits
        self.random = scheduler.random
        self.points: set[tuple[str, Fault]] = set()  # where a process may crash
        self.crashed: set[tuple[str, Fault]] = set()  # where one did
        self.note = scheduler.note
        faults.active = lambda: scheduler.current is not None
        faults.listener = scheduler.note

    def now_ms(self) -> int:
        return self.scheduler.true_ms

    def check(self) -> None:
        self.scheduler.check()

    def travel(self, point: str) -> None:
        if self.scheduler.current is not None:
            self.scheduler.wait(self._trip_seconds(point))

    def _trip_seconds(self, point: str) -> float:
        latencies = self.limits.latencies
        latency = latencies.get(point) or latencies.get(point.partition(".")[0])
        return latency.draw(self.random) / 2 if latency else self.random.expovariate(1 / TRIP_SECONDS)

    def sleep(self, seconds: float) -> None:
        if self.scheduler.current is not None:
            self.scheduler.wait(seconds)

    def fault_point(self, fault: Fault, where: str) -> None:
        task = self.scheduler.current
        if task is None or not task.process.mortal:
            return
        self.points.add((where, fault))
        if self.faults.happens(fault, where):
            self.crashed.add((where, fault))
            self.scheduler.kill_process(task.process, f"{fault} ({where})")
            self.scheduler.check()
        elif self.faults.happens(Fault.STOP, where):
            self._stop(task.process)

    def _stop(self, process: Process) -> None:
        seconds = self.random.uniform(*STOP_SECONDS)
        self.note(f"process {process.name} stopped for {seconds:.1f} s")
        self.scheduler.stop(process, seconds)
        self.scheduler.switch()

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        self.scheduler.at(self.scheduler.true_ms + round(seconds * 1000), action)
