"""What an operator may add: a host name, a key, a VPC. Nothing of it is there unless it is asked for."""

from __future__ import annotations

import pytest
import yaml

from infra.dependencies import REPOSITORY
from tests.infra.conftest import Template
from tests.infra.test_roles import ROLES
from tests.support.templates import chosen

KEY = {"Ref": "DataKmsKeyArn"}
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
        "LinkDataKeyRights": "HasDataKey",
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


def test_every_function_may_use_the_key_and_links_may_only_read_with_it(resources: dict[str, Template]) -> None:
    functions, links = resources["DataKeyRights"]["Properties"], resources["LinkDataKeyRights"]["Properties"]
    assert sorted(role["Ref"] for role in functions["Roles"]) == sorted(ROLES.values())
    assert links["Roles"] == [{"Ref": "LinkRole"}]
    assert links["PolicyDocument"]["Statement"][0]["Action"] == "kms:Decrypt"


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
    assert "ManagedPolicyArns" not in plain
    (policy,) = inside["ManagedPolicyArns"]
    assert policy["Fn::Sub"].endswith(":policy/service-role/AWSLambdaENIManagementAccess")


def test_no_rule_of_checkov_is_left_out_without_a_reason() -> None:
    text = (REPOSITORY / "infra" / "checkov.yaml").read_text()
    skipped = yaml.safe_load(text)["skip-check"]
    given = [line.partition("#") for line in text.splitlines() if line.strip().startswith("- CKV")]
    assert [rule.strip("- ") for rule, _, _ in given] == skipped
    assert all(len(reason) > 20 for _, _, reason in given)
