"""The template names nothing that only one partition or region has: it works in China, GovCloud and opt-in regions."""

from __future__ import annotations

import json
import re

import pytest

from infra.package import Package
from tests.infra.conftest import Template
from tests.support.sam import of_type, sam_transformed

REGIONS = {"eu-central-1": "aws", "me-south-1": "aws", "us-gov-west-1": "aws-us-gov", "cn-north-1": "aws-cn"}
GIVEN = {"SourceBucket": "files", "AuthMode": "iam"}


def test_addresses_and_arns_in_the_template_follow_the_partition(template: Template) -> None:
    text = json.dumps(template)
    assert not re.findall(r"arn:aws[a-z-]*:", text)
    # Names of services as principals are the same in every partition.
    hosts = set(re.findall(r"[\w.${}-]*amazonaws\.com[\w.]*", text))
    assert hosts == {"lambda.amazonaws.com", "apigateway.amazonaws.com"}


@pytest.mark.parametrize(("region", "partition"), REGIONS.items())
def test_what_sam_adds_follows_the_partition(packaged: Package, region: str, partition: str) -> None:
    template = packaged.template_with_code("s3://artifacts/code.zip", "settings")
    made = sam_transformed(template, GIVEN, region=region)
    assert set(re.findall(r"arn:(aws[a-z-]*):", json.dumps(made))) == {partition}
    (api,) = of_type(made, "AWS::ApiGateway::RestApi").values()
    assert api["Properties"]["EndpointConfiguration"] == {"Types": ["REGIONAL"]}  # not every partition has edges


@pytest.mark.parametrize("region", REGIONS)
def test_both_stages_log_each_request_after_the_transform(packaged: Package, region: str) -> None:
    made = sam_transformed(packaged.template_with_code("s3://artifacts/code.zip", "settings"), GIVEN, region=region)
    for kind, name in (
        ("AWS::ApiGateway::Stage", "AccessLogSetting"),
        ("AWS::ApiGatewayV2::Stage", "AccessLogSettings"),
    ):
        (stage,) = of_type(made, kind).values()
        assert stage["Properties"][name]["Fn::If"][0] == "LogsAccess"
