"""What the simulated queues do that no emulator does when asked: duplicates, returns, delays, disorder, partial sends.

That their answers are SQS's is shown by tests/contracts/simulation.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.simulation.client import SimulatedClient
from tests.simulation.environment import Alone, Scheduled
from tests.simulation.faults import Fault, Faults
from tests.simulation.scheduler import START_MS, Scheduler
from tests.simulation.sqs.service import SimulatedSQS

VISIBILITY = 25


class World:
    """A queue with a dead-letter queue, a client and a clock that the test moves."""

    def __init__(self, **faults: float) -> None:
        self.environment = Alone(faults=Faults(3))
        self.service = SimulatedSQS(self.environment)
        self.client: Any = SimulatedClient(self.service, Config(retries={"total_max_attempts": 1}))
        self.dead = self.client.create_queue(QueueName="dead")["QueueUrl"]
        redrive = {"deadLetterTargetArn": self.service.queue(self.dead).arn, "maxReceiveCount": 3}
        attributes = {"VisibilityTimeout": str(VISIBILITY), "RedrivePolicy": json.dumps(redrive)}
        self.url = self.client.create_queue(QueueName="work", Attributes=attributes)["QueueUrl"]
        self.environment.faults.probabilities = {Fault[name]: value for name, value in faults.items()}

    def send(self, *bodies: str) -> Any:
        entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)]
        return self.client.send_message_batch(QueueUrl=self.url, Entries=entries)

    def receive(self, url: str = "") -> list[Any]:
        answer = self.client.receive_message(QueueUrl=url or self.url, MaxNumberOfMessages=10, AttributeNames=["All"])
        messages: list[Any] = answer.get("Messages", [])
        return messages

    def bodies(self) -> list[str]:
        return [message["Body"] for message in self.receive()]

    def delete(self, message: Any) -> None:
        self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])


def test_a_message_is_delivered_again_after_its_visibility_timeout_and_not_before() -> None:
    world = World()
    world.send("one")
    assert world.bodies() == ["one"]
    world.environment.pass_time(VISIBILITY - 1)
    assert world.bodies() == []
    world.environment.pass_time(1)
    assert world.bodies() == ["one"]


def test_after_too_many_receives_a_message_is_a_dead_letter_whose_count_continues() -> None:
    world = World()
    world.send("one")
    for _ in range(3):
        assert world.bodies() == ["one"]
        world.environment.pass_time(VISIBILITY)
    assert world.bodies() == []
    (letter,) = world.receive(world.dead)
    assert letter["Attributes"]["ApproximateReceiveCount"] == "4"
    assert letter["Attributes"]["SentTimestamp"] == str(START_MS)
    assert letter["Attributes"]["DeadLetterQueueSourceArn"].endswith(":work")


def test_a_message_is_gone_after_its_retention() -> None:
    world = World()
    world.send("one")
    world.environment.pass_time(4 * 24 * 3600)
    assert world.bodies() == []
    assert world.service.queue(world.url).messages == {}


def test_two_receivers_may_have_one_message_at_once() -> None:
    world = World(DUPLICATE_MESSAGE=1.0)
    world.send("one")
    (first,) = world.receive()
    world.environment.pass_time(VISIBILITY / 2)
    (second,) = world.receive()
    assert (first["MessageId"], second["Body"]) == (second["MessageId"], "one")
    assert first["ReceiptHandle"] != second["ReceiptHandle"]


def test_a_deleted_message_may_return() -> None:
    world = World(RETURNING_MESSAGE=1.0)
    world.send("one")
    world.delete(world.receive()[0])
    assert world.bodies() == []
    world.environment.pass_time(300)
    assert world.bodies() == ["one"]


def test_the_handle_of_an_earlier_delivery_may_work_or_not() -> None:
    for works, left in ((0.0, 1), (1.0, 0)):
        world = World(OLD_RECEIPT_WORKS=works)
        world.send("one")
        (first,) = world.receive()
        world.environment.pass_time(VISIBILITY)
        world.receive()
        world.delete(first)
        assert len(world.service.queue(world.url).messages) == left


def test_a_part_of_a_batch_may_be_refused() -> None:
    world = World(PARTIAL_SEND=0.5)
    answer = world.send(*"abcdefghij")
    failed = {int(entry["Id"]) for entry in answer["Failed"]}
    assert 0 < len(failed) < 10
    assert not any(entry["SenderFault"] for entry in answer["Failed"])
    assert set(world.bodies()) == {body for n, body in enumerate("abcdefghij") if n not in failed}


def test_messages_may_come_late_and_out_of_order() -> None:
    world = World(DELAYED_MESSAGE=0.5)
    world.send(*"abcdefghij")
    at_once = world.bodies()
    assert 0 < len(at_once) < 10
    world.environment.pass_time(600)
    assert sorted({*at_once, *world.bodies()}) == sorted("abcdefghij")
    world = World(REORDERED_MESSAGES=1.0)
    world.send(*"abcdefghij")
    bodies = world.bodies()
    assert bodies != sorted(bodies)
    assert sorted(bodies) == list("abcdefghij")


def test_a_queue_may_be_throttled() -> None:
    world = World(QUEUE_THROTTLED=1.0)
    with pytest.raises(ClientError, match="ThrottlingException"):
        world.send("one")


def test_what_waits_in_a_queue_is_known() -> None:
    world = World()
    queue = world.service.queue(world.url)
    heard: list[int] = []
    queue.listeners.append(lambda: heard.append(queue.counts()[0]))
    assert queue.next_ms() is None
    world.client.send_message(QueueUrl=world.url, MessageBody="late", DelaySeconds=60)
    assert queue.next_ms() == START_MS + 60_000
    world.send("one")
    assert queue.next_ms() == START_MS
    world.receive()
    assert queue.next_ms() == START_MS + VISIBILITY * 1000
    assert heard[:2] == [0, 1]


def test_a_receiver_may_wait_for_a_message() -> None:
    scheduler = Scheduler(1)
    service = SimulatedSQS(Scheduled(scheduler, Faults(1)))
    client: Any = SimulatedClient(service)
    url = client.create_queue(QueueName="work")["QueueUrl"]
    seen: list[Any] = []

    def receive() -> None:
        seen.append(client.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"][0]["Body"])
        seen.append((scheduler.true_ms - START_MS) // 1000)

    def send() -> None:
        scheduler.sleep(7)
        client.send_message(QueueUrl=url, MessageBody="one")

    for task in (receive, send):
        scheduler.spawn(task.__name__, task)
    scheduler.run()
    assert seen[0] == "one"
    assert seen[1] in (7, 8)
