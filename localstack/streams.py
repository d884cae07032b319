"""Reads a table's stream from now on, shard by shard, in order."""

from __future__ import annotations

from collections import deque
from typing import Any

from botocore.exceptions import ClientError

from localstack.events import Record, fits
from localstack.triggers import StreamTrigger

_LOST = ("ExpiredIteratorException", "TrimmedDataAccessException", "ResourceNotFoundException")


class StreamReader:
    """What happens before it is made is not told; a shard that appears later is read from its beginning."""

    def __init__(self, client: Any, trigger: StreamTrigger) -> None:
        self.trigger = trigger
        self._client = client
        self._waiting: deque[Record] = deque()  # read, and not done
        self._iterators: dict[str, str | None] = {}  # by shard; None: read to its end
        self._open_new_shards("LATEST")

    def next_batch(self) -> list[Record]:
        """The changes that come next, at most a batch; the same again until `done` takes them away."""
        if not self._waiting:
            self._read()
        return [self._waiting[place] for place in range(min(self.trigger.batch, len(self._waiting)))]

    def done(self, count: int) -> None:
        """The first so many changes need not come again."""
        for _ in range(count):
            self._waiting.popleft()

    def _read(self) -> None:
        if not any(self._iterators.values()):  # none yet, or their children come late
            self._open_new_shards("TRIM_HORIZON")
        for shard, iterator in list(self._iterators.items()):
            if iterator is not None:
                self._read_shard(shard, iterator)

    def _read_shard(self, shard: str, iterator: str) -> None:
        try:
            answer = self._client.get_records(ShardIterator=iterator)
        except ClientError as error:
            if error.response["Error"]["Code"] in _LOST:
                del self._iterators[shard]  # opened anew, if the stream still has it
            raise
        self._iterators[shard] = answer.get("NextShardIterator")
        if self._iterators[shard] is None:
            self._open_new_shards("TRIM_HORIZON")  # its children go on where it ends
        self._waiting.extend(record for record in answer["Records"] if fits(record, self.trigger.patterns))

    def _open_new_shards(self, place: str) -> None:
        described = self._client.describe_stream(StreamArn=self.trigger.arn)["StreamDescription"]
        for shard in described["Shards"]:
            name = shard["ShardId"]
            if name not in self._iterators:
                asked = {"StreamArn": self.trigger.arn, "ShardId": name, "ShardIteratorType": place}
                self._iterators[name] = self._client.get_shard_iterator(**asked)["ShardIterator"]
