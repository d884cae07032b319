"""ArchiveStore on S3 or anything that speaks its protocol."""

from __future__ import annotations

import base64
import hashlib
import secrets
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.assembly.model import BodyCrc, PartReceipt, Upload
from chalicelib.assembly.tasks import Range
from chalicelib.aws.s3_reads import QuickReads
from chalicelib.aws.s3_source import decode_crc32, status_of, store_errors
from chalicelib.errors import SourceChanged, StorageError, StorageUnavailable, UploadGone

ABORT_ATTEMPTS = 5
PROBE_PREFIX = "staging/probe/"
REFUSALS = frozenset({400, 405, 501})  # answers that say: this store does not do that
READ_BYTES = 1024 * 1024
ZIP_TYPE = "application/zip"


@dataclass(frozen=True, slots=True)
class S3ArchiveStore:
    """`threads` is the number of small reads in flight; without `quick_reads` the SDK makes them.

    `reader` is a client in the region of the source bucket, where that is another than the archives'.
    """

    client: Any
    source_bucket: str
    bucket: str
    threads: int
    quick_reads: QuickReads | None = None
    reader: Any = None

    def create_upload(self, key: str, *, checksummed: bool) -> Upload:
        checksum = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"} if checksummed else {}
        with store_errors(key):
            answer = self.client.create_multipart_upload(Bucket=self.bucket, Key=key, ContentType=ZIP_TYPE, **checksum)
        return Upload(key, answer["UploadId"])

    def upload_part(self, upload: Upload, number: int, body: bytes | bytearray, *, crc32: int | None) -> str:
        # AWS refuses a part's CRC-32 where the upload was created without an algorithm.
        verified = {"ContentMD5": _md5(body)} if crc32 is None else {"ChecksumCRC32": encode_crc32(crc32)}
        with _upload_errors(upload):
            answer = self.client.upload_part(
                **self._part(upload, number), Body=body, ContentLength=len(body), **verified
            )
        return str(answer["ETag"]).strip('"')

    def copy_part(self, upload: Upload, number: int, source: Range) -> tuple[str, int | None]:
        with _source_errors(source), _upload_errors(upload):
            return self._copy(
                upload,
                number,
                CopySource={"Bucket": self.source_bucket, "Key": source.key},
                CopySourceIfMatch=f'"{source.etag}"',
                CopySourceRange=_bytes(source.start, source.size),
            )

    def copy_staged(self, upload: Upload, number: int, key: str, *, start: int, size: int) -> tuple[str, int | None]:
        with _upload_errors(upload):
            source = {"Bucket": self.bucket, "Key": key}
            return self._copy(upload, number, CopySource=source, CopySourceRange=_bytes(start, size))

    def complete(self, upload: Upload, parts: Sequence[PartReceipt], *, size: int, crc32: int | None) -> None:
        listed: list[dict[str, Any]] = [{"PartNumber": part.number, "ETag": f'"{part.etag}"'} for part in parts]
        whole: dict[str, Any] = {}
        if crc32 is not None:
            for entry, part in zip(listed, parts, strict=True):
                entry["ChecksumCRC32"] = encode_crc32(part.crc32 or 0)
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
                raise

    def abort(self, upload: Upload) -> None:
        place = {"Bucket": self.bucket, "Key": upload.key, "UploadId": upload.upload_id}
        for _ in range(ABORT_ATTEMPTS):
            try:
                with _upload_errors(upload):
                    self.client.abort_multipart_upload(**place)
                    self.client.list_parts(**place, MaxParts=1)
            except UploadGone:
                return
        raise StorageUnavailable(upload.key, "the upload is still there after it was aborted")

    def open_uploads(self, prefix: str) -> list[Upload]:
        with store_errors(prefix):
            pages = self.client.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket, Prefix=prefix)
            return [Upload(found["Key"], found["UploadId"]) for page in pages for found in page.get("Uploads", [])]

    def size_of(self, key: str) -> int | None:
        with store_errors(key):
            try:
                return int(self.client.head_object(Bucket=self.bucket, Key=key)["ContentLength"])
            except ClientError as error:
                if status_of(error) == 404:
                    return None
                raise

    def put(self, key: str, body: bytes) -> None:
        with store_errors(key):
            self.client.put_object(Bucket=self.bucket, Key=key, Body=body)

    def get(self, key: str) -> bytes:
        with store_errors(key):
            body: bytes = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
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

    def read(self, source: Range) -> bytes:
        body = self._quickly_read(source)
        if body is not None:
            return body
        with _source_errors(source), store_errors(source.key):
            body = bytes(self._get(source).read())
        if len(body) != source.size:
            raise StorageUnavailable(source.key, f"{len(body)} of {source.size} bytes came")
        return body

    def _quickly_read(self, source: Range) -> bytes | None:
        if self.quick_reads is None:
            return None
        return self.quick_reads.read(source.key, source.etag, start=source.start, size=source.size)

    def read_many(self, sources: Sequence[Range]) -> Iterator[bytes]:
        if sources:
            with ThreadPoolExecutor(min(self.threads, len(sources))) as pool:
                yield from pool.map(self.read, sources)

    def crc_of(self, source: Range) -> BodyCrc:
        crc = size = 0
        with _source_errors(source), store_errors(source.key):
            body = self._get(source)
            for piece in body.iter_chunks(READ_BYTES):
                crc, size = zlib.crc32(piece, crc), size + len(piece)
        if size != source.size:
            raise StorageUnavailable(source.key, f"{size} of {source.size} bytes came")
        return BodyCrc(source.entry, source.start, size, crc)

    def probe_copy_checksums(self) -> bool:
        place = f"{PROBE_PREFIX}{secrets.token_hex(8)}/"  # two workers may try at once
        try:
            return self._probe(place)
        except StorageError as error:
            if isinstance(error.__cause__, ClientError) and status_of(error.__cause__) in REFUSALS:
                return False
            raise
        finally:
            self.delete_below(place)

    def _probe(self, place: str) -> bool:
        """One part of ten bytes, copied, and completed with the CRC-32 that the copy told."""
        body = b"0123456789"
        self.put(f"{place}source", body)
        upload = self.create_upload(f"{place}target", checksummed=True)
        try:
            etag, crc32 = self.copy_staged(upload, 1, f"{place}source", start=0, size=len(body))
            if crc32 is None:
                return False
            self.complete(upload, [PartReceipt(0, 1, etag, len(body), crc32)], size=len(body), crc32=crc32)
        finally:
            self.abort(upload)
        return True

    def _get(self, source: Range) -> Any:
        pinned = f'"{source.etag}"'
        wanted = _bytes(source.start, source.size)
        client = self.reader or self.client
        return client.get_object(Bucket=self.source_bucket, Key=source.key, IfMatch=pinned, Range=wanted)["Body"]

    def _part(self, upload: Upload, number: int) -> dict[str, Any]:
        return {"Bucket": self.bucket, "Key": upload.key, "UploadId": upload.upload_id, "PartNumber": number}

    def _copy(self, upload: Upload, number: int, **source: Any) -> tuple[str, int | None]:
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
def _upload_errors(upload: Upload) -> Iterator[None]:
    with store_errors(upload.key):
        try:
            yield
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "NoSuchUpload":
                raise UploadGone(upload.key, "NoSuchUpload") from error
            raise


@contextmanager
def _source_errors(source: Range) -> Iterator[None]:
    """412: another version; 404 of the key: gone."""
    try:
        yield
    except StorageError as error:
        cause = error.__cause__
        if isinstance(cause, ClientError) and _is_changed(cause):
            raise SourceChanged(source.key, error.cause, entry=source.entry) from error
        raise


def _is_changed(error: ClientError) -> bool:
    code = error.response.get("Error", {}).get("Code")
    return status_of(error) == 412 or code in ("NoSuchKey", "PreconditionFailed", "InvalidRange")
