"""What is asked of every S3: scripts of calls, and what is seen of them."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable
from typing import Any

from tests.contracts.simulation.comparing import outcome

MIN_PART = 5 * 1024 * 1024
LARGE, SMALL = b"x" * MIN_PART, b"0123456789"

# What can be compared of answers: the rest are times, addresses and defaults of a store's own.
COMPARED = frozenset(
    {
        "AcceptRanges",
        "CommonPrefixes",
        "Contents",
        "ContentEncoding",
        "ContentLength",
        "ContentRange",
        "CopyPartResult",
        "ChecksumCRC32",
        "ChecksumType",
        "Deleted",
        "ETag",
        "Errors",
        "IsTruncated",
        "Key",
        "KeyCount",
        "Metadata",
        "ObjectSize",
        "PartNumber",
        "Parts",
        "Prefix",
        "Size",
        "Uploads",
    }
)

NO_CHECKSUM_TYPE = frozenset({"create_multipart_upload", "put_object"})  # not every store answers with it

Seen = list[Any]


def crc32(body: bytes) -> str:
    return base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()


def md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


class Store:
    """A bucket, and what a script saw of it."""

    def __init__(self, client: Any, bucket: str) -> None:
        self.client, self.bucket = client, bucket
        self.seen: Seen = []
        client.create_bucket(Bucket=bucket)

    def ask(self, operation: str, **arguments: Any) -> Any:
        """Make a call and note its outcome; the answer, or None."""
        code, answer = outcome(getattr(self.client, operation), {"Bucket": self.bucket, **arguments})
        if code == "ok" and "Body" in answer:
            answer["Body"] = answer["Body"].read()
        seen = _compared(answer) if code == "ok" else None
        if operation in NO_CHECKSUM_TYPE and seen:
            seen.pop("ChecksumType", None)
        self.seen.append((operation, code, seen))
        return answer if code == "ok" else None

    def put(self, key: str, body: bytes = SMALL, **more: Any) -> Any:
        return self.ask("put_object", Key=key, Body=body, **more)

    def head(self, key: str, **more: Any) -> Any:
        return self.ask("head_object", Key=key, **more)

    def get(self, key: str, **more: Any) -> Any:
        return self.ask("get_object", Key=key, **more)

    def upload(self, key: str, **more: Any) -> UploadOf:
        return UploadOf(self, key, self.ask("create_multipart_upload", Key=key, **more)["UploadId"])


class UploadOf:
    """A multipart upload of a script."""

    def __init__(self, store: Store, key: str, upload_id: str) -> None:
        self._store, self._place = store, {"Key": key, "UploadId": upload_id}

    def ask(self, operation: str, **arguments: Any) -> Any:
        return self._store.ask(operation, **self._place, **arguments)

    def part(self, number: int, body: bytes, **more: Any) -> dict[str, Any]:
        answer = self.ask("upload_part", PartNumber=number, Body=body, **more)
        return {"PartNumber": number, **_of(answer)}

    def copy(self, number: int, key: str, **more: Any) -> dict[str, Any]:
        source = {"Bucket": self._store.bucket, "Key": key}
        answer = self.ask("upload_part_copy", PartNumber=number, CopySource=source, **more)
        return {"PartNumber": number, **_of(answer and answer["CopyPartResult"])}

    def complete(self, *parts: dict[str, Any], **more: Any) -> Any:
        return self.ask("complete_multipart_upload", MultipartUpload={"Parts": list(parts)}, **more)


def _of(answer: Any) -> dict[str, Any]:
    return {name: answer[name] for name in ("ETag", "ChecksumCRC32") if name in answer} if answer else {}


def _compared(answer: Any) -> Any:
    if isinstance(answer, dict):
        found = {name: _compared(value) for name, value in answer.items() if name in {*COMPARED, "Body"}}
        return {name: value.strip('"') if name == "ETag" else value for name, value in found.items() if value != ""}
    return [_compared(one) for one in answer] if isinstance(answer, list) else answer


# --- objects


def an_object_is_put_and_read(store: Store) -> None:
    store.put("a", Metadata={"x": "y"}, ContentEncoding="gzip")
    store.put("empty", b"")
    for key in ("a", "empty", "absent"):
        store.head(key)
        store.get(key)


def checksums_are_kept_where_they_are_asked_for(store: Store) -> None:
    store.put("a", ChecksumCRC32=crc32(SMALL))
    store.head("a", ChecksumMode="ENABLED")
    store.head("a")


def what_is_not_as_it_should_be_is_refused(store: Store) -> None:
    store.put("a", ChecksumCRC32=crc32(b"other"))
    store.put("a", ContentMD5=md5(b"other"))
    store.put("a", ContentMD5=md5(SMALL))
    store.put("x" * 1025)


def an_object_is_put_where_nothing_is(store: Store) -> None:
    store.put("a", b"first", IfNoneMatch="*")
    store.put("a", b"second", IfNoneMatch="*")
    store.get("a")


def ranges_are_read(store: Store) -> None:
    store.put("a")
    store.put("empty", b"")
    for wanted in ("0-1", "1-", "-2", "4-100", "9-9", "10-12", "0-"):
        store.get("a", Range=f"bytes={wanted}")
    store.get("empty", Range="bytes=0-1")
    store.get("a", Range="items=0-1")


def a_version_is_pinned(store: Store) -> None:
    etag = store.put("a")["ETag"]
    for wanted in (etag, etag.strip('"'), '"other"', "*"):
        store.get("a", IfMatch=wanted)
        store.head("a", IfMatch=wanted)
    store.get("a", IfNoneMatch=etag)
    store.put("a", b"changed")
    store.get("a", IfMatch=etag, Range="bytes=0-1")


def objects_are_deleted(store: Store) -> None:
    for key in "abc":
        store.put(key)
    store.ask("delete_object", Key="a")
    store.ask("delete_object", Key="a")
    store.ask("delete_objects", Delete={"Objects": [{"Key": "b"}, {"Key": "absent"}]})
    store.ask("delete_objects", Delete={"Objects": [{"Key": "c"}], "Quiet": True})
    store.ask("list_objects_v2")


def there_is_no_such_bucket(store: Store) -> None:
    absent = {"Bucket": store.bucket + "-absent"}
    store.ask("head_bucket")
    store.ask("head_bucket", **absent)
    store.ask("list_objects_v2", **absent)
    store.ask("head_object", Key="a", **absent)
    store.ask("get_object", Key="a", **absent)
    store.ask("create_multipart_upload", Key="a", **absent)


# --- listings


def keys_are_listed_in_order_and_in_pages(store: Store) -> None:
    for key in ("p/1", "p/2", "p/q/1", "p/q/2", "p/r", "q", "é", "A", "p0", "o"):
        store.put(key)
    for prefix in ("", "p/", "p", "p/q/", "absent", "é"):
        store.ask("list_objects_v2", Prefix=prefix)
    page = store.ask("list_objects_v2", Prefix="p/", MaxKeys=2)
    while page.get("IsTruncated"):
        page = store.ask("list_objects_v2", Prefix="p/", MaxKeys=2, ContinuationToken=page["NextContinuationToken"])
    store.ask("list_objects_v2", Prefix="p/", StartAfter="p/2")
    store.ask("list_objects_v2", Prefix="p/", StartAfter="q")
    store.ask("list_objects_v2", MaxKeys=0)


def prefixes_are_rolled_up(store: Store) -> None:
    for key in ("a/1", "a/2", "b", "c/1/x", "c/2", "d/1"):
        store.put(key)
    store.ask("list_objects_v2", Delimiter="/")
    store.ask("list_objects_v2", Delimiter="/", Prefix="c/")
    page = store.ask("list_objects_v2", Delimiter="/", MaxKeys=2)
    while page.get("IsTruncated"):
        page = store.ask("list_objects_v2", Delimiter="/", MaxKeys=2, ContinuationToken=page["NextContinuationToken"])


# --- multipart uploads


def parts_become_an_object(store: Store) -> None:
    upload = store.upload("a", ContentType="application/zip")
    parts = [upload.part(1, LARGE), upload.part(2, b"end")]
    store.head("a")
    upload.ask("list_parts")
    upload.complete(*parts)
    store.head("a")
    store.get("a", Range="bytes=-5")
    upload.ask("list_parts")
    upload.ask("upload_part", PartNumber=1, Body=b"x")


def a_part_may_be_sent_again_and_left_out(store: Store) -> None:
    upload = store.upload("a")
    upload.part(1, b"first")
    again = upload.part(1, b"second")
    upload.part(2, b"left out")
    upload.complete(again)
    store.get("a")


def wrong_lists_of_parts_are_refused(store: Store) -> None:
    upload = store.upload("a")
    first, second = upload.part(1, LARGE), upload.part(2, b"end")
    upload.complete(second, first)
    upload.complete({**first, "ETag": second["ETag"]})
    upload.complete({**first, "PartNumber": 3})
    store.head("a")
    upload.complete(first, second)


def only_the_last_part_may_be_small(store: Store) -> None:
    upload = store.upload("a")
    small, other = upload.part(1, b"small"), upload.part(2, LARGE)
    upload.complete(small, other)
    store.head("a")
    upload.complete(small)
    store.get("a")


def an_upload_is_aborted(store: Store) -> None:
    upload = store.upload("a")
    part = upload.part(1, b"x")
    upload.ask("abort_multipart_upload")
    upload.complete(part)
    upload.ask("list_parts")
    upload.part(1, b"x")
    store.ask("list_multipart_uploads")
    store.head("a")


def open_uploads_are_listed(store: Store) -> None:
    for key in ("a/1", "a/2", "b"):
        store.upload(key)
    store.ask("list_multipart_uploads")
    store.ask("list_multipart_uploads", Prefix="a/")
    store.ask("list_multipart_uploads", Prefix="absent")


def parts_are_copied(store: Store) -> None:
    etag = store.put("source", LARGE + SMALL)["ETag"]
    upload = store.upload("a")
    parts = [
        upload.copy(1, "source", CopySourceRange=f"bytes=0-{MIN_PART - 1}", CopySourceIfMatch=etag),
        upload.copy(2, "source", CopySourceRange=f"bytes={MIN_PART + 2}-{MIN_PART + 5}"),
    ]
    upload.complete(*parts)
    store.get("a", Range="bytes=-6")
    for _, _, answer in store.seen:  # an ETag of a copy is the store's own where it keeps its source in chunks
        answer.pop("ETag", None)
        answer.pop("CopyPartResult", None)


def copies_are_refused(store: Store) -> None:
    store.put("source")
    upload = store.upload("a")
    upload.copy(1, "source", CopySourceRange="bytes=2-20")
    upload.copy(1, "source", CopySourceRange="bytes=20-30")
    upload.copy(1, "source", CopySourceIfMatch='"other"')
    upload.copy(1, "absent")
    upload.ask("upload_part_copy", PartNumber=1, CopySource={"Bucket": store.bucket + "-absent", "Key": "source"})
    upload.ask("list_parts")


def keys_of_any_kind_are_copied(store: Store) -> None:
    upload = store.upload("a")
    for number, key in enumerate(("with space", "plus+percent%25&and=more", "ünï/名前/😀", "question?hash#"), 1):
        store.put(key, key.encode())
        upload.copy(number, key)
    upload.ask("list_parts")


FULL = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"}


def an_upload_has_the_checksum_of_the_whole_object(store: Store) -> None:
    store.put("source", SMALL)
    upload = store.upload("a", **FULL)
    parts = [
        {**upload.part(1, LARGE, ChecksumCRC32=crc32(LARGE)), "ChecksumCRC32": crc32(LARGE)},
        upload.copy(2, "source", CopySourceRange="bytes=2-5"),
    ]
    size = MIN_PART + 4
    whole = {"ChecksumCRC32": crc32(LARGE + b"2345"), "ChecksumType": "FULL_OBJECT", "MpuObjectSize": size}
    upload.complete(*parts, **{**whole, "ChecksumCRC32": crc32(b"other")})
    upload.complete(*parts, IfNoneMatch="*", **whole)
    store.head("a", ChecksumMode="ENABLED")


def parts_are_checked_as_they_come(store: Store) -> None:
    upload = store.upload("a", **FULL)
    upload.part(1, SMALL, ChecksumCRC32=crc32(b"other"))
    upload.part(1, SMALL, ContentMD5=md5(b"other"))
    upload.ask("list_parts")


def a_composite_checksum_is_one_of_checksums(store: Store) -> None:
    upload = store.upload("a", ChecksumAlgorithm="CRC32")
    part = upload.part(1, SMALL, ChecksumCRC32=crc32(SMALL))
    upload.complete(part)
    store.head("a", ChecksumMode="ENABLED")


def an_upload_is_not_completed_where_an_object_is(store: Store) -> None:
    store.put("a")
    upload = store.upload("a")
    part = upload.part(1, b"other")
    upload.complete(part, IfNoneMatch="*")
    upload.ask("list_parts")
    store.get("a")
    upload.ask("abort_multipart_upload")


def parts_of_a_number_out_of_range(store: Store) -> None:
    upload = store.upload("a")
    for number in (0, 10_001):
        upload.part(number, b"x")
    upload.part(10_000, b"x")


def an_upload_is_completed_twice(store: Store) -> None:
    upload = store.upload("a")
    part = upload.part(1, b"x")
    upload.complete(part)
    upload.complete(part)


def an_upload_is_aborted_twice(store: Store) -> None:
    upload = store.upload("a")
    upload.ask("abort_multipart_upload")
    upload.ask("abort_multipart_upload")


def an_upload_of_another_size_is_refused(store: Store) -> None:
    upload = store.upload("a", **FULL)
    part = upload.part(1, SMALL, ChecksumCRC32=crc32(SMALL))
    upload.complete(part, MpuObjectSize=7, ChecksumType="FULL_OBJECT", ChecksumCRC32=crc32(SMALL))


def a_checksum_is_refused_where_the_upload_has_none(store: Store) -> None:
    upload = store.upload("a")
    upload.part(1, SMALL, ChecksumCRC32=crc32(SMALL))


def attributes_are_told(store: Store) -> None:
    store.put("a", ChecksumCRC32=crc32(SMALL))
    for key in ("a", "absent"):
        store.ask("get_object_attributes", Key=key, ObjectAttributes=["ETag", "ObjectSize"])


SCRIPTS: list[Callable[[Store], None]] = [
    an_object_is_put_and_read,
    checksums_are_kept_where_they_are_asked_for,
    what_is_not_as_it_should_be_is_refused,
    an_object_is_put_where_nothing_is,
    ranges_are_read,
    a_version_is_pinned,
    objects_are_deleted,
    there_is_no_such_bucket,
    keys_are_listed_in_order_and_in_pages,
    prefixes_are_rolled_up,
    parts_become_an_object,
    a_part_may_be_sent_again_and_left_out,
    wrong_lists_of_parts_are_refused,
    only_the_last_part_may_be_small,
    an_upload_is_aborted,
    open_uploads_are_listed,
    parts_are_copied,
    copies_are_refused,
    keys_of_any_kind_are_copied,
    an_upload_has_the_checksum_of_the_whole_object,
    parts_are_checked_as_they_come,
    a_composite_checksum_is_one_of_checksums,
    an_upload_is_not_completed_where_an_object_is,
    parts_of_a_number_out_of_range,
    an_upload_is_completed_twice,
    an_upload_is_aborted_twice,
    an_upload_of_another_size_is_refused,
    a_checksum_is_refused_where_the_upload_has_none,
    attributes_are_told,
]
