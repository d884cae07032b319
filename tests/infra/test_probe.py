"""What `make probe-aws` finds out, on stores that keep to S3's rules and on one that does not."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import boto3
import pytest

from infra.dependencies import REPOSITORY
from infra.probe import Probe
from tests.support.aws import emulated_aws
from tests.support.seaweed import ACCESS_KEY_ID, SECRET_ACCESS_KEY, SeaweedFS

CLAIMS = 5


def left_in(s3: Any, bucket: str) -> list[Any]:
    """Objects and open uploads."""
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return [*listed, *s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]


def test_a_store_that_keeps_to_the_rules_passes_and_nothing_is_left(seaweedfs: SeaweedFS) -> None:
    s3 = seaweedfs.client()
    s3.create_bucket(Bucket="probed")
    probe = Probe(s3, "probed")
    findings = probe.run()
    assert [str(finding) for finding in findings if not finding.holds] == []
    assert len(findings) == CLAIMS
    assert probe.auto()
    assert left_in(s3, "probed") == []
    assert CLAIMS < probe.requests < 100


def test_a_store_that_does_not_is_told_from_one_that_does() -> None:
    """moto answers no CRC-32 to copies, and verifies none."""
    with emulated_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="probed")
        probe = Probe(s3, "probed")
        copies, complete, *others = probe.run()
        assert "nothing instead of" in str(copies)
        assert "a wrong CRC-32 was accepted" in str(complete)
        assert all(finding.holds for finding in others)
        assert not probe.auto()
        assert left_in(s3, "probed") == []


def run(seaweedfs: SeaweedFS, bucket: str) -> subprocess.CompletedProcess[str]:
    keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY}
    environment = {"PATH": os.defpath, "HOME": "/nowhere", "AWS_EC2_METADATA_DISABLED": "true", **keys}
    command = [sys.executable, "-m", "infra.probe", bucket, "--region", "us-east-1", "--endpoint", seaweedfs.endpoint]
    return subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)


def test_the_command_prints_what_auto_will_do(seaweedfs: SeaweedFS) -> None:
    seaweedfs.client().create_bucket(Bucket="probed-by-command")
    done = run(seaweedfs, "probed-by-command")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("bucket probed-by-command, region us-east-1, objects below lorry-probe/")
    assert [line[:6] for line in lines[1:-2]] == ["  yes "] * CLAIMS
    assert lines[-2].startswith("CRC_SOURCE=auto comes to copy: ")
    assert lines[-1].endswith("requests; nothing is left in the bucket")


@pytest.mark.parametrize("bucket", ["not-there"])
def test_a_bucket_that_cannot_be_used_is_named(seaweedfs: SeaweedFS, bucket: str) -> None:
    done = run(seaweedfs, bucket)
    assert done.returncode == 1
    assert done.stderr.startswith("make probe-aws: ")
    assert "NoSuchBucket" in done.stderr
