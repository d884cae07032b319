"""Which sample files are uploaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from localstack.samples import Sample, put
from tests.support.aws import emulated_aws

BUCKET = "files"


@pytest.fixture
def s3() -> Iterator[Any]:
    with emulated_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        client.put_object(Bucket=BUCKET, Key="downloads/70000.zip", Body=b"the reader's own")
        yield client


@pytest.fixture
def files(tmp_path: Path) -> list[Sample]:
    made = []
    for number in (70000, 70001):
        path = tmp_path / f"{number}.zip"
        path.write_bytes(b"sample")
        made.append(Sample(number, "a sample", str(path), size=6, crc32=0))
    return made


def stored(s3: Any, number: int) -> bytes:
    found: bytes = s3.get_object(Bucket=BUCKET, Key=f"downloads/{number}.zip")["Body"].read()
    return found


def test_absent_samples_are_uploaded_and_other_files_are_kept(s3: Any, files: list[Sample]) -> None:
    assert put(s3, BUCKET, wanted=files, replace=False) == 1
    assert (stored(s3, 70000), stored(s3, 70001)) == (b"the reader's own", b"sample")
    assert put(s3, BUCKET, wanted=files, replace=False) == 0


def test_the_demo_replaces_files_that_differ(s3: Any, files: list[Sample]) -> None:
    assert put(s3, BUCKET, wanted=files, replace=True) == 2
    assert stored(s3, 70000) == b"sample"
