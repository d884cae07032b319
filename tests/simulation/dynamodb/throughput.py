"""What one partition takes in a second, where that is limited. A partition is all items of one hash key."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from tests.simulation.client import Refused
from tests.simulation.dynamodb.items import Item, size_of
from tests.simulation.dynamodb.tables import Table
from tests.simulation.dynamodb.writes import Write
from tests.simulation.environment import Environment
from tests.simulation.limits import TokenBuckets


def throttled() -> Refused:
    return Refused(
        "ProvisionedThroughputExceededException", "Throughput exceeds the current capacity of your table or index"
    )


class Throughput:
    def __init__(self, environment: Environment) -> None:
        self._environment, self._limits = environment, environment.limits
        self._writes = TokenBuckets(self._limits.partition_write_units)
        self._reads = TokenBuckets(self._limits.partition_read_units)

    def refuses(self, write: Write, *, cost: float = 1.0) -> bool:
        """Whether the partition takes no more writes now; `cost` is that of the write in writes by themselves."""
        if self._limits.partition_write_units is None:
            return False
        return not self._take(self._writes, write.table, write.key[0], cost * write.units())

    def read(self, table: Table, hash_key: Any, items: Iterable[Item], *, consistent: bool) -> None:
        """Raises Refused where the partition gives no more now: a unit for 4 KiB, or half of one."""
        if self._limits.partition_read_units is None:
            return
        units = max(1, math.ceil(sum(map(size_of, items)) / 4096)) * (1.0 if consistent else 0.5)
        if not self._take(self._reads, table, hash_key, units):
            raise throttled()

    def _take(self, buckets: TokenBuckets, table: Table, hash_key: Any, units: float) -> bool:
        return buckets.take(f"{table.name} {hash_key}", units, self._environment.now_ms())
