"""SourceStore on S3 or anything that speaks its protocol."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.archive.records import crc32_concat
from chalicelib.errors import ObjectRefused, StorageError, StorageForbidden, StorageThrottled, StorageUnavailable
from chalicelib.jobs.model import ARCHIVED, CUSTOMER_KEY, FORBIDDEN
from chalicelib.jobs.ports import Listing, StoredObject

ARCHIVED_CLASSES = frozenset({"GLACIER", "DEEP_ARCHIVE"})  # GLACIER_IR is read like any other
ARCHIVED_CODES = frozenset({"InvalidObjectState", "ObjectNotInActiveTierError"})
FORBIDDEN_CODES = frozenset({"403", "AccessDenied", "Forbidden"})
# Refusals that are about the caller, its clock, the bucket or the request, and so say nothing of an object:
# docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
NOT_OF_AN_OBJECT = frozenset(
    {
        "AccountProblem",
        "AuthorizationHeaderMalformed",
        "AuthorizationQueryParametersError",
        "BadRequest",
        "EntityTooLarge",
        "EntityTooSmall",
        "ExpiredToken",
        "IllegalLocationConstraintException",
        "IncompleteBody",
        "InvalidAccessKeyId",
        "InvalidBucketName",
        "InvalidPart",
        "InvalidPartOrder",
        "InvalidSecurity",
        "InvalidToken",
        "MalformedXML",
        "NotSignedUp",
        "RequestTimeTooSkewed",
        "RequestTimeout",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
    }
)
SEALED_CODES = frozenset({"InvalidArgument", "InvalidRequest", "MissingSecurityHeader"})  # a customer's key is missing
REFUSING = frozenset({400, 403, 405, 410, 451})  # statuses
ADVICE = "; the role needs s3:GetObject and s3:ListBucket"
ONE_BYTE = "bytes=0-0"
# The answer to a HEAD has no body: the SDK takes its status for the code.
THROTTLING_CODES = frozenset({"SlowDown", "429", "503", "Throttling", "ThrottlingException", "RequestLimitExceeded"})


class S3SourceStore(msgspec.Struct, frozen=True):
    """The bucket of the files, read through one client."""

    client: Any
    bucket: str

    def head(self, key: str) -> StoredObject | None:
        with store_errors(key):
            try:
                answer = self.client.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
            except ClientError as error:
                if status_of(error) == 404:
                    return None
                if status_of(error) in REFUSING:
                    self.confirm_readable(key)  # the answer to a HEAD has no body that says why
                    raise ObjectRefused(key, f"HEAD: HTTP {status_of(error)}", FORBIDDEN) from error
                raise
        return _stored(key, answer)

    def sha256(self, key: str, etag: str) -> str | None:
        with store_errors(key):
            try:
                version = {"Bucket": self.bucket, "Key": key, "IfMatch": f'"{etag}"'}
                answer = self.client.head_object(**version, ChecksumMode="ENABLED")
            except ClientError as error:
                if status_of(error) in REFUSING | {404, 412}:
                    return None  # it was readable when the job checked it
                raise
        found = answer.get("ChecksumSHA256", "")
        composite = answer.get("ChecksumType") == "COMPOSITE" or "-" in found
        return base64.b64decode(found).hex() if found and not composite else None

    def confirm_readable(self, key: str) -> None:
        with object_errors(key):
            try:
                self.client.get_object(Bucket=self.bucket, Key=key, Range=ONE_BYTE)["Body"].close()
            except ClientError as error:
                if status_of(error) != 416:  # of an empty object
                    raise

    def pages_below(self, prefix: str, *, after: str = "") -> Iterator[Listing]:
        with store_errors(prefix):
            wanted = {"Prefix": prefix, "OptionalObjectAttributes": ["RestoreStatus"]}
            wanted |= {"StartAfter": after} if after else {}
            for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, **wanted):
                yield _listing(page)

    def page_below(self, prefix: str, *, delimiter: str, token: str | None, limit: int) -> Listing | None:
        wanted = {"Prefix": prefix, "MaxKeys": limit, "OptionalObjectAttributes": ["RestoreStatus"]}
        wanted |= {"Delimiter": delimiter} if delimiter else {}
        wanted |= {"ContinuationToken": token} if token else {}
        with store_errors(prefix):
            try:
                page = self.client.list_objects_v2(Bucket=self.bucket, **wanted)
            except ClientError as error:
                if token and status_of(error) == 400:
                    return None
                raise
        return _listing(page)

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


@contextmanager
def object_errors(key: str) -> Iterator[None]:
    """As `store_errors`, around a read of the object: an answer that is about it alone is ObjectRefused."""
    with store_errors(key):
        try:
            yield
        except ClientError as error:
            if reason := refusal_of(error):
                raise ObjectRefused(key, _told(error), reason) from error
            raise


def refusal_of(error: ClientError) -> str:
    """The reason of a file that cannot be read, if that is what the store says; else nothing."""
    status, code = status_of(error), _code_of(error)
    if code in ARCHIVED_CODES:
        return ARCHIVED
    if code.startswith("KMS."):
        return FORBIDDEN
    if status not in REFUSING or code in NOT_OF_AN_OBJECT:
        return ""
    if code.isdecimal() and status != HTTPStatus.FORBIDDEN:  # no code: perhaps not the store, but something before it
        return ""
    sealed = "SSECustomer" in code or "ServerSideEncryption" in code or code in SEALED_CODES
    return CUSTOMER_KEY if status == 400 and sealed else FORBIDDEN


def _told(error: ClientError) -> str:
    """The store's own code and message, on one line."""
    message = " ".join(str(error.response.get("Error", {}).get("Message", "")).split())
    return ": ".join(part for part in (_code_of(error), message) if part)


def _code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _storage_error(key: str, error: ClientError) -> StorageError:
    code = _code_of(error)
    cause = f"HTTP {status_of(error)}" + f" {code}" * (not code.isdecimal())
    if status_of(error) == 429 or code in THROTTLING_CODES:
        return StorageThrottled(key, cause)
    if status_of(error) in (401, 403):
        return StorageForbidden(key, cause + (ADVICE if code in FORBIDDEN_CODES else ""))
    return StorageUnavailable(key, cause, outage=not 400 <= status_of(error) < 500)


def status_of(error: ClientError) -> int:
    """The HTTP status that an error came with; 0 if none did."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _stored(key: str, answer: dict[str, Any]) -> StoredObject:
    try:
        return StoredObject(
            size=answer["ContentLength"],
            etag=answer["ETag"].strip('"'),
            modified=int(answer["LastModified"].timestamp() * 1000),
            crc32=_whole_crc32(answer),
            archived=_is_cold(answer) and not _is_restored(answer),
            encoding=answer.get("ContentEncoding"),
        )
    except KeyError as error:
        raise StorageUnavailable(key, f"its answer has no {error.args[0]}") from error


def _listing(page: dict[str, Any]) -> Listing:
    found = page.get("Contents", [])
    return Listing(
        tuple((one["Key"], _stored(one["Key"], {**one, "ContentLength": one["Size"]})) for one in found),
        tuple(folder["Prefix"] for folder in page.get("CommonPrefixes", [])),
        page.get("NextContinuationToken"),
    )


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


def _is_cold(answer: dict[str, Any]) -> bool:
    """By its class, or by the tier that INTELLIGENT_TIERING has moved it to, of which a listing says nothing."""
    return answer.get("StorageClass") in ARCHIVED_CLASSES or bool(answer.get("ArchiveStatus"))


def _is_restored(answer: dict[str, Any]) -> bool:
    """By the header of a HEAD, or by the element of a listing."""
    listed = answer.get("RestoreStatus", {})
    in_listing = "RestoreExpiryDate" in listed and not listed.get("IsRestoreInProgress", False)
    return in_listing or 'ongoing-request="false"' in answer.get("Restore", "")
