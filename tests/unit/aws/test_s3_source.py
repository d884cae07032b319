"""Answers of the store that are not what S3 documents."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from zlib import crc32

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.s3_source import S3SourceStore, refusal_of
from chalicelib.errors import ObjectRefused, StorageError, StorageThrottled, StorageUnavailable

COMPLETE: dict[str, Any] = {"ContentLength": 4, "ETag": '"abc"', "LastModified": datetime(2026, 1, 2, tzinfo=UTC)}


class Client:
    """Answers every HEAD with these fields, or with an error of this status and code. Remembers what was asked."""

    def __init__(self, *, refusal: tuple[int, str] | None = None, **fields: Any) -> None:
        self.fields, self.refusal = fields, refusal
        self.asked: list[dict[str, Any]] = []

    def head_object(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        if self.refusal:
            status, code = self.refusal
            answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
            raise ClientError(answer, "HeadObject")
        return self.fields


@pytest.mark.parametrize(("fields", "absent"), [({}, "ContentLength"), ({"ContentLength": 1}, "ETag")])
def test_an_answer_that_lacks_a_field_is_an_outage_that_names_it(fields: dict[str, Any], absent: str) -> None:
    with pytest.raises(StorageUnavailable, match=f"'downloads/a': its answer has no {absent}"):
        S3SourceStore(Client(**fields), "files").head("downloads/a")


def test_a_head_asks_for_the_checksum_which_s3_gives_only_to_those_who_ask() -> None:
    client = Client(**COMPLETE, ChecksumCRC32=b64encode(crc32(b"body").to_bytes(4)).decode())
    found = S3SourceStore(client, "files").head("downloads/a")
    assert found is not None and found.crc32 == crc32(b"body")
    assert client.asked == [{"Bucket": "files", "Key": "downloads/a", "ChecksumMode": "ENABLED"}]


@pytest.mark.parametrize(
    ("fields", "archived"),
    [
        ({}, False),
        ({"StorageClass": "GLACIER"}, True),
        ({"StorageClass": "INTELLIGENT_TIERING"}, False),
        ({"StorageClass": "INTELLIGENT_TIERING", "ArchiveStatus": "ARCHIVE_ACCESS"}, True),
    ],
)
def test_an_object_is_archived_by_its_class_or_by_its_tier(fields: dict[str, Any], archived: bool) -> None:
    found = S3SourceStore(Client(**COMPLETE, **fields), "files").head("downloads/a")
    assert found is not None and found.archived is archived


@pytest.mark.parametrize(
    ("refusal", "throttled"),
    [((429, "429"), True), ((503, "SlowDown"), True), ((503, "503"), True), ((500, "500"), False)],
)
def test_a_store_that_refuses_many_requests_throttles_whatever_it_calls_it(
    refusal: tuple[int, str], throttled: bool
) -> None:
    with pytest.raises(StorageError) as caught:
        S3SourceStore(Client(refusal=refusal), "files").head("downloads/a")
    assert isinstance(caught.value, StorageThrottled) is throttled


class Attributes:
    """Has an object in two parts, and answers a page of one part at a time, as S3 documents it.

    Source: docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
    """

    def __init__(self, parts: Sequence[bytes], *, etag: str = '"abc-2"', with_checksums: bool = True) -> None:
        self.parts, self.etag, self.with_checksums = parts, etag, with_checksums

    def get_object_attributes(self, **asked: Any) -> dict[str, Any]:
        wanted, after = asked.pop("ObjectAttributes"), asked.pop("PartNumberMarker")
        assert asked == {"Bucket": "files", "Key": "downloads/a"}
        assert set(wanted) <= {"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"}
        answer: dict[str, Any] = {"ETag": self.etag} if "ETag" in wanted else {}
        if "ObjectParts" in wanted and self.with_checksums:
            body = self.parts[after]
            checksum = b64encode(crc32(body).to_bytes(4)).decode()
            part = {"PartNumber": after + 1, "Size": len(body), "ChecksumCRC32": checksum}
            answer["ObjectParts"] = {
                "Parts": [part],
                "IsTruncated": after + 1 < len(self.parts),
                "NextPartNumberMarker": after + 1,
            }
        return answer


def test_the_crc_of_an_object_is_put_together_of_those_of_its_parts() -> None:
    source = S3SourceStore(Attributes([b"one part", b"and another"]), "files")
    assert source.combined_crc32("downloads/a", "abc-2") == crc32(b"one partand another")


@pytest.mark.parametrize(
    "client", [Attributes([b"x"], etag='"other-1"'), Attributes([b"x"], with_checksums=False)], ids=["other", "none"]
)
def test_parts_of_another_version_or_without_checksums_tell_no_crc(client: Attributes) -> None:
    assert S3SourceStore(client, "files").combined_crc32("downloads/a", "abc-2") is None


def test_a_hash_is_asked_for_of_the_version_that_was_checked() -> None:
    client = Client(ChecksumSHA256=b64encode(b"\xab" * 32).decode())
    assert S3SourceStore(client, "files").sha256("downloads/a", "abc") == "ab" * 32
    assert client.asked == [
        {"Bucket": "files", "Key": "downloads/a", "IfMatch": '"abc"', "ChecksumMode": "ENABLED"},
    ]


class Undescribed(Client):
    """Readable, but for HEAD."""

    def get_object(self, **_: Any) -> dict[str, Any]:
        return {"Body": BytesIO(b"1")}


def test_an_object_that_only_a_head_is_refused_for_costs_that_object() -> None:
    with pytest.raises(ObjectRefused, match="HEAD: HTTP 403") as caught:
        S3SourceStore(Undescribed(refusal=(403, "403")), "files").head("downloads/a")
    assert caught.value.reason == "forbidden"


def refusal(status: int, code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetObject")


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (403, "AccessDenied", "forbidden"),
        (403, "AllAccessDisabled", "forbidden"),
        (403, "KMSAccessDeniedException", "forbidden"),
        (403, "UnauthorizedAccess", "forbidden"),
        (403, "403", "forbidden"),
        (400, "KMS.DisabledException", "forbidden"),
        (400, "XMinioInvalidObjectName", "forbidden"),
        (405, "MethodNotAllowed", "forbidden"),
        (410, "Gone", "forbidden"),
        (451, "UnavailableForLegalReasons", "forbidden"),
        (400, "InvalidRequest", "customer_key"),
        (400, "InvalidArgument", "customer_key"),
        (400, "MissingSecurityHeader", "customer_key"),
        (403, "InvalidObjectState", "archived"),
    ],
)
def test_a_refusal_of_one_object_has_a_reason(status: int, code: str, reason: str) -> None:
    assert refusal_of(refusal(status, code)) == reason


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "InvalidAccessKeyId"),
        (403, "SignatureDoesNotMatch"),
        (403, "RequestTimeTooSkewed"),
        (400, "ExpiredToken"),
        (400, "RequestTimeout"),
        (400, "400"),
        (405, "405"),
        (401, "Unauthorized"),
        (404, "NoSuchKey"),
        (412, "PreconditionFailed"),
        (429, "SlowDown"),
        (500, "InternalError"),
        (503, "SlowDown"),
    ],
)
def test_whatever_says_nothing_of_the_object_is_no_refusal_of_it(status: int, code: str) -> None:
    assert refusal_of(refusal(status, code)) == ""
