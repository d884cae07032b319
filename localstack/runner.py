"""Runs the functions of app.py where no Lambda does: for debugging, and for stacks without it.

    with Runner(functions, triggers, clients):
        ...  # queues are polled, the stream is read, the clock ticks

As Lambda's event source mappings do: messages that a function reports as failed, and all of those at which it raises,
are not deleted and come back after their visibility; changes of the table come in order, and again while they fail.
Unlike them, nothing stops a function that takes too long, nothing gives up on a change that fails for ever, and a
pause of the process (a breakpoint) pauses what it has taken: with one invocation at once nobody else takes it either.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localstack.events import Context, Event, clock_event, queue_event, stream_event
from localstack.streams import StreamReader
from localstack.triggers import ClockTrigger, QueueTrigger, StreamTrigger, Trigger

logger = logging.getLogger(__name__)

Function = Callable[[Event, Context], Any]

PATIENCE = 1  # seconds of SQS's long polling, and so of the wait for an end
STREAM_PAUSE = 0.25  # seconds between looks at a stream that has nothing new
AFTER_TROUBLE = 1.0  # seconds
GRACE = 5.0  # seconds for what is under way at the end


class Runner:
    """`functions` by their names in app.py; `at_once` limits the invocations of each queue."""

    def __init__(
        self,
        functions: Mapping[str, Function],
        triggers: Sequence[Trigger],
        clients: Callable[[str], Any],
        *,
        at_once: int = 1,
    ) -> None:
        self._functions, self._clients, self._at_once = functions, clients, at_once
        self._over = threading.Event()
        self._threads = [thread for trigger in triggers for thread in self._threads_of(trigger)]

    def __enter__(self) -> Runner:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what is being worked on, unless it takes long: what is left comes back."""
        self._over.set()
        deadline = time.monotonic() + GRACE
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _threads_of(self, trigger: Trigger) -> list[threading.Thread]:
        """Readers of streams are made here, not in their threads: what happens from now on is seen."""
        match trigger:
            case QueueTrigger():
                times = min(self._at_once, trigger.concurrency)
                return [self._thread(trigger, lambda: self.poll(trigger)) for _ in range(times)]
            case StreamTrigger():
                reader = StreamReader(self._clients("dynamodbstreams"), trigger)
                return [self._thread(trigger, lambda: self.follow(reader))]
            case ClockTrigger():
                return [self._thread(trigger, lambda: self._tick(trigger))]
        raise TypeError(f"no such trigger: {trigger}")

    def _thread(self, trigger: Trigger, step: Callable[[], object]) -> threading.Thread:
        return threading.Thread(target=self._repeat, args=(step,), name=trigger.function, daemon=True)

    def _repeat(self, step: Callable[[], object]) -> None:
        """Whatever happens, go on: the stack may be started anew meanwhile."""
        while not self._over.is_set():
            try:
                step()
            except (ClientError, BotoCoreError) as error:
                logger.warning("%s: %s", threading.current_thread().name, error)
                self._over.wait(AFTER_TROUBLE)

    def poll(self, trigger: QueueTrigger) -> int:
        """Take a batch from a queue and hand it over; how many messages were done."""
        sqs = self._clients("sqs")
        messages = sqs.receive_message(
            QueueUrl=trigger.url,
            MaxNumberOfMessages=trigger.batch,
            WaitTimeSeconds=PATIENCE,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        if not messages:
            return 0
        failed = _failed(self._invoke(trigger, queue_event(messages, trigger.arn)))
        done = [message for message in messages if failed is not None and message["MessageId"] not in failed]
        for message in done:
            sqs.delete_message(QueueUrl=trigger.url, ReceiptHandle=message["ReceiptHandle"])
        return len(done)

    def follow(self, reader: StreamReader) -> int:
        """Hand over what is new in a stream; how many changes were done."""
        records = reader.next_batch()
        if not records:
            self._over.wait(STREAM_PAUSE)
            return 0
        failed = _failed(self._invoke(reader.trigger, stream_event(records, reader.trigger.arn)))
        numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
        # As with Lambda, everything from the first failed change on comes again.
        done = (
            0 if failed is None else min((numbers.index(one) for one in failed if one in numbers), default=len(records))
        )
        reader.done(done)
        if done < len(records):
            self._over.wait(AFTER_TROUBLE)
        return done

    def _tick(self, trigger: ClockTrigger) -> None:
        if not self._over.wait(trigger.seconds):
            self._invoke(trigger, clock_event(trigger.function))

    def _invoke(self, trigger: Trigger, event: Event) -> Any:
        """The function's answer; None if it raised, which is told with its traceback."""
        try:
            return self._functions[trigger.function](event, Context(trigger.function, trigger.timeout)) or {}
        except Exception:  # a bug of the function must not end its polling
            logger.exception("%s raised", trigger.function)
            return None


def _failed(answer: Any) -> set[str] | None:
    """The ids that a function reports as failed; None where it did not answer: all of them."""
    if answer is None:
        return None
    return {failure["itemIdentifier"] for failure in answer.get("batchItemFailures", [])}
