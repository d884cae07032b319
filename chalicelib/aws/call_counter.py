"""CallCounter in the job table."""

from __future__ import annotations

from msgspec import Struct

from chalicelib.aws import keys
from chalicelib.aws.dynamodb import Table
from chalicelib.aws.updates import Update


class DynamoCallCounter(Struct, frozen=True):
    table: Table

    def add(self, name: str, *, until: int) -> int:
        counted = self.table.update(Update(key=keys.calls(name), add={"calls": 1}, set={"ttl": until}))
        return int(counted["calls"]["N"])
