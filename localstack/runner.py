"""Runs the functions of app.py where no Lambda does: for debugging, and for stacks without Lambda.

    with Runner(functions, triggers, clients=clients):
        ...  # queues are polled, the stream is read, the clock ticks

Like Lambda's event source mappings: messages that a function reports as failed, and all of those on which it raises,
are not deleted and come back after their visibility timeout; changes of the table come in order, and again while they
fail. Unlike them: no function is stopped for taking too long, no change is given up, and a pause of the process (a
breakpoint) pauses the messages it holds, because with one invocation at a time no other takes them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from localstack.events import Context, Event, Record, clock_event, matches, queue_event, stream_event

logger = logging.getLogger(__name__)

Function = Callable[[Event, Context], Any]
Clients = Callable[[str], Any]  # by the name of the service

POLL_SECONDS = 1  # SQS's long polling, and so the longest wait for an end
STREAM_PAUSE = 0.25  # seconds between reads of a stream that has nothing new
ERROR_PAUSE = 1.0  # seconds
GRACE = 5.0  # seconds for running invocations at the end
STREAM_ATTEMPTS = 60  # a second apart, until a stream answers at the start


class _Source(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One event source of one function of app.py, which may run for `timeout` seconds."""

    function: str
    timeout: float


class QueueTrigger(_Source, frozen=True, kw_only=True, tag=True):
    """`concurrency` invocations at a time, each with at most `batch` messages."""

    url: str
    arn: str
    batch: int
    concurrency: int


class StreamTrigger(_Source, frozen=True, kw_only=True, tag=True):
    """`patterns` choose records; a record that matches one of them is passed on."""

    arn: str
    batch: int
    patterns: tuple[dict[str, Any], ...]


class ClockTrigger(_Source, frozen=True, kw_only=True, tag=True):
    """Every `seconds`."""

    seconds: float


Trigger = QueueTrigger | StreamTrigger | ClockTrigger


class StreamReader:
    """Reads a table's stream from now on, shard by shard, in order. Later shards are read from their beginning."""

    _LOST = ("ExpiredIteratorException", "TrimmedDataAccessException", "ResourceNotFoundException")

    def __init__(self, client: Any, trigger: StreamTrigger) -> None:
        self.trigger = trigger
        self._client = client
        self._waiting: deque[Record] = deque()  # read, and not done
        self._iterators: dict[str, str | None] = {}  # by shard; None: read to its end
        self._open_new_shards("LATEST")

    def next_batch(self) -> list[Record]:
        """Returns the next changes, at most a batch; the same again until `done` removes them."""
        if not self._waiting:
            self._read()
        return [self._waiting[place] for place in range(min(self.trigger.batch, len(self._waiting)))]

    def done(self, count: int) -> None:
        """Removes the first `count` changes."""
        for _ in range(count):
            self._waiting.popleft()

    def _read(self) -> None:
        if not any(self._iterators.values()):  # none yet, or their children come late
            self._open_new_shards("TRIM_HORIZON")
        for shard, iterator in list(self._iterators.items()):
            if iterator is not None:
                self._read_shard(shard, iterator)

    def _read_shard(self, shard: str, iterator: str) -> None:
        try:
            answer = self._client.get_records(ShardIterator=iterator)
        except ClientError as error:
            if error.response["Error"]["Code"] in self._LOST:
                del self._iterators[shard]  # opened again, if the stream still has it
            raise
        self._iterators[shard] = answer.get("NextShardIterator")
        if self._iterators[shard] is None:
            self._open_new_shards("TRIM_HORIZON")  # its children continue where it ends
        self._waiting.extend(record for record in answer["Records"] if matches(record, self.trigger.patterns))

    def _open_new_shards(self, place: str) -> None:
        described = self._client.describe_stream(StreamArn=self.trigger.arn)["StreamDescription"]
        for shard in described["Shards"]:
            name = shard["ShardId"]
            if name not in self._iterators:
                request = {"StreamArn": self.trigger.arn, "ShardId": name, "ShardIteratorType": place}
                self._iterators[name] = self._client.get_shard_iterator(**request)["ShardIterator"]


def opened(client: Any, trigger: StreamTrigger, *, sleep: Callable[[float], None] = time.sleep) -> StreamReader:
    """Returns a reader; a stream that was enabled a moment ago, or a busy emulator, may refuse one at first."""
    for _ in range(STREAM_ATTEMPTS - 1):
        try:
            return StreamReader(client, trigger)
        except (ClientError, BotoCoreError) as error:
            logger.warning("%s: the stream does not answer yet: %s", trigger.function, error)
            sleep(ERROR_PAUSE)
    return StreamReader(client, trigger)


class Runner:
    """`functions` by their names in app.py; `at_once` limits the invocations of each queue."""

    def __init__(
        self, functions: Mapping[str, Function], triggers: Sequence[Trigger], *, clients: Clients, at_once: int = 1
    ) -> None:
        self._functions, self._clients, self._at_once = functions, clients, at_once
        self._stopping = threading.Event()
        self._threads = [thread for trigger in triggers for thread in self._threads_of(trigger)]

    def __enter__(self) -> Runner:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Waits for running invocations, but not for long: what is left comes back."""
        self.stop()
        deadline = time.monotonic() + GRACE
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def stop(self) -> None:
        """Starts no invocation after the running ones, and no longer pauses between reads."""
        self._stopping.set()

    def _threads_of(self, trigger: Trigger) -> list[threading.Thread]:
        """Readers of streams are made here, not in their threads, so that every later change is seen."""
        match trigger:
            case QueueTrigger():
                count = min(self._at_once, trigger.concurrency)
                return [self._thread(trigger, lambda: self.poll(trigger)) for _ in range(count)]
            case StreamTrigger():
                reader = opened(self._clients("dynamodbstreams"), trigger)
                return [self._thread(trigger, lambda: self.follow(reader))]
            case ClockTrigger():
                return [self._thread(trigger, lambda: self._tick(trigger))]

    def _thread(self, trigger: Trigger, step: Callable[[], object]) -> threading.Thread:
        return threading.Thread(target=self._repeat, args=(step,), name=trigger.function, daemon=True)

    def _repeat(self, step: Callable[[], object]) -> None:
        """Continues after errors, because the stack may be restarting."""
        while not self._stopping.is_set():
            try:
                step()
            except (ClientError, BotoCoreError) as error:
                logger.warning("%s: %s", threading.current_thread().name, error)
                self._stopping.wait(ERROR_PAUSE)

    def poll(self, trigger: QueueTrigger) -> int:
        """Passes a batch of a queue to its function; returns how many messages were done."""
        sqs = self._clients("sqs")
        messages = sqs.receive_message(
            QueueUrl=trigger.url,
            MaxNumberOfMessages=trigger.batch,
            WaitTimeSeconds=POLL_SECONDS,
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
        """Passes new changes of a stream to its function; returns how many were done."""
        records = reader.next_batch()
        if not records:
            self._stopping.wait(STREAM_PAUSE)
            return 0
        failed = _failed(self._invoke(reader.trigger, stream_event(records, reader.trigger.arn)))
        numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
        # As with Lambda, everything from the first failed change on comes again.
        first = [numbers.index(number) for number in failed or () if number in numbers]
        done = 0 if failed is None else min(first, default=len(records))
        reader.done(done)
        if done < len(records):
            self._stopping.wait(ERROR_PAUSE)
        return done

    def _tick(self, trigger: ClockTrigger) -> None:
        if not self._stopping.wait(trigger.seconds):
            self._invoke(trigger, clock_event(trigger.function))

    def _invoke(self, trigger: Trigger, event: Event) -> Any:
        """Returns the function's answer; None if it raised, which is logged."""
        try:
            return self._functions[trigger.function](event, Context(trigger.function, trigger.timeout)) or {}
        except Exception:  # a bug in the function must not end its polling
            logger.exception("%s raised", trigger.function)
            return None


def _failed(answer: Any) -> set[str] | None:
    """Returns the ids that a function reports as failed; None where it raised: all of them."""
    if answer is None:
        return None
    return {failure["itemIdentifier"] for failure in answer.get("batchItemFailures", [])}
