"""Answers of the store that are not what S3 documents."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any
from zlib import crc32

import pytest

from chalicelib.aws.s3_source import S3SourceStore
from chalicelib.errors import StorageUnavailable


class Client:
    """Answers every HEAD with these fields."""

    def __init__(self, **fields: Any) -> None:
        self.fields = fields

    def head_object(self, **_: Any) -> dict[str, Any]:
        return self.fields


@pytest.mark.parametrize(("fields", "absent"), [({}, "ContentLength"), ({"ContentLength": 1}, "ETag")])
def test_an_answer_that_lacks_a_field_is_an_outage_that_names_it(fields: dict[str, Any], absent: str) -> None:
    with pytest.raises(StorageUnavailable, match=f"'downloads/a': its answer has no {absent}"):
        S3SourceStore(Client(**fields), "files").head("downloads/a")


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
