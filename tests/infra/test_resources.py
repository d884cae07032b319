"""What is made of the template where there is no CloudFormation, and what runs where there is no Lambda."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from chalicelib.delivery.signing_keys import Secrets
from chalicelib.settings import Settings
from localstack import resources
from localstack.intrinsics import Resolver, Unknown
from localstack.resources import Made
from localstack.stack import DEFAULTS
from localstack.triggers import ClockTrigger, QueueTrigger, StreamTrigger, triggers
from tests.aws import emulated_aws
from tests.infra.conftest import Template

PARAMETERS = {**DEFAULTS, "SourceBucket": "files", "MaxReceiveCount": "3"}


@pytest.fixture
def made(template: Template) -> Iterator[Made]:
    with emulated_aws():
        yield make(template)


def make(template: Template, **more: str) -> Made:
    return resources.make(boto3.client, template, {**PARAMETERS, **more}, stack="unit")


def test_the_functions_have_settings_that_are_right(made: Made) -> None:
    settings = Settings.from_environment(made.environment)
    assert (settings.source_bucket, settings.archive_bucket) == ("files", "unit-archivebucket")
    assert (settings.table_name, settings.websocket_endpoint, settings.link_role_arn) == ("unit-Table", "", "")


def test_the_table_has_its_indexes_its_stream_and_its_expiry(made: Made) -> None:
    dynamodb = boto3.client("dynamodb")
    table = dynamodb.describe_table(TableName=made.outputs["Table"])["Table"]
    assert {index["IndexName"] for index in table["GlobalSecondaryIndexes"]} == {"open_jobs", "owned_jobs"}
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    expiry = dynamodb.describe_time_to_live(TableName=made.outputs["Table"])["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}


def test_messages_that_give_up_go_where_the_template_says(made: Made) -> None:
    sqs = boto3.client("sqs")
    asked = {"QueueUrl": made.outputs["CheckQueueUrl"], "AttributeNames": ["All"]}
    attributes = sqs.get_queue_attributes(**asked)["Attributes"]
    assert attributes["VisibilityTimeout"] == "25"
    assert '"maxReceiveCount": 3' in attributes["RedrivePolicy"]
    assert made.resources["CheckDeadLetters"].attributes["Arn"] in attributes["RedrivePolicy"]


def test_the_secret_can_sign(made: Made) -> None:
    stored = boto3.client("secretsmanager").get_secret_value(SecretId=made.outputs["SecretId"])["SecretString"]
    assert len(Secrets.from_json(stored).webhook_secrets(0)) == 1


def test_a_second_time_keeps_what_is_there(made: Made, template: Template) -> None:
    manager = boto3.client("secretsmanager")
    before = manager.get_secret_value(SecretId=made.outputs["SecretId"])["SecretString"]
    again = make(template)
    assert again.outputs == made.outputs
    assert manager.get_secret_value(SecretId=again.outputs["SecretId"])["SecretString"] == before


def test_buckets_of_a_separate_store_are_not_made_here(template: Template) -> None:
    with emulated_aws():
        make(template, S3Endpoint="http://store:9000")
        assert boto3.client("s3").list_buckets()["Buckets"] == []


def test_every_function_but_those_of_gateways_is_run_by_what_the_template_says(made: Made, template: Template) -> None:
    found = triggers(template, made.resources, made.resolver)
    queues = [one for one in found if isinstance(one, QueueTrigger)]
    assert sorted(one.function for one in queues) == [
        *("assemble", "check"),
        *("dead_letters", "dead_letters", "dead_letters"),
        *("dispatch", "webhook"),
    ]
    assert {one.url for one in queues if one.function == "check"} == {made.outputs["CheckQueueUrl"]}
    (stream,) = [one for one in found if isinstance(one, StreamTrigger)]
    assert (stream.function, stream.arn) == ("notify", made.resources["Table"].attributes["StreamArn"])
    (clock,) = [one for one in found if isinstance(one, ClockTrigger)]
    assert (clock.function, clock.seconds) == ("sweep", 60.0)


def resolved(part: Any) -> Any:
    template = {
        "Parameters": {"Name": {"Type": "String", "Default": "a"}, "Count": {"Type": "Number", "Default": 3}},
        "Conditions": {"IsA": {"Fn::Equals": [{"Ref": "Name"}, "a"]}, "IsNotA": {"Fn::Not": [{"Condition": "IsA"}]}},
    }
    return Resolver(template, {}, {}, stack="s")(part)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ({"Ref": "Count"}, 3),
        ({"Fn::Sub": "${AWS::StackName}-${Name}"}, "s-a"),
        ({"Fn::Sub": "https://${Api}.example"}, ""),
        ({"Fn::GetAtt": ["Role", "Arn"]}, ""),
        ({"Fn::If": ["IsA", 1, 2]}, 1),
        ({"Fn::Split": [",", "a,b"]}, ["a", "b"]),
        ({"Fn::Join": ["-", ["x", {"Ref": "Name"}]]}, "x-a"),
        ({"Key": {"Ref": "AWS::NoValue"}, "Other": [1, {"Ref": "AWS::NoValue"}]}, {"Other": [1]}),
    ],
)
def test_references_are_worked_out_as_cloudformation_does(part: Any, value: Any) -> None:
    assert resolved(part) == value


def test_what_is_not_there_is_empty_and_what_is_not_known_is_told() -> None:
    with pytest.raises(Unknown, match="Fn::ImportValue"):
        resolved({"Fn::ImportValue": "x"})
