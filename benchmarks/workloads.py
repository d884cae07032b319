"""What the archives are made of, and the store that holds it."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tests.support import seaweed

MiB = 1024 * 1024
SOURCE, TARGET = "source", "target"
LARGE_FROM, SMALL_FROM = 70_000, 80_000


@dataclass(frozen=True, slots=True)
class Workload:
    """Files of two sizes: ids from LARGE_FROM and from SMALL_FROM on."""

    name: str
    large: int = 0
    small: int = 0

    @property
    def ids(self) -> list[int]:
        return [*range(LARGE_FROM, LARGE_FROM + self.large), *range(SMALL_FROM, SMALL_FROM + self.small)]

    @property
    def keys(self) -> list[str]:
        return [key_of(number) for number in self.ids]


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes of the files in bytes, and how many: tests of the benchmark itself take few and small ones."""

    large_bytes: int = 50 * MiB
    small_bytes: int = 100_000
    large: int = 20
    small: int = 2_000

    def workloads(self) -> list[Workload]:
        large, small = f"{self.large_bytes // MiB} MiB", f"{self.small_bytes // 1000} KB"
        mixed = self.large * 4 // 5
        return [
            Workload(f"{self.large} x {large}", large=self.large),
            Workload(f"{self.small:,} x {small}", small=self.small),
            Workload(f"{mixed} x {large} + {self.small:,} x {small}", large=mixed, small=self.small),
        ]

    def body_of(self, number: int) -> bytes:
        """Bytes that no disk compresses, different for every file."""
        size = self.small_bytes if number >= SMALL_FROM else self.large_bytes
        return random.Random(number).randbytes(size)


def key_of(number: int) -> str:
    return f"downloads/{number}.zip"


@dataclass(frozen=True, slots=True)
class Store:
    """A SeaweedFS with both buckets. `crcs` are the CRC-32s of the files by the name in the archive."""

    seaweed: seaweed.SeaweedFS
    client: Any
    crcs: dict[str, int]

    @property
    def arguments(self) -> dict[str, str]:
        """For boto3.client in another process."""
        return {
            "endpoint_url": self.seaweed.endpoint,
            "region_name": seaweed.REGION,
            "aws_access_key_id": seaweed.ACCESS_KEY_ID,
            "aws_secret_access_key": seaweed.SECRET_ACCESS_KEY,
        }

    @property
    def settings(self) -> dict[str, str]:
        """The variables of a Lambda function that works on it."""
        queues = {f"{name}_QUEUE_URL": "unused" for name in ("DISPATCH", "CHECK", "ASSEMBLY", "WEBHOOK")}
        return {
            **queues,
            "TABLE_NAME": "unused",
            "SECRET_ID": "unused",
            "ALLOW_ANONYMOUS": "true",
            "SOURCE_BUCKET": SOURCE,
            "ARCHIVE_BUCKET": TARGET,
            "S3_ENDPOINT": self.seaweed.endpoint,
            "S3_REGION": seaweed.REGION,
            "S3_ACCESS_KEY_ID": seaweed.ACCESS_KEY_ID,
            "S3_SECRET_ACCESS_KEY": seaweed.SECRET_ACCESS_KEY,
            "S3_FORCE_PATH_STYLE": "true",
        }


def opened(running: seaweed.SeaweedFS) -> Store:
    client = running.client(max_pool_connections=16)
    for bucket in (SOURCE, TARGET):
        client.create_bucket(Bucket=bucket)
    return Store(running, client, {})


def filled(store: Store, scale: Scale) -> None:
    """Put every file of the scale there, with a CRC-32 that HEAD tells."""

    def put(number: int) -> tuple[str, int]:
        body = scale.body_of(number)
        store.client.put_object(Bucket=SOURCE, Key=key_of(number), Body=body, ChecksumAlgorithm="CRC32")
        return f"{number}.zip", zlib.crc32(body)

    everything = Workload("all", scale.large, scale.small)
    with ThreadPoolExecutor(4) as pool:
        store.crcs.update(pool.map(put, everything.ids))


def pieces(size: int, piece: int) -> Iterator[int]:
    """The sizes of the pieces of at most `piece` bytes that make up `size`."""
    while size > 0:
        yield min(piece, size)
        size -= piece
