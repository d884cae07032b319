"""One least-privilege role per function."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from chalicelib.aws.s3_links import SESSION_SECONDS
from tests.infra.conftest import Template
from tests.support.cloudformation import Stack

ROLES = {
    "APIHandler": "ApiRole",
    "Assemble": "AssembleRole",
    "Check": "CheckRole",
    "DeadLetters": "DeadLettersRole",
    "Dispatch": "DispatchRole",
    "Notify": "NotifyRole",
    "Sweep": "SweepRole",
    "Webhook": "WebhookRole",
    "WebsocketConnect": "WebsocketConnectRole",
    "WebsocketDisconnect": "WebsocketDisconnectRole",
    "WebsocketMessage": "WebsocketMessageRole",
}
READ_NO_FILES = sorted(
    {"DeadLettersRole", "DispatchRole", "SweepRole"}
    | {role for function, role in ROLES.items() if function.startswith(("Notify", "We"))}
)
SOURCE = {"Fn::Sub": "arn:${AWS::Partition}:s3:::${SourceBucket}"}
NUMBERED_FILES = {
    "Fn::Join": [
        "",
        [
            {"Fn::Sub": "arn:${AWS::Partition}:s3:::${SourceBucket}/"},
            {"Fn::Join": ["*", {"Fn::Split": ["{file_id}", {"Ref": "S3KeyTemplate"}]}]},
        ],
    ]
}
FILES = [{"Fn::Sub": "arn:${AWS::Partition}:s3:::${SourceBucket}/${S3AllowedPrefix}*"}, NUMBERED_FILES]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def policies(resources: dict[str, Template], role: str) -> Iterator[Template]:
    """The role's own policies and those that are attached to it."""
    yield from resources[role]["Properties"]["Policies"]
    for option in resources[role]["Properties"].get("ManagedPolicyArns", []):  # AWS's own for a VPC: test_options.py
        _, attached, _ = option["Fn::If"]
        if attached.get("Ref") in resources:
            yield resources[attached["Ref"]]["Properties"]
    for found in resources.values():
        if found["Type"] == "AWS::IAM::Policy" and {"Ref": role} in found["Properties"]["Roles"]:
            yield found["Properties"]


def statements(resources: dict[str, Template], role: str) -> Iterator[Template]:
    for policy in policies(resources, role):
        for statement in policy["PolicyDocument"]["Statement"]:
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def actions(resources: dict[str, Template], role: str) -> set[str]:
    return {action for statement in statements(resources, role) for action in as_list(statement["Action"])}


def resources_of(resources: dict[str, Template], role: str, action: str) -> list[Any]:
    found = [as_list(s["Resource"]) for s in statements(resources, role) if action in as_list(s["Action"])]
    return [resource for group in found for resource in group]


def queues_of(resources: dict[str, Template], role: str, action: str) -> list[str]:
    return sorted(found["Fn::GetAtt"][0] for found in resources_of(resources, role, action))


def test_every_function_has_a_role_of_its_own(resources: dict[str, Template]) -> None:
    functions = {name: found for name, found in resources.items() if found["Type"] == "AWS::Serverless::Function"}
    given = {name: found["Properties"]["Role"] for name, found in functions.items()}
    assert given == {name: {"Fn::GetAtt": [role, "Arn"]} for name, role in ROLES.items()}


@pytest.mark.parametrize("role", ROLES.values())
def test_no_role_has_a_wildcard(resources: dict[str, Template], role: str) -> None:
    assert not [action for action in actions(resources, role) if "*" in action]
    for statement in statements(resources, role):
        for resource in as_list(statement["Resource"]):
            # Every resource is one of this stack, or what is served of the source bucket, or the key that was named.
            assert isinstance(resource, dict), resource
            assert resource.keys() <= {"Fn::GetAtt", "Fn::Sub", "Ref"} or resource == NUMBERED_FILES
            assert "${" in resource.get("Fn::Sub", "${"), resource


@pytest.mark.parametrize("role", ["ApiRole", "AssembleRole", "CheckRole"])
def test_readers_may_list_the_source_or_they_could_not_tell_missing_from_forbidden(
    resources: dict[str, Template], role: str
) -> None:
    assert SOURCE in resources_of(resources, role, "s3:ListBucket")


@pytest.mark.parametrize("role", ROLES.values())
def test_nobody_writes_to_the_source(resources: dict[str, Template], role: str) -> None:
    on_source = {
        action
        for statement in statements(resources, role)
        for action in as_list(statement["Action"])
        if any("${SourceBucket}" in str(resource) for resource in as_list(statement["Resource"]))
    }
    assert on_source <= {"s3:GetObject", "s3:GetObjectAttributes", "s3:ListBucket"}


@pytest.mark.parametrize("role", sorted(set(ROLES.values()) - {"AssembleRole"}))
def test_only_the_assembler_writes_to_a_bucket_at_all(resources: dict[str, Template], role: str) -> None:
    allowed = {action for action in actions(resources, role) if action.startswith("s3:")}
    assert allowed <= {"s3:GetObject", "s3:ListBucket"}


@pytest.mark.parametrize("role", READ_NO_FILES)
def test_whoever_reads_no_files_has_no_rights_on_the_store(resources: dict[str, Template], role: str) -> None:
    assert not {action for action in actions(resources, role) if action.startswith("s3:")}
    assert resources_of(resources, role, "kms:Decrypt") == [{"Ref": "DataKmsKeyArn"}]  # its own key, not the source's


# --- the source ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "action"),
    [
        *((role, "s3:GetObject") for role in ("ApiRole", "CheckRole", "AssembleRole", "LinkRole")),
        ("AssembleRole", "s3:GetObjectAttributes"),
    ],
)
@pytest.mark.parametrize(
    ("prefix", "template_", "served", "not_served"),
    [
        ("downloads/", "downloads/{file_id}.zip", ["downloads/1.zip", "downloads/a/b"], ["secret", "downloads-2/x"]),
        # Numbered files may lie outside the prefix: they are read by their number only.
        ("shared/", "files/{file_id}.zip", ["shared/x", "files/70000.zip"], ["files/list.csv", "downloads/1.zip"]),
    ],
)
def test_those_who_read_files_read_what_is_served_and_nothing_else(  # noqa: PLR0913 - two tables
    template: Template,
    role: str,
    action: str,
    prefix: str,
    template_: str,
    served: list[str],
    not_served: list[str],
) -> None:
    stack = Stack(template, SourceBucket="files", S3AllowedPrefix=prefix, S3KeyTemplate=template_)
    found = resources_of(template["Resources"], role, action)
    allowed = [stack(one) for one in found if "${SourceBucket}" in str(one)]

    def may_read(key: str) -> bool:
        return any(fnmatchcase(f"arn:aws:s3:::files/{key}", pattern) for pattern in allowed)

    assert all(map(may_read, served))
    assert not any(map(may_read, not_served))


@pytest.mark.parametrize("role", ["ApiRole", "AssembleRole", "CheckRole"])
def test_listings_end_at_the_prefix_and_single_requests_name_none(resources: dict[str, Template], role: str) -> None:
    """S3 wants s3:ListBucket for HEADs, too, or answers 403 for an absent key; there is no prefix in those."""
    (listing,) = [found for found in statements(resources, role) if found["Resource"] == SOURCE]
    assert listing["Condition"] == {"StringLikeIfExists": {"s3:prefix": {"Fn::Sub": "${S3AllowedPrefix}*"}}}


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("S3AllowedPrefix", "downloads/", True),
        ("S3AllowedPrefix", "downloads", False),  # would let downloads-internal/ be read
        ("S3AllowedPrefix", "", False),
        ("S3AllowedPrefix", "*/", False),
        ("S3KeyTemplate", "downloads/{file_id}.zip", True),
        ("S3KeyTemplate", "*{file_id}", False),
        ("S3KeyTemplate", "${aws:username}/{file_id}", False),
        ("CorsOrigins", "*", True),
        ("CorsOrigins", "https://a.example,https://b.example", True),
        ("CorsOrigins", "https://a.example, https://b.example", False),
        ("CorsOrigins", "https://a.example,*", False),
        ("CorsOrigins", "https://'", False),
    ],
)
def test_names_that_become_a_part_of_something_else_hold_nothing_that_means_more_there(
    template: Template, name: str, value: str, taken: bool
) -> None:
    assert bool(re.fullmatch(template["Parameters"][name]["AllowedPattern"], value)) == taken


@pytest.mark.parametrize(
    ("role", "queues"),
    [
        ("ApiRole", ["AssemblyQueue", "CheckQueue", "DispatchQueue"]),
        ("DispatchRole", ["AssemblyQueue", "CheckQueue", "UnreadableQueue"]),
        ("CheckRole", ["AssemblyQueue", "CheckQueue", "UnreadableQueue"]),
        ("AssembleRole", ["AssemblyQueue", "UnreadableQueue"]),
        ("DeadLettersRole", ["AssemblyQueue", "CheckQueue", "DispatchQueue", "UnreadableQueue"]),
        ("SweepRole", ["AssemblyQueue", "CheckQueue", "DispatchQueue"]),
        ("NotifyRole", ["NotifyDeadLetters", "WebhookQueue"]),
        ("WebhookRole", ["UnreadableQueue", "WebhookDeadLetters"]),
    ],
)
def test_messages_are_sent_only_where_the_flow_leads(
    resources: dict[str, Template], role: str, queues: list[str]
) -> None:
    assert queues_of(resources, role, "sqs:SendMessage") == queues


@pytest.mark.parametrize(
    ("role", "queues"),
    [
        ("ApiRole", []),
        ("DispatchRole", ["DispatchQueue"]),
        ("CheckRole", ["CheckQueue"]),
        ("AssembleRole", ["AssemblyQueue"]),
        ("DeadLettersRole", ["AssemblyDeadLetters", "CheckDeadLetters", "DispatchDeadLetters"]),
        ("SweepRole", []),
        ("WebhookRole", ["WebhookQueue"]),
    ],
)
def test_each_worker_receives_from_its_own_queues(resources: dict[str, Template], role: str, queues: list[str]) -> None:
    for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"):
        assert queues_of(resources, role, action) == queues


@pytest.mark.parametrize("role", ROLES.values())
def test_only_those_who_push_may_reach_open_connections_and_only_to_post(
    resources: dict[str, Template], role: str
) -> None:
    reached = [found["Fn::Sub"] for found in resources_of(resources, role, "execute-api:ManageConnections")]
    assert bool(reached) == (role in ("NotifyRole", "WebsocketMessageRole"))
    assert all("${WebsocketAPI}/api/POST/@connections/" in found for found in reached)


@pytest.mark.parametrize("role", ROLES.values())
def test_only_those_who_notify_follow_the_tables_stream(resources: dict[str, Template], role: str) -> None:
    assert ("dynamodb:GetRecords" in actions(resources, role)) == (role == "NotifyRole")


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("NotifyRole", {"Query", "UpdateItem", "DeleteItem"}),
        ("WebhookRole", {"GetItem", "PutItem", "UpdateItem"}),
        ("WebsocketConnectRole", {"PutItem", "UpdateItem"}),
        ("WebsocketMessageRole", {"GetItem", "PutItem", "UpdateItem", "DeleteItem"}),
        ("WebsocketDisconnectRole", {"DeleteItem"}),
    ],
)
def test_those_who_tell_of_jobs_do_no_more_to_the_table_than_that_takes(
    resources: dict[str, Template], role: str, allowed: set[str]
) -> None:
    on_table = [
        as_list(statement["Action"])
        for statement in statements(resources, role)
        if statement["Resource"] == {"Fn::GetAtt": ["Table", "Arn"]}
    ]
    assert {action for group in on_table for action in group} == {f"dynamodb:{name}" for name in allowed}


@pytest.mark.parametrize(("function", "role"), ROLES.items())
def test_each_function_writes_to_its_own_log(resources: dict[str, Template], function: str, role: str) -> None:
    group = resources[function]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
    assert resources_of(resources, role, "logs:PutLogEvents") == [{"Fn::GetAtt": [group, "Arn"]}]


# --- links ----------------------------------------------------------------------------


def test_whoever_has_a_links_credential_can_read_files_and_archives_and_nothing_else(
    resources: dict[str, Template],
) -> None:
    assert actions(resources, "LinkRole") == {"s3:GetObject", "kms:Decrypt"}
    archives = {"Fn::Sub": "${ArchiveBucket.Arn}/archives/*"}
    assert resources_of(resources, "LinkRole", "s3:GetObject") == [*FILES, archives]


def test_only_the_api_signs_links(resources: dict[str, Template]) -> None:
    (trusted,) = resources["LinkRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trusted["Principal"] == {"AWS": {"Fn::GetAtt": ["ApiRole", "Arn"]}}
    assert trusted["Action"] == "sts:AssumeRole"
    may = {role for role in ROLES.values() if resources_of(resources, role, "sts:AssumeRole")}
    assert may == {"ApiRole"}
    assert resources_of(resources, "ApiRole", "sts:AssumeRole") == [{"Fn::GetAtt": ["LinkRole", "Arn"]}]
    given = resources["APIHandler"]["Properties"]["Environment"]["Variables"]["LINK_ROLE_ARN"]
    assert given == {"Fn::GetAtt": ["LinkRole", "Arn"]}


def test_a_session_for_links_lasts_as_long_as_is_asked_for(resources: dict[str, Template]) -> None:
    assert resources["LinkRole"]["Properties"]["MaxSessionDuration"] == SESSION_SECONDS


def test_roles_name_indexes_that_exist(resources: dict[str, Template]) -> None:
    indexes = {index["IndexName"] for index in resources["Table"]["Properties"]["GlobalSecondaryIndexes"]}
    assert set(re.findall(r"/index/(\w+)", str(resources))) == indexes


def test_secrets_are_read_and_never_written(resources: dict[str, Template]) -> None:
    for role in ROLES.values():
        allowed = {action for action in actions(resources, role) if action.startswith("secretsmanager:")}
        assert allowed <= {"secretsmanager:GetSecretValue"}
    assert resources_of(resources, "ApiRole", "secretsmanager:GetSecretValue") == [{"Fn::GetAtt": ["Secret", "Id"]}]
