"""The stack of `make dev`: a table, queues, a bucket and a secret of its own, made from the template by the endpoint's
own CloudFormation. What the functions of app.py need to run beside it comes from that stack.

Left out is what only AWS has: roles, alarms, encryption, log groups, API Gateway, WebSockets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.stack import Stack, deploy_template
from localstack import ministack_patches
from localstack.clients import Clients
from localstack.runner import ClockTrigger, QueueTrigger, StreamTrigger, Trigger
from localstack.stack import all_parameters, physical_ids
from localstack.templates import environment, for_dev

STACK = "lorry-dev"
ARCHIVE_BUCKET = "lorry-dev-archivebucket"  # fixed, because in a separate store its owner creates it
_RATE = re.compile(r"rate\((\d+) minutes?\)")


@dataclass(frozen=True, slots=True)
class DevStack:
    """What the functions run with: environment variables, triggers, and the outputs to show."""

    environment: Mapping[str, str]
    triggers: list[Trigger]
    outputs: Mapping[str, str]


def deploy(clients: Clients, template: Mapping[str, Any], *, parameters: Mapping[str, str]) -> DevStack:
    """Creates or updates the stack. Raises DeploymentFailed."""
    small, parameters = for_dev(template, {"ArchiveBucket": ARCHIVE_BUCKET}), all_parameters(template, parameters)
    target = Stack(STACK, clients("cloudformation"), poll=0.05, deadline=120.0)
    outputs = deploy_template(target, small, parameters=parameters)
    resources = physical_ids(clients, STACK)
    ministack_patches.patch_storage(clients, small, resources=resources, parameters=parameters)
    if not parameters["S3Endpoint"]:
        ministack_patches.create_source_bucket(clients, parameters["SourceBucket"])
    shown = {name: outputs[name] for name in template["Outputs"] if name in outputs}
    return DevStack(
        environment(template, outputs),
        list(_triggers(clients, template, resources=resources, parameters=parameters)),
        shown,
    )


def _triggers(
    clients: Clients, template: Mapping[str, Any], *, resources: Mapping[str, str], parameters: Mapping[str, str]
) -> Iterator[Trigger]:
    """Every event source of the template but those of API Gateway."""

    def queue(function: str, timeout: float, *, source: Mapping[str, Any]) -> Trigger:
        url = resources[source["Queue"]["Fn::GetAtt"][0]]
        asked = clients("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn, batch, limit = asked["Attributes"]["QueueArn"], source["BatchSize"], source["ScalingConfig"]
        concurrency = limit["MaximumConcurrency"]
        at_most = int(parameters[concurrency["Ref"]] if isinstance(concurrency, Mapping) else concurrency)
        return QueueTrigger(function=function, timeout=timeout, url=url, arn=arn, batch=batch, concurrency=at_most)

    def stream(function: str, timeout: float, *, source: Mapping[str, Any]) -> Trigger:
        table = clients("dynamodb").describe_table(TableName=resources[source["Stream"]["Fn::GetAtt"][0]])["Table"]
        filters = source.get("FilterCriteria", {}).get("Filters", [])
        patterns, batch = tuple(json.loads(found["Pattern"]) for found in filters), source["BatchSize"]
        arn = table["LatestStreamArn"]
        return StreamTrigger(function=function, timeout=timeout, arn=arn, batch=batch, patterns=patterns)

    def clock(function: str, timeout: float, *, source: Mapping[str, Any]) -> Trigger:
        return ClockTrigger(function=function, timeout=timeout, seconds=_seconds(source["Schedule"]))

    makers = {"SQS": queue, "DynamoDB": stream, "Schedule": clock}
    for function in template["Resources"].values():
        if function["Type"] == "AWS::Serverless::Function":
            properties = function["Properties"]
            name, timeout = properties["Handler"].removeprefix("app."), float(properties["Timeout"])
            for event in properties.get("Events", {}).values():
                yield makers[event["Type"]](name, timeout, source=event["Properties"])


def _seconds(schedule: str) -> float:
    rate = _RATE.fullmatch(schedule)
    if rate is None:
        raise ValueError(f"{schedule!r}: make dev supports rates in minutes only")
    return 60.0 * int(rate[1])
