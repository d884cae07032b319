"""The stack of `make dev` on an emulator, and what runs the functions beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from chalicelib.delivery.signing_keys import Secrets
from chalicelib.settings import Settings
from infra.stack import DeploymentFailed
from localstack import dev_stack, emulator
from localstack.clients import Clients
from localstack.dev_stack import DevStack
from localstack.home import Home
from localstack.runner import ClockTrigger, QueueTrigger, StreamTrigger
from tests.infra.conftest import Template
from tests.integration.stack import free_port

PARAMETERS = {"SourceBucket": "files", "MaxReceiveCount": "3", "CheckConcurrency": "7"}


pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    """Of an emulator on which nothing is deployed."""
    home = Home(tmp_path_factory.mktemp("ministack"))
    try:
        yield Clients(emulator.start(home, port=free_port(), environment={}).endpoint)
    finally:
        emulator.stop(home)


@pytest.fixture(scope="module")
def made(clients: Clients, template: Template) -> DevStack:
    return dev_stack.deploy(clients, template, parameters=PARAMETERS)


def test_the_functions_have_settings_that_are_right(made: DevStack) -> None:
    settings = Settings.from_environment(made.environment)
    assert (settings.source_bucket, settings.archive_bucket) == ("files", "lorry-dev-archivebucket")
    assert (settings.websocket_endpoint, settings.link_role_arn) == ("", "")
    assert settings.table_name == made.outputs["Table"]
    assert settings.allow_anonymous


def test_the_table_has_its_indexes_its_stream_and_its_expiry(
    clients: Clients, made: DevStack, template: Template
) -> None:
    dynamodb = clients("dynamodb")
    table = dynamodb.describe_table(TableName=made.outputs["Table"])["Table"]
    wanted = template["Resources"]["Table"]["Properties"]["GlobalSecondaryIndexes"]
    assert {found["IndexName"] for found in table["GlobalSecondaryIndexes"]} == {one["IndexName"] for one in wanted}
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    expiry = dynamodb.describe_time_to_live(TableName=made.outputs["Table"])["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}


def test_archives_expire(clients: Clients, made: DevStack) -> None:
    rules = clients("s3").get_bucket_lifecycle_configuration(Bucket=made.outputs["ArchiveBucket"])["Rules"]
    assert {rule["ID"]: rule.get("Expiration", {}).get("Days") for rule in rules} == {
        "abort-abandoned-uploads": None,
        "expire-archives": 31,
        "expire-staging": 2,
    }


def test_messages_that_give_up_go_where_the_template_says(clients: Clients, made: DevStack) -> None:
    sqs = clients("sqs")
    request = {"QueueUrl": made.outputs["CheckQueueUrl"], "AttributeNames": ["All"]}
    attributes = sqs.get_queue_attributes(**request)["Attributes"]
    assert attributes["VisibilityTimeout"] == "25"
    policy = json.loads(attributes["RedrivePolicy"])
    assert int(policy["maxReceiveCount"]) == 3
    assert made.outputs["CheckDeadLettersUrl"].rpartition("/")[2] in policy["deadLetterTargetArn"]


def test_the_secret_can_sign(clients: Clients, made: DevStack) -> None:
    stored = clients("secretsmanager").get_secret_value(SecretId=made.outputs["SecretId"])["SecretString"]
    assert len(Secrets.from_json(stored).webhook_secrets(0)) == 1


def test_a_second_time_keeps_what_is_there(clients: Clients, made: DevStack, template: Template) -> None:
    manager = clients("secretsmanager")
    before = manager.get_secret_value(SecretId=made.outputs["SecretId"])["SecretString"]
    again = dev_stack.deploy(clients, template, parameters=PARAMETERS)
    assert again.outputs == made.outputs
    assert manager.get_secret_value(SecretId=again.outputs["SecretId"])["SecretString"] == before


def test_changed_parameters_update_it(clients: Clients, made: DevStack, template: Template) -> None:
    changed = dev_stack.deploy(clients, template, parameters={**PARAMETERS, "MaxReceiveCount": "4"})
    assert changed.outputs == made.outputs
    request = {"QueueUrl": made.outputs["CheckQueueUrl"], "AttributeNames": ["RedrivePolicy"]}
    policy = json.loads(clients("sqs").get_queue_attributes(**request)["Attributes"]["RedrivePolicy"])
    assert int(policy["maxReceiveCount"]) == 4


def test_an_unknown_parameter_is_named(clients: Clients, template: Template) -> None:
    with pytest.raises(DeploymentFailed, match="no such parameter: ChekConcurrency"):
        dev_stack.deploy(clients, template, parameters={**PARAMETERS, "ChekConcurrency": "3"})


def test_the_source_bucket_of_a_separate_store_is_not_made_here(clients: Clients, template: Template) -> None:
    separate = {"S3Endpoint": "http://store:9000", "SourceBucket": "elsewhere"}
    dev_stack.deploy(clients, template, parameters={**PARAMETERS, **separate})
    assert "elsewhere" not in {bucket["Name"] for bucket in clients("s3").list_buckets()["Buckets"]}


def test_every_function_but_those_of_gateways_is_run_by_what_the_template_says(made: DevStack) -> None:
    queues = [found for found in made.triggers if isinstance(found, QueueTrigger)]
    assert sorted(found.function for found in queues) == [
        *("assemble", "check"),
        *("dead_letters", "dead_letters", "dead_letters"),
        *("dispatch", "webhook"),
    ]
    (check,) = [found for found in queues if found.function == "check"]
    assert (check.url, check.concurrency) == (made.outputs["CheckQueueUrl"], 7)
    (stream,) = [found for found in made.triggers if isinstance(found, StreamTrigger)]
    assert stream.function == "notify"
    assert f"table/{made.outputs['Table']}/stream/" in stream.arn
    (clock,) = [found for found in made.triggers if isinstance(found, ClockTrigger)]
    assert (clock.function, clock.seconds) == ("sweep", 60.0)
