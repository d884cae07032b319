"""How a simulated table keeps its items: partitions in order, indexes that lag, earlier versions, a stream."""

from __future__ import annotations

import zlib
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.dynamodb.items import Item, Value, invalid, size_of, sort_key
from tests.simulation.environment import Environment
from tests.simulation.faults import Fault

Key = tuple[Any, Any]  # hash and range; "" where a table has no range key
Entry = tuple[Any, ...]  # where an item lies among those of one hash key, beginning with its range key

MAX_ITEM_BYTES = 400 * 1024
MAX_HASH_BYTES, MAX_RANGE_BYTES = 2048, 1024
STALE_MS = 2_000  # no eventually consistent read is older
SHARDS = 4
LONGEST_LAG_SECONDS = 10.0
VERSIONS = 4


@dataclass(frozen=True, slots=True)
class KeySchema:
    """Names of the key attributes and their types; `range` is empty where there is none."""

    hash: str
    range: str
    types: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        return (self.hash, self.range) if self.range else (self.hash,)

    def of(self, item: Item) -> Key:
        """The key of an item that has one."""
        return sort_key(item[self.hash]), sort_key(item[self.range]) if self.range else ""

    def attributes(self, item: Item) -> Item:
        return {name: item[name] for name in self.names}


@dataclass(frozen=True, slots=True)
class Change:
    """A record of the stream. `expired`: deleted by TTL."""

    number: int
    at_ms: int
    keys: Item
    old: Item | None
    new: Item | None
    expired: bool


class Partitions:
    """Items below their hash keys, in order."""

    def __init__(self) -> None:
        self._entries: dict[Any, list[Entry]] = {}

    def add(self, hash_key: Any, entry: Entry) -> None:
        insort(self._entries.setdefault(hash_key, []), entry)

    def remove(self, hash_key: Any, entry: Entry) -> None:
        entries = self._entries[hash_key]
        del entries[bisect_left(entries, entry)]
        if not entries:
            del self._entries[hash_key]

    def below(self, hash_key: Any) -> Sequence[Entry]:
        return self._entries.get(hash_key, ())

    def all(self) -> Iterator[tuple[Any, Entry]]:
        return ((hash_key, entry) for hash_key, entries in self._entries.items() for entry in entries)


class Index:
    """A global secondary index. It hears of writes in their order, and perhaps later than they happen."""

    def __init__(self, name: str, schema: KeySchema, projected: frozenset[str] | None) -> None:
        self.name, self.schema, self.projected = name, schema, projected  # None: all attributes
        self._partitions = Partitions()
        self._items: dict[Key, Item] = {}
        self._pending: deque[tuple[int, Key, Item | None]] = deque()

    def hear(self, key: Key, item: Item | None, due_ms: int) -> None:
        last = self._pending[-1][0] if self._pending else 0
        self._pending.append((max(due_ms, last), key, item))

    def catch_up(self, now_ms: int) -> None:
        while self._pending and self._pending[0][0] <= now_ms:
            _, key, item = self._pending.popleft()
            self._apply(key, item)

    def _apply(self, key: Key, item: Item | None) -> None:
        old = self._items.pop(key, None)
        if old is not None:
            hash_key, range_key = self.schema.of(old)
            self._partitions.remove(hash_key, (range_key, *key))
        if item is not None and all(name in item for name in self.schema.names):
            kept = item if self.projected is None else {n: v for n, v in item.items() if n in self.projected}
            hash_key, range_key = self.schema.of(kept)
            self._items[key] = kept
            self._partitions.add(hash_key, (range_key, *key))

    def below(self, hash_key: Any) -> Sequence[Entry]:
        return self._partitions.below(hash_key)

    def item(self, hash_key: Any, entry: Entry) -> Item | None:
        return self._items[entry[1], entry[2]]

    def place(self, start: Item, table: KeySchema) -> Entry:
        """The entry of an ExclusiveStartKey."""
        return (self.schema.of(start)[1], *table.of(start))


@dataclass(slots=True)
class Table:
    """One table. `shards` are its stream's, where it has one."""

    name: str
    schema: KeySchema
    environment: Environment
    indexes: dict[str, Index] = field(default_factory=dict)
    ttl_attribute: str = ""
    streamed: bool = False
    shards: list[list[Change]] = field(default_factory=lambda: [[] for _ in range(SHARDS)])
    listeners: list[Callable[[int], None]] = field(default_factory=list)  # hear which shard has a new change
    locked: set[Key] = field(default_factory=set)  # by transactions under way
    items: dict[Key, Item] = field(default_factory=dict)
    _partitions: Partitions = field(default_factory=Partitions)
    _versions: dict[Key, deque[tuple[int, Item | None]]] = field(default_factory=dict)  # until when, and what
    _changes: int = 0

    def write(self, key: Key, item: Item | None, *, expired: bool = False) -> None:
        """Store an item, or delete the one that is there. Everything that follows a write follows from here."""
        old, now = self.items.get(key), self.environment.now_ms()
        if item == old:
            return
        if item is None:
            del self.items[key]
            self._partitions.remove(key[0], (key[1],))
        else:
            self.items[key] = item
            if old is None:
                self._partitions.add(key[0], (key[1],))
        self._versions.setdefault(key, deque(maxlen=VERSIONS)).append((now, old))
        for index in self.indexes.values():
            index.hear(key, item, now + self._lag_ms())
        if self.streamed:
            self._record(key, old, item, expired)

    def _lag_ms(self) -> int:
        if not self.environment.faults.happens(Fault.LAGGING_INDEX, self.name):
            return 0
        return round(self.environment.random.uniform(0.01, LONGEST_LAG_SECONDS) * 1000)

    def _record(self, key: Key, old: Item | None, new: Item | None, expired: bool) -> None:
        self._changes += 1
        keys = self.schema.attributes(new or old or {})
        number = zlib.crc32(repr(key[0]).encode()) % SHARDS
        self.shards[number].append(Change(self._changes, self.environment.now_ms(), keys, old, new, expired))
        for listener in self.listeners:
            listener(number)

    def read(self, key: Key, *, consistent: bool) -> Item | None:
        item = self.items.get(key)
        if consistent or not self._is_stale():
            return item
        return self.earlier(key, item)

    def _is_stale(self) -> bool:
        return self.environment.faults.happens(Fault.STALE_READ, self.name)

    def earlier(self, key: Key, item: Item | None) -> Item | None:
        """A version of the last moments."""
        oldest = self.environment.now_ms() - STALE_MS
        versions = [version for until, version in self._versions.get(key, ()) if until >= oldest]
        return self.environment.random.choice([*versions, item])

    def below(self, hash_key: Any) -> Sequence[Entry]:
        return self._partitions.below(hash_key)

    def item(self, hash_key: Any, entry: Entry) -> Item | None:
        return self.items[hash_key, entry[0]]

    def place(self, start: Item, table: KeySchema) -> Entry:
        """The entry of an ExclusiveStartKey."""
        return (table.of(start)[1],)

    def expire(self) -> int:
        """Delete items whose time is over, some of them; how many. DynamoDB takes up to days and is never early."""
        now = self.environment.now_ms() // 1000
        due = [key for key, item in self.items.items() if self._is_over(item, now) and key not in self.locked]
        gone = [key for key in due if self.environment.random.random() < 0.5]
        for key in gone:
            self.write(key, None, expired=True)
        return len(gone)

    def _is_over(self, item: Item, now: int) -> bool:
        ttl = item.get(self.ttl_attribute, {}).get("N")
        return ttl is not None and float(ttl) < now

    # --- what AWS requires of keys and items

    def key_of(self, given: Item) -> Key:
        """The key that a request names. Raises Refused."""
        if given.keys() != set(self.schema.names):
            raise invalid("The provided key element does not match the schema")
        self._check_key(given)
        return self.schema.of(given)

    def check_item(self, item: Item) -> Key:
        """The key of an item that has a good one. Raises Refused."""
        for name in self.schema.names:
            if name not in item:
                raise invalid(f"One or more parameter values were invalid: Missing the key {name} in the item")
        self._check_key(item)
        return self.schema.of(item)

    def check_size(self, item: Item, too_large: str) -> None:
        if size_of(item) > MAX_ITEM_BYTES:
            raise invalid(too_large)

    def check_index_keys(self, item: Item) -> None:
        for index in self.indexes.values():
            for name in index.schema.names:
                if name in item:
                    _check_key_value(name, item[name], index.schema.types[name], f"Index Key {name}")

    def _check_key(self, item: Item) -> None:
        schema = self.schema
        for name in schema.names:
            _check_key_value(name, item[name], schema.types[name], f"key {name}")
        longest = {schema.hash: MAX_HASH_BYTES, schema.range: MAX_RANGE_BYTES}
        for name in schema.names:
            if len(str(next(iter(item[name].values()))).encode()) > longest[name]:
                raise invalid(
                    f"One or more parameter values were invalid: Size of {name} has exceeded"
                    f" the maximum size limit of {longest[name]} bytes"
                )


def _check_key_value(name: str, value: Value, kind: str, what: str) -> None:
    if kind not in value:
        actual = next(iter(value))
        raise invalid(
            f"One or more parameter values were invalid: Type mismatch for {what} expected: {kind} actual: {actual}"
        )
    if not value[kind]:
        raise invalid(
            "One or more parameter values are not valid."
            f" The AttributeValue for a key attribute cannot contain an empty string value. Key: {name}"
        )


def schema_from(given: Sequence[Mapping[str, str]], types: Mapping[str, str]) -> KeySchema:
    """From CreateTable's form."""
    names = {one["KeyType"]: one["AttributeName"] for one in given}
    range_name = names.get("RANGE", "")
    used = {name: types[name] for name in (names["HASH"], range_name) if name}
    return KeySchema(names["HASH"], range_name, used)


def index_from(wanted: Mapping[str, Any], types: Mapping[str, str], table: KeySchema) -> Index:
    """From CreateTable's form."""
    schema, projection = schema_from(wanted["KeySchema"], types), wanted["Projection"]
    if projection["ProjectionType"] == "ALL":
        return Index(wanted["IndexName"], schema, None)
    more = projection.get("NonKeyAttributes", ())
    return Index(wanted["IndexName"], schema, frozenset({*schema.names, *table.names, *more}))
