"""The template's table, queues, bucket and secret, made by plain calls: for stacks without CloudFormation or Lambda.

    made = resources.make(clients, template, {"SourceBucket": "files"}, stack="lorry-dev")
    made.environment    what the functions read: {"TABLE_NAME": "lorry-dev-Table", ...}
    made.outputs        as CloudFormation would tell them: {"Table": "lorry-dev-Table", ...}

Everything comes from the template's own properties. What is there already is kept, with the queues' attributes brought
up to date. Left out is what only AWS has: roles, alarms, encryption, backups, log groups, API Gateway, WebSockets.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from localstack import ministack_patches
from localstack.intrinsics import ABSENT, Resolver, Resource

Properties = Mapping[str, Any]
Clients = Callable[[str], Any]  # by the name of the service

_QUEUE_ATTRIBUTES = ("VisibilityTimeout", "MessageRetentionPeriod", "RedrivePolicy")
_TABLE_PROPERTIES = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")


@dataclass(frozen=True, slots=True)
class Made:
    """A stack's resources by logical id, and what follows from them."""

    resources: Mapping[str, Resource]
    resolver: Resolver
    environment: Mapping[str, str]
    outputs: Mapping[str, str]


def make(clients: Clients, template: Mapping[str, Any], parameters: Mapping[str, str], *, stack: str) -> Made:
    """Make what the template's functions work on; names begin with `stack`."""
    resources: dict[str, Resource] = {}
    resolver = Resolver(template, parameters, resources, stack=stack)  # sees what is added
    for name, properties in _of_type(template, "AWS::DynamoDB::Table", resolver):
        resources[name] = _table(clients, f"{stack}-{name}", resolver(properties))
    for name, _ in _of_type(template, "AWS::SQS::Queue", resolver):
        resources[name] = _queue(clients, f"{stack}-{name}")
    for name, properties in _of_type(
        template, "AWS::SQS::Queue", resolver
    ):  # now each has an ARN to which others may lead
        attributes = queue_attributes(resolver(properties))
        clients("sqs").set_queue_attributes(QueueUrl=resources[name].reference, Attributes=attributes)
    for name, properties in _of_type(template, "AWS::SecretsManager::Secret", resolver):
        resources[name] = _secret(clients, f"{stack}-{name}", resolver(properties))
    separate = bool(parameters.get("S3Endpoint"))  # its buckets are made where it is
    for name, properties in _of_type(template, "AWS::S3::Bucket", resolver):
        bucket = f"{stack}-{name}".lower()
        if not separate:
            _bucket(clients, bucket, resolver(properties))
        resources[name] = Resource(bucket, {"Arn": f"arn:aws:s3:::{bucket}"})
    if not separate:
        ministack_patches.source_bucket(clients, parameters["SourceBucket"])
    return Made(resources, resolver, environment(template, resolver), outputs(template, resolver))


def environment(template: Mapping[str, Any], resolver: Resolver) -> dict[str, str]:
    """The variables of all functions together, as a process that is all of them needs it."""
    variables: dict[str, Any] = dict(template["Globals"]["Function"]["Environment"]["Variables"])
    for _, properties in _of_type(template, "AWS::Serverless::Function", resolver):
        variables |= properties.get("Environment", {}).get("Variables", {})
    return {name: str(resolver(value)) for name, value in variables.items()}


def outputs(template: Mapping[str, Any], resolver: Resolver) -> dict[str, str]:
    """The template's outputs, as far as they tell of something that is there."""
    told = {name: str(resolver(output["Value"])) for name, output in template["Outputs"].items()}
    return {name: value for name, value in told.items() if value != ABSENT}


def queue_attributes(properties: Properties) -> dict[str, str]:
    """A queue's properties in SQS's own form."""
    given = {name: properties[name] for name in _QUEUE_ATTRIBUTES if name in properties}
    return {name: json.dumps(value) if isinstance(value, Mapping) else str(value) for name, value in given.items()}


def table_arguments(properties: Properties) -> dict[str, Any]:
    """A table's properties in DynamoDB's own form."""
    arguments = {name: properties[name] for name in _TABLE_PROPERTIES}
    return arguments | {"StreamSpecification": {"StreamEnabled": True, **properties["StreamSpecification"]}}


def _of_type(template: Mapping[str, Any], kind: str, resolver: Resolver) -> Iterator[tuple[str, Properties]]:
    for name, resource in template["Resources"].items():
        if resource["Type"] == kind and ("Condition" not in resource or resolver.holds(resource["Condition"])):
            yield name, resource.get("Properties", {})


def _table(clients: Clients, name: str, properties: Properties) -> Resource:
    dynamodb = clients("dynamodb")
    with suppress(dynamodb.exceptions.ResourceInUseException):  # of an earlier time
        dynamodb.create_table(TableName=name, **table_arguments(properties))
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    ministack_patches.expire_items(clients, name, properties)
    table = dynamodb.describe_table(TableName=name)["Table"]
    return Resource(name, {"Arn": table["TableArn"], "StreamArn": table["LatestStreamArn"]})


def _queue(clients: Clients, name: str) -> Resource:
    sqs = clients("sqs")
    try:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist:
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return Resource(url, {"Arn": arn})


def _bucket(clients: Clients, name: str, properties: Properties) -> None:
    ministack_patches.source_bucket(clients, name)
    ministack_patches.expire_objects(clients, name, properties)


def _secret(clients: Clients, name: str, properties: Properties) -> Resource:
    manager = clients("secretsmanager")
    try:
        arn = manager.describe_secret(SecretId=name)["ARN"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        arn = manager.create_secret(Name=name, SecretString=_generated(manager, properties))["ARN"]
    return Resource(arn, {"Id": arn})


def _generated(manager: Any, properties: Properties) -> str:
    """A secret as GenerateSecretString describes it."""
    wanted = dict(properties["GenerateSecretString"])
    document = json.loads(wanted.pop("SecretStringTemplate"))
    key = wanted.pop("GenerateStringKey")
    return json.dumps({**document, key: manager.get_random_password(**wanted)["RandomPassword"]})
