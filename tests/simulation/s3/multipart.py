"""The operations of multipart uploads. Copies and completions take their time, in which others run."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from typing import Any
from urllib.parse import unquote

from tests.simulation.client import Refused
from tests.simulation.faults import Fault
from tests.simulation.s3.buckets import Answer, Buckets
from tests.simulation.s3.content import Content
from tests.simulation.s3.objects import StoredObject, body_of, check_digests, check_match, headers_of
from tests.simulation.s3.uploads import Upload, check_number, crc32_type

_COPY_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


class MultipartUploads(Buckets):
    def create_multipart_upload(self, *, Bucket: str, Key: str, **arguments: Any) -> Answer:
        upload_id = f"{self.environment.random.getrandbits(160):040x}"
        upload = Upload(upload_id, Key, self.environment.now_ms(), crc32_type(arguments), headers_of(arguments))
        self._bucket(Bucket).uploads[upload_id] = upload
        checksum = {"ChecksumAlgorithm": "CRC32", "ChecksumType": upload.crc32_type} if upload.crc32_type else {}
        return {"Bucket": Bucket, "Key": Key, "UploadId": upload_id, **checksum}

    def upload_part(self, *, Bucket: str, Key: str, UploadId: str, PartNumber: int, **arguments: Any) -> Answer:
        check_number(PartNumber)
        upload, content = self._upload(Bucket, Key, UploadId), body_of(arguments)
        check_digests(content, arguments)
        part = upload.add(PartNumber, content, arguments, self.environment.now_ms())
        return {"ETag": f'"{part.etag}"', **({"ChecksumCRC32": part.crc32} if part.crc32 else {})}

    def upload_part_copy(
        self,
        *,
        Bucket: str,
        Key: str,
        UploadId: str,
        PartNumber: int,
        CopySource: str,
        CopySourceRange: str = "",
        CopySourceIfMatch: str = "*",
        **_: Any,
    ) -> Generator[None, None, Answer]:
        """Reads, lets others run, and writes: an upload that was aborted meanwhile has a part again."""
        check_number(PartNumber)
        upload, source = self._upload(Bucket, Key, UploadId), self._source(CopySource)
        source.check_readable(head=False)
        check_match(source, {"IfMatch": CopySourceIfMatch})
        content = _copied(source.content, CopySourceRange)
        yield
        if UploadId not in self._bucket(Bucket).uploads and UploadId not in self._bucket(Bucket).completed:
            self._bucket(Bucket).uploads[UploadId] = upload
            upload.parts.clear()
        part = upload.add(PartNumber, content, {}, self.environment.now_ms())
        self.fault_after("upload_part_copy")
        result = {"ETag": f'"{part.etag}"', **({"ChecksumCRC32": part.crc32} if part.crc32 else {})}
        return {"CopyPartResult": result}

    def _source(self, source: str) -> StoredObject:
        bucket, _, key = unquote(source).removeprefix("/").partition("/")
        return self._object(bucket, key)

    def complete_multipart_upload(
        self, *, Bucket: str, Key: str, UploadId: str, MultipartUpload: Mapping[str, Any], **arguments: Any
    ) -> Generator[None, None, Answer]:
        """May take minutes, in which others run."""
        bucket = self._bucket(Bucket)
        if UploadId in bucket.completed and self.environment.faults.happens(Fault.COMPLETED_AGAIN):
            return dict(bucket.completed[UploadId])
        self._upload(Bucket, Key, UploadId).completed(MultipartUpload.get("Parts", ()), arguments, self.min_part)
        yield
        upload = self._upload(Bucket, Key, UploadId)
        stored = upload.completed(MultipartUpload.get("Parts", ()), arguments, self.min_part)
        self._check_absent(bucket, Key, arguments)
        stored.modified_ms = self.environment.now_ms()
        bucket.put(stored)
        del bucket.uploads[UploadId]
        checksum = {"ChecksumCRC32": stored.crc32, "ChecksumType": stored.crc32_type} if stored.crc32 else {}
        answer = {"Bucket": Bucket, "Key": Key, "ETag": f'"{stored.etag}"', **checksum}
        bucket.completed[UploadId] = answer
        self.fault_after("complete_multipart_upload")
        return dict(answer)

    def abort_multipart_upload(self, *, Bucket: str, Key: str, UploadId: str, **_: Any) -> Answer:
        self._upload(Bucket, Key, UploadId)
        del self._bucket(Bucket).uploads[UploadId]
        return {}


def _copied(content: Content, wanted: str) -> Content:
    if not wanted:
        return content
    found = _COPY_RANGE.fullmatch(wanted)
    if found is None:
        raise Refused("InvalidArgument", "The x-amz-copy-source-range value must be of the form bytes=first-last")
    first, last = int(found[1]), int(found[2])
    if not first <= last < content.size:
        raise Refused("InvalidRange", "The requested range is not satisfiable", status=416)
    return content.slice(first, last - first + 1)
