"""Multipart uploads of S3: parts are sent or copied, and become an object when the upload is completed."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.client import Refused
from tests.simulation.s3.content import Content
from tests.simulation.s3.objects import Part, StoredObject, encoded, etag_of_parts

MAX_PARTS = 10_000
NO_SUCH_UPLOAD = (
    "The specified multipart upload does not exist. The upload ID may be invalid, or the upload may have been aborted"
    " or completed."
)


@dataclass(slots=True)
class Upload:
    """`crc32_type` is "" where the upload was created without an algorithm."""

    upload_id: str
    key: str
    begun_ms: int
    crc32_type: str = ""
    headers: Mapping[str, Any] = field(default_factory=dict)
    parts: dict[int, Part] = field(default_factory=dict)

    def add(self, number: int, content: Content, arguments: Mapping[str, Any], now_ms: int) -> Part:
        if arguments.get("ChecksumCRC32") and not self.crc32_type:
            raise Refused(
                "InvalidRequest",
                "Checksum Type mismatch occurred, expected checksum Type: null, actual checksum Type: crc32",
            )
        crc32 = encoded(content.crc32()) if self.crc32_type else ""
        self.parts[number] = Part(number, content.md5().hex(), content, crc32, now_ms)
        return self.parts[number]

    def completed(self, listed: Sequence[Mapping[str, Any]], arguments: Mapping[str, Any], least: int) -> StoredObject:
        """The object of the listed parts. Raises Refused for whatever is wrong with them."""
        if not listed:
            raise Refused("MalformedXML", "The XML you provided was not well-formed")
        numbers = [entry["PartNumber"] for entry in listed]
        if numbers != sorted(set(numbers)):
            raise Refused("InvalidPartOrder", "The list of parts was not in ascending order.")
        parts = [self._checked(entry) for entry in listed]
        if any(part.content.size < least for part in parts[:-1]):
            raise Refused("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed object size.")
        content = Content.joined(part.content for part in parts)
        if arguments.get("MpuObjectSize", content.size) != content.size:
            raise Refused("InvalidRequest", "The provided MpuObjectSize does not match the size of the object.")
        stored = StoredObject(self.key, content, etag_of_parts(parts), 0, headers=self.headers, parts=parts)
        stored.crc32, stored.crc32_type = self._checksum(content, parts), self.crc32_type or "FULL_OBJECT"
        if arguments.get("ChecksumCRC32") not in (None, stored.crc32):
            raise Refused("BadDigest", "The CRC32 you specified did not match the calculated checksum.")
        return stored

    def _checked(self, entry: Mapping[str, Any]) -> Part:
        part = self.parts.get(entry["PartNumber"])
        if part is None or entry.get("ETag", "").strip('"') != part.etag:
            raise Refused("InvalidPart", "One or more of the specified parts could not be found.")
        if entry.get("ChecksumCRC32", part.crc32) != part.crc32:
            raise Refused("InvalidPart", "The checksum of a part is not the one that it was uploaded with.")
        return part

    def _checksum(self, content: Content, parts: Sequence[Part]) -> str:
        if self.crc32_type != "COMPOSITE":
            return encoded(content.crc32()) if self.crc32_type else ""
        together = b"".join(base64.b64decode(part.crc32) for part in parts)
        return f"{encoded(zlib.crc32(together))}-{len(parts)}"


def crc32_type(arguments: Mapping[str, Any]) -> str:
    """Of an upload that is created."""
    if arguments.get("ChecksumAlgorithm") != "CRC32":
        return ""
    return str(arguments.get("ChecksumType", "COMPOSITE"))


def check_number(number: int) -> None:
    if not 1 <= number <= MAX_PARTS:
        raise Refused("InvalidArgument", f"Part number must be an integer between 1 and {MAX_PARTS}, inclusive")
