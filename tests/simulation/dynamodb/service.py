"""A simulated DynamoDB: the operations of its low-level API that adapters use, on tables.py.

dynamodb = SimulatedDynamoDB(Alone())
client = SimulatedClient(dynamodb)
client.create_table(TableName="jobs", ...)
client.put_item(TableName="jobs", Item={"pk": {"S": "a"}})
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from botocore.config import Config

from tests.simulation.client import Refused
from tests.simulation.dynamodb.conditions import Condition, paths_of
from tests.simulation.dynamodb.expressions import Resolved, Scope
from tests.simulation.dynamodb.items import Item, invalid, item_from, size_of
from tests.simulation.dynamodb.queries import check_start, key_range, projected, read_page
from tests.simulation.dynamodb.requests import Arguments, Request, copy_of
from tests.simulation.dynamodb.tables import Index, Key, Table, index_from, schema_from
from tests.simulation.dynamodb.throughput import Throughput, throttled
from tests.simulation.dynamodb.transactions import Transactions
from tests.simulation.dynamodb.writes import Delete, Put, UpdateItem, Write
from tests.simulation.environment import Environment
from tests.simulation.faults import Fault

Answer = dict[str, Any]

MAX_BATCH_GET, MAX_BATCH_WRITE = 100, 25
MAX_BATCH_BYTES = 16 * 1024 * 1024


class SimulatedDynamoDB:
    name = "dynamodb"

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.tables: dict[str, Table] = {}
        self._throughput = Throughput(environment)
        self._transactions = Transactions(environment, self.table, self._throughput)

    def describe(self, operation: str, arguments: Mapping[str, Any]) -> str:
        if operation == "transact_write_items":
            return " ".join(_words(kind, action) for one in arguments["TransactItems"] for kind, action in one.items())
        if operation.startswith("batch"):
            return ", ".join(f"{len(one)} of {table}" for table, one in arguments["RequestItems"].items())
        return _words("", arguments)

    def prepare(self, operation: str, arguments: dict[str, Any], config: Config) -> None:
        if operation == "transact_write_items":
            arguments.setdefault("ClientRequestToken", f"{self.environment.random.getrandbits(128):032x}")

    def fault_before(self, operation: str, arguments: Mapping[str, Any]) -> None:
        if self.environment.faults.happens(Fault.TABLE_THROTTLED, operation):
            raise throttled()

    # --- tables

    def create_table(
        self,
        *,
        TableName: str,
        KeySchema: Sequence[Mapping[str, str]],
        AttributeDefinitions: Sequence[Mapping[str, str]],
        GlobalSecondaryIndexes: Sequence[Mapping[str, Any]] = (),
        StreamSpecification: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> Answer:
        if TableName in self.tables:
            raise Refused("ResourceInUseException", f"Table already exists: {TableName}")
        types = {one["AttributeName"]: one["AttributeType"] for one in AttributeDefinitions}
        table = Table(TableName, schema_from(KeySchema, types), self.environment)
        table.streamed = bool(StreamSpecification and StreamSpecification.get("StreamEnabled", True))
        for wanted in GlobalSecondaryIndexes:
            index = index_from(wanted, types, table.schema)
            table.indexes[index.name] = index
        self.tables[TableName] = table
        return {"TableDescription": {"TableName": TableName, "TableStatus": "ACTIVE"}}

    def update_time_to_live(self, *, TableName: str, TimeToLiveSpecification: Mapping[str, Any]) -> Answer:
        self.table(TableName).ttl_attribute = TimeToLiveSpecification["AttributeName"]
        return {"TimeToLiveSpecification": dict(TimeToLiveSpecification)}

    def table(self, name: str) -> Table:
        """The table, or the error that there is none."""
        try:
            return self.tables[name]
        except KeyError:
            raise Refused("ResourceNotFoundException", "Requested resource not found") from None

    # --- one item

    def get_item(self, **arguments: Any) -> Answer:
        table = self.table(arguments["TableName"])
        request = Request(arguments)
        paths = request.projection()
        request.finish()
        key = table.key_of(item_from(arguments["Key"]))
        item = table.read(key, consistent=arguments.get("ConsistentRead", False))
        self._throughput.read(table, key[0], [item or {}], consistent=arguments.get("ConsistentRead", False))
        return {} if item is None else {"Item": _shown(item, paths)}

    def put_item(self, **arguments: Any) -> Answer:
        return self._write(Put, arguments, ("NONE", "ALL_OLD"))

    def update_item(self, **arguments: Any) -> Answer:
        return self._write(UpdateItem, arguments, ("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"))

    def delete_item(self, **arguments: Any) -> Answer:
        return self._write(Delete, arguments, ("NONE", "ALL_OLD"))

    def _write(self, kind: type[Write], arguments: Arguments, returned: Sequence[str]) -> Answer:
        if arguments.get("ReturnValues", "NONE") not in returned:
            raise invalid("Return values set to invalid value")
        write = kind(self.table(arguments["TableName"]), arguments)
        if write.key in write.table.locked:
            raise Refused("TransactionConflictException", "Transaction is ongoing for the item")
        if self._throughput.refuses(write):
            raise throttled()
        write.validate()
        write.check_condition()
        act, old = write.evaluate(), write.old
        act()
        return write.answer(old)

    # --- many items

    def query(self, **arguments: Any) -> Answer:
        table = self.table(arguments["TableName"])
        request = Request(arguments)
        source = self._source(table, arguments)
        condition, scope = request.condition("KeyConditionExpression") or _missing()
        kept = request.condition("FilterExpression")
        paths = request.projection()
        request.finish()
        wanted = key_range(condition, scope, source.schema)
        if kept is not None:
            _check_filter(kept, source)
        _check_projected(paths or (), source)
        counting = _is_counting(arguments)
        start = item_from(arguments["ExclusiveStartKey"]) if "ExclusiveStartKey" in arguments else None
        if start is not None:
            check_start(start, wanted, source, table)
        page = read_page(
            source,
            table,
            wanted,
            start=start,
            limit=arguments.get("Limit"),
            backward=not arguments.get("ScanIndexForward", True),
        )
        consistent = arguments.get("ConsistentRead", False)
        self._throughput.read(table, wanted.hash_key, page.items, consistent=consistent)
        items = self._seen(table, source, page.items, arguments)
        found = items if kept is None else [item for item in items if kept[0].holds(item, kept[1])]
        answer: Answer = {"Count": len(found), "ScannedCount": len(items)}
        if not counting:
            answer["Items"] = [_shown(item, paths) for item in found]
        if page.last is not None:
            answer["LastEvaluatedKey"] = page.last
        return answer

    def _source(self, table: Table, arguments: Arguments) -> Table | Index:
        if "IndexName" not in arguments:
            return table
        if arguments.get("ConsistentRead"):
            raise invalid("Consistent reads are not supported on global secondary indexes")
        index = table.indexes.get(arguments["IndexName"])
        if index is None:
            raise invalid(f"The table does not have the specified index: {arguments['IndexName']}")
        index.catch_up(self.environment.now_ms())
        return index

    def _seen(self, table: Table, source: Table | Index, items: list[Item], arguments: Arguments) -> list[Item]:
        """The items as an eventually consistent read of the table sees them."""
        consistent = arguments.get("ConsistentRead", False) or source is not table
        if consistent or not self.environment.faults.happens(Fault.STALE_READ, table.name):
            return items
        versions = [table.earlier(table.schema.of(item), item) for item in items]
        return [version for version in versions if version is not None]

    def batch_get_item(self, *, RequestItems: Mapping[str, Mapping[str, Any]], **_: Any) -> Answer:
        if sum(len(wanted["Keys"]) for wanted in RequestItems.values()) > MAX_BATCH_GET:
            raise invalid("Too many items requested for the BatchGetItem call")
        responses: dict[str, list[Item]] = {}
        left: dict[str, Any] = {}
        room = MAX_BATCH_BYTES
        for name, wanted in RequestItems.items():
            responses[name], unprocessed, room = self._get_batch(name, wanted, room)
            if unprocessed:
                left[name] = {**wanted, "Keys": unprocessed}
        return {"Responses": responses, "UnprocessedKeys": left}

    def _get_batch(self, name: str, wanted: Arguments, room: int) -> tuple[list[Item], list[Item], int]:
        """The items found, the keys left over, and the bytes that the answer has room for."""
        table, request = self.table(name), Request(wanted)
        paths = request.projection()
        request.finish()
        given = [item_from(key) for key in wanted["Keys"]]
        keys = [table.key_of(key) for key in given]
        _check_distinct(keys)
        found, left = [], []
        for place, key in enumerate(keys):
            if room <= 0 or self._is_left_over(place):
                left.append(given[place])
                continue
            item = table.read(key, consistent=wanted.get("ConsistentRead", False))
            if item is not None:
                room -= size_of(item)
                found.append(_shown(item, paths))
        return found, left, room

    def batch_write_item(self, *, RequestItems: Mapping[str, Sequence[Any]], **_: Any) -> Answer:
        if sum(map(len, RequestItems.values())) > MAX_BATCH_WRITE:
            raise invalid("Too many items requested for the BatchWriteItem call")
        writes = {name: [self._batched(name, one) for one in wanted] for name, wanted in RequestItems.items()}
        for of_table in writes.values():
            _check_distinct([write.key for write in of_table])
        left: dict[str, list[Any]] = {}
        for name, of_table in writes.items():
            for place, write in enumerate(of_table):
                if self._is_left_over(place) or write.key in write.table.locked or self._throughput.refuses(write):
                    left.setdefault(name, []).append(RequestItems[name][place])
                else:
                    write.validate()
                    write.evaluate()()
        return {"UnprocessedItems": left}

    def _batched(self, name: str, request: Mapping[str, Any]) -> Write:
        if len(request) != 1:
            raise invalid(
                "Supplied AttributeValue has more than one datatypes set,"
                " must contain exactly one of the supported datatypes"
            )
        ((kind, arguments),) = request.items()
        return {"PutRequest": Put, "DeleteRequest": Delete}[kind](self.table(name), arguments)

    def _is_left_over(self, place: int) -> bool:
        """A table that has room for nothing refuses the whole batch, so the first is always done."""
        return place > 0 and self.environment.faults.happens(Fault.UNPROCESSED)

    def transact_write_items(
        self, *, TransactItems: Sequence[Mapping[str, Any]], ClientRequestToken: str = "", **_: Any
    ) -> Generator[None, None, Answer]:
        return self._transactions.write(TransactItems, ClientRequestToken)


def _shown(item: Item, paths: Sequence[Resolved] | None) -> Item:
    return copy_of(item) if paths is None else projected(item, paths)


def _check_distinct(keys: Sequence[Key]) -> None:
    if len(set(keys)) < len(keys):
        raise invalid("Provided list of item keys contains duplicates")


def _is_counting(arguments: Arguments) -> bool:
    counting: bool = arguments.get("Select") == "COUNT"
    if counting and "ProjectionExpression" in arguments:
        raise invalid("Cannot specify the ProjectionExpression when choosing to get only the Count")
    return counting


def _check_filter(kept: tuple[Condition, Scope], source: Table | Index) -> None:
    condition, scope = kept
    for path in paths_of(condition):
        name = path.resolve(scope)[0]
        if name in source.schema.names:
            raise invalid(
                f"Filter Expression can only contain non-primary key attributes: Primary key attribute: {name}"
            )

        _check_projected([path.resolve(scope)], source)


def _check_projected(paths: Sequence[Resolved], source: Table | Index) -> None:
    if isinstance(source, Index) and source.projected is not None:
        absent = [str(path[0]) for path in paths if path[0] not in source.projected]
        if absent:
            raise invalid(
                "One or more parameter values were invalid:"
                f" Global secondary index {source.name} does not project [{', '.join(absent)}]"
            )


def _missing() -> Any:
    raise invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")


def _words(kind: str, arguments: Mapping[str, Any]) -> str:
    key = arguments.get("Key") or arguments.get("Item") or arguments.get("ExpressionAttributeValues", {})
    return f"{kind}({', '.join(str(next(iter(value.values()), ''))[:48] for value in list(key.values())[:2])})"
