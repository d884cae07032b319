"""The operations of S3 that adapters use.

s3 = SimulatedS3(Alone())
client = SimulatedClient(s3)
client.create_bucket(Bucket="files")
client.put_object(Bucket="files", Key="a", Body=b"hello")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.simulation.client import Refused
from tests.simulation.faults import Fault
from tests.simulation.s3.buckets import PAGE, Answer
from tests.simulation.s3.listings import Listings
from tests.simulation.s3.multipart import MultipartUploads
from tests.simulation.s3.objects import StoredObject, body_of, byte_range, check_digests, check_match, headers_of

MAX_KEY_BYTES = 1024


class SimulatedS3(MultipartUploads, Listings):
    def put_object(self, *, Bucket: str, Key: str, **arguments: Any) -> Answer:
        bucket, content = self._bucket(Bucket), body_of(arguments)
        if len(Key.encode()) > MAX_KEY_BYTES:
            raise Refused("KeyTooLongError", "Your key is too long")
        check_digests(content, arguments)
        self._check_absent(bucket, Key, arguments)
        stored = StoredObject(
            Key, content, content.md5().hex(), self.environment.now_ms(), headers=headers_of(arguments)
        )
        stored.crc32 = arguments.get("ChecksumCRC32", "")
        stored.storage_class = arguments.get("StorageClass", "STANDARD")
        bucket.put(stored)
        checksum = {"ChecksumCRC32": stored.crc32, "ChecksumType": "FULL_OBJECT"} if stored.crc32 else {}
        return {"ETag": f'"{stored.etag}"', **checksum}

    def head_object(self, *, Bucket: str, Key: str, ChecksumMode: str = "", **arguments: Any) -> Answer:
        with_checksum = ChecksumMode == "ENABLED"
        try:
            stored = self._object(Bucket, Key)
            stored.check_readable(head=True, with_checksum=with_checksum)
            check_match(stored, arguments)
        except Refused as refused:
            raise Refused(str(refused.status), refused.message, status=refused.status) from None
        return {**stored.described(with_checksum=with_checksum), "ContentLength": stored.content.size}

    def get_object(self, *, Bucket: str, Key: str, ChecksumMode: str = "", **arguments: Any) -> Answer:
        stored = self._object(Bucket, Key)
        stored.check_readable(head=False)
        check_match(stored, arguments)
        size = stored.content.size
        wanted = byte_range(arguments["Range"], size) if "Range" in arguments else None
        start, length = wanted or (0, size)
        answer = stored.described(with_checksum=ChecksumMode == "ENABLED" and wanted is None)
        if wanted is not None:
            answer["ContentRange"] = f"bytes {start}-{start + length - 1}/{size}"
        return {**answer, "ContentLength": length, "Body": stored.body(start, length)}

    def get_object_attributes(
        self, *, Bucket: str, Key: str, ObjectAttributes: Sequence[str], PartNumberMarker: int = 0, **limits: Any
    ) -> Answer:
        stored = self._object(Bucket, Key)
        stored.check_readable(head=False)
        answer: Answer = {"LastModified": stored.modified, "ETag": stored.etag, "ObjectSize": stored.content.size}
        if stored.crc32:
            answer["Checksum"] = {"ChecksumCRC32": stored.crc32, "ChecksumType": stored.crc32_type}
        if stored.parts:
            answer["ObjectParts"] = _parts(stored, PartNumberMarker, limits.get("MaxParts", PAGE))
        return {name: value for name, value in answer.items() if name in (*ObjectAttributes, "LastModified")}

    def delete_object(self, *, Bucket: str, Key: str, **_: Any) -> Answer:
        self._bucket(Bucket).delete(Key)
        return {}

    def delete_objects(self, *, Bucket: str, Delete: Mapping[str, Any], **_: Any) -> Answer:
        bucket, keys = self._bucket(Bucket), [one["Key"] for one in Delete["Objects"]]
        if not 0 < len(keys) <= PAGE:
            raise Refused("MalformedXML", "The XML you provided was not well-formed")
        deleted, errors = [], []
        for key in keys:
            if self.environment.faults.happens(Fault.STORE_ERROR, "delete_objects"):
                errors.append({"Key": key, "Code": "InternalError", "Message": "We encountered an internal error."})
                continue
            bucket.delete(key)
            deleted.append({"Key": key})
        answer: Answer = {} if Delete.get("Quiet") else {"Deleted": deleted}
        return {**answer, "Errors": errors} if errors else answer


def _parts(stored: StoredObject, marker: int, most: int) -> Answer:
    """Parts are listed only where each has a checksum of its own."""
    answer: Answer = {"TotalPartsCount": len(stored.parts)}
    if stored.crc32_type != "COMPOSITE":
        return answer
    found = [part for part in stored.parts if part.number > marker]
    shown = [
        {"PartNumber": part.number, "Size": part.content.size, "ChecksumCRC32": part.crc32} for part in found[:most]
    ]
    answer |= {"Parts": shown, "IsTruncated": len(found) > most, "PartNumberMarker": marker, "MaxParts": most}
    return {**answer, "NextPartNumberMarker": shown[-1]["PartNumber"]} if shown else answer
