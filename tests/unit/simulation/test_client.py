"""What stands where a boto3 client stands: validation, errors, retries, and what may happen to a call."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, ParamValidationError

from tests.contracts.simulation.dynamodb_cases import ITEM, KEY, TABLE, create_table
from tests.simulation.client import SimulatedClient
from tests.simulation.dynamodb.service import SimulatedDynamoDB
from tests.simulation.environment import Alone, Scheduled
from tests.simulation.faults import Fault, Faults
from tests.simulation.scheduler import START_MS, Killed, Process, Scheduler

ONE_ATTEMPT = Config(retries={"total_max_attempts": 1})
COUNT = {
    "TableName": TABLE,
    "Key": KEY,
    "UpdateExpression": "ADD calls :one",
    "ExpressionAttributeValues": {":one": {"N": "1"}},
}


def alone(faults: dict[Fault, float] | None = None, config: Config | None = None) -> tuple[Any, SimulatedDynamoDB]:
    """A client with faults, and its service; the table is there already."""
    service = SimulatedDynamoDB(Alone(faults=Faults(1)))
    create_table(SimulatedClient(service))
    service.environment.faults.probabilities = faults or {}
    return SimulatedClient(service, config), service


def calls_of(service: SimulatedDynamoDB) -> int:
    item = service.tables[TABLE].items.get(("a", "1"), {})
    return int(item.get("calls", {"N": "0"})["N"])


def test_arguments_are_checked_as_the_sdk_does() -> None:
    client, _ = alone()
    for wrong in ({"TableName": TABLE}, {"TableName": TABLE, "Key": KEY, "Consistent": True}, {"TableName": 7}):
        with pytest.raises(ParamValidationError):
            client.get_item(**wrong)


def test_an_operation_that_does_not_exist_and_one_that_is_not_simulated() -> None:
    client, _ = alone()
    with pytest.raises(AttributeError):
        client.get_items()
    with pytest.raises(NotImplementedError, match="list_backups"):
        client.list_backups()


def test_errors_are_the_clients_own_exceptions() -> None:
    client, _ = alone()
    with pytest.raises(client.exceptions.ConditionalCheckFailedException) as caught:
        client.put_item(TableName=TABLE, Item=ITEM, ConditionExpression="attribute_exists(pk)")
    assert isinstance(caught.value, ClientError)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    with pytest.raises(ClientError, match="ValidationException"):
        client.put_item(TableName=TABLE, Item={"pk": {"S": "x"}})


def test_throttling_is_tried_again_and_what_cannot_succeed_is_not() -> None:
    client, service = alone({Fault.TABLE_THROTTLED: 0.5})
    for _ in range(20):
        client.update_item(**COUNT)
    assert calls_of(service) == 20
    assert service.environment.faults.happened[Fault.TABLE_THROTTLED] > 5
    client, service = alone({Fault.TABLE_THROTTLED: 1.0}, ONE_ATTEMPT)
    with pytest.raises(client.exceptions.ProvisionedThroughputExceededException):
        client.update_item(**COUNT)
    assert (calls_of(service), service.environment.faults.happened.total()) == (0, 1)


def test_an_answer_may_be_lost_after_the_call_took_effect() -> None:
    client, service = alone({Fault.LOST_ANSWER: 1.0}, ONE_ATTEMPT)
    with pytest.raises(ConnectionClosedError):
        client.update_item(**COUNT)
    assert calls_of(service) == 1
    client, service = alone({Fault.LOST_ANSWER: 0.3})
    for _ in range(20):
        client.update_item(**COUNT)
    assert calls_of(service) > 20  # the SDK repeats what has happened already


def test_a_repeated_transaction_takes_effect_once() -> None:
    client, service = alone({Fault.LOST_ANSWER: 0.3})
    for _ in range(20):
        client.transact_write_items(TransactItems=[{"Update": COUNT}])
    assert calls_of(service) == 20
    assert service.environment.faults.happened[Fault.LOST_ANSWER] > 2


def test_a_service_may_not_be_reached() -> None:
    client, service = alone({Fault.UNREACHABLE: 1.0}, ONE_ATTEMPT)
    with pytest.raises(EndpointConnectionError):
        client.update_item(**COUNT)
    assert calls_of(service) == 0


# --- under a scheduler


def scheduled(seed: int, faults: dict[Fault, float]) -> tuple[Any, SimulatedDynamoDB, Scheduler, Scheduled]:
    scheduler = Scheduler(seed)
    environment = Scheduled(scheduler, Faults(seed, faults))
    service = SimulatedDynamoDB(environment)
    create_table(SimulatedClient(service, ONE_ATTEMPT))
    return SimulatedClient(service, ONE_ATTEMPT), service, scheduler, environment


@pytest.mark.parametrize(("fault", "calls"), [(Fault.CRASH_BEFORE, 0), (Fault.CRASH_AFTER, 1)])
def test_a_process_crashes_before_or_after_a_call(fault: Fault, calls: int) -> None:
    client, service, scheduler, environment = scheduled(1, {fault: 1.0})
    process, seen = Process("container", mortal=True), []

    def work() -> None:
        client.update_item(**COUNT)
        seen.append("not reached")

    task = scheduler.spawn("work", work, process=process)
    scheduler.run()
    assert isinstance(task.error, Killed)
    assert (seen, process.alive, calls_of(service)) == ([], False, calls)
    assert environment.crashed == {("dynamodb.update_item", fault)}


def test_a_process_that_is_no_container_does_not_crash() -> None:
    client, service, scheduler, _ = scheduled(1, {Fault.CRASH_BEFORE: 1.0, Fault.CRASH_AFTER: 1.0})
    scheduler.spawn("caller", lambda: client.update_item(**COUNT))
    scheduler.run()
    assert calls_of(service) == 1


def test_nothing_that_a_dead_process_calls_takes_effect() -> None:
    client, service, scheduler, _ = scheduled(1, {Fault.CRASH_AFTER: 1.0, Fault.LATE_EFFECT: 1.0})

    def work() -> None:
        try:
            client.update_item(**COUNT)
        finally:
            client.update_item(**COUNT)

    scheduler.spawn("work", work, process=Process("container", mortal=True))
    scheduler.run()
    assert calls_of(service) == 1


def test_a_call_may_take_effect_after_its_caller_died() -> None:
    client, service, scheduler, _ = scheduled(1, {Fault.CRASH_BEFORE: 1.0, Fault.LATE_EFFECT: 1.0})
    scheduler.spawn("work", lambda: client.update_item(**COUNT), process=Process("container", mortal=True))
    scheduler.run(seconds=0)
    assert calls_of(service) == 0
    scheduler.run()
    assert calls_of(service) == 1


def test_a_transaction_under_way_survives_its_caller_or_has_no_effect_at_all() -> None:
    effects = set()
    for seed in range(40):
        client, service, scheduler, _ = scheduled(seed, {Fault.LATE_EFFECT: 0.5})
        work = partial(client.transact_write_items, TransactItems=[{"Update": COUNT}])
        task = scheduler.spawn("work", work)
        scheduler.run(until=partial(bool, service.tables[TABLE].locked))
        scheduler.kill(task, "test")
        scheduler.run()
        effects.add(calls_of(service))
        assert service.tables[TABLE].locked == set()
    assert effects == {0, 1}


def test_a_slow_call_is_given_up_after_the_read_timeout_and_may_still_happen() -> None:
    config = Config(read_timeout=5, retries={"total_max_attempts": 1})
    outcomes = set()
    for seed in range(30):
        _, service, scheduler, _ = scheduled(seed, {Fault.SLOW_CALL: 1.0, Fault.LATE_EFFECT: 0.5})
        client = SimulatedClient(service, config)
        task = scheduler.spawn("work", partial(client.update_item, **COUNT))
        scheduler.run(until=partial(getattr, task, "done"))
        assert scheduler.true_ms - START_MS <= 5_100  # its way there, and the wait
        scheduler.run()
        outcomes.add((type(task.error).__name__, calls_of(service)))
    assert outcomes == {("NoneType", 1), ("ReadTimeoutError", 0), ("ReadTimeoutError", 1)}


def test_one_seed_gives_one_trace() -> None:
    def trace_of(seed: int) -> list[Any]:
        faults = {Fault.CRASH_AFTER: 0.02, Fault.LOST_ANSWER: 0.1, Fault.SLOW_CALL: 0.1, Fault.STOP: 0.05}
        client, _, scheduler, _ = scheduled(seed, faults)

        def work() -> None:
            for _ in range(10):
                try:
                    client.transact_write_items(TransactItems=[{"Update": COUNT}])
                except (ClientError, ConnectionClosedError, Exception):
                    scheduler.sleep(1)

        for number in range(5):
            scheduler.spawn(f"work {number}", work, process=Process(f"container {number}", mortal=True))
        scheduler.run()
        return scheduler.trace

    traces = [trace_of(seed) for seed in range(10)]
    assert traces == [trace_of(seed) for seed in range(10)]
    assert len({str(trace) for trace in traces}) == 10


def test_a_trace_is_a_story_of_calls_and_faults() -> None:
    client, _, scheduler, environment = scheduled(1, {Fault.CRASH_AFTER: 1.0})
    scheduler.spawn("work", lambda: client.update_item(**COUNT), process=Process("container", mortal=True))
    scheduler.run()
    lines = scheduler.story().splitlines()[1:]  # the first made the table
    assert [line.split(" s  ")[1].split(maxsplit=1)[1] for line in lines] == [
        "dynamodb.update_item (a, 1): ok",
        "FAULT 1: crash after a call, before its answer is read (dynamodb.update_item)",
        "KILLED: crash after a call, before its answer is read (dynamodb.update_item)",
    ]
    assert scheduler.story(last=1) == lines[-1]
    assert environment.faults.drawn == [(1, Fault.CRASH_AFTER, "dynamodb.update_item")]


def test_a_run_can_be_repeated_with_some_of_its_faults() -> None:
    def faults_of(only: set[int] | None) -> list[int]:
        client, service, scheduler, environment = scheduled(4, {Fault.LOST_ANSWER: 0.5})
        environment.faults.only = only
        client = SimulatedClient(service)
        for _ in range(10):
            scheduler.spawn("work", partial(client.update_item, **COUNT))
        scheduler.run()
        return [number for number, _, _ in environment.faults.drawn]

    everything = faults_of(None)
    assert len(everything) > 5
    assert faults_of(set(everything)) == everything
    assert faults_of({everything[2]}) == [everything[2]]
    assert faults_of(set()) == []
