"""SourceStore on S3 or anything that speaks its protocol."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.archive.records import crc32_concat
from chalicelib.errors import StorageError, StorageForbidden, StorageThrottled, StorageUnavailable
from chalicelib.jobs.ports import StoredObject

ARCHIVED_CLASSES = frozenset({"GLACIER", "DEEP_ARCHIVE"})  # GLACIER_IR is read like any other
THROTTLING_CODES = frozenset({"SlowDown", "429", "Throttling", "ThrottlingException", "RequestLimitExceeded"})


class S3SourceStore(msgspec.Struct, frozen=True):
    client: Any
    bucket: str

    def head(self, key: str) -> StoredObject | None:
        with store_errors(key):
            try:
                answer = self.client.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
            except ClientError as error:
                if status_of(error) == 404:
                    return None
                raise
        return _stored(key, answer)

    def list_below(self, prefix: str) -> Iterator[tuple[str, StoredObject]]:
        with store_errors(prefix):
            for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
                for found in page.get("Contents", []):
                    yield found["Key"], _stored(found["Key"], {**found, "ContentLength": found["Size"]})

    def confirm_bucket(self) -> None:
        with store_errors(f"bucket {self.bucket}"):
            self.client.head_bucket(Bucket=self.bucket)

    def combined_crc32(self, key: str, etag: str) -> int | None:
        pieces: list[tuple[int, int]] = []
        marker = 0
        while True:
            with store_errors(key):
                answer = self.client.get_object_attributes(
                    Bucket=self.bucket, Key=key, ObjectAttributes=["ETag", "ObjectParts"], PartNumberMarker=marker
                )
            parts = answer.get("ObjectParts", {})
            listed = parts.get("Parts", [])
            if answer.get("ETag", etag).strip('"') != etag or not all("ChecksumCRC32" in part for part in listed):
                return None
            pieces += [(decode_crc32(part["ChecksumCRC32"]), part["Size"]) for part in listed]
            if not parts.get("IsTruncated"):
                return crc32_concat(pieces) if pieces else None
            marker = parts["NextPartNumberMarker"]


@contextmanager
def store_errors(key: str) -> Iterator[None]:
    """Whatever the store does wrong in here is a StorageError that names `key`."""
    try:
        yield
    except ClientError as error:
        raise _storage_error(key, error) from error
    except BotoCoreError as error:
        raise StorageUnavailable(key, str(error)) from error


def _storage_error(key: str, error: ClientError) -> StorageError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    cause = f"HTTP {status_of(error)} {code}"
    if status_of(error) == 429 or code in THROTTLING_CODES:
        return StorageThrottled(key, cause)
    if status_of(error) in (401, 403):
        return StorageForbidden(key, cause)
    return StorageUnavailable(key, cause, outage=not 400 <= status_of(error) < 500)


def status_of(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _stored(key: str, answer: dict[str, Any]) -> StoredObject:
    try:
        return StoredObject(
            size=answer["ContentLength"],
            etag=answer["ETag"].strip('"'),
            modified=int(answer["LastModified"].timestamp() * 1000),
            crc32=_whole_crc32(answer),
            archived=answer.get("StorageClass") in ARCHIVED_CLASSES and not _restored(answer),
        )
    except KeyError as error:
        raise StorageUnavailable(key, f"its answer has no {error.args[0]}") from error


def _whole_crc32(answer: dict[str, Any]) -> int | None:
    """The CRC-32 of the whole object: a composite one (of a multipart upload) is a checksum of checksums."""
    encoded = answer.get("ChecksumCRC32")
    single_put = "-" not in answer["ETag"]  # not every store returns the type
    if not encoded or answer.get("ChecksumType", "FULL_OBJECT" if single_put else "unknown") != "FULL_OBJECT":
        return None
    return decode_crc32(encoded)


def decode_crc32(text: str) -> int:
    """S3 writes a CRC-32 as base64 of four bytes, the highest first."""
    return int.from_bytes(base64.b64decode(text), "big")


def _restored(answer: dict[str, Any]) -> bool:
    return 'ongoing-request="false"' in answer.get("Restore", "")
