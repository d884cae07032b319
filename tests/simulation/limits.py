"""AWS's limits and latencies as data, each with its source. Off by default; a profile switches them on.

Sources: DDB = Amazon DynamoDB developer guide, S3 = Amazon S3 user guide, LAMBDA = AWS Lambda developer guide,
measured = seen by others on AWS and published.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds of a call on its way there and back: log-normal, by its median and its 99th percentile."""

    median: float
    p99: float

    def draw(self, chance: random.Random) -> float:
        spread = math.log(self.p99 / self.median) / 2.326  # the 99th percentile of a normal distribution
        return self.median * math.exp(chance.gauss(0, spread))


@dataclass(frozen=True, slots=True)
class Limits:
    """What AWS allows; None: as much as one likes."""

    partition_write_units: float | None = None
    partition_read_units: float | None = None
    prefix_writes: float | None = None
    prefix_reads: float | None = None
    concurrent_functions: int | None = None
    pollers_at_first: int | None = None
    pollers_per_minute: int = 0
    latencies: Mapping[str, Latency] = field(default_factory=dict)  # by service, or by service.operation


MAX_EVENT_BYTES = 6 * 1024 * 1024  # LAMBDA, quotas: synchronous payloads, and batches of event sources

NO_LIMITS = Limits()

AWS = Limits(
    partition_write_units=1_000,  # DDB, "Designing partition keys": 1,000 WCU a second and partition
    partition_read_units=3_000,  # the same page: 3,000 RCU
    prefix_writes=3_500,  # S3, "Optimizing performance": 3,500 PUT/COPY/POST/DELETE a second and prefix
    prefix_reads=5_500,  # the same page: 5,500 GET/HEAD
    concurrent_functions=1_000,  # LAMBDA, quotas: 1,000 at once in an account and region (new accounts have less)
    pollers_at_first=5,  # LAMBDA, "Using Lambda with Amazon SQS": five batches at once at first
    pollers_per_minute=300,  # the same page: and up to 300 more a minute
    latencies={
        "dynamodb": Latency(0.004, 0.030),  # measured: single-digit milliseconds
        "dynamodb.transact_write_items": Latency(0.010, 0.080),  # measured: two to three times a write
        "sqs": Latency(0.008, 0.060),  # measured
        "s3": Latency(0.025, 0.200),  # S3, "Optimizing performance": 100 to 200 ms to the first byte at worst
        "s3.upload_part_copy": Latency(1.0, 8.0),  # measured: half a GiB in about a second
        "s3.complete_multipart_upload": Latency(0.5, 60.0),  # S3 API: "could take several minutes"; median measured
    },
)

NEW_ACCOUNT = replace(AWS, concurrent_functions=10)  # LAMBDA, quotas: "new accounts have reduced concurrency"


class TokenBuckets:
    """Token buckets by name: `rate` tokens a second, and no more than a second's worth saved up."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._left: dict[str, tuple[float, int]] = {}  # tokens, and at which millisecond

    def take(self, name: str, tokens: float, now_ms: int) -> bool:
        """Whether there were so many; a bucket that is not empty may go below zero, as AWS lets a burst through."""
        if self._rate is None:
            return True
        left, then = self._left.get(name, (self._rate, now_ms))
        left = min(self._rate, left + (now_ms - then) / 1000 * self._rate)
        enough = left > 0
        self._left[name] = (left - tokens if enough else left, now_ms)
        return enough
