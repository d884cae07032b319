"""What invokes functions: queues, streams and schedules, as Lambda's event source mappings and EventBridge do it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.simulation.client import ACCOUNT, REGION
from tests.simulation.dynamodb.tables import Change, Table
from tests.simulation.faults import Fault
from tests.simulation.functions.events import queue_event, schedule_event, sequence_number, stream_event
from tests.simulation.functions.runtime import Function, Functions, Outcome, failures_of
from tests.simulation.scheduler import Task
from tests.simulation.sqs.queues import Message, Queue

STREAM_POLL_SECONDS = 0.5  # LAMBDA, "Using Lambda with DynamoDB": four polls a second and shard
STREAM_PAUSE_SECONDS = 2.0  # after a batch that failed
ASYNC_RETRY_SECONDS = (60.0, 120.0)  # LAMBDA, "asynchronous invocation": two more attempts


@dataclass(eq=False)
class QueueSource:
    """Hands messages to a function, `concurrency` batches at once, and deletes what it does not report as failed."""

    functions: Functions
    function: Function
    queue: Queue
    batch_size: int
    concurrency: int
    in_flight: int = 0
    _began_ms: int = 0
    _poller: Task | None = None
    _batches: int = 0

    def start(self) -> None:
        scheduler = self.functions.environment.scheduler
        self._began_ms = scheduler.true_ms
        self.queue.listeners.append(self._wake)
        self._poller = scheduler.spawn(f"poller of {self.queue.name}", self._poll)

    def _wake(self) -> None:
        if self._poller is not None:
            self.functions.environment.scheduler.wake(self._poller)

    def _poll(self) -> None:
        scheduler = self.functions.environment.scheduler
        while True:
            while self.in_flight < self._allowed() and (messages := self._receive()):
                self.in_flight += 1
                self._batches += 1
                scheduler.spawn(f"{self.queue.name} batch {self._batches}", self._deliver, messages)
            scheduler.wait(self._pause())

    def _receive(self) -> list[Message]:
        return self.queue.receive(self.batch_size, int(self.queue.attributes["VisibilityTimeout"]) * 1000)

    def _allowed(self) -> int:
        """How many batches at once: few at first, and more by the minute."""
        limits = self.functions.limits
        if limits.pollers_at_first is None:
            return self.concurrency
        minutes = (self.functions.environment.now_ms() - self._began_ms) / 60_000
        return min(self.concurrency, limits.pollers_at_first + int(minutes * limits.pollers_per_minute))

    def _pause(self) -> float | None:
        """Until a message will be visible; if the function is busy or there is none, until something happens."""
        next_ms = self.queue.next_ms()
        if next_ms is None or self.in_flight >= self._allowed():
            return 60.0 if self.in_flight else None
        return max(0.001, (next_ms - self.functions.environment.now_ms()) / 1000)

    def _deliver(self, messages: Sequence[Message]) -> None:
        receipts = {message.message_id: message.receipt for message in messages}
        try:
            ended = self.functions.invoke(self.function, queue_event(messages, self.queue))
            if ended.outcome is Outcome.OK:
                failed = set(failures_of(ended.answer))
                for message in messages:
                    if message.message_id not in failed:
                        self._delete(message, receipts[message.message_id])
        finally:
            self.in_flight -= 1
            self._wake()

    def _delete(self, message: Message, receipt: int) -> None:
        """By the handle of its delivery, which may be an earlier one by now."""
        there = self.queue.messages.get(message.message_id) is message
        if there and (message.receipt == receipt or self._old_receipt_works()):
            self.queue.delete(message)

    def _old_receipt_works(self) -> bool:
        return self.functions.environment.faults.happens(Fault.OLD_RECEIPT_WORKS, self.queue.name)


@dataclass(eq=False)
class StreamSource:
    """Hands a table's changes to a function: each shard in order, a batch again until it succeeds or is given up.

    `wanted` filters records. A batch that fails is halved; what fails for `max_age` seconds goes to `given_up`.
    """

    functions: Functions
    function: Function
    table: Table
    batch_size: int
    max_age: float
    given_up: Queue | None = None
    wanted: Callable[[Change], bool] = lambda change: True
    window: float = 0.0
    positions: list[int] = field(default_factory=list)

    @property
    def arn(self) -> str:
        return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{self.table.name}/stream/simulation"

    @property
    def is_behind(self) -> bool:
        """Whether there are changes that were not handed over yet."""
        return any(position < len(shard) for position, shard in zip(self.positions, self.table.shards, strict=True))

    def start(self) -> None:
        self.positions = [0] * len(self.table.shards)
        scheduler = self.functions.environment.scheduler
        followers = [
            scheduler.spawn(f"stream shard {number}", self._follow, number) for number in range(len(self.table.shards))
        ]
        self.table.listeners.append(lambda number: scheduler.wake(followers[number]))

    def _follow(self, number: int) -> None:
        environment, shard = self.functions.environment, self.table.shards[number]
        size = self.batch_size
        while True:
            batch = shard[self.positions[number] : self.positions[number] + size]
            if not batch:
                environment.scheduler.wait()  # for a change
                environment.scheduler.sleep(environment.random.uniform(0, STREAM_POLL_SECONDS) + self.window)
                continue
            done = self._hand_over(batch)
            if done < len(batch):
                size = max(1, (len(batch) - done) // 2) if done == 0 else self.batch_size
                done += self._skipped(batch[done:], size)
                environment.scheduler.sleep(STREAM_PAUSE_SECONDS)
            else:
                size = self.batch_size
            if done and environment.faults.happens(Fault.REPEATED_STREAM_BATCH, self.table.name):
                continue  # its checkpoint was lost
            self.positions[number] += done

    def _hand_over(self, batch: Sequence[Change]) -> int:
        """How many changes of the batch are done with, from its beginning."""
        wanted = [change for change in batch if self.wanted(change)]
        if not wanted:
            return len(batch)
        ended = self.functions.invoke(self.function, stream_event(wanted, self.arn))
        if ended.outcome is not Outcome.OK:
            return 0
        failed = set(failures_of(ended.answer))
        if not failed:
            return len(batch)
        numbers = [sequence_number(change) for change in batch]
        return min(numbers.index(number) for number in failed)

    def _skipped(self, batch: Sequence[Change], size: int) -> int:
        """How many changes at the beginning are too old to be tried again; they go to `given_up`."""
        oldest = self.functions.environment.now_ms() - self.max_age * 1000
        old = [change for change in batch[:size] if change.at_ms < oldest]
        if old and self.given_up is not None:
            numbers = [sequence_number(change) for change in (old[0], old[-1])]
            body = {"DDBStreamBatchInfo": {"startSequenceNumber": numbers[0], "endSequenceNumber": numbers[1]}}
            self.given_up.send(json.dumps(body))
        return len(old)


@dataclass(eq=False)
class Schedule:
    """Invokes a function every so many seconds, at least once; one that fails is tried twice more."""

    functions: Functions
    function: Function
    seconds: float

    def start(self) -> None:
        self.functions.environment.scheduler.spawn(f"schedule of {self.function.name}", self._tick)

    def _tick(self) -> None:
        environment = self.functions.environment
        while True:
            environment.scheduler.sleep(self.seconds)
            event_id = f"{environment.random.getrandbits(64):016x}"
            event = schedule_event(self.function.name, event_id, environment.now_ms())
            for _ in range(2 if environment.faults.happens(Fault.REPEATED_INVOCATION, self.function.name) else 1):
                environment.scheduler.spawn(f"schedule {event_id[:4]}", self._invoke, event)

    def _invoke(self, event: object) -> None:
        for pause in (*ASYNC_RETRY_SECONDS, None):
            if self.functions.invoke(self.function, event).outcome is Outcome.OK or pause is None:
                return
            self.functions.environment.scheduler.sleep(pause)
