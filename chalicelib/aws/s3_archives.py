"""ArchiveStore on S3 or anything that speaks its protocol."""

from __future__ import annotations

import base64
import hashlib
import secrets
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from botocore.exceptions import ClientError
from msgspec.structs import replace

from chalicelib.archive.parts import Body
from chalicelib.assembly.checksums import required_crc
from chalicelib.assembly.model import BodyCrc, MultipartUpload, PartReceipt
from chalicelib.assembly.ports import Executors
from chalicelib.aws.s3_reads import QuickReads
from chalicelib.aws.s3_source import decode_crc32, object_errors, refusal_of, status_of, store_errors
from chalicelib.errors import SourceChanged, StorageError, StorageUnavailable, UploadGone, UploadRefused
from chalicelib.limits import MiB

ABORT_ATTEMPTS = 5
PROBE_PREFIX = "staging/probe/"
PROBE_BYTES = 6 * MiB
REFUSALS = frozenset({400, 405, 501})  # answers that say: this store does not do that
READ_BYTES = 1024 * 1024
ZIP_TYPE = "application/zip"


class S3ArchiveStore(msgspec.Struct, frozen=True):
    """`reads_in_flight` is the number of small reads at once; without `quick_reads` the SDK makes them.

    `reader` is a client in the region of the source bucket, where that is another than the archives'.
    """

    client: Any
    source_bucket: str
    bucket: str
    reads_in_flight: int
    executors: Executors
    quick_reads: QuickReads | None = None
    reader: Any = None
    token: Callable[[], str] = lambda: secrets.token_hex(4)

    def create_upload(self, key: str, *, checksummed: bool) -> MultipartUpload:
        checksum = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"} if checksummed else {}
        with store_errors(key):
            answer = self.client.create_multipart_upload(Bucket=self.bucket, Key=key, ContentType=ZIP_TYPE, **checksum)
        return MultipartUpload(key, answer["UploadId"])

    def upload_part(self, upload: MultipartUpload, number: int, *, body: bytes | bytearray, crc32: int | None) -> str:
        # AWS refuses a part's CRC-32 where the upload was created without an algorithm.
        verified = {"ContentMD5": _md5(body)} if crc32 is None else {"ChecksumCRC32": encode_crc32(crc32)}
        with _upload_errors(upload):
            answer = self.client.upload_part(
                **self._part(upload, number), Body=body, ContentLength=len(body), **verified
            )
        return str(answer["ETag"]).strip('"')

    def copy_part(self, upload: MultipartUpload, number: int, *, body: Body) -> tuple[str, int | None]:
        source = {"Bucket": self.source_bucket, "Key": body.key}
        pinned, wanted = f'"{body.etag}"', _bytes(body.start, body.size)
        with _source_errors(body), _upload_errors(upload):
            try:
                return self._copy(upload, number, CopySource=source, CopySourceIfMatch=pinned, CopySourceRange=wanted)
            except ClientError as error:
                if refusal_of(error):  # by the archive bucket, or for the sake of what is copied
                    with object_errors(body.key):
                        self._get(replace(body, start=0, size=1)).close()
                raise

    def copy_object(
        self, upload: MultipartUpload, number: int, *, key: str, start: int, size: int
    ) -> tuple[str, int | None]:
        with _upload_errors(upload):
            source = {"Bucket": self.bucket, "Key": key}
            return self._copy(upload, number, CopySource=source, CopySourceRange=_bytes(start, size))

    def complete(self, upload: MultipartUpload, parts: Sequence[PartReceipt], *, size: int, crc32: int | None) -> None:
        listed: list[dict[str, Any]] = [{"PartNumber": part.number, "ETag": f'"{part.etag}"'} for part in parts]
        whole: dict[str, Any] = {}
        if crc32 is not None:
            for entry, part in zip(listed, parts, strict=True):
                entry["ChecksumCRC32"] = encode_crc32(required_crc(upload.key, part.crc32))
            whole = {"ChecksumCRC32": encode_crc32(crc32), "ChecksumType": "FULL_OBJECT", "MpuObjectSize": size}
        place = {"Bucket": self.bucket, "Key": upload.key, "UploadId": upload.upload_id}
        with _upload_errors(upload):
            try:
                self.client.complete_multipart_upload(
                    **place, MultipartUpload={"Parts": listed}, IfNoneMatch="*", **whole
                )
            except ClientError as error:
                if status_of(error) == 412:
                    raise UploadGone(upload.key, "the object is there already") from error
                if status_of(error) == 409:
                    raise UploadRefused(upload.key, "it met another request for the same object") from error
                raise

    def abort(self, upload: MultipartUpload) -> None:
        place = {"Bucket": self.bucket, "Key": upload.key, "UploadId": upload.upload_id}
        for _ in range(ABORT_ATTEMPTS):
            try:
                with _upload_errors(upload):
                    self.client.abort_multipart_upload(**place)
                    self.client.list_parts(**place, MaxParts=1)
            except UploadGone:
                return
        raise StorageUnavailable(upload.key, "the upload is still there after it was aborted")

    def open_uploads(self, prefix: str) -> list[MultipartUpload]:
        with store_errors(prefix):
            pages = self.client.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket, Prefix=prefix)
            uploads = [found for page in pages for found in page.get("Uploads", [])]
        return [MultipartUpload(found["Key"], found["UploadId"]) for found in uploads]

    def size_of(self, key: str) -> int | None:
        with store_errors(key):
            try:
                return int(self.client.head_object(Bucket=self.bucket, Key=key)["ContentLength"])
            except ClientError as error:
                if status_of(error) == 404:
                    return None
                raise

    def put(self, key: str, body: bytes | bytearray) -> None:
        with store_errors(key):
            self.client.put_object(Bucket=self.bucket, Key=key, Body=body)

    def get(self, key: str) -> bytes:
        with store_errors(key):
            body: bytes = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            return body

    def find(self, key: str) -> bytes | None:
        try:
            return self.get(key)
        except StorageError as error:
            if isinstance(error.__cause__, ClientError) and status_of(error.__cause__) == 404:
                return None
            raise

    def get_range(self, key: str, *, start: int, size: int) -> bytes:
        with store_errors(key):
            answer = self.client.get_object(Bucket=self.bucket, Key=key, Range=_bytes(start, size))
            body: bytes = answer["Body"].read()
        if len(body) != size:
            raise StorageUnavailable(key, f"{len(body)} of {size} bytes came")
        return body

    def delete_below(self, prefix: str) -> None:
        with store_errors(prefix):
            for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
                keys = [{"Key": found["Key"]} for found in page.get("Contents", [])]
                if not keys:
                    continue
                answer = self.client.delete_objects(Bucket=self.bucket, Delete={"Objects": keys, "Quiet": True})
                for error in answer.get("Errors", []):
                    raise StorageUnavailable(error.get("Key", prefix), f"not deleted: {error.get('Code')}")

    def read(self, body: Body) -> bytes:
        """Read one range. Raises as `read_many`."""
        content = self._quickly_read(body)
        if content is not None:
            return content
        with _source_errors(body):
            content = bytes(self._get(body).read())
        if len(content) != body.size:
            raise StorageUnavailable(body.key, f"{len(content)} of {body.size} bytes came")
        return content

    def read_many(self, bodies: Sequence[Body]) -> Iterator[bytes]:
        if bodies:
            if self.quick_reads is not None:
                self.quick_reads.connections()  # once, or each thread would make a pool
            with self.executors(min(self.reads_in_flight, len(bodies))) as executor:
                yield from executor.map(self.read, bodies)

    def crc_of(self, body: Body) -> BodyCrc:
        crc = size = 0
        with _source_errors(body):
            for piece in self._get(body).iter_chunks(READ_BYTES):
                crc, size = zlib.crc32(piece, crc), size + len(piece)
        if size != body.size:
            raise StorageUnavailable(body.key, f"{size} of {body.size} bytes came")
        return BodyCrc(body.entry, body.start, size, crc)

    def probe_copy_checksums(self) -> bool:
        place = f"{PROBE_PREFIX}{self.token()}/"  # two workers may try at once
        try:
            return self._probe(place)
        except StorageError as error:
            if isinstance(error.__cause__, ClientError) and status_of(error.__cause__) in REFUSALS:
                return False
            raise
        finally:
            self.delete_below(place)

    def _probe(self, place: str) -> bool:
        """One part, copied and completed with the CRC-32 that the copy returned.

        It is a range of an object of 6 MiB: AWS copies no ranges of objects of up to 5 MiB.
        """
        size = PROBE_BYTES - MiB
        self.put(f"{place}source", bytes(PROBE_BYTES))
        upload = self.create_upload(f"{place}target", checksummed=True)
        try:
            etag, crc32 = self.copy_object(upload, 1, key=f"{place}source", start=MiB, size=size)
            if crc32 is None:
                return False
            self.complete(upload, [PartReceipt(0, 1, etag, size, crc32)], size=size, crc32=crc32)
        finally:
            self.abort(upload)
        return True

    def _quickly_read(self, body: Body) -> bytes | None:
        if self.quick_reads is None:
            return None
        return self.quick_reads.read(body.key, body.etag, start=body.start, size=body.size)

    def _get(self, body: Body) -> Any:
        pinned = f'"{body.etag}"'
        wanted = _bytes(body.start, body.size)
        client = self.reader or self.client
        return client.get_object(Bucket=self.source_bucket, Key=body.key, IfMatch=pinned, Range=wanted)["Body"]

    def _part(self, upload: MultipartUpload, number: int) -> dict[str, Any]:
        return {"Bucket": self.bucket, "Key": upload.key, "UploadId": upload.upload_id, "PartNumber": number}

    def _copy(self, upload: MultipartUpload, number: int, **source: Any) -> tuple[str, int | None]:
        answer = self.client.upload_part_copy(**self._part(upload, number), **source)["CopyPartResult"]
        crc32 = answer.get("ChecksumCRC32")
        return str(answer["ETag"]).strip('"'), decode_crc32(crc32) if crc32 else None


def encode_crc32(crc32: int) -> str:
    """As S3 writes it: base64 of four bytes, the highest first."""
    return base64.b64encode(crc32.to_bytes(4, "big")).decode()


def _md5(body: bytes | bytearray) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def _bytes(start: int, size: int) -> str:
    return f"bytes={start}-{start + size - 1}"


@contextmanager
def _upload_errors(upload: MultipartUpload) -> Iterator[None]:
    with store_errors(upload.key):
        try:
            yield
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "NoSuchUpload":
                raise UploadGone(upload.key, "NoSuchUpload") from error
            raise


@contextmanager
def _source_errors(body: Body) -> Iterator[None]:
    """412: another version; 404 of the key: gone."""
    try:
        with object_errors(body.key):
            yield
    except StorageError as error:
        cause = error.__cause__
        if isinstance(cause, ClientError) and _is_changed(cause):
            raise SourceChanged(body.key, error.cause, body.entry) from error
        raise


def _is_changed(error: ClientError) -> bool:
    code = error.response.get("Error", {}).get("Code")
    return status_of(error) == 412 or code in ("NoSuchKey", "PreconditionFailed", "InvalidRange")
