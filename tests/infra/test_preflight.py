"""Values of parameters that CloudFormation takes, and with which nothing would work."""

from __future__ import annotations

from typing import Any

import pytest

from infra.package import Package
from infra.preflight import NoAccessLogs, access_logs, contradictions, source_region
from infra.stack import DeploymentFailed, deploy
from tests.infra.conftest import Template
from tests.support.deployment import FakeCloudFormation, artifacts_of, refused, stack_with

OPEN = {"AllowAnonymous": "true"}


def values_of(template: Template) -> dict[str, str]:
    return {name: str(parameter.get("Default", "x")) for name, parameter in template["Parameters"].items()}


def test_the_defaults_contradict_nothing(template: Template) -> None:
    assert contradictions({**values_of(template), **OPEN}) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"RateLimitMaxRequests": "1e5"}, "RateLimitMaxRequests: is '1e5'; expected an integer from 1 to 10000000"),
        ({"RateLimitMaxRequests": "10000001"}, "RateLimitMaxRequests"),
        ({"JobTtlSeconds": "60.5"}, "JobTtlSeconds"),
        ({"S3Endpoint": "store:9000"}, "S3Endpoint: is 'store:9000'; expected an http or https URL"),
        ({"S3KeyTemplate": "files/{id}"}, "S3KeyTemplate"),
        ({"TrustedProxies": "10.0.0.0/33"}, "TrustedProxies"),
        ({"PublicUrl": "downloads.example.com"}, "PublicUrl"),
        ({"S3AccessKeyId": "key"}, "S3AccessKeyId and S3SecretAccessKey: set both or neither"),
        ({"RetryBaseSeconds": "20", "RetryCapSeconds": "10"}, "RetryBaseSeconds is larger than RetryCapSeconds"),
        ({"AllowAnonymous": "false"}, "AuthMode is none"),
        ({"AuthMode": "jwt"}, "AuthMode is jwt, which needs AuthIssuer and AuthAudience"),
        ({"ProvisionedPollers": "1"}, "ProvisionedPollers is 1: AWS takes 2 or more"),
        ({"MaxReceiveCount": "20", "ParkReceiveCount": "20"}, "ParkReceiveCount is 20: it must be larger"),
        ({"JobTtlSeconds": "259200"}, "AbandonedAfterDays is 2: JobTtlSeconds is 3 days.* make it 4 or more"),
        ({"ArchiveExpiryDays": "1"}, "ArchiveExpiryDays is 1"),
        ({"VpcSubnetIds": "subnet-1"}, "VpcSubnetIds needs VpcSecurityGroupIds"),
    ],
)
def test_what_cannot_work_is_refused_by_the_parameters_name(
    template: Template, given: dict[str, str], said: str
) -> None:
    with pytest.raises(AssertionError, match=said):
        assert contradictions({**values_of(template), **OPEN, **given}) == []


def test_nothing_is_uploaded_or_asked_for_where_parameters_cannot_work(packaged: Package) -> None:
    cloudformation = FakeCloudFormation()
    given = {"SourceBucket": "files", "AuthMode": "jwt"}
    with pytest.raises(DeploymentFailed, match="these parameters cannot work: AuthMode is jwt"):
        deploy(stack_with(cloudformation), packaged, artifacts=artifacts_of(cloudformation), parameters=given)
    assert not cloudformation.s3.objects
    assert not cloudformation.requests


def test_values_of_the_stack_as_it_is_count_where_none_are_given(packaged: Package, template: Template) -> None:
    now = {**values_of(template), **OPEN, "AbandonedAfterDays": "4"}
    cloudformation = FakeCloudFormation(status="CREATE_COMPLETE", parameters=now)
    given = {"JobTtlSeconds": "259200", **OPEN}
    deploy(stack_with(cloudformation), packaged, artifacts=artifacts_of(cloudformation), parameters=given)
    assert cloudformation.verbs == ["update"]


class FakeGateway:
    """API Gateway's settings of an account."""

    def __init__(self, role: str | None) -> None:
        self.role = role

    def get_account(self) -> dict[str, str]:
        return {"cloudwatchRoleArn": self.role} if self.role else {}


def test_access_logs_are_left_out_of_a_new_stack_where_the_account_cannot_have_them() -> None:
    able, unable = FakeGateway("arn:aws:iam::111122223333:role/logs"), FakeGateway(None)
    assert access_logs(able, {}) == access_logs(able, {"AccessLogs": "true"}) == {}
    assert access_logs(unable, {}) == {"AccessLogs": "false"}
    assert access_logs(unable, {"AccessLogs": "false"}) == {}


def test_access_logs_that_were_asked_for_and_cannot_be_had_are_refused() -> None:
    with pytest.raises(NoAccessLogs, match=r"AccessLogs=true.*docs/how-to/deploy.md"):
        access_logs(FakeGateway(None), {"AccessLogs": "true"})


class FakeBucket:
    """S3 as it answers about the region of a bucket."""

    def __init__(self, region: str, status: int = 200) -> None:
        self.headers, self.status = {"x-amz-bucket-region": region} if region else {}, status

    def head_bucket(self, **_: str) -> dict[str, Any]:
        if self.status != 200:
            error = refused("HeadBucket", str(self.status), status=self.status)
            error.response["ResponseMetadata"]["HTTPHeaders"] = self.headers
            raise error
        return {"ResponseMetadata": {"HTTPHeaders": self.headers}}


@pytest.mark.parametrize("status", [200, 301, 403])  # S3 names the region to those who may not use the bucket, too
def test_the_region_of_the_source_bucket_is_found_out(status: int) -> None:
    found = source_region(FakeBucket("eu-west-1", status), {"SourceBucket": "files"}, {})
    assert found == {"S3Region": "eu-west-1"}


def test_the_region_is_left_alone_where_it_is_given_or_unknown_or_there_is_a_separate_store() -> None:
    files, store = {"SourceBucket": "files"}, {"S3Endpoint": "https://store:9000"}
    assert source_region(FakeBucket("", 404), files, {}) == {}
    assert source_region(FakeBucket("eu-west-1"), {**files, "S3Region": "us-east-1"}, {}) == {}
    assert source_region(FakeBucket("eu-west-1"), {**files, **store}, {}) == {}
    assert source_region(FakeBucket("eu-west-1"), files, store) == {}
