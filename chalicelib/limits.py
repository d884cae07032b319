"""Every limit, with its source. Sizes are bytes, times are seconds.

Those of AWS and of the ZIP format come first and cannot be changed; Lorry's own, which validators enforce, are last.
"""

from __future__ import annotations

from typing import Final

import msgspec

KiB = 1024
MiB = 1024 * KiB
GiB = 1024 * MiB
TiB = 1024 * GiB

# --- S3: docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html --------------------
S3_MIN_PART_BYTES = 5 * MiB  # every part but the last
S3_MAX_PART_BYTES = 5 * GiB  # uploaded or copied
S3_MAX_PARTS = 10_000
S3_MAX_OBJECT_BYTES = 50_000 * GiB  # "48.8 TiB"
S3_MAX_KEY_BYTES = 1024
S3_MAX_PRESIGN_SECONDS = 7 * 24 * 3600  # SigV4, long-lived credentials
# Requests a second and prefix: docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
S3_PREFIX_READS = 5_500  # GET, HEAD
S3_PREFIX_WRITES = 3_500  # PUT, COPY, POST, DELETE

# --- ZIP: APPNOTE.TXT 6.3.10, sections 4.4.1.4, 4.4.8-4.4.24 --------------------------
# The largest value that each field can hold is the sentinel that means "see the ZIP64 record".
ZIP_SENTINEL_16 = 0xFFFF  # entries
ZIP_SENTINEL_32 = 0xFFFFFFFF  # sizes and offsets
ZIP_MAX_NAME_BYTES = 0xFFFF
WINDOWS_MAX_PATH = 240  # UTF-16 units of a path below the folder; 260 with the folder in most programs

# --- SQS: docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
SQS_MAX_MESSAGE_BYTES = 1 * MiB
SQS_MAX_BATCH_ENTRIES = 10
SQS_MAX_VISIBILITY_SECONDS = 12 * 3600
SQS_MAX_DELAY_SECONDS = 900

# --- DynamoDB: docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
DYNAMODB_MAX_ITEM_BYTES = 400 * KiB
DYNAMODB_MAX_BATCH_WRITE = 25
DYNAMODB_MAX_BATCH_GET = 100

# --- API Gateway and Lambda: docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
API_GATEWAY_TIMEOUT_SECONDS = 29
LAMBDA_MAX_PAYLOAD_BYTES = 6 * MiB  # request or response of a synchronous invocation
WEBSOCKET_MAX_SECONDS = 2 * 3600  # however busy the connection is

# --- Lorry's own ------------------------------------------------------------------------
FILE_ID_MIN = 10_000
FILE_ID_MAX = 100_000_000
MAX_FILES_PER_JOB = 100_000
MAX_BODY_BYTES = 5 * MiB
MAX_TABLE_ITEM_BYTES = 64 * KiB  # keeps reads cheap and stays far below DynamoDB's own limit
MAX_ERROR_BYTES = 1 * KiB  # of an error's message in a row
MAX_REASON_BYTES = 300  # of why a file is not available
MAX_FILES_PER_BATCH = 200  # one checking message: about a second of HEAD requests
MAX_BATCH_KEY_BYTES = 32 * KiB  # long keys make a batch smaller, so that chunk and result stay below the item limit
MAX_PAGE_FILES = 1_000  # files in one status answer
MAX_PAGE_HASHES = 200  # files of a list of hashes, each of which the store is asked for
MAX_PAGE_JOBS = 100
TICKET_TTL_MIN_SECONDS = 60
TICKET_TTL_MAX_SECONDS = 24 * 3600  # of a list for other tools, which may run for hours
MAX_TICKET_CHARACTERS = 1_024
MAX_PAGE_EVENTS = 1_000
MAX_LABEL_CHARACTERS = 200
MAX_CALLBACK_URL_CHARACTERS = 2_048
MAX_IDEMPOTENCY_KEY_CHARACTERS = 255
MAX_SUBSCRIPTIONS = 100  # jobs that one WebSocket connection watches
LINK_TTL_MIN_SECONDS = 60
LINK_TTL_MAX_SECONDS = 3_600
TOMBSTONE_SECONDS = 7 * 24 * 3600  # how long an expired job still answers 410
HEALTH_TIMEOUT_SECONDS = 3


class ZipLimits(msgspec.Struct, frozen=True):
    """From these values on a field holds its sentinel, and the ZIP64 record the real value (APPNOTE 4.4.1.4)."""

    sentinel_16: int = ZIP_SENTINEL_16
    sentinel_32: int = ZIP_SENTINEL_32

    def __post_init__(self) -> None:
        if not (0 < self.sentinel_16 <= ZIP_SENTINEL_16 and 0 < self.sentinel_32 <= ZIP_SENTINEL_32):
            raise ValueError(f"{self} is wider than the fields of a ZIP")


class S3Limits(msgspec.Struct, frozen=True):
    """What S3 accepts (the first four, bytes and counts) and what Lorry chooses within it.

    `literal_targets` and `copy_splits` are ladders: the first step is used unless `max_parts` demands a later one.
    `literal_entries` closes a literal part (once it has `min_part` bytes), so that no worker reads files for minutes.
    An intermediate object is made of `intermediate_parts` parts.
    """

    min_part: int = S3_MIN_PART_BYTES
    max_part: int = S3_MAX_PART_BYTES
    max_parts: int = S3_MAX_PARTS
    max_object: int = S3_MAX_OBJECT_BYTES
    literal_targets: tuple[int, ...] = (16 * MiB, 32 * MiB, 64 * MiB)
    copy_splits: tuple[int, ...] = (512 * MiB, 1 * GiB, 2 * GiB, 5 * GiB)
    literal_entries: int = 2_000
    intermediate_parts: int = 1_000

    def __post_init__(self) -> None:
        if self.literal_targets[0] < self.min_part:
            raise ValueError("a literal part must reach min_part")
        if self.copy_splits[0] < 2 * self.min_part:
            raise ValueError("the halves of a copied range must both reach min_part: copy_splits >= 2 * min_part")
        if max(self.copy_splits[-1], self.literal_targets[-1] + self.min_part) > self.max_part:
            raise ValueError("parts would exceed max_part")
        if not 2 <= self.intermediate_parts <= self.max_parts:
            raise ValueError("an intermediate object has 2 parts or more and obeys max_parts itself")


# What plans obey, as values: tests lower them and reach every branch in milliseconds.
ZIP: Final = ZipLimits()
S3: Final = S3Limits()
