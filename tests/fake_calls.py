"""CallCounter in memory. tests/contracts runs it beside its real adapter."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from chalicelib.errors import TableUnavailable


@dataclass
class FakeCallCounter:
    counts: dict[str, int] = field(default_factory=dict)
    down: bool = False
    lock: Lock = field(default_factory=Lock)

    def add(self, name: str, *, until: int) -> int:
        if self.down:
            raise TableUnavailable("the job table did not answer: it is down")
        with self.lock:
            self.counts[name] = self.counts.get(name, 0) + 1
            return self.counts[name]
