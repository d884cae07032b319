"""What every WorkQueue does, on the fake and on SQS (moto)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber

from chalicelib.aws.sqs import SqsWorkQueue
from chalicelib.errors import QueueUnavailable
from chalicelib.jobs.ports import WorkQueue
from chalicelib.limits import SQS_MAX_BATCH_ENTRIES
from chalicelib.messages import AnyMessage, CheckBatch, DispatchJob, Message, decode_any
from tests.support.aws import emulated_aws
from tests.support.fakes import FakeWorkQueue
from tests.support.servers import refusing, silent

JOB = "6f6b0f9e-0000-4000-8000-000000000001"


class Station(Protocol):
    """A queue together with a way to see what arrived, kind by kind, and to break it."""

    @property
    def queue(self) -> WorkQueue: ...

    def arrived(self, kind: type[Message]) -> list[Message]: ...

    def break_down(self) -> None: ...


class FakeStation:
    def __init__(self) -> None:
        self.queue = FakeWorkQueue()

    def arrived(self, kind: type[Message]) -> list[Message]:
        return [message for message in self.queue.messages if type(message) is kind]

    def break_down(self) -> None:
        self.queue.down = True


class SqsStation:
    def __init__(self) -> None:
        self.client = boto3.client("sqs")
        self.urls: dict[type[AnyMessage], str] = {
            kind: self.client.create_queue(QueueName=kind.__name__)["QueueUrl"] for kind in (DispatchJob, CheckBatch)
        }
        self.queue = SqsWorkQueue(self.client, self.urls)

    def arrived(self, kind: type[Message]) -> list[Message]:
        found: list[Message] = []
        while received := self.client.receive_message(QueueUrl=self.urls[kind], MaxNumberOfMessages=10).get("Messages"):
            found.extend(decode_any(message["Body"]) for message in received)
        return found

    def break_down(self) -> None:
        for url in self.urls.values():
            self.client.delete_queue(QueueUrl=url)


@pytest.fixture(params=["fake", "sqs"])
def station(request: pytest.FixtureRequest) -> Iterator[Station]:
    if request.param == "fake":
        yield FakeStation()
        return
    with emulated_aws():
        yield SqsStation()


def batches(number: int) -> list[CheckBatch]:
    return [CheckBatch(JOB, batch) for batch in range(number)]


def by_batch(messages: list[Message]) -> list[Message]:
    """SQS promises no order."""
    return sorted(messages, key=lambda message: message.batch if isinstance(message, CheckBatch) else -1)


@pytest.mark.parametrize("number", [1, SQS_MAX_BATCH_ENTRIES, SQS_MAX_BATCH_ENTRIES + 1, 25])
def test_every_message_arrives_once(station: Station, number: int) -> None:
    station.queue.send(batches(number))
    assert by_batch(station.arrived(CheckBatch)) == batches(number)


def test_each_kind_of_message_has_a_queue_of_its_own(station: Station) -> None:
    station.queue.send([CheckBatch(JOB, 0), DispatchJob(JOB), CheckBatch(JOB, 1)])
    assert station.arrived(DispatchJob) == [DispatchJob(JOB)]
    assert by_batch(station.arrived(CheckBatch)) == batches(2)


def test_messages_may_be_made_while_they_are_sent(station: Station) -> None:
    station.queue.send(CheckBatch(JOB, batch) for batch in range(12))
    assert by_batch(station.arrived(CheckBatch)) == batches(12)


def test_sending_nothing_is_fine(station: Station) -> None:
    station.queue.send([])
    assert station.arrived(CheckBatch) == []


def test_a_queue_that_is_down_is_unavailable(station: Station) -> None:
    station.break_down()
    with pytest.raises(QueueUnavailable, match="did not answer"):
        station.queue.send([DispatchJob(JOB)])


# --- SQS alone --------------------------------------------------------------------------


def queue_of(client: Any) -> SqsWorkQueue:
    return SqsWorkQueue(client, {DispatchJob: "https://sqs.test/0/dispatch"})


def test_a_message_that_sqs_refuses_is_not_taken_for_sent() -> None:
    """SQS answers 200 to a batch of which it took only some."""
    client = boto3.client("sqs")
    refusal = {"Id": "1", "SenderFault": False, "Code": "InternalError", "Message": "not today"}
    taken = {"Id": "0", "MessageId": "m", "MD5OfMessageBody": "x"}
    with Stubber(client) as stub:
        stub.add_response("send_message_batch", {"Successful": [taken], "Failed": [refusal]})
        with pytest.raises(QueueUnavailable, match="not today"):
            queue_of(client).send([DispatchJob("a"), DispatchJob("b")])


@pytest.mark.parametrize("broken", [refusing, silent])
def test_a_queue_that_does_not_answer_is_unavailable(broken: Any) -> None:
    config = Config(connect_timeout=0.3, read_timeout=0.3, retries={"total_max_attempts": 1})
    with broken() as address:
        queue = SqsWorkQueue(boto3.client("sqs", endpoint_url=address, config=config), {DispatchJob: address})
        with pytest.raises(QueueUnavailable):
            queue.send([DispatchJob(JOB)])
