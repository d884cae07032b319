"""What is asked of every SQS: scripts of calls, and what is seen of them. A queue hides messages for one second."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.contracts.simulation.comparing import outcome

VISIBILITY = 1
MAX_RECEIVES = 3
PAUSE = VISIBILITY + 0.3

Seen = list[Any]


class Queues:
    """A queue with a dead-letter queue, and what a script saw of them. `wait` passes seconds."""

    def __init__(self, client: Any, name: str, wait: Callable[[float], None]) -> None:
        self.client, self.wait = client, wait
        self.seen: Seen = []
        self.dead = client.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
        arn = client.get_queue_attributes(QueueUrl=self.dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVES})
        attributes = {"VisibilityTimeout": str(VISIBILITY), "RedrivePolicy": redrive}
        self.url = client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def ask(self, operation: str, *, url: str = "", **arguments: Any) -> Any:
        """Make a call and note its outcome, without ids and times."""
        code, answer = outcome(getattr(self.client, operation), {"QueueUrl": url or self.url, **arguments})
        self.seen.append((operation, code, _plain(answer) if code == "ok" else None))
        return answer

    def send(self, *bodies: str, **more: Any) -> None:
        for body in bodies:
            self.ask("send_message", MessageBody=body, **more)

    def receive(self, most: int = 10, *, url: str = "", **more: Any) -> dict[str, str]:
        """The receipt handle of each body."""
        answer = self.ask(
            "receive_message",
            url=url,
            MaxNumberOfMessages=most,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
            **more,
        )
        return {message["Body"]: message["ReceiptHandle"] for message in (answer or {}).get("Messages", ())}

    def count(self) -> None:
        names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
        self.ask("get_queue_attributes", AttributeNames=names)

    def batch(self, operation: str, *entries: dict[str, Any]) -> Any:
        return self.ask(operation, Entries=[{"Id": str(n), **entry} for n, entry in enumerate(entries)])


def _plain(answer: Any) -> Any:
    """What can be compared of an answer."""
    if not isinstance(answer, dict):
        return answer
    messages = [
        {
            "Body": message["Body"],
            "MD5OfBody": message["MD5OfBody"],
            "MessageAttributes": message.get("MessageAttributes", {}),
            "count": message["Attributes"]["ApproximateReceiveCount"],
            "given up": "DeadLetterQueueSourceArn" in message["Attributes"],
        }
        for message in answer.get("Messages", ())
    ]
    found = {name: answer[name] for name in ("MD5OfMessageBody", "Attributes") if name in answer}
    for name in ("Successful", "Failed"):
        if name in answer:
            found[name] = [_entry(entry) for entry in answer[name]]
    return {**found, "Messages": sorted(messages, key=str)}


def _entry(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in ("Id", "MD5OfMessageBody", "SenderFault", "Code") if name in entry}


# --- the scripts


def a_message_is_hidden_once_received_and_comes_back(queues: Queues) -> None:
    queues.send("one")
    queues.receive()
    queues.receive()
    queues.count()
    queues.wait(PAUSE)
    queues.receive()


def a_deleted_message_does_not_come_back(queues: Queues) -> None:
    queues.send("one", "two")
    handles = queues.receive()
    queues.ask("delete_message", ReceiptHandle=handles["one"])
    queues.wait(PAUSE)
    queues.receive()
    queues.count()


def a_message_that_is_received_too_often_moves_on_and_keeps_its_count(queues: Queues) -> None:
    attributes = {"trace": {"DataType": "String", "StringValue": "abc"}}
    queues.send("one", MessageAttributes=attributes)
    for _ in range(MAX_RECEIVES):
        handle = queues.receive()["one"]
        queues.ask("change_message_visibility", ReceiptHandle=handle, VisibilityTimeout=0)
    queues.receive()
    queues.receive(url=queues.dead)
    queues.count()


def visibility_can_be_extended_and_ended(queues: Queues) -> None:
    queues.send("one", "two")
    handles = queues.receive()
    queues.ask("change_message_visibility", ReceiptHandle=handles["one"], VisibilityTimeout=30)
    queues.ask("change_message_visibility", ReceiptHandle=handles["two"], VisibilityTimeout=0)
    queues.receive()
    queues.wait(PAUSE)
    queues.receive()


def a_receive_may_hide_for_a_time_of_its_own(queues: Queues) -> None:
    queues.send("one")
    queues.receive(VisibilityTimeout=30)
    queues.wait(PAUSE)
    queues.receive()


def a_delayed_message_comes_later(queues: Queues) -> None:
    queues.send("late", DelaySeconds=1)
    queues.receive()
    queues.count()
    queues.wait(PAUSE)
    queues.receive()


def a_receive_gives_no_more_than_it_is_asked_for(queues: Queues) -> None:
    queues.send(*"abc")
    seen = [len(queues.receive(most)) for most in (2, 2, 2)]
    queues.seen = [seen]


def a_batch_is_sent(queues: Queues) -> None:
    queues.batch("send_message_batch", {"MessageBody": "one"}, {"MessageBody": "two", "DelaySeconds": 1})
    queues.receive()
    queues.wait(PAUSE)
    queues.receive()


def entries_of_a_batch_fail_by_themselves(queues: Queues) -> None:
    queues.send("one")
    handle = queues.receive()["one"]
    queues.batch("send_message_batch", {"MessageBody": "x", "DelaySeconds": 1000}, {"MessageBody": "two"})
    visible = {"VisibilityTimeout": 30}
    good, bad = {"ReceiptHandle": handle}, {"ReceiptHandle": "no handle"}
    queues.batch("change_message_visibility_batch", {**good, **visible}, {**bad, **visible})
    queues.batch("delete_message_batch", good, bad)
    queues.count()


def batches_are_refused_as_a_whole(queues: Queues) -> None:
    entry = {"MessageBody": "x"}
    queues.batch("send_message_batch", *[entry] * 11)
    queues.batch("send_message_batch")
    queues.ask("send_message_batch", Entries=[{"Id": "a", **entry}] * 2)
    queues.ask("send_message_batch", Entries=[{"Id": "a b", **entry}])
    queues.batch("send_message_batch", *[{"MessageBody": "x" * 400_000}] * 3)
    queues.count()


def messages_are_refused(queues: Queues) -> None:
    queues.send("x" * (1024 * 1024 + 1))
    queues.send("x", DelaySeconds=901)
    queues.receive(11)
    queues.receive(0)
    queues.count()


def bodies_are_refused(queues: Queues) -> None:
    queues.send("", "\x01", "\ud7ff\t", "\ufffe")
    queues.count()


def timeouts_over_twelve_hours_are_refused(queues: Queues) -> None:
    queues.send("one")
    queues.receive(VisibilityTimeout=43_201)
    for handle in queues.receive().values():
        queues.ask("change_message_visibility", ReceiptHandle=handle, VisibilityTimeout=43_201)


def the_longest_message_is_taken(queues: Queues) -> None:
    queues.send("x" * 1024 * 1024)
    queues.count()


def handles_are_looked_at(queues: Queues) -> None:
    queues.ask("delete_message", ReceiptHandle="no handle")
    queues.ask("change_message_visibility", ReceiptHandle="no handle", VisibilityTimeout=1)
    queues.send("one")
    handle = queues.receive()["one"]
    queues.ask("delete_message", ReceiptHandle=handle)
    queues.count()


def a_message_is_deleted_twice(queues: Queues) -> None:
    queues.send("one")
    handle = queues.receive()["one"]
    queues.ask("delete_message", ReceiptHandle=handle)
    queues.ask("delete_message", ReceiptHandle=handle)


def what_is_not_in_flight_cannot_be_hidden(queues: Queues) -> None:
    queues.send("one")
    handle = queues.receive()["one"]
    queues.wait(PAUSE)
    queues.ask("change_message_visibility", ReceiptHandle=handle, VisibilityTimeout=30)


def a_message_may_be_deleted_after_its_time(queues: Queues) -> None:
    queues.send("one")
    handle = queues.receive()["one"]
    queues.wait(PAUSE)
    queues.ask("delete_message", ReceiptHandle=handle)
    queues.receive()


def queues_that_do_not_exist(queues: Queues) -> None:
    absent = queues.url + "-absent"
    queues.ask("send_message", url=absent, MessageBody="x")
    queues.ask("receive_message", url=absent)
    queues.ask("get_queue_attributes", url=absent, AttributeNames=["All"])


SCRIPTS: list[Callable[[Queues], None]] = [
    a_message_is_hidden_once_received_and_comes_back,
    a_deleted_message_does_not_come_back,
    a_message_that_is_received_too_often_moves_on_and_keeps_its_count,
    visibility_can_be_extended_and_ended,
    a_receive_may_hide_for_a_time_of_its_own,
    a_delayed_message_comes_later,
    a_receive_gives_no_more_than_it_is_asked_for,
    a_batch_is_sent,
    entries_of_a_batch_fail_by_themselves,
    batches_are_refused_as_a_whole,
    messages_are_refused,
    bodies_are_refused,
    timeouts_over_twelve_hours_are_refused,
    the_longest_message_is_taken,
    handles_are_looked_at,
    a_message_is_deleted_twice,
    what_is_not_in_flight_cannot_be_hidden,
    a_message_may_be_deleted_after_its_time,
    queues_that_do_not_exist,
]
