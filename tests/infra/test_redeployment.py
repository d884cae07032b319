"""A stage serves a snapshot of its API: whatever changes the API makes another deployment, and nothing else does."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from infra.package import Package
from tests.infra.conftest import Template
from tests.support.sam import of_type, sam_transformed

GIVEN = {"Stage": "prod", "SourceBucket": "files"}
KINDS = ("AWS::ApiGateway::Deployment", "AWS::ApiGatewayV2::Deployment")


def uploaded(packaged: Package, **parameters: str) -> Template:
    """The template as `make deploy` uploads it with these parameters."""
    settings = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()[:16]
    return packaged.template_with_code("s3://artifacts/code.zip", settings)


def deployments(template: Template, **parameters: str) -> list[str]:
    """The logical ids of the REST API's and the WebSocket API's deployment."""
    made = sam_transformed(template, {**GIVEN, **parameters})
    return [name for kind in KINDS for name in of_type(made, kind)]


def test_a_change_of_auth_mode_reaches_both_stages(packaged: Package) -> None:
    modes: list[dict[str, str]] = [{"AuthMode": mode} for mode in ("none", "jwt", "iam")]
    rest, websocket = zip(*(deployments(uploaded(packaged, **mode), **mode) for mode in modes), strict=True)
    assert len(set(rest)) == len(set(websocket)) == len(modes)


def test_any_parameter_that_a_stage_serves_by_its_snapshot_makes_a_new_one(packaged: Package) -> None:
    changes: list[dict[str, str]] = [
        {"CorsOrigins": "https://app.example.com"},
        {"DomainName": "downloads.example.com", "CertificateArn": "arn:aws:acm:eu-central-1:1:certificate/1"},
    ]
    plain = deployments(uploaded(packaged))
    for change in changes:
        changed = deployments(uploaded(packaged, **change), **change)
        assert not set(plain) & set(changed), change


def test_the_same_parameters_keep_both_deployments(packaged: Package) -> None:
    assert deployments(uploaded(packaged)) == deployments(uploaded(packaged))
    other_code = packaged.template_with_code("s3://artifacts/other.zip", "settings")
    assert deployments(packaged.template_with_code("s3://artifacts/code.zip", "settings")) == deployments(other_code)


@pytest.mark.parametrize(
    ("resource", "change"),
    [
        ("RestAPI", {"MinimumCompressionSize": 1}),  # not a part of the document that SAM makes an id of
        ("RestAPI", {"BinaryMediaTypes": ["image/png"]}),
        ("WebsocketMessageAPIIntegration", {"TimeoutInMillis": 1000}),
        ("WebsocketConnectRoute", {"AuthorizationType": "AWS_IAM"}),
    ],
)
def test_a_release_that_changes_an_api_deploys_it(packaged: Package, resource: str, change: dict[str, Any]) -> None:
    package = changed(packaged, resource, change)
    before, after = (deployments(uploaded(made)) for made in (packaged, package))
    assert before != after


def changed(packaged: Package, resource: str, change: dict[str, Any]) -> Package:
    """The package of a release in which properties of a resource differ."""
    document = json.loads(packaged.template.read_text(encoding="utf-8"))
    document["Resources"][resource]["Properties"] |= change
    other = packaged.template.with_name("template-changed.json")
    other.write_text(json.dumps(document), encoding="utf-8")
    return Package(other, packaged.code, packaged.digest, built=False)


def test_a_stage_serves_the_newest_deployment_of_its_api(packaged: Package) -> None:
    made = sam_transformed(uploaded(packaged), GIVEN)
    for deployment, stage in zip(KINDS, ("AWS::ApiGateway::Stage", "AWS::ApiGatewayV2::Stage"), strict=True):
        (name,) = of_type(made, deployment)
        (found,) = of_type(made, stage).values()
        assert found["Properties"]["DeploymentId"] == {"Ref": name}
    (websocket,) = of_type(made, KINDS[1]).values()
    assert set(websocket["DependsOn"]) == of_type(made, "AWS::ApiGatewayV2::Route").keys()


def test_there_is_one_stage_and_the_function_answers_no_other(packaged: Package) -> None:
    made = sam_transformed(uploaded(packaged), GIVEN)
    (stage,) = of_type(made, "AWS::ApiGateway::Stage").values()
    for kind in KINDS:
        (deployment,) = of_type(made, kind).values()
        assert "StageName" not in deployment["Properties"]  # which would make a stage of its own
    source, _ = made["Resources"]["APIHandlerInvokePermission"]["Properties"]["SourceArn"]["Fn::Sub"]
    assert source.endswith("${RestAPIId}/" + stage["Properties"]["StageName"] + "/*")
