"""The bucket for packages: one of another account is never used, and ours is closed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from infra.artifacts import Artifacts, NotOurBucket
from infra.deploy import REGIONAL
from tests.support.deployment import ACCOUNT, FakeS3, refused

TLS_ONLY = {"Bool": {"aws:SecureTransport": "false"}}


def ensured(s3: FakeS3, *, ours: bool = True, region: str = "eu-central-1", partition: str = "aws") -> None:
    Artifacts(s3, "artifacts", ACCOUNT).ensure(region=region, partition=partition, ours=ours)


@pytest.mark.parametrize(("region", "location"), [("us-east-1", None), ("me-south-1", "me-south-1")])
def test_an_absent_bucket_is_created_in_the_stacks_region(region: str, location: str | None) -> None:
    s3 = FakeS3(exists=False)
    ensured(s3, region=region)
    assert (s3.exists, s3.location) == (True, location)


@pytest.mark.parametrize("exists", [True, False])
def test_our_bucket_is_closed_to_the_public_and_to_plain_http_and_what_is_replaced_expires(exists: bool) -> None:
    s3 = FakeS3(exists=exists)
    ensured(s3)
    assert len(s3.closed) == 4 and all(s3.closed.values())
    assert s3.policy is not None
    (statement,) = s3.policy["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Condition"]) == ("Deny", "*", TLS_ONLY)
    assert statement["Resource"] == ["arn:aws:s3:::artifacts", "arn:aws:s3:::artifacts/*"]
    expiring = [rule for rule in s3.rules if "Expiration" in rule]
    assert [rule["Filter"] for rule in expiring] == [{"Tag": {"Key": "lorry", "Value": "superseded"}}]


def test_the_policy_names_the_bucket_as_its_partition_does() -> None:
    s3 = FakeS3()
    ensured(s3, partition="aws-cn")
    assert s3.policy is not None
    assert s3.policy["Statement"][0]["Resource"][0] == "arn:aws-cn:s3:::artifacts"


def test_what_an_operator_added_to_our_bucket_stays() -> None:
    s3 = FakeS3()
    s3.policy = {"Version": "2012-10-17", "Statement": [{"Sid": "Theirs"}]}
    s3.rules = [{"ID": "theirs"}]
    for _ in range(2):
        ensured(s3)
    assert [statement["Sid"] for statement in s3.policy["Statement"]] == ["Theirs", "LorryTlsOnly"]
    assert [rule["ID"] for rule in s3.rules] == ["theirs", "lorry-superseded", "lorry-abandoned-uploads"]


def test_an_operators_own_bucket_is_left_as_it_is() -> None:
    s3 = FakeS3()
    ensured(s3, ours=False)
    assert (s3.policy, s3.rules, s3.closed) == (None, [], {})


def test_a_bucket_of_another_account_gets_no_package() -> None:
    s3 = FakeS3(owner="999999999999")
    with pytest.raises(NotOurBucket, match=r"belongs to another account than 111122223333.*--artifacts="):
        ensured(s3)
    assert not s3.objects


def test_a_bucket_that_changes_hands_after_it_was_checked_gets_no_package_either() -> None:
    s3 = FakeS3()
    artifacts = Artifacts(s3, "artifacts", ACCOUNT)
    ensured(s3)
    s3.owner = "999999999999"
    with pytest.raises(Exception, match="Forbidden"):
        artifacts.put("lorry-prod/code.zip", b"code")
    assert not s3.objects


def test_a_name_that_somebody_takes_first_is_refused() -> None:
    class Taken(FakeS3):
        def create_bucket(self, **_: Any) -> None:
            raise refused("CreateBucket", "BucketAlreadyExists", status=409)

    with pytest.raises(NotOurBucket):
        ensured(Taken(exists=False))


def regions() -> Iterator[tuple[str, str]]:
    """Every region of every partition that botocore knows, with the suffix of its partition's host names."""
    session = boto3.Session()
    suffixes = {"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}
    for partition, suffix in suffixes.items():
        for region in session.get_available_regions("s3", partition):
            yield region, suffix


def test_cloudformation_reads_the_template_at_the_regions_own_address() -> None:
    """Regions opened since March 2019 do not answer at the global one."""
    for region, suffix in regions():
        s3 = boto3.client("s3", region_name=region, config=REGIONAL)
        address = Artifacts(s3, "artifacts", ACCOUNT).address("lorry-prod/template.json")
        assert address == f"https://s3.{region}.{suffix}/artifacts/lorry-prod/template.json"
