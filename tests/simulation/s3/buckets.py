"""Buckets, and what every operation of S3 needs of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from botocore.config import Config

from tests.simulation.client import Refused
from tests.simulation.environment import Environment
from tests.simulation.faults import Fault
from tests.simulation.limits import TokenBuckets
from tests.simulation.s3.objects import PRECONDITION_FAILED, StoredObject, body_of, encoded
from tests.simulation.s3.uploads import NO_SUCH_UPLOAD, Upload

Answer = dict[str, Any]

MIN_PART_BYTES = 5 * 1024 * 1024
PAGE = 1000
BODILESS = frozenset({"head_object", "head_bucket"})  # answers to them have no body, and so no error codes
ANSWERED_EARLY = frozenset({"complete_multipart_upload", "upload_part_copy"})  # 200, and then a body


class Bucket:
    """Objects in the order of their keys, and open uploads."""

    def __init__(self) -> None:
        self.objects: dict[str, StoredObject] = {}
        self.uploads: dict[str, Upload] = {}
        self.completed: dict[str, Answer] = {}  # what was answered, by upload
        self._keys: list[str] = []

    def put(self, stored: StoredObject) -> None:
        if stored.key not in self.objects:
            insort(self._keys, stored.key)
        self.objects[stored.key] = stored

    def delete(self, key: str) -> None:
        if self.objects.pop(key, None) is not None:
            del self._keys[bisect_left(self._keys, key)]

    def keys(self, prefix: str, after: str) -> Sequence[str]:
        """Those below a prefix that come after a key."""
        first = max(bisect_left(self._keys, prefix), bisect_right(self._keys, after))
        end = bisect_left(self._keys, True, lo=first, key=lambda key: not key.startswith(prefix) and key > prefix)
        return self._keys[first:end]


class Buckets:
    """`min_part` is the size that every part but the last must have, `page` the most objects in a page of a listing."""

    name = "s3"

    def __init__(self, environment: Environment, *, min_part: int = MIN_PART_BYTES, page: int = PAGE) -> None:
        self.environment, self.min_part, self.page = environment, min_part, page
        self.buckets: dict[str, Bucket] = {}
        self._reads = TokenBuckets(environment.limits.prefix_reads)
        self._writes = TokenBuckets(environment.limits.prefix_writes)

    def describe(self, operation: str, arguments: Mapping[str, Any]) -> str:
        more = arguments.get("PartNumber") or arguments.get("Range") or arguments.get("Prefix") or ""
        return f"({arguments.get('Key', arguments.get('Bucket', ''))}{f', {more}' if more else ''})"

    def fault_before(self, operation: str, arguments: Mapping[str, Any]) -> None:
        faults = self.environment.faults
        if faults.happens(Fault.SLOW_DOWN, operation) or self._is_too_fast(operation, arguments):
            raise self._refused(operation, "SlowDown", "Please reduce your request rate.", 503)
        if faults.happens(Fault.STORE_ERROR, operation):
            raise self._refused(operation, "InternalError", "We encountered an internal error. Please try again.", 500)
        if arguments.get("IfNoneMatch") == "*" and faults.happens(Fault.STORE_CONFLICT, operation):
            self._bucket(arguments["Bucket"]).uploads.pop(arguments.get("UploadId", ""), None)
            raise Refused("ConditionalRequestConflict", "The conditional request cannot succeed now.", status=409)

    def _is_too_fast(self, operation: str, arguments: Mapping[str, Any]) -> bool:
        """Whether a prefix has had its requests of this second."""
        prefix = f"{arguments.get('Bucket')}/{arguments.get('Key', '').rpartition('/')[0]}"
        rates = self._reads if operation.startswith(("get_", "head_", "list_")) else self._writes
        return not rates.take(prefix, 1, self.environment.now_ms())

    def fault_after(self, operation: str) -> None:
        if operation in ANSWERED_EARLY and self.environment.faults.happens(Fault.ERROR_IN_OK, operation):
            raise Refused("InternalError", "We encountered an internal error. Please try again.", status=500)

    def _refused(self, operation: str, code: str, message: str, status: int) -> Refused:
        """An answer without a body has its status for a code."""
        if operation in BODILESS:
            return Refused(str(status), message, status=status)
        return Refused(code, message, status=status)

    def prepare(self, operation: str, arguments: dict[str, Any], config: Config) -> None:
        """The SDK writes sources of copies as text, and adds checksums unless its configuration says not to."""
        source = arguments.get("CopySource")
        if isinstance(source, dict):
            arguments["CopySource"] = f"{source['Bucket']}/{quote(source['Key'])}"
        by_default = getattr(config, "request_checksum_calculation", None) in (None, "when_supported")
        if operation == "create_multipart_upload" and by_default:
            arguments.setdefault("ChecksumAlgorithm", "CRC32")
        if operation in ("put_object", "upload_part") and "ContentMD5" not in arguments:
            wanted = by_default or arguments.get("ChecksumAlgorithm") == "CRC32"
            if wanted and arguments.get("ChecksumAlgorithm", "CRC32") == "CRC32":
                body = body_of(arguments)
                arguments["Body"] = body.read()
                arguments.setdefault("ChecksumCRC32", encoded(body.crc32()))

    def create_bucket(self, *, Bucket: str, **_: Any) -> Answer:
        self.buckets.setdefault(Bucket, _new())
        return {"Location": f"/{Bucket}"}

    def head_bucket(self, *, Bucket: str, **_: Any) -> Answer:
        if Bucket not in self.buckets:
            raise Refused("404", "Not Found", status=404)
        return {}

    def _bucket(self, name: str) -> Bucket:
        try:
            return self.buckets[name]
        except KeyError:
            raise Refused("NoSuchBucket", "The specified bucket does not exist", status=404) from None

    def _check_absent(self, bucket: Bucket, key: str, arguments: Mapping[str, Any]) -> None:
        if arguments.get("IfNoneMatch") == "*" and key in bucket.objects:
            raise Refused("PreconditionFailed", PRECONDITION_FAILED, status=412)

    def _object(self, bucket_name: str, key: str) -> StoredObject:
        try:
            return self._bucket(bucket_name).objects[key]
        except KeyError:
            raise Refused("NoSuchKey", "The specified key does not exist.", status=404) from None

    def _upload(self, bucket_name: str, key: str, upload_id: str) -> Upload:
        upload = self._bucket(bucket_name).uploads.get(upload_id)
        if upload is None or upload.key != key:
            raise Refused("NoSuchUpload", NO_SUCH_UPLOAD, status=404)
        return upload


def _new() -> Bucket:
    return Bucket()
