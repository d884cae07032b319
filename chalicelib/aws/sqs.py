"""SQS: sending messages, and when a message comes back.

A failed message comes back with backoff and jitter, one that is being handled not at all: both change the visibility
timeout of that one message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import QueueUnavailable, StorageUnavailable, Unavailable
from chalicelib.limits import SQS_MAX_BATCH_ENTRIES, SQS_MAX_VISIBILITY_SECONDS
from chalicelib.messages import AnyMessage, encode
from chalicelib.observability import logger
from chalicelib.system import Repeat

MAX_REASON_CHARACTERS = 500
HIDDEN_SECONDS = 25.0  # the work of a killed worker is taken up again this long after its last heartbeat
UNANSWERED_SECONDS = 2.0  # as the shortest timeout of the SDK's clients
OPEN_SECONDS = 15.0
BEATS = 3  # within the time that a message is hidden, so that losing one does no harm


class SqsWorkQueue(msgspec.Struct, frozen=True):
    """WorkQueue with an SQS queue per kind of message; `urls` names them."""

    client: Any
    urls: Mapping[type[AnyMessage], str]

    def send(self, messages: Iterable[AnyMessage], *, delay: int = 0) -> None:
        for group in _groups(messages):
            for kind in dict.fromkeys(map(type, group)):
                self._send(self.urls[kind], [message for message in group if type(message) is kind], delay=delay)

    def _send(self, url: str, messages: Sequence[AnyMessage], *, delay: int) -> None:
        later = {"DelaySeconds": delay} if delay else {}
        entries = [{"Id": str(n), "MessageBody": encode(message), **later} for n, message in enumerate(messages)]
        with queue_errors():
            answer = self.client.send_message_batch(QueueUrl=url, Entries=entries)
        if answer.get("Failed"):
            raise QueueUnavailable(f"the queue refused messages: {answer['Failed'][0].get('Message', 'no reason')}")


def _groups(messages: Iterable[AnyMessage]) -> Iterator[list[AnyMessage]]:
    rest = iter(messages)
    while group := list(islice(rest, SQS_MAX_BATCH_ENTRIES)):
        yield group


@contextmanager
def queue_errors() -> Iterator[None]:
    """Turns every failure of SQS into QueueUnavailable."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise QueueUnavailable(f"the queue did not answer: {error}") from error


class Retries(msgspec.Struct, frozen=True):
    """Decides what happens to a message that was not handled: it comes back later, or is set aside.

    Exponential backoff: the delay before attempt n + 1 lies between half and all of base * 2^(n-1). `base` and `cap`
    are in seconds; `uniform(a, b)` returns a random number between the two. `unreadable_url` is the queue of messages
    that no retry can help.
    """

    client: Any
    base: float
    cap: float
    uniform: Callable[[float, float], float]
    unreadable_url: str

    def delay(self, *, attempt: int) -> int:
        """Returns the seconds to wait after this attempt (from 1) failed."""
        longest = min(self.cap, self.base * 2.0 ** min(attempt - 1, 30))
        return min(SQS_MAX_VISIBILITY_SECONDS, round(self.uniform(longest / 2, longest)))

    def postpone(self, queue_arn: str, receipt_handle: str, *, seconds: int) -> None:
        """Hides the message for `seconds`. Never raises: otherwise it comes back after the queue's own timeout."""
        try:
            url = self._url(queue_arn)
            self.client.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds)
        except (ClientError, BotoCoreError) as error:
            logger.warning("visibility of a message not changed", queue=queue_arn, error=str(error))

    def set_aside(self, queue_arn: str, body: str, *, reason: str) -> None:
        """Copies a message to the queue of unreadable ones, for a person to look at. Raises QueueUnavailable."""
        attributes = {"Queue": queue_arn, "Reason": reason[:MAX_REASON_CHARACTERS]}
        with queue_errors():
            self.client.send_message(
                QueueUrl=self.unreadable_url,
                MessageBody=body,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
                },
            )

    def _url(self, arn: str) -> str:
        account, name = arn.split(":")[4:6]
        return f"{self.client.meta.endpoint_url.rstrip('/')}/{account}/{name}"


class Breaker:
    """Opens after a run that waited in vain for a service: for a while messages go back without being tried.

    `clock()` is in seconds. Each container has its own.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._until = clock, 0.0

    @property
    def is_open(self) -> bool:
        return self._clock() < self._until

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watches a run. An answer that is an error, if it came soon, costs too little to be spared."""
        began = self._clock()
        try:
            yield
        except (StorageUnavailable, Unavailable) as error:
            if error.outage and self._clock() - began >= UNANSWERED_SECONDS:
                self._until = self._clock() + OPEN_SECONDS
            raise


class Heartbeat(msgspec.Struct, frozen=True):
    """Keeps a message hidden while its worker lives, and for at most `seconds` longer.

    A queue must hide messages for as long as its function may run. With minutes of that, the work of a killed worker
    would wait for minutes; so the worker shortens the time, and extends it while it works.
    """

    retries: Retries
    seconds: float
    repeat: Repeat

    @contextmanager
    def hiding(self, queue_arn: str, receipt_handle: str) -> Iterator[None]:
        """Keeps the message hidden until the block is left."""

        def beat() -> None:
            self.retries.postpone(queue_arn, receipt_handle, seconds=round(self.seconds))

        stop = self.repeat(self.seconds / BEATS, beat)
        try:
            yield
        finally:
            stop()
