"""What may go wrong, how often, and how often it did.

Every decision about a fault is one draw from a stream of its own, so that a run can be repeated with some of its faults
left out: that is how a failing seed is shrunk.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """Each kind of fault; its value names it in reports and profiles."""

    # The caller of any AWS call
    CRASH_BEFORE = "crash before a call"
    CRASH_AFTER = "crash after a call, before its answer is read"
    STOP = "process stopped for a while"
    UNREACHABLE = "service not reached"
    LOST_ANSWER = "answer lost after the call took effect"
    SLOW_CALL = "call takes seconds"
    LATE_EFFECT = "call takes effect after its caller died or gave up"
    # The table
    TABLE_THROTTLED = "table throttled"
    TRANSACTION_CONFLICT = "transaction conflict"
    UNPROCESSED = "part of a batch left unprocessed"
    STALE_READ = "eventually consistent read is stale"
    LAGGING_INDEX = "index lags behind its table"
    REPEATED_STREAM_BATCH = "stream batch delivered again"
    # The queues
    QUEUE_THROTTLED = "queue throttled"
    PARTIAL_SEND = "part of a SendMessageBatch refused"
    DUPLICATE_MESSAGE = "message delivered twice at once"
    RETURNING_MESSAGE = "message delivered again after its deletion"
    DELAYED_MESSAGE = "message delivered late"
    REORDERED_MESSAGES = "messages out of order"
    OLD_RECEIPT_WORKS = "receipt handle of an earlier delivery works"
    # The store
    SLOW_DOWN = "store answers 503 SlowDown"
    STORE_ERROR = "store answers 500 InternalError"
    STORE_CONFLICT = "store answers 409 ConditionalRequestConflict"
    ERROR_IN_OK = "store answers 200 with an error as its body"
    COMPLETED_AGAIN = "repeated CompleteMultipartUpload answered like the first"
    # The functions
    CLOCK_SKEW = "container's clock is off"
    THROTTLED_INVOCATION = "message received and not invoked"
    REPEATED_INVOCATION = "scheduled event delivered twice"


@dataclass(slots=True)
class Faults:
    """Decides about faults. `probabilities` names the ones that may happen.

    `only` leaves out every fault but those whose draws it names (a draw is known by its number). While `active` does
    not hold, nothing is drawn and nothing happens. `listener` hears of each fault that happens.
    """

    seed: int
    probabilities: Mapping[Fault, float] = field(default_factory=dict)
    only: Collection[int] | None = None
    active: Callable[[], bool] = lambda: True
    listener: Callable[[str], None] = lambda what: None
    happened: Counter[Fault] = field(default_factory=Counter)
    drawn: list[tuple[int, Fault, str]] = field(default_factory=list)
    _draws: int = 0
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(f"faults {self.seed}")

    def happens(self, fault: Fault, where: str = "") -> bool:
        """Whether this fault happens now; `where` names the call, for the trace."""
        probability = self.probabilities.get(fault, 0.0)
        if probability == 0.0 or not self.active():
            return False
        self._draws += 1
        if self._random.random() >= probability:
            return False
        if self.only is not None and self._draws not in self.only:
            return False
        self.happened[fault] += 1
        self.drawn.append((self._draws, fault, where))
        self.listener(f"FAULT {self._draws}: {fault} ({where})")
        return True
