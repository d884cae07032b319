"""What an operator may add: a host name, a key, a VPC. Nothing of it is there unless it is asked for."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from infra.dependencies import REPOSITORY
from infra.package import POLLED, Package
from tests.infra.conftest import Template
from tests.infra.test_roles import ROLES, statements
from tests.support.cloudformation import Stack
from tests.support.sam import sam_transformed
from tests.support.templates import chosen

KEY = {"Ref": "DataKmsKeyArn"}
DOMAIN = {"DomainName": "downloads.example.com", "CertificateArn": "arn:aws:acm:eu-central-1:1:certificate/1"}
KEY_OF = {
    "AWS::SQS::Queue": "KmsMasterKeyId",
    "AWS::SNS::Topic": "KmsMasterKeyId",
    "AWS::Logs::LogGroup": "KmsKeyId",
    "AWS::SecretsManager::Secret": "KmsKeyId",
}


@pytest.mark.parametrize(
    "option", ["DomainName", "CertificateArn", "DataKmsKeyArn", "VpcSubnetIds", "VpcSecurityGroupIds"]
)
def test_nothing_of_it_has_to_be_given(template: Template, option: str) -> None:
    assert template["Parameters"][option]["Default"] == ""


def test_conditional_resources_are_those_of_the_options(resources: dict[str, Template]) -> None:
    assert {name: found["Condition"] for name, found in resources.items() if "Condition" in found} == {
        "AlarmTopic": "MakesAlarmTopic",
        "DataKeyRights": "HasDataKey",
        "AccessLog": "LogsAccess",
        "Domain": "HasDomain",
        "DomainMapping": "HasDomain",
    }


def test_a_host_name_is_where_clients_and_links_go(template: Template) -> None:
    own, plain = chosen(template, {"HasDomain"}), chosen(template, set())
    address = {"Fn::Sub": "https://${DomainName}"}
    assert own["Outputs"]["ApiUrl"]["Value"] == address
    assert "execute-api" in plain["Outputs"]["ApiUrl"]["Value"]["Fn::Sub"]
    variables = own["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["PUBLIC_URL"] == address
    assert plain["Globals"]["Function"]["Environment"]["Variables"]["PUBLIC_URL"] == ""
    given = chosen(template, {"HasDomain", "HasPublicUrl"})["Globals"]["Function"]["Environment"]["Variables"]
    assert given["PUBLIC_URL"] == {"Ref": "PublicUrl"}


def test_a_host_name_needs_a_certificate(template: Template) -> None:
    rule = template["Rules"]["DomainHasCertificate"]
    assert "CertificateArn" in rule["Assertions"][0]["AssertDescription"]
    domain = template["Resources"]["Domain"]["Properties"]
    assert (domain["SecurityPolicy"], domain["EndpointConfiguration"]) == ("TLS_1_2", {"Types": ["REGIONAL"]})
    assert template["Resources"]["DomainMapping"]["Properties"]["Stage"] == {"Ref": "RestAPI.Stage"}


@pytest.mark.parametrize(("kind", "key"), KEY_OF.items())
def test_a_key_encrypts_whatever_is_stored(template: Template, kind: str, key: str) -> None:
    own, plain = chosen(template, {"HasDataKey"}), chosen(template, set())
    stored = [name for name, found in own["Resources"].items() if found["Type"] == kind]
    assert stored
    for name in stored:
        assert own["Resources"][name]["Properties"][key] == KEY, name
        assert key not in plain["Resources"][name]["Properties"], name


def test_a_queue_has_a_key_or_is_encrypted_by_sqs_and_never_both(template: Template) -> None:
    for conditions, by_sqs in (({"HasDataKey"}, False), (set[str](), True)):
        for found in chosen(template, conditions)["Resources"].values():
            if found["Type"] == "AWS::SQS::Queue":
                assert found["Properties"]["SqsManagedSseEnabled"] is by_sqs


def test_a_key_encrypts_the_table_and_the_archives(template: Template) -> None:
    own = chosen(template, {"HasDataKey"})["Resources"]
    assert own["Table"]["Properties"]["SSESpecification"] == {
        "SSEEnabled": True,
        "SSEType": "KMS",
        "KMSMasterKeyId": KEY,
    }
    (rule,) = own["ArchiveBucket"]["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["BucketKeyEnabled"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}


def test_a_key_encrypts_the_functions_environments(template: Template) -> None:
    assert chosen(template, {"HasDataKey"})["Globals"]["Function"]["KmsKeyArn"] == KEY
    assert "KmsKeyArn" not in chosen(template, set())["Globals"]["Function"]


@pytest.mark.parametrize("role", ROLES.values())
def test_every_function_may_use_the_key_before_it_is_first_called(template: Template, role: str) -> None:
    """A policy that is attached to a role afterwards may come after the function's first call."""
    own = chosen(template, {"HasDataKey"})["Resources"][role]["Properties"]["ManagedPolicyArns"]
    assert own == [{"Ref": "DataKeyRights"}]


def test_rights_on_the_key_are_as_wide_as_its_users_need_and_links_may_only_read(
    resources: dict[str, Template],
) -> None:
    direct, by_table = resources["DataKeyRights"]["Properties"]["PolicyDocument"]["Statement"]
    assert direct["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    # docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    assert {*direct["Action"], *by_table["Action"]} >= {
        *("kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
        *("kms:GenerateDataKey", "kms:DescribeKey", "kms:CreateGrant"),
    }
    service = {"Fn::Sub": "dynamodb.${AWS::Region}.${AWS::URLSuffix}"}
    assert by_table["Condition"] == {"StringEquals": {"kms:ViaService": service}}
    of_links = [found for found in statements(resources, "LinkRole") if found["Resource"] == KEY]
    assert [found["Action"] for found in of_links] == ["kms:Decrypt"]


def test_all_functions_are_in_the_vpc_or_none(template: Template) -> None:
    functions = chosen(template, {"InVpc"})["Globals"]["Function"]
    assert functions["VpcConfig"] == {
        "SubnetIds": {"Ref": "VpcSubnetIds"},
        "SecurityGroupIds": {"Ref": "VpcSecurityGroupIds"},
    }
    assert "VpcConfig" not in chosen(template, set())["Globals"]["Function"]


@pytest.mark.parametrize("role", ROLES.values())
def test_roles_may_make_network_interfaces_only_in_a_vpc(template: Template, role: str) -> None:
    plain, inside = (chosen(template, which)["Resources"][role]["Properties"] for which in (set(), {"InVpc"}))
    assert plain["ManagedPolicyArns"] == []
    (policy,) = inside["ManagedPolicyArns"]
    assert policy["Fn::Sub"].endswith(":policy/service-role/AWSLambdaENIManagementAccess")


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({}, []),
        ({"VpcSubnetIds": "subnet-1,subnet-2", "VpcSecurityGroupIds": "sg-1"}, []),
        ({"VpcSubnetIds": "subnet-1"}, ["VpcSubnetIds needs VpcSecurityGroupIds: Lambda takes both or neither"]),
        ({"DomainName": "a.example", "CertificateArn": "arn:1"}, []),
        ({"DomainName": "a.example"}, ["DomainName needs CertificateArn, a certificate in this region"]),
        ({"AuthMode": "none"}, ["AuthMode none lets anyone call: set it to jwt or iam, or set AllowAnonymous=true"]),
        ({"AuthMode": "jwt", "AuthIssuer": "https://i"}, ["AuthMode jwt needs AuthIssuer and AuthAudience"]),
    ],
)
def test_parameters_that_need_each_other_are_refused_apart(
    template: Template, parameters: dict[str, str], why: list[str]
) -> None:
    assert Stack(template, **{"AuthMode": "iam", **parameters}).broken_rules() == why


def test_rules_use_no_function_that_rules_do_not_know(template: Template) -> None:
    """docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-rules.html"""
    known = {
        "And",
        "Contains",
        "EachMemberEquals",
        "EachMemberIn",
        "Equals",
        "Not",
        "Or",
        "RefAll",
        "ValueOf",
        "ValueOfAll",
    }
    used = set(re.findall(r'"Fn::(\w+)"', json.dumps(template["Rules"])))
    assert used <= known


@pytest.mark.parametrize(
    ("parameters", "closed"),
    [({}, False), (DOMAIN, True), ({**DOMAIN, "KeepExecuteApi": "true"}, False)],
)
def test_where_there_is_a_domain_nothing_gets_around_what_guards_it(
    packaged: Package, parameters: dict[str, str], closed: bool
) -> None:
    template = packaged.template_with_code("s3://artifacts/code.zip", "settings")
    made = sam_transformed(template, {"SourceBucket": "files", **parameters})
    body = Stack(made, **parameters).properties("RestAPI")["Body"]
    assert body["x-amazon-apigateway-endpoint-configuration"] == {"disableExecuteApiEndpoint": closed}


# --- access logs --------------------------------------------------------------------------


def formats(template: Template, **parameters: str) -> list[Template]:
    """The settings of both stages' access logs."""
    stack = Stack(template, **parameters)
    settings = [
        stack.properties("RestAPI").get("AccessLogSetting"),
        stack.properties("WebsocketAPIStage").get("AccessLogSettings"),
    ]
    return [found for found in settings if found is not None]


def test_requests_that_reach_no_function_leave_a_trace_without_their_query(template: Template) -> None:
    rest, websocket = formats(template)
    for found in (rest, websocket):
        assert found["DestinationArn"] == "arn:aws:logs:eu-central-1:111122223333:log-group:<AccessLog>"
        variables = set(re.findall(r"\$(context[\w.]+)", found["Format"]))
        assert {"context.requestId", "context.status", "context.identity.sourceIp"} <= variables
        # A ticket is in the query, and so in whatever holds a whole URL or all parameters.
        assert not [name for name in variables if re.search(r"query|params|url|uri|message|header", name, re.I)]
        assert json.loads(found["Format"]).keys() >= {"time", "requestId", "status", "error"}
        assert len(found["Format"]) < 3000  # docs.aws.amazon.com/apigateway/latest/developerguide/limits.html


def test_access_logs_are_a_choice_since_the_account_needs_a_role_for_them(template: Template) -> None:
    assert Stack(template).exists("AccessLog")
    assert formats(template, AccessLogs="false") == []
    assert not Stack(template, AccessLogs="false").exists("AccessLog")


def test_no_rule_of_checkov_is_left_out_without_a_reason() -> None:
    text = (REPOSITORY / "infra" / "checkov.yaml").read_text()
    skipped = yaml.safe_load(text)["skip-check"]
    given = [line.partition("#") for line in text.splitlines() if line.strip().startswith("- CKV")]
    assert [rule.strip("- ") for rule, _, _ in given] == skipped
    assert all(len(reason) > 20 for _, _, reason in given)


# --- pollers of the work queues ---------------------------------------------------------


@pytest.mark.parametrize("pollers", ["0", "3"])
def test_queues_have_pollers_of_their_own_or_a_limit_of_concurrency_and_never_both(
    packaged: Package, pollers: str
) -> None:
    parameters = {"SourceBucket": "files", "ProvisionedPollers": pollers}
    template = packaged.template_with_code("s3://artifacts/code.zip", "settings")
    stack = Stack(sam_transformed(template, parameters), **parameters)
    for function, event in POLLED.items():
        mapping = stack.properties(f"{function}{event}")
        kept = {key: str(value) for key, value in mapping.get("ProvisionedPollerConfig", {}).items()}
        assert kept == ({} if pollers == "0" else {"MinimumPollers": pollers, "MaximumPollers": pollers})
        assert ("ScalingConfig" in mapping) == (pollers == "0")
