"""What S3 keeps of an object, what it answers about it, and what may be wrong with it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from botocore.response import StreamingBody

from tests.simulation.client import Refused
from tests.simulation.s3.content import Content, Stream

HEADERS = ("ContentType", "ContentEncoding", "ContentDisposition", "Metadata")
ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")

PRECONDITION_FAILED = "At least one of the pre-conditions you specified did not hold"


class Refusal(StrEnum):
    """Why S3 answers neither a HEAD nor a GET of an object that is there."""

    FORBIDDEN = "forbidden"  # by a policy
    CUSTOMER_KEY = "customer key"  # stored with a key that the caller would have to send
    KMS = "kms"  # the caller may not use the key that it was encrypted with


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an object, or of an upload. `crc32` as base64, where the upload asked for it."""

    number: int
    etag: str
    content: Content
    crc32: str = ""
    at_ms: int = 0


@dataclass(slots=True)
class StoredObject:
    """`etag` without quotes; `crc32` as S3 writes it ("" if it has none), COMPOSITE or FULL_OBJECT by `crc32_type`."""

    key: str
    content: Content
    etag: str
    modified_ms: int
    crc32: str = ""
    crc32_type: str = "FULL_OBJECT"
    headers: Mapping[str, Any] = field(default_factory=dict)
    parts: Sequence[Part] = ()
    storage_class: str = "STANDARD"
    restore: str = ""
    archive_status: str = ""
    refusal: Refusal | None = None

    def check_readable(self, *, head: bool, with_checksum: bool = False) -> None:
        """Raises Refused unless the caller may read it; a HEAD needs less than a GET."""
        if self.refusal is Refusal.FORBIDDEN:
            raise Refused("AccessDenied", "Access Denied", status=403)
        if self.refusal is Refusal.CUSTOMER_KEY:
            raise Refused("InvalidRequest", "The object was stored using a form of Server Side Encryption.", status=400)
        if self.refusal is Refusal.KMS and (not head or with_checksum):
            raise Refused("AccessDenied", "The ciphertext refers to a key that you may not use.", status=403)
        if not head and self.is_archived:
            raise Refused("InvalidObjectState", "The object's storage class does not allow it", status=403)

    @property
    def is_archived(self) -> bool:
        archived = self.storage_class in ARCHIVED or bool(self.archive_status)
        return archived and 'ongoing-request="false"' not in self.restore

    @property
    def modified(self) -> datetime:
        """To the second, as S3 says it."""
        return datetime.fromtimestamp(self.modified_ms // 1000, UTC)

    def described(self, *, with_checksum: bool) -> dict[str, Any]:
        """What HEAD and GET answer, without the length."""
        answer: dict[str, Any] = {
            "AcceptRanges": "bytes",
            "LastModified": self.modified,
            "ETag": f'"{self.etag}"',
            "ContentType": "binary/octet-stream",
            "Metadata": {},
            **self.headers,
        }
        if with_checksum and self.crc32:
            answer |= {"ChecksumCRC32": self.crc32, "ChecksumType": self.crc32_type}
        optional = {
            "StorageClass": "" if self.storage_class == "STANDARD" else self.storage_class,
            "Restore": self.restore,
            "ArchiveStatus": self.archive_status,
        }
        return {**answer, **{name: value for name, value in optional.items() if value}}

    def listed(self, *, with_restore: bool) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "Key": self.key,
            "LastModified": self.modified,
            "ETag": f'"{self.etag}"',
            "Size": self.content.size,
            "StorageClass": self.storage_class,
        }
        if with_restore and self.restore:
            answer["RestoreStatus"] = {"IsRestoreInProgress": 'ongoing-request="true"' in self.restore}
        return answer

    def body(self, start: int, size: int) -> StreamingBody:
        return StreamingBody(Stream(self.content, start, size), size)


def check_match(stored: StoredObject, arguments: Mapping[str, Any]) -> None:
    """Raises Refused where IfMatch or IfNoneMatch does not hold."""
    wanted = arguments.get("IfMatch")
    if wanted is not None and wanted != "*" and wanted.strip('"') != stored.etag:
        raise Refused("PreconditionFailed", PRECONDITION_FAILED, status=412)
    unwanted = arguments.get("IfNoneMatch")
    if unwanted is not None and (unwanted == "*" or unwanted.strip('"') == stored.etag):
        raise Refused("304", "Not Modified", status=304)


def byte_range(text: str, size: int) -> tuple[int, int] | None:
    """First byte and number of bytes of a Range header; None if it is none. Raises Refused outside the object."""
    found = _RANGE.fullmatch(text)
    if found is None or found.group(1) == found.group(2) == "":
        return None
    first, last = found.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last) + 1, size) if first and last else size
    if start >= end:
        raise Refused("InvalidRange", "The requested range is not satisfiable", status=416)
    return start, end - start


def encoded(crc32: int) -> str:
    return base64.b64encode(crc32.to_bytes(4, "big")).decode()


def check_digests(content: Content, arguments: Mapping[str, Any]) -> None:
    """Raises Refused where a body is not what its sender says it is."""
    md5, crc32 = arguments.get("ContentMD5"), arguments.get("ChecksumCRC32")
    if md5 is not None and base64.b64decode(md5) != content.md5():
        raise Refused("BadDigest", "The Content-MD5 you specified did not match what we received.")
    if crc32 is not None and crc32 != encoded(content.crc32()):
        raise Refused("BadDigest", "The CRC32 you specified did not match the calculated checksum.")


def etag_of_parts(parts: Sequence[Part]) -> str:
    digests = b"".join(bytes.fromhex(part.etag) for part in parts)
    return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"


def headers_of(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What an object keeps to be answered with."""
    return {name: arguments[name] for name in HEADERS if name in arguments}


def body_of(arguments: Mapping[str, Any]) -> Content:
    body = arguments.get("Body", b"")
    return Content.of(bytes(body) if isinstance(body, bytes | bytearray | memoryview) else body.read())
