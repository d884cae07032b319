"""ready.d/10_deploy.py, as LocalStack runs it, with the part of the template that needs no Lambda."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from infra.package import package
from localstack import dev_stack
from localstack.clients import Clients
from localstack.docker import STORE_DEFAULTS
from localstack.home import REPOSITORY, store_parameters
from localstack.stack import DEFAULTS
from localstack.templates import for_localstack
from tests.integration.stack import wait_for
from tests.matrix import localstack_host
from tests.support.seaweed import ACCESS_KEY_ID, SECRET_ACCESS_KEY, SeaweedFS

KINDS = ("AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::S3::Bucket", "AWS::SecretsManager::Secret")
HOOKS = REPOSITORY / "localstack" / "ready.d"
ATTRIBUTES = ("VisibilityTimeout", "MessageRetentionPeriod")
QUEUES = ("DispatchQueue", "CheckQueue", "AssemblyQueue", "WebhookQueue")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    made = package(tmp_path_factory.mktemp("package"))
    document: dict[str, Any] = json.loads(made.template.read_text())
    return document


def without_functions(template: dict[str, Any]) -> dict[str, Any]:
    """What LocalStack can make without Docker."""
    template = for_localstack(template)
    kept = {name: found for name, found in template["Resources"].items() if found["Type"] in KINDS}
    outputs = {
        name: output
        for name, output in template["Outputs"].items()
        if output["Value"].get("Ref") in {*kept, "SourceBucket", "AWS::Region"}
    }
    parts = {name: template[name] for name in ("AWSTemplateFormatVersion", "Parameters", "Conditions")}
    return {**parts, "Resources": kept, "Outputs": outputs}


@contextmanager
def deployed(folder: Path, template: dict[str, Any], parameters: dict[str, str]) -> Iterator[tuple[Clients, Any]]:
    """A LocalStack that has deployed the template by itself, and what it tells."""
    handed = folder / "handed over"
    handed.mkdir()
    (handed / "template.json").write_text(json.dumps(template))
    (handed / "parameters.json").write_text(json.dumps(parameters))
    found = handed / "outputs.json"
    with localstack_host.running(folder, HOOKS, {"LORRY_PACKAGE": str(handed)}) as server:
        wait_for("outputs of ready.d", found.exists, seconds=60, pause=0.2)
        yield server.clients, json.loads(found.read_text())


def test_localstack_deploys_what_needs_no_lambda_as_it_gets_ready(
    template: dict[str, Any], seaweedfs: SeaweedFS, tmp_path: Path
) -> None:
    keys = {"S3_ACCESS_KEY_ID": ACCESS_KEY_ID, "S3_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY}
    store = store_parameters(
        {**keys, "S3_ENDPOINT": seaweedfs.endpoint, "S3_BUCKET_NAME": "hooked-source"}, STORE_DEFAULTS
    )
    parameters = {**DEFAULTS, **store}
    with deployed(tmp_path, without_functions(template), parameters) as (clients, found):
        assert found["Status"] == "CREATE_COMPLETE"
        buckets = {bucket["Name"] for bucket in seaweedfs.client().list_buckets()["Buckets"]}
        assert buckets >= {"hooked-source", found["ArchiveBucket"]}
        dev = dev_stack.deploy(clients, template, parameters=parameters)
        assert_same_table(clients, found["Table"], dev.outputs["Table"])
        for name in QUEUES:
            assert_same_queue(clients, found[f"{name}Url"], dev.outputs[f"{name}Url"])


def assert_same_table(clients: Clients, one: str, other: str) -> None:
    """What `make up STACK=localstack` deploys, and what `make dev` does."""
    names = ("AttributeDefinitions", "KeySchema", "StreamSpecification")
    tables = [clients("dynamodb").describe_table(TableName=name)["Table"] for name in (one, other)]
    for name in names:
        assert tables[0][name] == tables[1][name]
    indexes = [sorted((i["IndexName"], str(i["KeySchema"])) for i in t["GlobalSecondaryIndexes"]) for t in tables]
    assert indexes[0] == indexes[1]


def assert_same_queue(clients: Clients, one: str, other: str) -> None:
    found = [
        clients("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"] for url in (one, other)
    ]
    assert [found[0][name] for name in ATTRIBUTES] == [found[1][name] for name in ATTRIBUTES]
    redrives = [json.loads(attributes["RedrivePolicy"])["maxReceiveCount"] for attributes in found]
    assert int(redrives[0]) == int(redrives[1])
