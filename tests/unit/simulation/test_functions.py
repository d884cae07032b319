"""Functions, their containers, and what invokes them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.contracts.simulation.dynamodb_cases import TABLE, create_table, number, text
from tests.events import recorded
from tests.simulation.client import SimulatedClient
from tests.simulation.dynamodb.service import SimulatedDynamoDB
from tests.simulation.environment import Scheduled
from tests.simulation.faults import Fault, Faults
from tests.simulation.functions.runtime import Context, Function, Functions, Invocation, Outcome
from tests.simulation.functions.sources import QueueSource, Schedule, StreamSource
from tests.simulation.limits import NO_LIMITS, Limits
from tests.simulation.scheduler import START_MS, Process, Scheduler
from tests.simulation.sqs.service import SimulatedSQS

Event = dict[str, Any]


class World:
    """Functions, a queue of 30 s with a dead-letter queue, and a table with a stream."""

    def __init__(self, seed: int = 1, limits: Limits = NO_LIMITS, **faults: float) -> None:
        self.scheduler = Scheduler(seed)
        chances = {Fault[name]: value for name, value in faults.items()}
        self.environment = Scheduled(self.scheduler, Faults(seed, chances), limits)
        self.functions = Functions(self.environment)
        self.sqs, self.dynamodb = SimulatedSQS(self.environment), SimulatedDynamoDB(self.environment)
        client: Any = SimulatedClient(self.sqs)
        self.dead = self.sqs.queue(client.create_queue(QueueName="dead")["QueueUrl"])
        redrive = json.dumps({"deadLetterTargetArn": self.dead.arn, "maxReceiveCount": 3})
        attributes = {"VisibilityTimeout": "30", "RedrivePolicy": redrive}
        self.queue = self.sqs.queue(client.create_queue(QueueName="work", Attributes=attributes)["QueueUrl"])
        self.table_client: Any = SimulatedClient(self.dynamodb)
        create_table(self.table_client)
        self.table = self.dynamodb.tables[TABLE]
        self.table.streamed = True

    @property
    def seconds(self) -> float:
        return (self.scheduler.true_ms - START_MS) / 1000

    def on_queue(self, handler: Callable[[Event, Context], Any], *, batch: int = 1, concurrency: int = 5) -> None:
        QueueSource(self.functions, Function("work", handler, 20), self.queue, batch, concurrency).start()

    def on_stream(
        self, handler: Callable[[Event, Context], Any], *, batch: int = 10, max_age: float = 3600
    ) -> StreamSource:
        function = Function("notify", handler, 60)
        source = StreamSource(self.functions, function, self.table, batch, max_age, given_up=self.dead)
        source.start()
        return source

    def run(self, seconds: float) -> None:
        self.scheduler.run(seconds=seconds)

    def bodies(self) -> list[str]:
        return sorted(message.body for message in self.queue.messages.values())


def bodies_of(event: Event) -> list[str]:
    return [record["body"] for record in event["Records"]]


# --- queues


def test_messages_are_handed_over_and_deleted() -> None:
    world, seen = World(), Counter[str]()
    world.on_queue(lambda event, _: seen.update(bodies_of(event)), batch=3)
    for letter in "abcdefg":
        world.queue.send(letter)
    world.run(10)
    assert seen == Counter("abcdefg")
    assert world.bodies() == []


def test_an_event_is_shaped_as_recorded() -> None:
    world, seen = World(), list[Event]()
    world.on_queue(lambda event, _: seen.append(event))
    world.queue.send("body", attributes={"trace": {"DataType": "String", "StringValue": "abc"}})
    world.run(1)
    ours, theirs = seen[0]["Records"][0], recorded("sqs_check")["Records"][0]
    assert ours.keys() == theirs.keys()
    assert ours["attributes"].keys() >= {"ApproximateReceiveCount", "SentTimestamp"}
    assert ours["messageAttributes"] == {"trace": {"dataType": "String", "stringValue": "abc"}}


def test_only_what_is_reported_as_failed_comes_again() -> None:
    world, seen = World(), Counter[str]()

    def handle(event: Event, _: Context) -> Any:
        seen.update(bodies_of(event))
        failed = [record["messageId"] for record in event["Records"] if record["body"] == "b" and seen["b"] == 1]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    world.on_queue(handle, batch=3)
    for letter in "abc":
        world.queue.send(letter)
    world.run(29)
    assert (seen, world.bodies()) == (Counter("abc"), ["b"])
    world.run(10)
    assert (seen, world.bodies()) == (Counter("abbc"), [])


@pytest.mark.parametrize("crash", [0.0, 1.0])
def test_a_batch_whose_function_raises_or_is_killed_comes_again_and_gives_up(crash: float) -> None:
    world = World(CRASH_AFTER=crash)

    def handle(event: Event, _: Context) -> None:
        world.table_client.get_item(TableName=TABLE, Key=KEY)
        raise ValueError("broken")

    world.on_queue(handle)
    world.queue.send("a")
    world.run(200)
    assert world.bodies() == []
    (letter,) = world.dead.messages.values()
    assert (letter.body, letter.receive_count) == ("a", 3)
    assert len(world.functions.errors) == (0 if crash else 3)


KEY = {"pk": text("a"), "sk": text("1")}


def test_no_more_batches_run_at_once_than_the_source_allows() -> None:
    world, running, most = World(), [0], [0]

    def handle(event: Event, _: Context) -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        world.scheduler.sleep(1)
        running[0] -= 1

    world.on_queue(handle, concurrency=4)
    for letter in range(20):
        world.queue.send(str(letter))
    world.run(60)
    assert (most, world.bodies()) == ([4], [])
    assert world.seconds == 60


def test_a_source_begins_with_few_batches_at_once() -> None:
    world, running, most = World(limits=Limits(pollers_at_first=5, pollers_per_minute=60)), [0], [0]

    def handle(event: Event, _: Context) -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        world.scheduler.sleep(10)
        running[0] -= 1

    world.on_queue(handle, concurrency=50)
    for letter in range(200):
        world.queue.send(str(letter))
    world.run(0.5)
    assert most == [5]
    world.run(30)
    assert 20 < most[0] <= 36


def test_a_throttled_invocation_counts_as_a_receive() -> None:
    world, seen = World(THROTTLED_INVOCATION=1.0), Counter[str]()
    world.on_queue(lambda event, _: seen.update(bodies_of(event)))
    world.queue.send("a")
    world.run(200)
    assert (seen, len(world.dead.messages)) == (Counter(), 1)
    world = World(limits=Limits(concurrent_functions=0))
    world.on_queue(lambda event, _: None)
    world.queue.send("a")
    world.run(200)
    assert len(world.dead.messages) == 1


def test_a_message_that_was_delivered_twice_at_once_is_handled_twice() -> None:
    world, seen = World(DUPLICATE_MESSAGE=1.0), Counter[str]()

    def handle(event: Event, _: Context) -> None:
        seen.update(bodies_of(event))
        world.scheduler.sleep(19)

    world.on_queue(handle)
    world.queue.send("a")
    world.run(60)
    assert seen["a"] > 1


# --- invocations


def invoked(world: World, function: Function, event: Any = None) -> Invocation:
    found: list[Invocation] = []
    world.scheduler.spawn("caller", lambda: found.append(world.functions.invoke(function, event)))
    world.scheduler.run(until=lambda: bool(found))
    return found[0]


def test_an_invocation_has_an_answer_or_an_error() -> None:
    world = World()
    assert invoked(world, Function("echo", lambda event, _: {"got": event}, 5), [1]) == Invocation(
        Outcome.OK, {"got": [1]}
    )
    broken = invoked(world, Function("broken", lambda event, _: 1 / 0, 5))
    assert (broken.outcome, type(broken.error)) == (Outcome.RAISED, ZeroDivisionError)
    assert [(name, type(error)) for name, error in world.functions.errors] == [("broken", ZeroDivisionError)]


def test_a_function_is_killed_at_its_time_limit_and_its_container_with_it() -> None:
    world = World()
    containers: list[Process] = []
    left: list[int] = []

    def handle(event: Event, context: Context) -> None:
        left.append(context.get_remaining_time_in_millis())
        world.scheduler.sleep(15)
        left.append(context.get_remaining_time_in_millis())
        world.scheduler.sleep(15)

    function = Function("slow", handle, 20, prepare=containers.append)
    assert invoked(world, function).outcome is Outcome.KILLED
    assert (left, world.seconds) == ([20_000, 5_000], 20)
    assert [(process.alive, function.idle) for process in containers] == [(False, [])]


def test_a_container_is_prepared_once_serves_one_invocation_at_a_time_and_is_used_again() -> None:
    world, prepared, used = World(), Counter[str](), Counter[str]()
    function = Function("work", lambda event, _: use(), 20, prepare=lambda process: prepared.update([process.name]))

    def use() -> None:
        assert world.scheduler.current is not None
        process = world.scheduler.current.process
        assert not process.memory.get("busy")
        process.memory["busy"] = True
        used.update([process.name])
        world.scheduler.sleep(1)
        process.memory["busy"] = False

    for _ in range(40):
        world.scheduler.spawn("caller", world.functions.invoke, function, None)
        world.run(0.3)
    world.run(5)
    assert set(prepared.values()) == {1}
    assert prepared.keys() == used.keys()
    assert 3 < len(used) < 20
    assert used.total() == 40


def test_clocks_of_containers_may_be_off() -> None:
    world = World(CLOCK_SKEW=1.0)
    function = Function("clock", lambda event, _: world.scheduler.now_ms() - world.scheduler.true_ms, 5)
    assert any(invoked(world, function).answer for _ in range(5))


def test_an_event_is_never_too_large() -> None:
    world = World()
    task = world.scheduler.spawn(
        "caller", world.functions.invoke, Function("echo", lambda event, _: None, 5), "x" * 7_000_000
    )
    world.run(1)
    assert isinstance(task.error, AssertionError)


# --- streams


def change(world: World, pk: str, value: int) -> None:
    world.table_client.put_item(TableName=TABLE, Item={"pk": text(pk), "sk": text("1"), "n": number(value)})


def changes_of(event: Event) -> list[tuple[str, str]]:
    images = [record["dynamodb"]["NewImage"] for record in event["Records"]]
    return [(image["pk"]["S"], image["n"]["N"]) for image in images]


def test_changes_of_a_partition_are_handed_over_in_order() -> None:
    world, seen = World(), list[tuple[str, str]]()
    source = world.on_stream(lambda event, _: seen.extend(changes_of(event)), batch=4)
    for value in range(10):
        for pk in "abcdef":
            change(world, pk, value)
    world.run(60)
    assert not source.is_behind
    for pk in "abcdef":
        assert [n for key, n in seen if key == pk] == [str(value) for value in range(10)]


def test_a_stream_event_is_shaped_as_recorded() -> None:
    world, seen = World(), list[Event]()
    world.on_stream(lambda event, _: seen.append(event))
    change(world, "a", 1)
    change(world, "a", 2)
    world.table_client.put_item(TableName=TABLE, Item={"pk": text("a"), "sk": text("1"), "b": {"B": b"\xff"}})
    world.table_client.delete_item(TableName=TABLE, Key={"pk": text("a"), "sk": text("1")})
    world.run(10)
    records = [record for event in seen for record in event["Records"]]
    theirs = recorded("dynamodb_notify")["Records"][0]
    assert all(record.keys() == theirs.keys() for record in records)
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "MODIFY", "REMOVE"]
    assert records[2]["dynamodb"]["NewImage"]["b"] == {"B": "/w=="}


def test_a_failed_batch_is_repeated_in_smaller_ones_and_others_wait_for_it() -> None:
    world, seen, attempts = World(), list[str](), [0]

    def handle(event: Event, _: Context) -> None:
        values = [n for _, n in changes_of(event)]
        if "3" in values and attempts[0] < 4:
            attempts[0] += 1
            raise ValueError("broken")
        seen.extend(values)

    source = world.on_stream(handle, batch=8)
    for value in range(8):
        change(world, "a", value)
    world.run(120)
    assert seen == [str(value) for value in range(8)]
    assert (attempts, source.is_behind) == ([4], False)


def test_a_change_that_fails_for_too_long_is_given_up() -> None:
    world, seen = World(), list[str]()

    def handle(event: Event, _: Context) -> None:
        values = [n for _, n in changes_of(event)]
        if "3" in values:
            raise ValueError("broken")
        seen.extend(values)

    source = world.on_stream(handle, batch=8, max_age=600)
    for value in range(8):
        change(world, "a", value)
    world.run(1200)
    assert not source.is_behind
    assert set(seen) >= {"0", "1", "2"}
    assert len(world.dead.messages) > 0
    assert "3" not in seen


def test_a_reported_change_and_all_after_it_come_again() -> None:
    world, seen, reported = World(), list[str](), [False]

    def handle(event: Event, _: Context) -> Any:
        seen.extend(n for _, n in changes_of(event))
        if reported[0]:
            return None
        reported[0] = True
        return {"batchItemFailures": [{"itemIdentifier": event["Records"][2]["dynamodb"]["SequenceNumber"]}]}

    world.on_stream(handle, batch=4)
    for value in range(4):
        change(world, "a", value)
    world.run(30)
    assert seen == ["0", "1", "2", "3", "2", "3"]


def test_a_batch_may_be_delivered_again_after_it_succeeded() -> None:
    world, seen = World(REPEATED_STREAM_BATCH=0.5), Counter[str]()
    source = world.on_stream(lambda event, _: seen.update(n for _, n in changes_of(event)), batch=1)
    for value in range(20):
        change(world, "a", value)
    world.run(120)
    assert not source.is_behind
    assert seen.keys() == {str(value) for value in range(20)}
    assert seen.total() > 20


# --- schedules


def test_a_schedule_invokes_its_function_and_tries_again_what_fails() -> None:
    world, seen = World(), list[tuple[str, float]]()

    def handle(event: Event, _: Context) -> None:
        seen.append((event["id"], world.seconds))
        if len(seen) == 1:
            raise ValueError("broken")

    Schedule(world.functions, Function("sweep", handle, 50), 60).start()
    world.run(200)
    first = [at for event_id, at in seen if event_id == seen[0][0]]
    assert first == [60, 120]
    assert [at for event_id, at in seen if event_id != seen[0][0]] == [120, 180]


def test_a_scheduled_event_is_shaped_as_recorded_and_may_come_twice() -> None:
    world, seen = World(REPEATED_INVOCATION=1.0), list[Event]()
    Schedule(world.functions, Function("sweep", lambda event, _: seen.append(event), 50), 60).start()
    world.run(61)
    assert len(seen) == 2
    assert seen[0] == seen[1]
    assert seen[0].keys() == recorded("schedule_sweep").keys()


@pytest.mark.parametrize("seed", range(3))
def test_one_seed_gives_one_run(seed: int) -> None:
    def trace_of() -> list[Any]:
        world = World(seed, CRASH_BEFORE=0.1, DUPLICATE_MESSAGE=0.2, THROTTLED_INVOCATION=0.1, CLOCK_SKEW=0.5)
        world.on_queue(lambda event, _: change(world, event["Records"][0]["body"], 1), concurrency=3)
        world.on_stream(lambda event, _: changes_of(event))
        for letter in "abcdefgh":
            world.queue.send(letter)
        world.run(300)
        return world.scheduler.trace

    assert trace_of() == trace_of()
