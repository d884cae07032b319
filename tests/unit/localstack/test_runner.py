"""What the runner does with what functions answer, on queues and a stream in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localstack.runner import ClockTrigger, QueueTrigger, Runner, StreamReader, StreamTrigger, opened
from tests.integration.stack import wait_for

QUEUE = QueueTrigger(
    function="check", timeout=20.0, url="http://queue", arn="arn:aws:sqs:us-east-1:0:check", batch=10, concurrency=2
)
STREAM = StreamTrigger(function="notify", timeout=60.0, arn="arn:stream", batch=2, patterns=())


class FakeSqs:
    """A queue that hides nothing: what is not deleted is handed out again."""

    def __init__(self, *bodies: str) -> None:
        self.messages = {body: body for body in bodies}

    def receive_message(self, **_: Any) -> dict[str, Any]:
        fixed = {"Attributes": {}, "MD5OfBody": ""}
        return {"Messages": [{"MessageId": b, "ReceiptHandle": b, "Body": b, **fixed} for b in self.messages]}

    def delete_message(self, **request: str) -> None:
        del self.messages[request["ReceiptHandle"]]


class FakeStream:
    """One shard after the other; iterators are places in it."""

    def __init__(self, *shards: list[str]) -> None:
        self.shards = {f"shard-{number}": list(names) for number, names in enumerate(shards)}
        self.ends = set(list(self.shards)[:-1])

    def describe_stream(self, **_: Any) -> dict[str, Any]:
        return {"StreamDescription": {"Shards": [{"ShardId": name} for name in self.shards]}}

    def get_shard_iterator(self, **request: str) -> dict[str, str]:
        start = 0 if request["ShardIteratorType"] == "TRIM_HORIZON" else len(self.shards[request["ShardId"]])
        return {"ShardIterator": f"{request['ShardId']} {start}"}

    def get_records(self, *, ShardIterator: str) -> dict[str, Any]:  # noqa: N803  # boto3's name
        shard, start = ShardIterator.split()
        records = [{"dynamodb": {"SequenceNumber": name}} for name in self.shards[shard][int(start) :]]
        following = None if shard in self.ends else f"{shard} {len(self.shards[shard])}"
        return {"Records": records, "NextShardIterator": following}


def runner(function: Callable[[Any, Any], Any], **services: Any) -> Runner:
    return Runner({"check": function, "notify": function, "sweep": function}, [], clients=services.__getitem__)


def test_what_a_function_has_done_is_deleted() -> None:
    sqs = FakeSqs("a", "b")
    assert runner(lambda event, _: {"batchItemFailures": []}, sqs=sqs).poll(QUEUE) == 2
    assert not sqs.messages


def test_what_a_function_reports_as_failed_stays() -> None:
    sqs = FakeSqs("a", "b", "c")
    assert runner(lambda event, _: {"batchItemFailures": [{"itemIdentifier": "b"}]}, sqs=sqs).poll(QUEUE) == 2
    assert list(sqs.messages) == ["b"]


def test_everything_stays_when_a_function_raises() -> None:
    sqs = FakeSqs("a", "b")

    def broken(event: Any, context: Any) -> None:
        raise RuntimeError("a bug")

    assert runner(broken, sqs=sqs).poll(QUEUE) == 0
    assert list(sqs.messages) == ["a", "b"]


def test_a_function_that_answers_nothing_has_done_everything() -> None:
    sqs = FakeSqs("a")
    assert runner(lambda event, _: None, sqs=sqs).poll(QUEUE) == 1


def test_an_empty_queue_invokes_nothing() -> None:
    def never(event: Any, context: Any) -> None:
        raise AssertionError

    assert runner(never, sqs=FakeSqs()).poll(QUEUE) == 0


def test_changes_come_in_order_and_from_the_failed_one_on_again() -> None:
    stream = FakeStream([])
    reader = StreamReader(stream, STREAM)
    stream.shards["shard-0"] += ["1", "2", "3"]
    seen: list[list[str]] = []
    answers = [[{"itemIdentifier": "2"}], [], []]

    def notify(event: Any, context: Any) -> Any:
        seen.append([record["dynamodb"]["SequenceNumber"] for record in event["Records"]])
        return {"batchItemFailures": answers.pop(0)}

    running = runner(notify)
    running.stop()  # no pauses
    assert [running.follow(reader) for _ in range(2)] == [1, 2]
    assert seen == [["1", "2"], ["2", "3"]]


def test_what_happened_before_is_not_told_and_later_shards_are_from_their_beginning() -> None:
    stream = FakeStream(["old"])
    reader = StreamReader(stream, STREAM)
    assert reader.next_batch() == []
    stream.shards["shard-1"] = ["new"]
    stream.ends = {"shard-0"}
    found = [record["dynamodb"]["SequenceNumber"] for _ in range(3) for record in reader.next_batch()]
    assert set(found) == {"new"}


class RefusingStream(FakeStream):
    """Refuses to be described so many times."""

    def __init__(self, refusals: int) -> None:
        super().__init__(["before"])
        self.refusals = refusals

    def describe_stream(self, **request: Any) -> dict[str, Any]:
        self.refusals -= 1
        if self.refusals >= 0:
            raise ClientError({"Error": {"Code": "InternalFailure"}}, "DescribeStream")
        return super().describe_stream(**request)


def test_a_stream_that_does_not_answer_at_the_start_is_asked_again() -> None:
    stream, pauses = RefusingStream(2), list[float]()
    reader = opened(stream, STREAM, sleep=pauses.append)
    stream.shards["shard-0"].append("later")
    assert [record["dynamodb"]["SequenceNumber"] for record in reader.next_batch()] == ["later"]
    assert pauses == [1.0, 1.0]


def test_a_stream_that_never_answers_ends_the_start() -> None:
    with pytest.raises(ClientError, match="InternalFailure"):
        opened(RefusingStream(60), STREAM, sleep=lambda seconds: None)


def test_the_clock_ticks_and_an_end_waits_for_what_is_under_way() -> None:
    ticked = threading.Event()

    def sweep(event: Any, context: Any) -> None:
        ticked.set()

    trigger = ClockTrigger(function="sweep", timeout=1.0, seconds=0.01)
    with Runner({"sweep": sweep}, [trigger], clients=lambda service: None):
        wait_for("tick", ticked.is_set, seconds=5)
