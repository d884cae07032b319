"""Finds out what one bucket's S3 really does: `make probe-aws BUCKET=my-bucket [REGION=eu-central-1]`.

    python -m infra.probe my-bucket [--region R] [--endpoint URL]

Lorry builds on four things that AWS documents and emulators only imitate: the CRC-32 in the answer of a ranged copy, a
CRC-32 of the whole object that CompleteMultipartUpload verifies, that CRC-32 in a HEAD, and a CompleteMultipartUpload
that replaces nothing. Each is tried with your own credentials, in objects below one prefix that are deleted again. It
takes seconds and some forty requests, far below a cent. It has not been run on AWS yet.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws.s3_archives import S3ArchiveStore, encode_crc32
from chalicelib.aws.s3_source import S3SourceStore
from chalicelib.errors import StorageError

MiB = 1024 * 1024
PREFIX = "lorry-probe/"
PART = 5 * MiB  # the least that a part has which is not the last
TIMEOUTS = Config(connect_timeout=5, read_timeout=30, signature_version="s3v4", retries={"total_max_attempts": 2})

# What CRC_SOURCE=auto comes to, by whether the store passes the check that a worker makes before its first archive.
CHOICES = {
    True: "copy: CRC-32s come with the copies, so that no file is read and every archive is verified as a whole",
    False: "head or read: CRC-32s come from HEADs where objects have one, and other files are read once",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether the store does something, and what it answered if not."""

    claim: str
    holds: bool
    answer: str = ""

    def __str__(self) -> str:
        return f"  {'yes' if self.holds else 'no '}  {self.claim}" + (f" ({self.answer})" if self.answer else "")


class NotAsClaimed(Exception):
    """The store answered something else than AWS documents."""


@dataclass(slots=True)
class Probe:
    """Objects below one prefix of one bucket. `requests` counts what was sent."""

    s3: Any
    bucket: str
    prefix: str = field(default_factory=lambda: f"{PREFIX}{secrets.token_hex(8)}/")
    body: bytes = field(default_factory=lambda: secrets.token_bytes(6 * MiB))  # AWS: ranges of objects over 5 MB
    requests: int = 0

    def run(self) -> list[Finding]:
        """Tries everything and cleans up. Raises ClientError where the bucket cannot be used at all."""
        self.s3.meta.events.register("before-send.s3", self._count)
        try:
            self.s3.put_object(Bucket=self.bucket, Key=self._key("source"), Body=self.body, ChecksumAlgorithm="CRC32")
            return [_finding(claim, check) for claim, check in self._checks().items()]
        finally:
            self._clean_up()

    def auto(self) -> bool:
        """Whether the check passes that CRC_SOURCE=auto makes. Raises StorageError if the store does not answer."""
        store = S3ArchiveStore(self.s3, self.bucket, self.bucket, reads_in_flight=1, executors=ThreadPoolExecutor)
        return store.probe_copy_checksums()

    def _checks(self) -> dict[str, Callable[[], None]]:
        return {
            "the answer to a ranged copy holds the CRC-32 of the range": self._copies_answer_crc32,
            "CompleteMultipartUpload verifies the CRC-32 of the whole object": self._complete_verifies,
            "HEAD answers the CRC-32 of the whole object": self._head_answers,
            "CompleteMultipartUpload with If-None-Match replaces nothing": self._complete_replaces_nothing,
            "ranges of objects smaller than 5 MB can be copied, too": self._small_ranges_are_copied,
        }

    def _copies_answer_crc32(self) -> None:
        with self._upload("copied") as upload:
            for part in self._parts(upload):
                _expect(part["ChecksumCRC32"], encode_crc32(self._crc_of(part["PartNumber"])))

    def _complete_verifies(self) -> None:
        with self._upload("whole") as upload:
            self._complete(upload, self._parts(upload), zlib.crc32(self.body))
        with self._upload("refused") as upload:
            parts = self._parts(upload)
            try:
                self._complete(upload, parts, zlib.crc32(self.body) ^ 1)
            except ClientError as error:
                _expect(_status(error), 400)
            else:
                raise NotAsClaimed("a wrong CRC-32 was accepted")

    def _head_answers(self) -> None:
        for name in ("source", "whole"):  # uploaded at once, and in parts
            found = S3SourceStore(self.s3, self.bucket).head(self._key(name))
            _expect(found and found.crc32, zlib.crc32(self.body))

    def _complete_replaces_nothing(self) -> None:
        with self._upload("whole") as upload:
            try:
                self._complete(upload, self._parts(upload), zlib.crc32(self.body), IfNoneMatch="*")
            except ClientError as error:
                _expect(_status(error), 412)
            else:
                raise NotAsClaimed("the object was replaced")

    def _small_ranges_are_copied(self) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=self._key("small"), Body=self.body[:10])
        with self._upload("from-small") as upload:
            source = {"Bucket": self.bucket, "Key": self._key("small")}
            self.s3.upload_part_copy(**upload, PartNumber=1, CopySource=source, CopySourceRange="bytes=1-8")

    def _parts(self, upload: dict[str, str]) -> list[dict[str, Any]]:
        """Copies the source in two ranges, as CompleteMultipartUpload lists them."""
        parts = []
        for number, wanted in enumerate((f"bytes=0-{PART - 1}", f"bytes={PART}-{len(self.body) - 1}"), start=1):
            source = {"Bucket": self.bucket, "Key": self._key("source")}
            answer = self.s3.upload_part_copy(**upload, PartNumber=number, CopySource=source, CopySourceRange=wanted)
            found = answer["CopyPartResult"]
            parts.append({"PartNumber": number, "ETag": found["ETag"], "ChecksumCRC32": found.get("ChecksumCRC32")})
        return parts

    def _complete(self, upload: dict[str, str], parts: list[dict[str, Any]], crc32: int, **more: str) -> None:
        listed = [{**part, "ChecksumCRC32": encode_crc32(self._crc_of(part["PartNumber"]))} for part in parts]
        whole = {"ChecksumCRC32": encode_crc32(crc32), "ChecksumType": "FULL_OBJECT", "MpuObjectSize": len(self.body)}
        self.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": listed}, **whole, **more)

    def _crc_of(self, part: int) -> int:
        return zlib.crc32(self.body[:PART] if part == 1 else self.body[PART:])

    @contextmanager
    def _upload(self, name: str) -> Iterator[dict[str, str]]:
        """The arguments that name a new upload, which is aborted afterwards unless it was completed."""
        place = {"Bucket": self.bucket, "Key": self._key(name)}
        answer = self.s3.create_multipart_upload(**place, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
        upload = {**place, "UploadId": answer["UploadId"]}
        try:
            yield upload
        finally:
            self._abort(upload)

    def _abort(self, upload: dict[str, str]) -> None:
        try:
            self.s3.abort_multipart_upload(**upload)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchUpload":
                raise

    def _clean_up(self) -> None:
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix):
            for found in page.get("Contents", []):
                self.s3.delete_object(Bucket=self.bucket, Key=found["Key"])

    def _key(self, name: str) -> str:
        return f"{self.prefix}{name}"

    def _count(self, **_: Any) -> None:
        self.requests += 1


def _finding(claim: str, check: Callable[[], None]) -> Finding:
    try:
        check()
    except ClientError as error:
        found = error.response["Error"]
        return Finding(claim, holds=False, answer=f"HTTP {_status(error)} {found.get('Code')}: {found.get('Message')}")
    except NotAsClaimed as error:
        return Finding(claim, holds=False, answer=str(error))
    return Finding(claim, holds=True)


def _expect(answered: Any, expected: Any) -> None:
    if answered != expected:
        raise NotAsClaimed(f"{'nothing' if answered is None else answered} instead of {expected}")


def _status(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])


def main() -> int:
    options = _arguments()
    session = boto3.Session(region_name=options.region)
    if session.get_credentials() is None:
        return _refuse("no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    if session.region_name is None:
        return _refuse("no AWS region: add REGION=eu-central-1, or set AWS_REGION")
    probe = Probe(session.client("s3", endpoint_url=options.endpoint, config=TIMEOUTS), options.bucket)
    print(f"bucket {probe.bucket}, region {session.region_name}, objects below {probe.prefix}", flush=True)
    try:
        for finding in probe.run():
            print(finding)
        print(f"CRC_SOURCE=auto comes to {CHOICES[probe.auto()]}")
    except (ClientError, BotoCoreError, StorageError) as error:
        return _refuse(str(error))
    print(f"{probe.requests} requests; nothing is left in the bucket")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make probe-aws", description="Find out what a bucket's S3 really does.")
    parser.add_argument("bucket", help="a bucket that you may write to; objects below lorry-probe/ and staging/probe/")
    parser.add_argument("--region", help="its region; without it, the one that the AWS configuration names")
    parser.add_argument("--endpoint", help="address of an S3-compatible store")
    return parser.parse_args()


def _refuse(reason: str) -> int:
    print(f"make probe-aws: {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
