"""What the simulated table does that no emulator does when asked: conflicts, staleness, lag, streams, TTL, leftovers.

That its answers are DynamoDB's is shown by tests/contracts/simulation.
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.contracts.simulation.dynamodb_cases import INDEX, KEY, OTHER, TABLE, create_table, number, text
from tests.simulation.client import SimulatedClient
from tests.simulation.dynamodb.service import SimulatedDynamoDB
from tests.simulation.dynamodb.tables import Table
from tests.simulation.environment import Alone, Scheduled
from tests.simulation.faults import Fault, Faults
from tests.simulation.scheduler import Scheduler

COUNT = {
    "TableName": TABLE,
    "Key": KEY,
    "UpdateExpression": "ADD calls :one",
    "ExpressionAttributeValues": {":one": {"N": "1"}},
}


class World:
    """A table, a client and a clock that the test moves."""

    def __init__(self, **faults: float) -> None:
        self.environment = Alone(faults=Faults(7))
        self.service = SimulatedDynamoDB(self.environment)
        self.client: Any = SimulatedClient(self.service, Config(retries={"total_max_attempts": 1}))
        create_table(self.client)
        self.environment.faults.probabilities = {Fault[name]: value for name, value in faults.items()}

    @property
    def table(self) -> Table:
        return self.service.tables[TABLE]

    def put(self, **attributes: Any) -> None:
        self.client.put_item(TableName=TABLE, Item={**KEY, **attributes})

    def read(self, *, consistent: bool) -> Any:
        return self.client.get_item(TableName=TABLE, Key=KEY, ConsistentRead=consistent).get("Item")


# --- transactions that meet


def test_transactions_that_meet_at_an_item_conflict_and_all_or_nothing_happens() -> None:
    conflicts = 0
    for seed in range(20):
        scheduler = Scheduler(seed)
        service = SimulatedDynamoDB(Scheduled(scheduler, Faults(seed)))
        client: Any = SimulatedClient(service)
        create_table(client)
        won: list[str] = []

        def work(own: str, client: Any = client, won: list[str] = won) -> int:
            put = {"TableName": TABLE, "Item": {"pk": text("own"), "sk": text(own)}}
            try:
                client.transact_write_items(TransactItems=[{"Update": COUNT}, {"Put": put}])
            except client.exceptions.TransactionCanceledException as error:
                reasons = [reason["Code"] for reason in error.response["CancellationReasons"]]
                assert reasons == ["TransactionConflict", "None"]
                return 1
            won.append(own)
            return 0

        tasks = [scheduler.spawn(f"work {n}", work, str(n)) for n in range(4)]
        scheduler.run()
        conflicts += sum(task.result for task in tasks)
        items = service.tables[TABLE].items
        assert sorted(key[1] for key in items if key[0] == "own") == sorted(won)
        assert items["a", "1"]["calls"] == number(len(won))
        assert service.tables[TABLE].locked == set()
    assert conflicts > 10


def test_a_single_write_meets_a_transaction() -> None:
    world = World()
    world.table.locked.add(("a", "1"))
    for call in (lambda: world.client.update_item(**COUNT), lambda: world.put(n=number(1))):
        with pytest.raises(ClientError, match="TransactionConflictException"):
            call()
    assert world.read(consistent=True) is None


def test_a_conflict_may_happen_without_a_reason_that_shows() -> None:
    world = World(TRANSACTION_CONFLICT=1.0)
    with pytest.raises(world.client.exceptions.TransactionCanceledException, match="TransactionConflict"):
        world.client.transact_write_items(TransactItems=[{"Update": COUNT}])
    assert world.read(consistent=True) is None


# --- what is read late


def test_only_an_eventually_consistent_read_is_stale_and_only_for_moments() -> None:
    world = World(STALE_READ=1.0)
    for n in range(3):
        world.put(n=number(n))
    assert {world.read(consistent=True)["n"]["N"] for _ in range(50)} == {"2"}
    seen = {str(item and item["n"]["N"]) for item in (world.read(consistent=False) for _ in range(50))}
    assert seen == {"None", "0", "1", "2"}
    world.environment.pass_time(10)
    assert {world.read(consistent=False)["n"]["N"] for _ in range(50)} == {"2"}


def query(world: World, **more: Any) -> list[Any]:
    values = {":g": text("group")}
    answer = world.client.query(
        TableName=TABLE,
        IndexName=INDEX,
        KeyConditionExpression="g = :g",
        ExpressionAttributeValues=values,
        **more,
    )
    items: list[Any] = answer["Items"]
    return items


def test_an_index_hears_of_writes_in_their_order_and_perhaps_late() -> None:
    world = World(LAGGING_INDEX=1.0)
    world.put(g=text("group"), h=number(1))
    world.put(g=text("group"), h=number(2))
    assert query(world) == []
    world.environment.pass_time(60)
    assert [item["h"] for item in query(world)] == [number(2)]


def test_an_index_follows_at_once_where_nothing_is_wrong() -> None:
    world = World()
    world.put(g=text("group"), h=number(1))
    assert query(world) == [{**KEY, "g": text("group"), "h": number(1)}]


# --- what is left over


def test_a_part_of_a_batch_may_be_left_over_and_never_all_of_it() -> None:
    world = World(UNPROCESSED=0.5)
    keys = [{"pk": text("q"), "sk": text(str(n))} for n in range(25)]
    writes = [{"PutRequest": {"Item": key}} for key in keys]
    left = world.client.batch_write_item(RequestItems={TABLE: writes})["UnprocessedItems"][TABLE]
    assert 0 < len(left) < 25
    assert len(world.table.items) == 25 - len(left)
    answer = world.client.batch_get_item(RequestItems={TABLE: {"Keys": keys, "ConsistentRead": True}})
    unread = answer["UnprocessedKeys"][TABLE]
    assert unread["ConsistentRead"] is True
    assert 0 < len(unread["Keys"]) < 25


def test_a_batch_answers_with_16_mib_at_most() -> None:
    world = World()
    keys = [{"pk": text("q"), "sk": text(str(n))} for n in range(60)]
    for key in keys:
        world.client.put_item(TableName=TABLE, Item={**key, "x": text("x" * 390_000)})
    answer = world.client.batch_get_item(RequestItems={TABLE: {"Keys": keys}})
    found, left = answer["Responses"][TABLE], answer["UnprocessedKeys"][TABLE]["Keys"]
    assert (len(found), len(found) + len(left)) == (44, 60)


# --- the stream and TTL


def test_the_stream_tells_each_change_of_an_item_in_order() -> None:
    world = World()
    world.table.streamed = True
    world.put(n=number(1))
    world.put(n=number(1))  # changes nothing, and so is no change
    world.client.update_item(**COUNT)
    world.client.delete_item(TableName=TABLE, Key=KEY)
    world.client.delete_item(TableName=TABLE, Key=OTHER)
    (changes,) = [shard for shard in world.table.shards if shard]
    images = [(change.old, change.new) for change in changes]
    first, second = {**KEY, "n": number(1)}, {**KEY, "n": number(1), "calls": number(1)}
    assert images == [(None, first), (first, second), (second, None)]
    assert [change.number for change in changes] == [1, 2, 3]
    assert all(change.keys == KEY for change in changes)


def test_items_of_one_partition_lie_on_one_shard_and_partitions_are_spread() -> None:
    world = World()
    world.table.streamed = True
    for pk in range(20):
        for sk in range(3):
            world.client.put_item(TableName=TABLE, Item={"pk": text(str(pk)), "sk": text(str(sk))})
    of_shards = [{change.keys["pk"]["S"] for change in shard} for shard in world.table.shards]
    assert sum(map(len, of_shards)) == 20
    assert all(of_shards)


def test_ttl_deletes_late_and_never_early() -> None:
    world = World()
    world.table.ttl_attribute = "ttl"
    world.table.streamed = True
    now = world.environment.now_ms() // 1000
    for n in range(20):
        item = {"pk": text("q"), "sk": text(str(n)), "ttl": number(now + n)}
        world.client.put_item(TableName=TABLE, Item=item)
    assert world.table.expire() == 0
    world.environment.pass_time(10)
    assert 0 < world.table.expire() < 10
    for _ in range(50):
        world.table.expire()
    assert sorted(int(key[1]) for key in world.table.items) == list(range(10, 20))
    expired = [change for shard in world.table.shards for change in shard if change.expired]
    assert (len(expired), {change.new for change in expired}) == (10, {None})


def test_what_a_caller_does_to_an_answer_or_an_argument_changes_nothing() -> None:
    world = World()
    item = {**KEY, "n": number(1), "m": {"M": {"a": number(1)}}}
    world.client.put_item(TableName=TABLE, Item=item)
    item["n"] = number(2)
    item["m"]["M"]["a"] = number(2)
    world.read(consistent=True)["n"] = number(3)
    assert world.read(consistent=True) == {**KEY, "n": number(1), "m": {"M": {"a": number(1)}}}
