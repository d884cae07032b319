"""AWS's limits, where they are switched on."""

from __future__ import annotations

import random
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.contracts.simulation.dynamodb_cases import KEY, TABLE, create_table, number, text
from tests.simulation.client import SimulatedClient
from tests.simulation.dynamodb.service import SimulatedDynamoDB
from tests.simulation.environment import Alone, Scheduled
from tests.simulation.faults import Faults
from tests.simulation.limits import AWS, Latency, Limits, TokenBuckets
from tests.simulation.s3.service import SimulatedS3
from tests.simulation.scheduler import START_MS, Scheduler

ONE_ATTEMPT = Config(retries={"total_max_attempts": 1})


def test_a_bucket_gives_so_much_a_second_and_saves_no_more_than_that() -> None:
    buckets = TokenBuckets(10)
    assert [buckets.take("a", 4, 0) for _ in range(4)] == [True, True, True, False]
    assert buckets.take("b", 4, 0)
    assert not buckets.take("a", 1, 200)
    assert buckets.take("a", 1, 300)
    assert [buckets.take("a", 10, 100_000) for _ in range(2)] == [True, False]
    assert all(TokenBuckets(None).take("a", 1e9, 0) for _ in range(10))


def test_latencies_have_their_median_and_their_tail() -> None:
    chance = random.Random(1)
    drawn = sorted(Latency(0.01, 0.1).draw(chance) for _ in range(10_000))
    assert drawn[5_000] == pytest.approx(0.01, rel=0.1)
    assert drawn[9_900] == pytest.approx(0.1, rel=0.2)


def table(limits: Limits) -> tuple[Any, Alone]:
    environment = Alone(limits=limits)
    client: Any = SimulatedClient(SimulatedDynamoDB(environment), ONE_ATTEMPT)
    create_table(client)
    return client, environment


def writes_until_refused(client: Any, size: int) -> int:
    for count in range(10_000):
        try:
            client.put_item(TableName=TABLE, Item={**KEY, "n": number(count), "x": text("x" * size)})
        except client.exceptions.ProvisionedThroughputExceededException:
            return count
    return -1


def test_one_partition_takes_a_thousand_kilobytes_a_second() -> None:
    client, environment = table(AWS)
    assert writes_until_refused(client, 100) == 1_000
    client.put_item(TableName=TABLE, Item={**KEY, "pk": text("another partition")})
    environment.pass_time(1)
    assert writes_until_refused(client, 10_000) == 100


def test_a_transaction_costs_twice_and_is_cancelled_as_a_whole() -> None:
    client, _ = table(Limits(partition_write_units=10))
    actions = [{"Put": {"TableName": TABLE, "Item": {**KEY, "sk": text(str(n))}}} for n in range(5)]
    client.transact_write_items(TransactItems=actions)
    with pytest.raises(client.exceptions.TransactionCanceledException, match="ThrottlingError"):
        client.transact_write_items(TransactItems=actions)


def test_one_partition_gives_three_thousand_reads_a_second() -> None:
    client, _ = table(AWS)
    for consistent, most in ((True, 3_000), (False, 6_000)):
        key = {"pk": text(f"partition {consistent}"), "sk": text("1")}
        for _ in range(most):
            client.get_item(TableName=TABLE, Key=key, ConsistentRead=consistent)
        with pytest.raises(client.exceptions.ProvisionedThroughputExceededException):
            client.get_item(TableName=TABLE, Key=key, ConsistentRead=consistent)


def test_a_prefix_of_the_store_has_a_rate_of_reads_and_one_of_writes() -> None:
    client: Any = SimulatedClient(SimulatedS3(Alone(limits=Limits(prefix_reads=20, prefix_writes=10))), ONE_ATTEMPT)
    client.create_bucket(Bucket="files")
    for number_of in range(10):
        client.put_object(Bucket="files", Key=f"a/{number_of}", Body=b"")
    with pytest.raises(ClientError, match="SlowDown"):
        client.put_object(Bucket="files", Key="a/x", Body=b"")
    client.put_object(Bucket="files", Key="b/x", Body=b"")
    for number_of in range(20):
        client.head_object(Bucket="files", Key=f"a/{number_of % 10}")
    with pytest.raises(ClientError, match="503"):
        client.head_object(Bucket="files", Key="a/0")


def test_calls_take_their_time() -> None:
    scheduler = Scheduler(1)
    service = SimulatedDynamoDB(Scheduled(scheduler, Faults(1), Limits(latencies={"dynamodb": Latency(2.0, 2.1)})))
    client: Any = SimulatedClient(service, ONE_ATTEMPT)
    create_table(client)
    scheduler.spawn("work", lambda: client.get_item(TableName=TABLE, Key=KEY))
    scheduler.run()
    assert 1_900 < scheduler.true_ms - START_MS < 2_200
