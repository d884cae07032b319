"""The template holds what the service needs, and nothing that ties it to one account, stage or name."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import accumulate, count, takewhile
from typing import Any

import pytest

from chalicelib.cold_start import FIRST_CALLS
from chalicelib.settings import SETTINGS
from infra.package import Package
from tests.infra.conftest import Template
from tests.support.cloudformation import Stack
from tests.support.templates import chosen, with_defaults

VISIBILITY_SECONDS = 25
SHARED = {"check_concurrency", "assembly_concurrency"}  # 1 for a process that is alone with the store
LONGEST_JOB_DAYS = 7
DAY_SECONDS = 86_400
NAMES = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Serverless::Function": "FunctionName",
}
WORKERS = {
    "Dispatch": ["DispatchQueue"],
    "Check": ["CheckQueue"],
    "Assemble": ["AssemblyQueue"],
    "DeadLetters": ["AssemblyDeadLetters", "CheckDeadLetters", "DispatchDeadLetters"],
    "Webhook": ["WebhookQueue"],
}
ENVIRONMENT_BYTES = 4096  # docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
USUAL_TEXT, LONGEST_ADDRESS = 40, 140  # characters; a queue of a stack with a long name in a region with a long name
SHORT = ["Dispatch", "Check", "DeadLetters"]  # their messages come back within half a minute by themselves


def of_type(resources: dict[str, Template], kind: str) -> dict[str, Template]:
    return {name: found["Properties"] for name, found in resources.items() if found["Type"] == kind}


def queue_events(function: Template) -> list[Template]:
    return [
        event["Properties"] for event in function["Properties"].get("Events", {}).values() if event["Type"] == "SQS"
    ]


def by_default(template: Template, name: str) -> Template:
    """The properties of a resource where no parameter is given."""
    properties: Template = with_defaults(template, template["Resources"][name]["Properties"])
    return properties


def leaves(value: Any) -> Iterator[Any]:
    """All values in it that are no dict or list."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from leaves(item)
    else:
        yield value


def test_cfn_lint_finds_nothing(packaged: Package) -> None:
    lint = [sys.executable, "-c", "from cfnlint.runner import main; main()", str(packaged.template)]
    done = subprocess.run(lint, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_nothing_has_a_name_of_its_own_so_that_two_stages_live_in_one_account(resources: dict[str, Template]) -> None:
    for kind, name in NAMES.items():
        found = of_type(resources, kind)
        assert found, kind
        assert not [logical for logical, properties in found.items() if name in properties]
    for properties in of_type(resources, "AWS::Logs::LogGroup").values():
        assert "${AWS::StackName}" in properties["LogGroupName"]["Fn::Sub"]
    assert resources["RestAPI"]["Properties"]["Name"] == {"Ref": "AWS::StackName"}


def test_no_placeholder_of_app_py_is_left(template: Template) -> None:
    assert not [text for text in map(str, leaves(template)) if "placeholder" in text or "000000000000" in text]


def test_the_table_has_the_keys_indexes_and_protection_that_jobs_need(resources: dict[str, Template]) -> None:
    table = resources["Table"]["Properties"]
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
    indexes = {
        index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]]
        for index in table["GlobalSecondaryIndexes"]
    }
    assert indexes == {"open_jobs": ["open_shard", "sweep_at"], "owned_jobs": ["owner", "created_at"]}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert all(choice["SSEEnabled"] for choice in table["SSESpecification"]["Fn::If"][1:])


@pytest.mark.parametrize("name", ["Table", "ArchiveBucket"])
def test_deleting_the_stack_keeps_the_data(resources: dict[str, Template], name: str) -> None:
    policies = [resources[name][policy] for policy in ("DeletionPolicy", "UpdateReplacePolicy")]
    assert policies == ["RetainExceptOnCreate", "Retain"]


def test_the_source_bucket_is_a_parameter_and_never_made(template: Template, resources: dict[str, Template]) -> None:
    assert "Default" not in template["Parameters"]["SourceBucket"]
    assert list(of_type(resources, "AWS::S3::Bucket")) == ["ArchiveBucket"]


def test_the_archive_bucket_cleans_up_after_itself_and_lets_browsers_resume(template: Template) -> None:
    bucket = by_default(template, "ArchiveBucket")
    rules = {rule["Prefix"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert rules[""]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] >= 1
    assert rules["archives/"]["ExpirationInDays"] > LONGEST_JOB_DAYS
    assert rules["staging/"]["ExpirationInDays"] >= 1
    (cors,) = bucket["CorsConfiguration"]["CorsRules"]
    assert cors["AllowedMethods"] == ["GET", "HEAD"]
    assert "Range" in cors["AllowedHeaders"]
    assert {"ETag", "Content-Range", "Accept-Ranges", "Content-Length"} <= set(cors["ExposedHeaders"])
    assert all(bucket["PublicAccessBlockConfiguration"].values())


@pytest.mark.parametrize(("function", "queues"), WORKERS.items())
def test_each_worker_reads_its_queues_and_reports_single_failures(
    resources: dict[str, Template], function: str, queues: list[str]
) -> None:
    events = queue_events(resources[function])
    assert sorted(event["Queue"]["Fn::GetAtt"][0] for event in events) == queues
    for event in events:
        assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert "MaximumConcurrency" in event["ScalingConfig"]


@pytest.mark.parametrize(("function", "queues"), WORKERS.items())
def test_a_message_is_hidden_for_longer_than_its_function_may_run(
    template: Template, function: str, queues: list[str]
) -> None:
    timeout = by_default(template, function)["Timeout"]
    for queue in queues:
        assert timeout < by_default(template, queue)["VisibilityTimeout"]


@pytest.mark.parametrize("function", SHORT)
def test_the_work_of_a_killed_worker_is_taken_up_within_half_a_minute(
    resources: dict[str, Template], function: str
) -> None:
    for queue in WORKERS[function]:
        assert resources[queue]["Properties"]["VisibilityTimeout"] <= VISIBILITY_SECONDS


def test_every_message_that_gives_up_is_kept_somewhere(resources: dict[str, Template]) -> None:
    targets = {
        name: queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        for name, queue in of_type(resources, "AWS::SQS::Queue").items()
        if "RedrivePolicy" in queue
    }
    assert targets == {
        "AssemblyQueue": "AssemblyDeadLetters",
        "CheckQueue": "CheckDeadLetters",
        "DispatchQueue": "DispatchDeadLetters",
        "AssemblyDeadLetters": "UnreadableQueue",
        "CheckDeadLetters": "UnreadableQueue",
        "DispatchDeadLetters": "UnreadableQueue",
        "WebhookQueue": "WebhookDeadLetters",
    }


def test_a_webhook_has_deliveries_enough_for_a_day_of_backoff_and_is_kept_for_longer(
    template: Template, resources: dict[str, Template]
) -> None:
    """Even if every delay is the shortest that chance allows: half of what the backoff has come to."""
    parameters = template["Parameters"]
    base, cap = (float(parameters[f"WebhookRetry{name}Seconds"]["Default"]) for name in ("Base", "Cap"))
    shortest = accumulate(min(cap, base * 2**n) / 2 for n in count())
    attempts = sum(1 for _ in takewhile(lambda passed: passed < DAY_SECONDS, shortest)) + 1
    queue = resources["WebhookQueue"]["Properties"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] > attempts
    assert queue["MessageRetentionPeriod"] >= DAY_SECONDS + 2 * cap
    assert resources["WebhookDeadLetters"]["Properties"]["MessageRetentionPeriod"] == 14 * DAY_SECONDS


def test_the_tables_stream_tells_of_jobs_only_and_holds_nothing_up_for_ever(resources: dict[str, Template]) -> None:
    assert resources["Table"]["Properties"]["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    (event,) = resources["Notify"]["Properties"]["Events"].values()
    source = event["Properties"]
    (pattern,) = source["FilterCriteria"]["Filters"]
    assert json.loads(pattern["Pattern"]) == {"dynamodb": {"Keys": {"sk": {"S": ["JOB"]}}}}
    assert (source["Stream"], source["StartingPosition"]) == ({"Fn::GetAtt": ["Table", "StreamArn"]}, "TRIM_HORIZON")
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["BisectBatchOnFunctionError"]
    assert source["MaximumRecordAgeInSeconds"] == DAY_SECONDS
    assert source["MaximumBatchingWindowInSeconds"] <= 1
    assert source["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["NotifyDeadLetters", "Arn"]}


def test_the_websocket_api_is_throttled_and_its_pushers_know_where_it_is(template: Template) -> None:
    stage = template["Resources"]["WebsocketAPIStage"]["Properties"]
    assert stage["DefaultRouteSettings"].keys() == {"ThrottlingRateLimit", "ThrottlingBurstLimit"}
    given = environments(template)
    for function in ("Notify", "WebsocketMessage"):
        assert given[function]["WEBSOCKET_ENDPOINT"]["Fn::Sub"].endswith("/" + stage["StageName"])
    assert given["APIHandler"]["WEBSOCKET_URL"] == template["Outputs"]["WebSocketUrl"]["Value"]


def test_a_dead_letter_is_read_before_it_is_parked_even_where_its_count_goes_on(template: Template) -> None:
    parameters = template["Parameters"]
    assert parameters["MaxReceiveCount"]["MaxValue"] < parameters["ParkReceiveCount"]["Default"]


def environments(template: Template) -> dict[str, Template]:
    """The variables of each function."""
    functions = of_type(template["Resources"], "AWS::Serverless::Function")
    shared = template["Globals"]["Function"]["Environment"]["Variables"]
    return {
        name: {**shared, **properties.get("Environment", {}).get("Variables", {})}
        for name, properties in functions.items()
    }


def test_the_functions_get_exactly_the_variables_that_the_settings_read(template: Template) -> None:
    given = {variable for variables in environments(template).values() for variable in variables}
    assert given == {setting.name for setting in SETTINGS} - {"AWS_REGION"}


def test_every_function_gets_the_variables_without_which_there_are_no_settings(template: Template) -> None:
    needed = {setting.name for setting in SETTINGS if setting.required}
    for function, variables in environments(template).items():
        assert needed <= variables.keys(), function


def test_the_environment_of_no_function_outgrows_what_lambda_takes(template: Template) -> None:
    for function, variables in environments(template).items():
        size = sum(len(name) + longest(template, value) for name, value in variables.items())
        assert size < ENVIRONMENT_BYTES, function


def longest(template: Template, value: Any) -> int:
    """How long a variable may well become: parameters as they are by default, but with room for what has none."""
    parameter = template["Parameters"].get(value.get("Ref")) if isinstance(value, dict) else None
    return max(len(str(parameter.get("Default", ""))), USUAL_TEXT) if parameter else LONGEST_ADDRESS


def test_parameters_and_settings_have_the_same_defaults(template: Template) -> None:
    given = {name: value for variables in environments(template).values() for name, value in variables.items()}
    for setting in SETTINGS:
        parameter = template["Parameters"].get(given.get(setting.name, {}).get("Ref"))
        if parameter is not None and "Default" in parameter:
            same = setting.read({setting.name: str(parameter["Default"])}) == setting.default
            assert same != (setting.field in SHARED), setting.name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("JobTtlSeconds", {"Type": "Number", "Default": "86400", "MinValue": 60, "MaxValue": 2_592_000}),
        ("RetryBaseSeconds", {"Type": "Number", "Default": "1", "MinValue": 0, "MaxValue": 60}),
        ("AuthMode", {"Type": "String", "Default": "none", "AllowedValues": ["iam", "jwt", "none"]}),
        ("S3ForcePathStyle", {"Type": "String", "Default": "false", "AllowedValues": ["true", "false"]}),
        ("AuthAlgorithms", {"Type": "String", "Default": "RS256,ES256"}),
        ("SourceBucket", {"Type": "String", "MinLength": 1}),
        ("S3SecretAccessKey", {"Type": "String", "Default": "", "NoEcho": True}),
    ],
)
def test_a_setting_becomes_a_parameter_with_its_range(template: Template, name: str, expected: Template) -> None:
    parameter = dict(template["Parameters"][name])
    assert parameter.pop("Description").endswith(".")
    assert parameter == expected


def test_a_large_number_survives_as_text(template: Template) -> None:
    """Transforms pass a template through JSON, where other writers turn large numbers into 5.36870912E13."""
    large = [
        (name, value)
        for name, parameter in template["Parameters"].items()
        for key, value in parameter.items()
        if key not in ("MinValue", "MaxValue") and isinstance(value, int | float) and value >= 10_000_000
    ]
    assert not large
    assert template["Parameters"]["ArchiveMaxBytes"]["Default"] == "53687091200000"
    numbers = [value for value in leaves(template["Resources"]) if isinstance(value, int | float)]
    assert numbers and max(numbers) < 10_000_000


def test_what_each_function_needs_at_its_first_call_is_known(resources: dict[str, Template]) -> None:
    functions = of_type(resources, "AWS::Serverless::Function").values()
    assert {function["Handler"] for function in functions} == {f"app.{name}" for name in FIRST_CALLS}


def test_every_function_keeps_its_logs_for_a_while_in_a_group_of_its_own(resources: dict[str, Template]) -> None:
    functions = of_type(resources, "AWS::Serverless::Function")
    groups = [properties["LoggingConfig"]["LogGroup"]["Ref"] for properties in functions.values()]
    assert sorted([*groups, "AccessLog"]) == sorted(of_type(resources, "AWS::Logs::LogGroup"))
    for group in of_type(resources, "AWS::Logs::LogGroup"):
        assert resources[group]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


@pytest.mark.parametrize(("mode", "unsigned"), [("none", 404), ("jwt", 404), ("iam", 401)])
def test_the_gateway_answers_in_the_shape_of_every_other_error(template: Template, mode: str, unsigned: int) -> None:
    body = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    conditions = {"IamAuth"} if mode == "iam" else set[str]()
    responses = chosen(body["x-amazon-apigateway-gateway-responses"], conditions)
    assert responses["MISSING_AUTHENTICATION_TOKEN"]["statusCode"] == unsigned
    assert responses["REQUEST_TOO_LARGE"]["statusCode"] == 413
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "THROTTLED", "INTEGRATION_TIMEOUT"} <= responses.keys()
    for response in responses.values():
        body = json.loads(response["responseTemplates"]["application/json"])
        assert body["status"] == response["statusCode"]
        assert body["requestId"] == "$context.requestId"
        assert {"type", "title", "detail", "instance", "error", "message"} <= body.keys()
        headers = {
            name.removeprefix("gatewayresponse.header."): value
            for name, value in response["responseParameters"].items()
        }
        assert headers["Content-Type"] == "'application/problem+json'"
        assert headers["X-Request-ID"] == "context.requestId"
        assert {"Access-Control-Allow-Origin", "X-Content-Type-Options"} <= headers.keys()
        assert "Content-Security-Policy" not in headers
        assert ("Retry-After" in headers) == (response["statusCode"] in (429, 503, 504))


@pytest.mark.parametrize(
    ("origins", "expected"),
    [
        ("*", "'*'"),
        ("https://app.example.com", "'https://app.example.com'"),
        ("https://a.example.com,https://b.example.com", "'https://a.example.com'"),
    ],
)
def test_headers_of_the_gateway_are_fixed_texts_in_single_quotes_with_no_quote_inside(
    template: Template, origins: str, expected: str
) -> None:
    """How API Gateway would read a quote inside of one is documented nowhere."""
    stack = Stack(template, CorsOrigins=origins)
    body = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    for response in stack(body["x-amazon-apigateway-gateway-responses"]).values():
        headers = response["responseParameters"]
        assert headers["gatewayresponse.header.Access-Control-Allow-Origin"] == expected
        for name, value in headers.items():
            assert re.fullmatch(r"'[^']*'|context\.requestId", value), name


def test_the_outputs_tell_where_everything_is(template: Template) -> None:
    wanted = {
        "ApiUrl",
        "SourceBucket",
        "ArchiveBucket",
        "Table",
        "Region",
        "StackName",
        "DispatchQueueUrl",
        "CheckQueueUrl",
        "WebSocketUrl",
        "WebhookQueueUrl",
        "WebhookDeadLettersUrl",
        "NotifyDeadLettersUrl",
    }
    assert wanted <= template["Outputs"].keys()
