"""zipstream-ng with boto3, as its documentation shows: GET each object, zip it on the way, upload_fileobj the stream.

python -m benchmarks.peers.streaming '{"endpoint": ..., "source": ..., "target": ..., "key": ..., "keys": [...]}'
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.config import Config
from zipstream import ZipStream  # type: ignore[import-untyped]

from benchmarks.metering import Meter, measured

CHUNK = 256 * 1024


class Stream(io.RawIOBase):
    """A file over an iterator of bytes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or next(self._pieces, b"")
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)


def body_of(client: Any, bucket: str, key: str) -> Iterator[bytes]:
    yield from client.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(CHUNK)


def main() -> None:
    asked = json.loads(sys.argv[1])
    # The least that boto3 can do: checksums of its own would cost it more.
    quiet = Config(request_checksum_calculation="when_required", response_checksum_validation="when_required")
    client = boto3.client("s3", **asked["client"], config=quiet.merge(Config(s3={"addressing_style": "path"})))

    def work() -> None:
        archive = ZipStream()
        for key in asked["keys"]:
            archive.add(body_of(client, asked["source"], key), key.rpartition("/")[2])
        body = io.BufferedReader(Stream(iter(archive)), CHUNK)
        client.upload_fileobj(body, asked["target"], asked["key"], ExtraArgs={"ContentType": "application/zip"})

    measured(work, Meter())


if __name__ == "__main__":
    main()
