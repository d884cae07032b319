"""One simulated queue: messages are visible or hidden, are delivered at least once, and move on after some receives."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.client import ACCOUNT
from tests.simulation.environment import Environment
from tests.simulation.faults import Fault

LONGEST_DELAY_SECONDS = 120.0  # of a message that comes late, or comes again
MAX_IN_FLIGHT = 120_000


@dataclass(eq=False, slots=True)
class Message:
    """`receipt` is the number of its latest delivery; only that one may hide or delete it for certain."""

    message_id: str
    body: str
    attributes: Mapping[str, Any]
    sent_ms: int
    expires_ms: int
    group: str = ""
    receive_count: int = 0
    receipt: int = 0
    first_received_ms: int = 0
    visible_ms: int = 0
    delivered: bool = False  # and so in flight while it is hidden
    source_arn: str = ""  # of the queue that gave it up

    @property
    def md5(self) -> str:
        return hashlib.md5(self.body.encode(), usedforsecurity=False).hexdigest()

    @property
    def receipt_handle(self) -> str:
        """Of its latest delivery."""
        return f"{self.message_id}#{self.receipt}"

    @property
    def system_attributes(self) -> dict[str, str]:
        found = {
            "SenderId": ACCOUNT,
            "SentTimestamp": str(self.sent_ms),
            "ApproximateReceiveCount": str(self.receive_count),
            "ApproximateFirstReceiveTimestamp": str(self.first_received_ms),
        }
        if self.group:
            found["MessageGroupId"] = self.group
        if self.source_arn:
            found["DeadLetterQueueSourceArn"] = self.source_arn
        return found


@dataclass(eq=False, slots=True)
class Queue:
    """`listeners` are called when a message is, or will be, there to be received."""

    name: str
    url: str
    arn: str
    environment: Environment
    attributes: dict[str, str]
    dead_letters: Queue | None = None
    max_receives: int = 0
    listeners: list[Callable[[], None]] = field(default_factory=list)
    messages: dict[str, Message] = field(default_factory=dict)
    sent: Counter[str] = field(default_factory=Counter)  # how often each body
    _ready: dict[str, Message] = field(default_factory=dict)
    _hidden: list[tuple[int, int, Message]] = field(default_factory=list)
    _numbers: int = 0

    def send(
        self, body: str, *, delay_ms: int = 0, attributes: Mapping[str, Any] | None = None, group: str = ""
    ) -> Message:
        """A new message of the queue."""
        now = self.environment.now_ms()
        self.sent[body] += 1
        digits = f"{self.environment.random.getrandbits(128):032x}"
        message = Message(
            message_id="-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])),
            body=body,
            attributes=attributes or {},
            sent_ms=now,
            expires_ms=now + int(self.attributes["MessageRetentionPeriod"]) * 1000,
            group=group,
        )
        self.add(message, delay_ms=delay_ms)
        return message

    def add(self, message: Message, *, delay_ms: int = 0) -> None:
        if self.environment.faults.happens(Fault.DELAYED_MESSAGE, self.name):
            delay_ms += self._some_ms()
        self.messages[message.message_id] = message
        message.delivered = False
        if delay_ms > 0:
            self._hide(message, delay_ms)
        else:
            self._show(message)

    def receive(self, most: int, visibility_ms: int) -> list[Message]:
        """Up to `most` messages, each hidden for a while. What was received too often moves on instead."""
        self._surface()
        found: list[Message] = []
        while self._ready and len(found) < most:
            message = self._ready.pop(self._next_id())
            if message.expires_ms <= self.environment.now_ms():
                del self.messages[message.message_id]
                continue
            if 0 < self.max_receives <= message.receive_count:
                self._give_up(message)
                continue
            self._deliver(message, visibility_ms)
            found.append(message)
        return found

    def _next_id(self) -> str:
        ids = iter(self._ready)
        first = next(ids)
        if len(self._ready) == 1 or not self.environment.faults.happens(Fault.REORDERED_MESSAGES, self.name):
            return first
        return self.environment.random.choice([first, *ids])

    def _deliver(self, message: Message, visibility_ms: int) -> None:
        message.receive_count += 1
        message.receipt += 1
        message.delivered = True
        message.first_received_ms = message.first_received_ms or self.environment.now_ms()
        if self.environment.faults.happens(Fault.DUPLICATE_MESSAGE, self.name):
            visibility_ms = round(self.environment.random.random() * visibility_ms / 2)
        self._hide(message, visibility_ms)

    def _give_up(self, message: Message) -> None:
        assert self.dead_letters is not None
        del self.messages[message.message_id]
        message.source_arn = self.arn
        self.dead_letters.add(message)

    def delete(self, message: Message) -> None:
        if self.environment.faults.happens(Fault.RETURNING_MESSAGE, self.name):
            self._hide(message, self._some_ms())
            return
        del self.messages[message.message_id]
        self._ready.pop(message.message_id, None)
        message.visible_ms = -1

    def change_visibility(self, message: Message, visibility_ms: int) -> None:
        self._hide(message, visibility_ms)
        self._surface()

    def is_in_flight(self, message: Message) -> bool:
        self._surface()
        return message.delivered and message.message_id not in self._ready

    @property
    def is_full(self) -> bool:
        """Whether so many messages are in flight that none is given out."""
        return len(self.messages) - len(self._ready) >= MAX_IN_FLIGHT

    def counts(self) -> tuple[int, int, int]:
        """How many messages are visible, in flight, delayed."""
        self._surface()
        hidden = [message for message in self.messages.values() if message.message_id not in self._ready]
        in_flight = sum(message.delivered for message in hidden)
        return len(self._ready), in_flight, len(hidden) - in_flight

    def next_ms(self) -> int | None:
        """When a message can be received: now, at a moment to come, or never as things are."""
        self._surface()
        if self._ready:
            return self.environment.now_ms()
        return self._hidden[0][0] if self._hidden else None

    def _hide(self, message: Message, for_ms: int) -> None:
        self._ready.pop(message.message_id, None)
        message.visible_ms = self.environment.now_ms() + for_ms
        self._numbers += 1
        heapq.heappush(self._hidden, (message.visible_ms, self._numbers, message))
        self._tell()

    def _show(self, message: Message) -> None:
        message.visible_ms = self.environment.now_ms()
        self._ready[message.message_id] = message
        self._tell()

    def _tell(self) -> None:
        for listener in self.listeners:
            listener()

    def _surface(self) -> None:
        """What was hidden long enough is visible again."""
        now = self.environment.now_ms()
        while self._hidden and self._hidden[0][0] <= now:
            at, _, message = heapq.heappop(self._hidden)
            if message.visible_ms == at and self.messages.get(message.message_id) is message:
                self._ready[message.message_id] = message
        while self._hidden and self._is_outdated(self._hidden[0]):
            heapq.heappop(self._hidden)

    def _is_outdated(self, entry: tuple[int, int, Message]) -> bool:
        at, _, message = entry
        return message.visible_ms != at or self.messages.get(message.message_id) is not message

    def _some_ms(self) -> int:
        return round(self.environment.random.uniform(0, LONGEST_DELAY_SECONDS) * 1000)
